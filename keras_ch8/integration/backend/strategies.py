"""What is asked of a strategy: how many replicas there are, what they say together, what is done once for all."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
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


def native(variable: Any) -> tf.Variable:
    """Return the tf.Variable inside a Keras variable (tf.function cannot take the Keras one)."""
    return variable.value if isinstance(variable, keras.Variable) else variable


def write(variables: Sequence[Any], new: Sequence[Any]) -> None:
    """Assign values that are equal on all replicas."""

    def assign_all(new: Sequence[Any]) -> None:
        for variable, value in zip(variables, new, strict=True):
            each_replica(native(variable), lambda v, x: v.assign(x), value)

    merge_replicas(assign_all, list(new))


# --- several processes -----------------------------------------------------------------------------------------------


def workers(strategy: Any) -> int:
    """Return how many processes train one model together in a strategy, each with a `fit` of its own."""
    resolver = getattr(strategy, "cluster_resolver", None)
    if resolver is None or resolver.task_type not in ("chief", "worker"):
        return 1
    jobs = resolver.cluster_spec().as_dict()
    return max(1, len(jobs.get("chief", [])) + len(jobs.get("worker", [])))


def worker_number(strategy: Any) -> int:
    """Return which of the workers of a strategy this process is, counted from 0, the chief."""
    if workers(strategy) == 1:
        return 0
    resolver = strategy.cluster_resolver
    has_chief = "chief" in resolver.cluster_spec().as_dict()
    return 0 if resolver.task_type == "chief" else int(resolver.task_id) + has_chief


def is_chief(strategy: Any) -> bool:
    """Whether this is the process of a strategy that writes what all of them know."""
    return worker_number(strategy) == 0


def gathered_from_workers(number: int, strategy: Any) -> list[int]:
    """Return the number that each worker of a strategy gives, in their order; all of them have to call this."""
    own = tf.constant([[worker_number(strategy), number]], "int64")
    on_each_replica = strategy.experimental_distribute_values_from_function(lambda context: own)
    given = strategy.gather(on_each_replica, axis=0).numpy()
    return [given_number for _, given_number in sorted(set(map(tuple, given.tolist())))]


def is_multi_worker(strategy: Any = None) -> bool:
    """Whether a strategy, by default the one in force, has a process on each of several machines."""
    strategy = tf.distribute.get_strategy() if strategy is None else strategy
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def is_parameter_server(strategy: Any = None) -> bool:
    """Whether a strategy, by default the one in force, keeps the variables on servers of their own."""
    strategy = tf.distribute.get_strategy() if strategy is None else strategy
    return isinstance(strategy, tf.distribute.ParameterServerStrategy)


def own_part(value: Any, strategy: Any) -> Any:
    """Return what the first replica of this process has of a value."""
    return strategy.experimental_local_results(value)[0]
