"""What a `tf.data.Dataset` remembers: whether it may be read by others, and gives the same when it is begun again.

A shuffle with a seed gives another order each time that it is begun, so it must be begun as often as it was. An
operation that draws random numbers by a seed begins anew each time. What draws by a variable, such as the seed of a
layer or a `tf.random.Generator`, goes on from where the variable is.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import tensorflow as tf
from tensorflow.python.eager import context
from tensorflow.python.framework import config, op_def_registry

_PYTHON = ("PyFunc", "EagerPyFunc", "PyFuncStateless", "GeneratorDataset")
HARMLESS = (
    "Assert", "Placeholder", "PrintV2", "ReadVariableOp", "VarHandleOp", "HashTableV2", "LookupTableFindV2",
    "LookupTableSizeV2", "StatefulPartitionedCall", "If", "Case", "While",
)  # fmt: skip
"""These say, read or call; what is called is looked at by itself."""


class _Step(NamedTuple):
    """An operation of a function that does more than compute."""

    kind: str
    has_seed: bool | None
    """None for one that takes none."""


def has_state(dataset: Any) -> bool:
    """Whether reading a data set may change what it, or anything else, gives next.

    Every iterator over a shuffle with a seed advances it, also one over a part of it or over a copy; so does every call
    of a function that draws random numbers, calls Python or writes a variable, such as the seed of a layer.
    """
    return any(_is_stateful(part) or _is_kept_outside(part) for part in _made_from(dataset))


def follows_variables(dataset: Any) -> bool:
    """Whether a data set reads a variable that others write, so that it depends on when it is read."""
    kinds = ({kind for kind, _ in _operations_of(part)} for part in _made_from(dataset))
    return any("ReadVariableOp" in of_part and not any(map(_writes, of_part)) for of_part in kinds)


def why_not_the_same(dataset: Any) -> str:
    """Return why a data set does not give the same when its passes are begun again and its variables put back; or "".

    Functions in Python, such as generators, are taken to do so.
    """
    for part in _made_from(dataset):
        kind = type(part).__name__.strip("_")
        if hasattr(part, "_seed") and not (int(part._seed) or int(part._seed2)):
            return "it is shuffled without a `seed`" if "Shuffle" in kind else f"it draws without a `seed` ({kind})"
        if "Cache" in kind and any(_draws(each) for each in _made_from(part)[1:]):
            return "it caches what is shuffled or drawn"
        steps = _steps_of(part)
        unknown = [step.kind for step in steps if not _is_known(step)]
        if unknown:
            return f"a function in it has a state of its own ({unknown[0]})"
        if any(step.has_seed is False for step in steps):
            return "a function in it draws random numbers without a seed"
        if steps and kind.startswith("Parallel") and not config.is_op_determinism_enabled():
            return "a function in it draws random numbers in several calls at once (`num_parallel_calls`)"
    return "its `options().deterministic` is False" if dataset.options().deterministic is False else ""


def calls_python(dataset: Any) -> bool:
    """Whether a data set calls functions in Python, of which nobody knows what they remember."""
    return any(kind in _PYTHON for part in _made_from(dataset) for kind, _ in _operations_of(part))


def written_variables(dataset: Any) -> list[tf.Variable]:
    """Return the variables that functions of a data set write, such as the seeds of layers, each once, in order."""
    found: dict[int, tf.Variable] = {}
    for part in _made_from(dataset):
        if any(_writes(step.kind) for step in _steps_of(part)):
            found |= {id(variable): variable for each in _functions_of(part) for variable in each.graph.variables}
    return list(found.values())


def has_seed() -> bool:
    """Whether `tf.random.set_seed`, or `keras.utils.set_random_seed`, has given this process a seed."""
    return context.global_seed() is not None


def _made_from(dataset: tf.data.Dataset) -> list[tf.data.Dataset]:
    """Return a data set and all that it is made from."""
    return [dataset, *(each for given in dataset._inputs() for each in _made_from(given))]


def _functions_of(dataset: tf.data.Dataset) -> list[Any]:
    """Return the traced functions that a data set calls."""
    found = [getattr(value, "function", None) for value in vars(dataset).values()]
    return [function for function in found if hasattr(function, "captured_inputs") and hasattr(function, "graph")]


def _is_stateful(dataset: tf.data.Dataset) -> bool:
    """Whether a step of a data set depends on random numbers, on Python or on how often it was read."""
    named = any(word in type(dataset).__name__ for word in ("Shuffle", "Random", "Generator", "DirectedInterleave"))
    return named or any(kind in _PYTHON or not _is_plain(kind) for kind, _ in _operations_of(dataset))


def _is_kept_outside(dataset: tf.data.Dataset) -> bool:
    """Whether a step of a data set writes files, asks a service, or does not say what it is made from."""
    kind = type(dataset).__name__
    is_file = "Cache" in kind and dataset._filename.numpy() != b""
    return is_file or any(word in kind for word in ("Snapshot", "Save", "Service", "Variant"))


def _draws(dataset: Any) -> bool:
    return "Shuffle" in type(dataset).__name__ or bool(_steps_of(dataset))


def _writes(kind: str) -> bool:
    return kind.startswith(("Assign", "Rng", "Stateful"))


def _is_known(step: _Step) -> bool:
    return step.has_seed is not None or _writes(step.kind)


def _is_plain(kind: str) -> bool:
    """Whether an operation has nothing to remember: also a data set in a function, unless it shuffles or draws."""
    draws = any(word in kind for word in ("Shuffle", "Random", "Cache"))
    return kind in (*_PYTHON, *HARMLESS) or (kind.endswith(("Dataset", "DatasetV2")) and not draws)


def _steps_of(dataset: Any) -> list[_Step]:
    """Return the operations that draw or write in the functions of a data set, but for Python's."""
    return [
        _Step(kind, None if not {"seed", "seed2"} <= attributes.keys() else any(a.i for a in attributes.values()))
        for kind, attributes in _operations_of(dataset)
        if not _is_plain(kind)
    ]


def _operations_of(dataset: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield kind and seeds of the stateful operations in the functions of a data set, and in those that they call."""
    for function in _functions_of(dataset):
        definition = function.graph.as_graph_def()
        for node in [*definition.node, *(node for each in definition.library.function for node in each.node_def)]:
            known = op_def_registry.get(node.op)
            if known is not None and known.is_stateful:
                yield node.op, {name: node.attr[name] for name in ("seed", "seed2") if name in node.attr}
