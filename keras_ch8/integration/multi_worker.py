"""The repair of Keras's `fit` and `evaluate` under `MultiWorkerMirroredStrategy`: a process on each machine.

Keras 3 (up to 3.16 at least) fails there before the first step, with any optimizer: it averages the first batch over
the workers as if that were one tensor, and each number of `logs` over an axis that a number has not. Here a model is
built on the part of the batch that its worker has, and numbers are averaged as numbers. Nothing is replaced for other
strategies.
"""

import functools
from collections.abc import Callable
from typing import Any

import keras

from .._types import Data, Tree
from . import backend, keras_private, registry

BUILD, REDUCE = "keras.Model._maybe_symbolic_build", "keras.src.backend.tensorflow.trainer.reduce_per_replica"


def prepare(strategy: Any, for_: str) -> None:
    """Repair Keras, if the variables of a model or an optimizer are those of several workers.

    Args:
        strategy: That of the model or optimizer; None for the one in force.
        for_: What asks for it.

    Raises:
        ValueError: If it is a `ParameterServerStrategy`, with which Keras 3 has no `fit`.
    """
    if backend.is_parameter_server(strategy):
        raise ValueError(
            f"`{for_}` works with one device, `MirroredStrategy` or `MultiWorkerMirroredStrategy`. Received: a "
            "`ParameterServerStrategy`, with which `fit` of Keras 3 does not train. Use "
            "`tf.distribute.MultiWorkerMirroredStrategy()`."
        )
    if not backend.is_multi_worker(strategy):
        return
    why = "Under `MultiWorkerMirroredStrategy` Keras fails at {} (keras#20585)."
    from keras.src.backend.tensorflow import trainer  # which is there on TensorFlow alone

    owner = keras_private.trainer_with("_maybe_symbolic_build")
    place = registry.attribute(owner, "_maybe_symbolic_build", BUILD)
    registry.install(place, _build_on_own_part, why.format("the first batch"), for_)
    place = registry.attribute(trainer, "reduce_per_replica", REDUCE)
    registry.install(place, _mean_of_numbers, why.format("the first number of `logs`"), for_)


def _build_on_own_part(theirs: Callable[..., None], is_active: Callable[[], bool]) -> Callable[..., None]:
    """Build a model on the part of the first batch that this worker has."""

    @functools.wraps(theirs)
    def build(self: keras.Model, iterator: Any = None, data_batch: Data = None) -> None:
        strategy = self.distribute_strategy
        if iterator is not None and is_active() and backend.is_multi_worker(strategy):
            first = next((next(batches) for _, _, batches in iterator), None)
            data_batch = keras.tree.map_structure(lambda value: backend.own_part(value, strategy), first)
            iterator = None
        theirs(self, iterator=iterator, data_batch=data_batch)

    return build


def _mean_of_numbers(theirs: Callable[..., Tree], is_active: Callable[[], bool]) -> Callable[..., Tree]:
    """Average what is reported over the workers, number by number."""

    @functools.wraps(theirs)
    def reduce_per_replica(values: Tree, strategy: Any, reduction: str) -> Tree:
        if reduction in ("auto", "mean") and is_active() and backend.is_multi_worker(strategy):
            return keras.tree.map_structure(lambda value: strategy.reduce("MEAN", value, axis=None), values)
        return theirs(values, strategy, reduction)

    return reduce_per_replica
