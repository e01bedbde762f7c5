"""How functions are compiled and traced."""

import functools
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import tensorflow as tf
from tensorflow.python.ops import control_flow_util


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
