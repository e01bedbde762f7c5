"""One short training at rates that somebody else chooses."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from keras.optimizers.schedules import LearningRateSchedule

from .. import _backend, _keras
from ._batches import Batch
from ._sandbox import sandbox


class Dial(LearningRateSchedule):
    """A learning rate that is set from outside."""

    def __init__(self) -> None:
        super().__init__()
        self._rate = _backend.scalar(0.0, "float32")

    def assign(self, rate: float) -> None:
        """Set the rate."""
        self._rate.assign(rate)

    def __call__(self, step: Any) -> Any:
        """Return the rate."""
        del step
        return _backend.as_tensor(self._rate)


def losses_at_rest(model: Any, data: Iterable[Batch], steps: int, rate: float) -> np.ndarray:
    """Return the loss of each batch at the start: after steps at a millionth of a small rate (0 is none for Ftrl)."""
    with sandbox(model):
        return losses_at(model, data, [1e-6 * rate] * steps)


def losses_at(model: Any, data: Iterable[Batch], rates: Sequence[float], limit: float = math.inf) -> np.ndarray:
    """Take one step at each rate, and return the loss of the next batch after each: what that step has led to.

    Ends early, with fewer losses, once one is above the limit or NaN.
    """
    (optimizer,) = _keras.optimizers_in(model.optimizer)
    dial = _keras.rate_of(optimizer)
    if isinstance(dial, LearningRateSchedule) or callable(dial):
        dial = optimizer.learning_rate = Dial()
    model.steps_per_execution, model.train_function = 1, None
    losses: list[float] = []
    for (x, y, sample_weight), rate in zip(data, [*rates, rates[-1]], strict=False):
        dial.assign(rate)
        logs = model.train_on_batch(x, y, sample_weight=sample_weight, return_dict=True)
        losses.append(float(logs["loss"]))
        if not losses[-1] <= limit:
            break
    return np.array(losses[1:])
