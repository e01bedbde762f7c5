"""How long a model has been trained, over all its trainings."""

import weakref
from typing import TYPE_CHECKING, Any, NamedTuple

from . import keras_private

if TYPE_CHECKING:
    from .fit import Training


class _Trained(NamedTuple):
    """What is known of a model since its last training.

    Args:
        batches: Those that it was trained on.
        counted: Those that its optimizer had counted then.
        pace: How many its optimizer counts for each.
        optimizer: Refers to the optimizer; None where there was none.
    """

    batches: int
    counted: int
    pace: float
    optimizer: "weakref.ref[Any] | None"


_trained: "weakref.WeakKeyDictionary[Any, _Trained]" = weakref.WeakKeyDictionary()


def batches_trained(training: "Training", initial_epoch: int = 0, steps: int | None = None) -> int:
    """Return on how many batches a model has been trained in all, as far as can be known.

    A model that this process has not trained yet was trained on those that its optimizer has counted, or on the epochs
    before `initial_epoch`, of so many steps. What was trained meanwhile by others, the optimizer has counted. Where it
    has counted less than before, somebody has put it back, such as to the values of a checkpoint, and the model with
    it. Another optimizer that has counted less is a new one, and the model goes on.
    """
    known, counted, optimizer = _trained.get(training.counted_as), batches_counted(training), _optimizer_of(training)
    if known is None:
        return max(counted, initial_epoch * (steps or 0))
    meanwhile = round((counted - known.counted) / known.pace)
    is_same = optimizer is not None and known.optimizer is not None and known.optimizer() is optimizer
    return max(0, known.batches + (meanwhile if is_same else max(0, meanwhile)))


def remember_batches(training: "Training", batches: int, brought: int, counted: int) -> None:
    """Remember on how many batches a model has been trained, of which a training has brought some and counted some."""
    pace = counted / brought if brought and counted > 0 else 1.0
    optimizer = _optimizer_of(training)
    refers = None if optimizer is None else weakref.ref(optimizer)
    _trained[training.counted_as] = _Trained(batches, batches_counted(training), pace, refers)


def batches_counted(training: "Training") -> int:
    """Return the batches that the optimizer of a training has counted; 0 where there is none."""
    optimizer = _optimizer_of(training)
    if optimizer is None:
        return 0
    updates = int(keras_private.iterations_of(optimizer))
    per_batch = getattr(optimizer, "iterations_per_step", 1)
    return updates * (getattr(optimizer, "gradient_accumulation_steps", None) or 1) // per_batch


def _optimizer_of(training: "Training") -> Any:
    """Return the optimizer whose count is that of a training, inside one that scales the loss; None for none."""
    given = getattr(training.model, "optimizer", None)
    return keras_private.unscaled(given if training.optimizers is None else next(iter(training.optimizers.values())))
