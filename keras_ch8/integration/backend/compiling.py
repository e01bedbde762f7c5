"""How functions are compiled and traced, and what a traced one does besides computing."""

import functools
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import config_pb2
from tensorflow.python.eager import context
from tensorflow.python.framework import op_def_registry
from tensorflow.python.ops import control_flow_util

from .replays import HARMLESS


@functools.cache
def xla_works() -> bool:
    """Try XLA once, outside any graph that is being traced; say so once where it does not run."""
    with tf.init_scope():
        try:
            tf.function(lambda x: x + 1, jit_compile=True)(tf.constant(1.0))
        except Exception as error:
            warnings.warn(
                "XLA does not run here, so keras_ch8 updates weights with uncompiled TensorFlow graphs: the same "
                f"numbers, more slowly. XLA said: {type(error).__name__}: {error}",
                stacklevel=2,
            )
            return False
    return True


def compile_xla(function: Callable[..., Any]) -> Any:
    """Compile a function of tensors and variables to one XLA program for each signature, also on CPU."""
    return tf.function(function, jit_compile=xla_works(), autograph=False)


def trace(function: Callable[..., Any]) -> Any:
    """Turn a function into a graph, without XLA; a size that keeps changing (rows of an embedding) becomes unknown.

    TensorFlow counts the traces of one piece of code for all its objects together, and would warn of too many; a
    `partial` has no code of its own and is counted by itself.
    """
    return tf.function(functools.partial(function), autograph=False, reduce_retracing=True)


@contextmanager
def as_traced() -> Iterator[None]:
    """Run graphs as they were traced: to optimize one takes TensorFlow longer than a dozen runs of it win back."""
    here = context.context()
    before = here.function_call_options  # of this thread
    config = config_pb2.ConfigProto.FromString(before.config_proto_serialized)
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    here.function_call_options = context.FunctionCallOptions(before.executor_type, config)
    try:
        yield
    finally:
        here.function_call_options = before


def in_xla() -> bool:
    """Whether the code being traced will be compiled by XLA as a whole (`jit_compile=True` in `compile`)."""
    graph = tf.compat.v1.get_default_graph()
    return not tf.executing_eagerly() and control_flow_util.GraphOrParentsInXlaContext(graph)


def trace_each(function: Callable[..., Any]) -> Any:
    """Turn a function into a graph for each set of shapes, without XLA."""
    return tf.function(function, autograph=False)


def outside_graphs() -> AbstractContextManager[Any]:
    """Run what is inside op by op, also where a graph is being traced: for variables that live longer than it."""
    return tf.init_scope()


def eagerly(function: Callable[[], Any]) -> Any:
    """Run a function op by op, also where a graph is being traced, and return its tensors as arrays."""
    with tf.init_scope():
        return tf.nest.map_structure(lambda tensor: tensor.numpy(), function())


# --- what a traced function does besides computing -------------------------------------------------------------------


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
