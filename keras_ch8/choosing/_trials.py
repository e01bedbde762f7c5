"""Runs the trainings that choose, each of them once."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import keras
import numpy as np
from keras.optimizers.schedules import LearningRateSchedule

from .._arrays_file import Keeper
from .._batches import Batch
from .._sandbox import sandbox
from .._types import Tensor
from ..integration import backend, keras_private

Asked = TypeVar("Asked")
"""Which training: its `repr` tells it from all others, also in another process."""
Outcome = TypeVar("Outcome")
"""What came of it. To be kept it is a dataclass of arrays, numbers and dataclasses of these."""


class Trials(Generic[Asked, Outcome]):
    """Runs trainings, each of them once: what was run before, or is kept from another time, is not run again.

    Args:
        train: Runs a training.
        keeper: Where trainings are kept; `None` for nowhere.
        tell: Told each training that is done, also one that was kept.
    """

    def __init__(
        self,
        train: Callable[[Asked], Outcome],
        keeper: Keeper | None = None,
        tell: Callable[[Asked, Outcome], None] | None = None,
    ) -> None:
        self.done: dict[str, tuple[Asked, Outcome]] = {}
        """What was asked, and what came of it, in the order in which it was done."""
        self._train, self._keeper, self._tell = train, keeper, tell

    def run(self, asked: Sequence[Asked]) -> list[Outcome]:
        """Return what came of some trainings, in their order."""
        left = {key: each for each in asked if (key := repr(each)) not in self.done}
        for key, kept in [(key, self._keeper.load(key) if self._keeper else None) for key in left]:
            if kept is not None:
                self._add(key, left.pop(key), kept)
        for key, each in left.items():
            outcome = self._train(each)
            if self._keeper is not None and not getattr(outcome, "error", ""):  # what has failed is tried again
                self._keeper.save(key, outcome)
            self._add(key, each, outcome)
        return [self.done[repr(each)][1] for each in asked]

    def one(self, asked: Asked) -> Outcome:
        """Return what came of one training."""
        return self.run([asked])[0]

    def _add(self, key: str, asked: Asked, outcome: Outcome) -> None:
        self.done[key] = asked, outcome
        if self._tell is not None:
            self._tell(asked, outcome)


# --- trainings of a model that is there ------------------------------------------------------------------------------


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
