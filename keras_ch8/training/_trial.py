"""One short training at rates that somebody else chooses."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from keras.optimizers.schedules import LearningRateSchedule

from .. import _backend, _keras


class Dial(LearningRateSchedule):
    """A learning rate that is set from outside."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.variable = _backend.scalar(rate, "float32")

    def __call__(self, step: Any) -> Any:
        """Return the rate."""
        del step
        return _backend.as_tensor(self.variable)


def losses_at(
    model: Any, data: Iterator[tuple[Any, Any, Any]], rates: Sequence[float], stop_above: float
) -> np.ndarray:
    """Take one step at each rate, and return the loss of the next batch after each: what that step has led to.

    Ends early, with fewer losses, once one is not finite or above `stop_above` times the smallest.
    """
    (optimizer,) = _keras.optimizers_in(model.optimizer)
    dial = Dial(rates[0])
    if not isinstance(_keras.rate_of(optimizer), LearningRateSchedule) and not callable(_keras.rate_of(optimizer)):
        dial.variable = _keras.rate_of(optimizer)
    else:
        optimizer.learning_rate = dial
    model.steps_per_execution, model.train_function = 1, None
    losses = [_step(model, next(data), dial, rates[0])]
    for rate in [*rates[1:], rates[-1]]:
        losses.append(_step(model, next(data), dial, rate))
        if not np.isfinite(losses[-1]) or losses[-1] > stop_above * min(losses):
            break
    return np.array(losses[1:])


def _step(model: Any, batch: tuple[Any, Any, Any], dial: Dial, rate: float) -> float:
    dial.variable.assign(rate)
    x, y, sample_weight = batch
    return float(model.train_on_batch(x, y, sample_weight=sample_weight, return_dict=True)["loss"])
