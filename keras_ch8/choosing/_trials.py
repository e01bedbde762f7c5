"""Short trainings of a model that is there, without a trace."""

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

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
        return backend.as_tensor(self._rate)


AT_REST = 1e-30
"""A rate at which no weight moves: some optimizers of Keras do not accept 0."""


class StepsAt(NamedTuple):
    """A short training: one step at each rate, until a loss is above the limit or NaN."""

    rates: tuple[float, ...]
    limit: float = math.inf

    @classmethod
    def rest(cls, steps: int) -> "StepsAt":
        """Return one that stays at the start."""
        return cls((AT_REST,) * steps)


class ShortTrainings:
    """Short trainings of one model on the same batches, each in a sandbox; the training step is traced once for all.

    Args:
        model: A built model.
        data: Returns the batches, the same at each call.
    """

    def __init__(self, model: keras.Model, data: Callable[[], Iterable[Batch]]) -> None:
        self._model, self._data = model, data
        (self._optimizer,) = keras_private.optimizers_in(model.optimizer)
        rate = keras_private.rate_of(self._optimizer)
        self._dial: Any = Dial() if isinstance(rate, LearningRateSchedule) or callable(rate) else rate
        self._step: Callable[..., Tensor] | None = None

    def losses(self, asked: StepsAt) -> np.ndarray:
        """Take the steps, and return the loss of the next batch after each; fewer, where it has ended early."""
        losses: list[float] = []
        with sandbox(self._model) as model:
            if keras_private.rate_of(self._optimizer) is not self._dial:
                self._optimizer.learning_rate = self._dial
            model.steps_per_execution, model.train_function = 1, self._step
            rates = [*asked.rates, asked.rates[-1]]
            for (x, y, sample_weight), rate in zip(self._data(), rates, strict=False):
                self._dial.assign(rate)
                logs = model.train_on_batch(x, y, sample_weight=sample_weight, return_dict=True)
                losses.append(float(logs["loss"]))
                if not losses[-1] <= asked.limit:
                    break
            self._step = model.train_function
        return np.array(losses[1:])
