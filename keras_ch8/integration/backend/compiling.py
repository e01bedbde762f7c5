"""How functions are compiled and traced, what a traced one does besides computing, and what it does only at times."""

import functools
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import config_pb2
from tensorflow.python.eager import context
from tensorflow.python.framework import op_def_registry
from tensorflow.python.ops import control_flow_util

from ..._types import Tensor
from .datasets import HARMLESS
from .strategies import native, one_of, replicated, write


@functools.cache
def xla_works() -> bool:
    """Try XLA once, outside any graph that is being traced; say so once where it does not run."""
    with tf.init_scope():
        try:
            tf.function(lambda x: x + 1, jit_compile=True)(tf.constant(1.0))
        except Exception as error:
            warnings.warn(
                "XLA is not available here, so keras_ch8 updates weights with uncompiled TensorFlow graphs: the "
                f"results are the same, but slower. XLA said: {type(error).__name__}: {error}",
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
            f"the model or its loss has side effects (`{found}`), so measuring it would change the training. Count in "
            "a `keras.Variable`, and draw random numbers with `keras.random` and a `keras.random.SeedGenerator`."
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


# --- what a traced function computes ---------------------------------------------------------------------------------


_PAIRS = ("Sub", "SquaredDifference", "Mul", "AddV2")
_SIZES = ("Shape", "ShapeN", "Size", "Rank")


def mixes_examples() -> bool:
    """Whether what was traced so far combines predictions of shape (n, 1) with data of shape (n,), which makes (n, n).

    A prediction is computed from variables, and what is data alone is not. Nothing is found while Python runs op by op.
    """
    if tf.executing_eagerly():
        return False
    return any(map(_mixes_examples, tf.compat.v1.get_default_graph().get_operations()))


def _mixes_examples(operation: Any) -> bool:
    if operation.type not in _PAIRS:
        return False
    data, predicted = sorted(operation.inputs, key=lambda tensor: tensor.shape.rank or 0)
    if (data.shape.rank, predicted.shape.rank) != (1, 2):
        return False
    (examples,), (rows, columns) = data.shape, predicted.shape
    return columns == 1 != examples and examples == rows and _read(data) == {"data"} and "variables" in _read(predicted)


def _read(tensor: Any) -> set[str]:
    """Return whether a tensor is computed from `"variables"`, from `"data"`, or from both; a size is neither."""
    found, left, seen = set(), [tensor], set()
    while left:
        one = left.pop()
        if one.ref() in seen or one.op.type in _SIZES:
            continue
        seen.add(one.ref())
        if one.op.type in ("Placeholder", "IteratorGetNext"):
            found.add("variables" if one.dtype == tf.resource else "data")
        left += [] if one.op.type == "IteratorGetNext" else one.op.inputs
    return found


# --- what a step does only where a condition holds -------------------------------------------------------------------
#
# `tf.cond` becomes switches, with which TensorFlow takes a slower executor for all operations of a step: 0.1 of 2 ms.
# So on a CPU what is rare is an `If`, whose branches are functions of their own.


def branch(condition: Tensor, when_true: Callable[[], Any], when_false: Callable[[], Any]) -> Any:
    """Run one of two functions; neither may synchronize replicas. A Python bool chooses before anything is traced."""
    if isinstance(condition, bool):
        return when_true() if condition else when_false()
    return tf.cond(condition, when_true, when_false)


def run_when(condition: Tensor | bool, function: Callable[[], None]) -> None:
    """Run a function where a condition holds; it returns nothing, and may not synchronize replicas."""
    if isinstance(condition, bool) or tf.executing_eagerly() or in_xla() or replicated():
        branch(condition, function, lambda: None)
        return
    run = tf.function(function, autograph=False).get_concrete_function()
    if _on_one_cpu(run.graph.variables):
        _if(condition, run, lambda *inputs: None, run.captured_inputs)
    else:
        branch(condition, function, lambda: None)


def _on_one_cpu(variables: Sequence[tf.Variable]) -> bool:
    """Whether variables are where an `If` serves: it runs on one device, and was measured on CPU alone."""
    devices = {variable.device for variable in variables}
    return len(devices) <= 1 and all("CPU" in device for device in devices)


def _if(condition: Tensor, run: Any, otherwise: Callable[..., Any], inputs: Sequence[Any]) -> Any:
    """Return what a traced function of `inputs` returns where a condition holds, else what `otherwise` returns."""
    kinds = [tf.TensorSpec([] if tensor.dtype == tf.resource else None, tensor.dtype) for tensor in inputs]
    other = tf.function(otherwise, input_signature=kinds, autograph=False).get_concrete_function()
    types = [tensor.dtype for tensor in other.outputs]
    return tf.raw_ops.If(cond=condition, input=inputs, Tout=types, then_branch=run, else_branch=other)


def copy_when(
    condition: Tensor | bool, variables: Iterable[tf.Variable], join: Callable[[Sequence[tf.Tensor]], list[tf.Tensor]]
) -> list[tf.Tensor]:
    """Return what `join` makes of the values of variables, to compare it later, where the condition holds.

    Elsewhere, and where there is no variable, what is returned says nothing. XLA copies at every step. What writes the
    variables waits for no more than that they are read: the branches are given values, which later writes do not
    change. Weight decay, which needs no data, would else lose the race against the end of data of unknown length.
    """
    variables = list(variables)
    if not variables:
        return []
    values = [tf.convert_to_tensor(v) for v in variables]

    def copies(*values: tf.Tensor) -> list[tf.Tensor]:
        return [tf.identity(value) for value in join(values)]

    def nothing(like: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        return [tf.zeros([0], tensor.dtype) for tensor in like]

    if in_xla() and condition is not False:
        return copies(*values)
    if isinstance(condition, bool) or tf.executing_eagerly() or replicated() or not _on_one_cpu(variables):
        return list(branch(condition, partial(copies, *values), lambda: nothing(join(values))))
    kinds = [tf.TensorSpec(value.shape, value.dtype) for value in values]
    run = tf.function(copies, input_signature=kinds, autograph=False).get_concrete_function()
    return list(_if(condition, run, lambda *unread: nothing(run.outputs), values))


def calls_would_wait() -> bool:
    """Whether Python that is called in the middle of this graph would wait for ever for another graph that it runs.

    That is so where TensorFlow runs operations in one thread, as on a machine with one CPU: the call has it.
    """
    set_by_hand = tf.config.threading.get_inter_op_parallelism_threads() or os.environ.get(
        "TF_NUM_INTEROP_THREADS", "0"
    )
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return not tf.executing_eagerly() and (int(set_by_hand) or cpus) == 1


def call_when(condition: Tensor, function: Callable[[], None], variables: Sequence[Any]) -> None:
    """Call a Python function where a condition holds, also in the middle of a graph, once `variables` are written."""

    def call() -> tf.Tensor:
        with tf.control_dependencies([tf.convert_to_tensor(native(v)) for v in variables]):
            tf.py_function(function, [], [])
        return tf.constant(0)

    if tf.executing_eagerly():
        if bool(condition):
            function()
    else:
        tf.cond(condition, call, lambda: tf.constant(0))


def put_back_when(
    condition: Tensor,
    variables: Sequence[Any],
    values: Sequence[Tensor],
    take: tuple[Callable[..., None], Any, Any] | None,
) -> bool:
    """Give variables back the values that they had, where a condition holds.

    There a Python function can be called too. `take` is this function, and the number and the batch that it is given,
    as arrays; None for none.

    Return whether it is called: neither by what XLA compiles, nor by one of several replicas, nor with sparse arrays.
    """
    variables = [native(variable) for variable in variables]
    if in_xla() or replicated():
        write(variables, [tf.where(condition, old, v) for v, old in zip(variables, values, strict=True)])
        return False
    function, number, data = take or (lambda *args: None, 0, ())
    flat = tf.nest.flatten(data)
    takes = take is not None and all(a is None or isinstance(a, tf.Tensor) for a in flat)
    given = [tf.convert_to_tensor(native(number)), *(a for a in flat if a is not None)] if takes else []
    are_there, shape = [a is not None for a in flat], tf.nest.map_structure(lambda a: 0, data)

    def call(number: tf.Tensor, *arrays: tf.Tensor) -> None:
        left = iter(arrays)
        parts = [next(left).numpy() if is_there else None for is_there in are_there]
        function(int(number), tf.nest.pack_sequence_as(shape, parts))

    def put_back() -> None:
        if takes:
            tf.py_function(call, given, [])
        for variable, old in zip(variables, values, strict=True):
            variable.assign(old, read_value=False)

    run_when(condition, put_back)
    return takes


def switch(index: Tensor, functions: Sequence[Callable[[Any], None]], arguments: Sequence[Any]) -> None:
    """Run the function at `index`, which is equal on all replicas, on its argument; it may synchronize replicas.

    Replicas can only meet in a branch that all take together: so the choice is made once for all of them, and each
    runs the function that was chosen.
    """
    if not replicated():
        tf.switch_case(index, [partial(f, a) for f, a in zip(functions, arguments, strict=True)])
        return

    def choose(strategy: tf.distribute.Strategy, index: Tensor, *arguments: Any) -> None:
        each = strategy.extended.call_for_each_replica
        branches = [partial(each, f, args=(a,)) for f, a in zip(functions, arguments, strict=True)]
        tf.switch_case(one_of(index), branches)

    tf.distribute.get_replica_context().merge_call(choose, args=(index, *arguments))
