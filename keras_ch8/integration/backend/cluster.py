"""What is asked of a strategy with several processes: which of them this one is, and what the others say."""

from typing import Any

import tensorflow as tf


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
