"""What all schedules share, so that a file holds only its law."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
from keras import ops
from keras.optimizers.schedules import LearningRateSchedule

from ..integration import backend
from . import _fit
from .duration import Clock, Duration, duration


class NotYetKnown(ValueError, AttributeError):
    """A rate was asked for before `fit` has said how long it is.

    An AttributeError too, since Keras reads `optimizer.learning_rate` before it sets it and expects no other error.
    """


class AbstractSchedule(LearningRateSchedule):
    """A Keras schedule around a law: `rate(k)`, in float64 on TensorFlow, for the k-th step counted from 0.

    A subclass names its `arguments`, and among them its `durations`, and writes `rate`. A duration in steps is a
    constant of the law. One in epochs, batches or percent is a variable, which `fit` sets at its first epoch: the
    compiled step reads it, so a later `fit` of another length compiles nothing anew. The variables are not saved; the
    words are, and the next `fit` resolves them again. Two models that share one schedule share its lengths.
    """

    rate: Callable[[Any], Any]
    """The law."""
    arguments: tuple[str, ...] = ()
    durations: tuple[str, ...] = ()

    def __init__(self, name: str | None = None, **arguments: Any) -> None:
        super().__init__()
        self.name = name or type(self).__name__
        for argument, value in arguments.items():
            setattr(self, argument, value)
        self._durations: dict[str, Duration] = {n: duration(n, word) for n, word in self.lengths().items()}
        self._steps: dict[str, Any] = {n: d.amount for n, d in self._durations.items() if not d.is_relative}
        if self.is_relative:
            _fit.let_fit_resolve(type(self).__name__)

    def lengths(self) -> dict[str, Any]:
        """Return the user's word for each duration."""
        return {name: getattr(self, name) for name in self.durations}

    def parts(self) -> Iterator[LearningRateSchedule]:
        """Return the schedules that this one is made of."""
        return iter(())

    @property
    def is_relative(self) -> bool:
        """Whether a length is given in epochs, batches or percent."""
        return any(d.is_relative for d in self._durations.values()) or any(
            part.is_relative for part in self.parts() if isinstance(part, AbstractSchedule)
        )

    def resolve(self, clock: Clock) -> None:
        """Say how long the training is; `fit` does it, a training loop of one's own must."""
        for name, length in self._durations.items():
            if length.is_relative:
                if name not in self._steps:
                    self._steps[name] = backend.scalar(0.0, "float64")
                self._steps[name].assign(length.steps(clock))
        for part in self.parts():
            if isinstance(part, AbstractSchedule):
                part.resolve(clock)

    def steps(self, name: str) -> Any:
        """Return a duration in steps."""
        if name not in self._steps:
            raise NotYetKnown(
                f"`{name}={self.lengths()[name]!r}` of {type(self).__name__} is not known in steps before `fit` has "
                "begun. In a training loop of your own call `schedule.resolve(keras_ch8.schedules.Clock("
                "steps_per_epoch, batches_per_step, steps))` first, or give the number of steps."
            )
        steps = self._steps[name]
        return steps if isinstance(steps, float) else backend.as_tensor(steps)

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of a step."""
        return ops.cast(self.rate(ops.cast(step, backend.wide())), keras.config.floatx())

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this schedule again."""
        return {argument: getattr(self, argument) for argument in self.arguments} | {"name": self.name}
