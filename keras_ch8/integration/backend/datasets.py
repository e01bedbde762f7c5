"""`tf.data.Dataset`: one that is made of the numbers of the examples in its batches, and what any remembers."""

import atexit
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context
from tensorflow.python.framework import config, op_def_registry

from ..._types import Tensor, Tree


def is_dataset(value: Any) -> bool:
    """Whether this is a `tf.data.Dataset`."""
    return isinstance(value, tf.data.Dataset)


FAILED = "keras_ch8: reading the data ahead failed"
"""In the message of the error that `iterator_of` raises."""


def iterator_of(batches: Sequence[Any], like: Any, fails: bool = False) -> Any:
    """Return an iterator over some batches of the same kind as another: what is traced for one serves both.

    Args:
        batches: The batches.
        like: The other iterator.
        fails: Whether an error, with `FAILED` in it, comes after them.
    """

    def failing() -> Any:
        raise RuntimeError(FAILED)
        yield

    if not isinstance(like, tf.data.Iterator):
        return itertools.chain(batches, failing() if fails else ())
    dataset: Any = dataset_of(batches, like) if batches else None
    if fails:
        error = tf.data.Dataset.from_generator(failing, output_signature=like.element_spec)
        dataset = error if dataset is None else dataset.concatenate(error)
    return iter(dataset)


def dataset_of(batches: Sequence[Any], like: Any) -> tf.data.Dataset:
    """Return a data set of some batches of the same kind as an iterator."""
    alike = [dataset for dataset in _cut_again(batches) if dataset.element_spec == like.element_spec]
    if alike:
        dataset = alike[0]
    else:  # TensorFlow keeps some objects of each generator for as long as the process lives
        dataset = tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=like.element_spec)
    plain = tf.data.Options()
    plain.autotune.enabled = plain.experimental_optimization.apply_default_optimizations = False
    return dataset.with_options(plain)


def _cut_again(batches: Sequence[Any]) -> list[tf.data.Dataset]:
    """Return data sets of batches of one size, of which the last may be smaller; none if they are not such.

    Where it is not smaller, there are two: one knows the size beforehand. They are made without a graph, which takes a
    generator as long as many steps of a small network.
    """
    flat = [tf.nest.flatten(batch) for batch in batches]
    if not all(isinstance(a, tf.Tensor) and a.shape.rank for batch in flat for a in batch):
        return []
    sizes = [{int(a.shape[0]) for a in batch} for batch in flat]
    if any(len(size) != 1 for size in sizes) or any(size != sizes[0] for size in sizes[:-1]):
        return []
    (size,), (last,) = sizes[0], sizes[-1]
    kinds = [[(a.dtype, a.shape[1:]) for a in batch] for batch in flat]
    if not 0 < last <= size or any(kind != kinds[0] for kind in kinds):
        return []
    whole = [tf.concat(parts, axis=0) for parts in zip(*flat, strict=True)]
    rows = tf.data.Dataset.from_tensor_slices(tf.nest.pack_sequence_as(batches[0], whole))
    return [rows.batch(size, drop_remainder=known) for known in (False, True)[: 1 + (last == size)]]


def can_be_cut(value: Any) -> bool:
    """Whether this is a tensor, also a ragged one, with an axis of examples."""
    return isinstance(value, tf.Tensor | tf.RaggedTensor | np.ndarray) and len(value.shape) > 0


def end_to_end(batches: Sequence[Any]) -> Any:
    """Return the examples of some batches, also ragged ones, as one."""
    return batches[0] if len(batches) == 1 else tf.concat(batches, axis=0)


