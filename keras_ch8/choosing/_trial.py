"""Short trainings at rates that somebody else chooses, each of which leaves the model as it was."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keras
import numpy as np
from keras.optimizers.schedules import LearningRateSchedule

from .._batches import Batch
from .._sandbox import sandbox
from .._types import Tensor
from ..integration import backend, keras_private


class Dial(LearningRateSchedule):
    """A learning rate that can be set between two steps."""

    def __init__(self) -> None:
        super().__init__()
        self._rate = backend.scalar(0.0, "float32")

    def assign(self, rate: float) -> None:
        """Set the rate."""
        self._rate.assign(rate)

    def get_config(self) -> dict[str, Any]:
        """Return nothing: it stands in an optimizer while this is tried, and what it is set to belongs to no config."""
        return {}

    def __call__(self, step: Tensor) -> Tensor:
        """Return the rate."""
        del step
        return backend.as_tensor(self._rate)


def dial_of(optimizer: keras.optimizers.Optimizer) -> Any:
    """Return what sets the rate of an optimizer between two steps: its variable or, for a schedule, a dial."""
    rate = keras_private.rate_of(optimizer)
    return Dial() if isinstance(rate, LearningRateSchedule) or callable(rate) else rate


class Trial:
    """Short trainings of one model, each in a sandbox; the training step is traced once for all of them."""

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        (self._optimizer,) = keras_private.optimizers_in(model.optimizer)
        self._dial = dial_of(self._optimizer)
        self._step: Callable[..., Tensor] | None = None

    def losses(self, data: Iterable[Batch], rates: Sequence[float], limit: float = math.inf) -> np.ndarray:
        """Take one step at each rate, and return the loss of the next batch after each.

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
        """Return the loss of each batch at the start: at a millionth of a small rate, since Ftrl does not accept 0."""
        return self.losses(data, [1e-6 * rate] * steps)
