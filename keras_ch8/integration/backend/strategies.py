"""What is asked of a strategy: how many replicas there are, what they say together, what is done once for all."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def replicated() -> bool:
    """Whether a `tf.distribute` strategy is in force."""
    return bool(tf.distribute.has_strategy())


def replicas() -> int:
    """Return the number of replicas."""
    return int(tf.distribute.get_strategy().num_replicas_in_sync)


def all_reduce_sum(tensors: list[Any]) -> list[Any]:
    """Sum each tensor over the replicas. Keras divides the loss by their number, so this gives the mean gradient."""
    if not replicated():
        return tensors
    return list(tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, tensors))


def merge_replicas(function: Callable[..., None], *args: Any) -> None:
    """Call `function` once for all replicas, where variables are written through `each_replica`."""
    if not replicated():
        function(*args)
        return
    tf.__internal__.distribute.interim.maybe_merge_call(
        lambda strategy, *merged: function(*merged), tf.distribute.get_strategy(), *args
    )


def each_replica(variable: Any, function: Callable[..., Any], *args: Any) -> Any:
    """Call `function(variable, *args)` on every device that holds a copy of `variable`, with the copies of `args`.

    Return what it returns; of several devices, on the first.
    """
    if not replicated():
        return function(variable, *args)
    returned = list[Any]()  # AutoGraph knows no annotated name that a function inside uses

    def call(*args: Any) -> None:
        returned.append(function(*args))

    tf.distribute.get_strategy().extended.update(variable, call, args=args, group=False)
    return returned[0]


def one_of(value: Any) -> Any:
    """Return a value that is equal on all replicas, where one is asked for after `merge_replicas`."""
    return tf.distribute.get_strategy().experimental_local_results(value)[0] if replicated() else value