class _Calls:
    """The calls of Python that threads of TensorFlow make, which are over before the interpreter ends.

    A thread that still needs the interpreter then gets it no more, and who destroys its data set waits for it: after an
    error in the middle of an epoch the process would never end.
    """

    QUIET, PATIENCE = 0.1, 10.0
    """Seconds without a call after which no more is expected, and seconds that the end waits at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running, self._last, self._ended = 0, -float("inf"), False
        atexit.register(self._end)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that is counted, and is not called any more once the process ends."""

        def call(*args: Any) -> Any:
            with self._lock:
                self._running += 1
                ended = self._ended
            try:
                if ended:
                    raise RuntimeError("the process ends")
                return function(*args)
            finally:
                with self._lock:
                    self._running -= 1
                    self._last = time.monotonic()

        return call

    def _end(self) -> None:
        begun, self._ended = time.monotonic(), True
        while self._is_busy and time.monotonic() - begun < self.PATIENCE:
            time.sleep(0.01)

    @property
    def _is_busy(self) -> bool:
        with self._lock:
            return self._running > 0 or time.monotonic() - self._last < self.QUIET


_ends_in_time = _Calls()


def planned(table: Callable[[], np.ndarray], size: int, full: bool) -> tf.data.Dataset:
    """Return a data set of the rows of a table of integers of `size` columns.

    `table` is called once each time that the data set is run through, when its first row is asked for. Where not all
    rows are full, negative numbers are left out.
    """

    def ask(_: Any) -> Any:
        return tf.ensure_shape(tf.numpy_function(_ends_in_time(table), [], tf.int64), [None, size])

    rows = tf.data.Dataset.range(1).map(ask).flat_map(tf.data.Dataset.from_tensor_slices)
    return rows if full else rows.map(lambda row: tf.boolean_mask(row, row >= 0))


def in_order(count: int, size: int) -> tf.data.Dataset:
    """Return a data set of the numbers 0 to count - 1, `size` at a time; the last batch has what is left."""
    starts = tf.data.Dataset.range(0, count, size)
    return starts.map(lambda start: tf.range(start, tf.minimum(start + size, count)))


class Column(NamedTuple):
    """An array with an entry for each example, the type of its batches, and whether it is mapped from a file."""

    array: np.ndarray
    dtype: str
    on_disk: bool


def gathered(rows: tf.data.Dataset, columns: Sequence[Column], assemble: Callable[..., Tree]) -> tf.data.Dataset:
    """Return a data set of `assemble(examples)`, for rows of indices.

    Arrays in memory are gathered by TensorFlow, those on disk by NumPy, which reads what is asked for and no more.
    """
    disk = [column for column in columns if column.on_disk]
    with tf.device("cpu:0"):
        memory = [tf.cast(tf.convert_to_tensor(c.array), c.dtype) for c in columns if not c.on_disk]

    def read(indices: np.ndarray) -> list[np.ndarray]:
        return [np.asarray(column.array[indices], column.dtype) for column in disk]

    def gather(indices: Tensor) -> Any:
        from_memory = iter([tf.gather(tensor, indices) for tensor in memory])
        from_disk = iter(
            tf.numpy_function(_ends_in_time(read), [indices], [tf.as_dtype(column.dtype) for column in disk])
            if disk
            else []
        )
        examples = [
            tf.ensure_shape(next(from_disk), [*indices.shape, *c.array.shape[1:]]) if c.on_disk else next(from_memory)
            for c in columns
        ]
        return assemble(examples)

    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False  # they cost more than they bring here
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return rows.map(gather, num_parallel_calls=tf.data.AUTOTUNE).with_options(options)


# --- what a `tf.data.Dataset` remembers: whether others may read it, and it gives the same when it is begun again ----
#
# A shuffle with a seed gives another order each time that it is begun, so it must be begun as often as it was. An
# operation that draws random numbers by a seed begins anew each time. What draws by a variable, such as the seed of a
# layer or a `tf.random.Generator`, goes on from where the variable is.

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


def before_cache(dataset: Any) -> Any:
    """Return what a data set caches, to be read in part without a warning; None where a cache is further down."""
    while type(dataset).__name__.strip("_") in ("CacheDataset", "PrefetchDataset", "OptionsDataset"):
        (dataset,) = dataset._inputs()
    return None if any("Cache" in type(part).__name__ for part in _made_from(dataset)) else dataset


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
