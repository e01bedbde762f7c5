"""What a traced function does besides computing, such as to write a variable: seen before anything of it is run."""

from collections.abc import Iterator
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import op_def_registry

from .replays import HARMLESS

_HARMLESS = (
    *HARMLESS, "ResourceGather", "ResourceGatherNd", "VariableShape", "VarIsInitializedOp", "GuaranteeConst",
    "CheckNumerics", "CheckNumericsV2", "StatelessRandomGetAlg", "DeviceIndex", "Empty", "Timestamp",
)  # fmt: skip
"""Operations that TensorFlow calls stateful, but that only read, say or call."""
_HARMLESS_FAMILIES = ("CudnnRNN", "TensorArray")


class HasEffects(Exception):
    """A function does more than compute, so that calling it once more would change what comes after it."""


def refuse_effects(begin: int = 0) -> None:
    """Raise where what is traced has operations, from this one on, that write, draw from a state or call Python.

    Nothing is found while Python runs op by op.

    Raises:
        HasEffects: If there is one, with its name.
    """
    if tf.executing_eagerly():
        return
    found = next(_effects_of(tf.compat.v1.get_default_graph(), begin), None)
    if found is not None:
        raise HasEffects(
            f"the model, or its loss, does more than compute (`{found}`), so that to measure it would change the "
            "training. Let it count in a `keras.Variable`, and draw by `keras.random` with a "
            "`keras.random.SeedGenerator`."
        )


def operations() -> int:
    """Return how many operations were traced so far."""
    return 0 if tf.executing_eagerly() else len(tf.compat.v1.get_default_graph().get_operations())


def _effects_of(graph: Any, begin: int) -> Iterator[str]:
    """Yield the kinds of operations that do more than compute, also in the functions that the graph calls."""
    kinds = [each.type for each in graph.get_operations()[begin:]]
    kinds += [node.op for each in graph._functions.values() for node in each.cached_definition.node_def]
    for kind in dict.fromkeys(kinds):
        known = op_def_registry.get(kind)
        is_stateful = known is not None and known.is_stateful
        if is_stateful and kind not in _HARMLESS and not kind.startswith(_HARMLESS_FAMILIES):
            yield kind
