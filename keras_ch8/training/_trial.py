"""Short trainings at rates that somebody else chooses."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from keras.optimizers.schedules import LearningRateSchedule

from .._batches import Batch
from ..integration import backend, keras_private
from ._sandbox import sandbox


class Dial(LearningRateSchedule):
    """A learning rate that is set from outside."""

    def __init__(self) -> None:
        super().__init__()
        self._rate = backend.scalar(0.0, "float32")

    def assign(self, rate: float) -> None:
        """Set the rate."""
        self._rate.assign(rate)

    def __call__(self, step: Any) -> Any:
        """Return the rate."""
        del step
        return backend.as_tensor(self._rate)


class Trial:
    """Short trainings of one model, each in a sandbox, with one training step that is traced once for all of them."""

    def __init__(self, model: Any) -> None:
        self.model = model
        (self._optimizer,) = keras_private.optimizers_in(model.optimizer)
        rate = keras_private.rate_of(self._optimizer)
        self._dial = Dial() if isinstance(rate, LearningRateSchedule) or callable(rate) else rate
        self._step: Any = None

    def losses(self, data: Iterable[Batch], rates: Sequence[float], limit: float = math.inf) -> np.ndarray:
        """Take one step at each rate, and return the loss of the next batch after each: what that step has led to.

        Ends early, with fewer losses, once one is above the limit or NaN.
        """
        losses: list[float] = []
        with sandbox(self.model) as model:
            if keras_private.rate_of(self._optimizer) is not self._dial:
                self._optimizer.learning_rate = self._dial
            model.steps_per_execution, model.train_function = 1, self._step
            for (x, y, sample_weight), rate in zip(data, [*rates, rates[-1]], strict=False):
                self._dial.assign(rate)
                logs = model.train_on_batch(x, y, sample_weight=sample_weight, return_dict=True)
                losses.append(float(logs["loss"]))
                if not losses[-1] <= limit:
                    break
            self._step = model.train_function
        return np.array(losses[1:])

    def losses_at_rest(self, data: Iterable[Batch], steps: int, rate: float) -> np.ndarray:
        """Return the loss of each batch at the start: at a millionth of a small rate, since 0 is none for Ftrl."""
        return self.losses(data, [1e-6 * rate] * steps)
