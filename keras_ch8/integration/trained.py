"""How long a model has been trained, over all its trainings."""

import weakref
from typing import TYPE_CHECKING, Any

from . import keras_private

if TYPE_CHECKING:
    from .fit import Training

_trained: "weakref.WeakKeyDictionary[Any, tuple[int, int, float]]" = weakref.WeakKeyDictionary()
"""Of a model, the batches that it was trained on, those that its optimizer had counted then, and how many it counts for
each."""


def batches_trained(training: "Training", initial_epoch: int = 0, steps: int | None = None) -> int:
    """Return on how many batches a model has been trained in all, as far as can be known.

    A model that this process has not trained yet was trained on those that its optimizer has counted, or on the epochs
    before `initial_epoch`, of so many steps. What was trained meanwhile by others, the optimizer has counted.
    """
    model = training.counted_as
    iterations = batches_counted(training)
    if model not in _trained:
        return max(iterations, initial_epoch * (steps or 0))
    batches, then, pace = _trained[model]
    return batches + max(0, round((iterations - then) / pace))


def remember_batches(training: "Training", batches: int, brought: int, counted: int) -> None:
    """Remember on how many batches a model has been trained, of which a training has brought some and counted some."""
    pace = counted / brought if brought and counted > 0 else 1.0
    _trained[training.counted_as] = batches, batches_counted(training), pace


def batches_counted(training: "Training") -> int:
    """Return the batches that the optimizer of a training has counted; 0 where there is none."""
    given = getattr(training.model, "optimizer", None)
    optimizer = keras_private.unscaled(
        given if training.optimizers is None else next(iter(training.optimizers.values()))
    )
    if optimizer is None:
        return 0
    updates = int(keras_private.iterations_of(optimizer))
    per_batch = getattr(optimizer, "iterations_per_step", 1)
    return updates * (getattr(optimizer, "gradient_accumulation_steps", None) or 1) // per_batch
