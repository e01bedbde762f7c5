"""The base of all schedules, and how they learn in `fit` how long an epoch is.

No hook of Keras reaches an optimizer's schedule. So the hook around `fit` (see integration.fit) lists one callback more
where the model's optimizer has a schedule that needs to know, and nothing for all other models.
"""

from collections.abc import Callable, Iterator
from typing import Any, Self

import keras
from keras import ops
from keras.optimizers.schedules import LearningRateSchedule

from .. import _checks
from .._describe import short
from .._duration import Clock, Duration, clock_of, duration
from .._types import Config, Logs, Tensor
from ..integration import backend, fit, keras_private


class NotYetKnown(ValueError, AttributeError):
    """A rate was asked for before `fit` has said how long it is.

    An AttributeError too, since Keras reads `optimizer.learning_rate` before it sets it and expects no other error.
    """


class Schedule(LearningRateSchedule):
    """The base of every schedule: Keras's, around `rate(k)`, the learning rate of the k-th step counted from 0.

    A subclass names its `arguments`, and among them its `durations`, and writes `rate` on `keras.ops`: k is a scalar in
    float64 on TensorFlow (float32 elsewhere), and `self.steps(name)` is a duration in steps. A duration given in steps
    is a constant of the schedule. One in epochs, batches or percent is a variable, which `fit` sets at its first epoch:
    the compiled step reads it, so a later `fit` of another length compiles nothing anew. The variables are not saved;
    the words are, and the next `fit` resolves them again. Two models that share one schedule share its lengths.

    Args:
        name: Name of the schedule. Defaults to the name of the class.
        **arguments: The arguments by name; each becomes an attribute, and is saved.

    Raises:
        TypeError: If a subclass has no `rate`, or its `arguments` are not those that are handed on.
        ValueError: If a duration is neither a number of steps above 0 nor a string such as "10ep", "500ba" or "30%".

    Example:
        A decay as the root of k (Vaswani et al. 2017), which is not in the chapter:

        >>> @keras.saving.register_keras_serializable(package="mine")
        ... class RootDecay(keras_ch8.extend.Schedule):
        ...     arguments = ("learning_rate", "warmup_steps")
        ...     durations = ("warmup_steps",)
        ...
        ...     def __init__(self, learning_rate, warmup_steps="5%", name=None):
        ...         super().__init__(name, learning_rate=learning_rate, warmup_steps=warmup_steps)
        ...
        ...     def rate(self, k):
        ...         u = (k + 1) / self.steps("warmup_steps")
        ...         return self.learning_rate * keras.ops.minimum(u, u**-0.5)
        >>> [round(float(RootDecay(0.1, 10)(k)), 4) for k in (0, 4, 9, 39)]
        [0.01, 0.05, 0.1, 0.05]
    """

    rate: Callable[[Tensor], Tensor]
    """`rate(k)`: the learning rate of step k."""
    arguments: tuple[str, ...] = ()
    """Names of the arguments, without `name`."""
    durations: tuple[str, ...] = ()
    """Those of the arguments that are lengths of time: steps, "10ep", "500ba" or "30%"."""

    def __init__(self, name: str | None = None, **arguments: Any) -> None:
        super().__init__()
        self._refuse_other_arguments(arguments)
        self.name = _checks.label(name) or type(self).__name__
        for argument, value in arguments.items():
            setattr(self, argument, value)
        self._durations: dict[str, Duration] = {n: duration(n, word) for n, word in self.lengths().items()}
        self._steps: dict[str, Any] = {n: d.amount for n, d in self._durations.items() if not d.is_relative}
        if self.is_relative:
            fit.install(type(self).__name__)
            fit.lead_with("schedules", _resolver_for)

    def _refuse_other_arguments(self, received: dict[str, Any]) -> None:
        _checks.written(type(self), "rate", "rate(self, k)")
        if set(received) != set(self.arguments) or not set(self.durations) <= set(self.arguments):
            raise TypeError(
                f"`{type(self).__name__}` must hand all of its `arguments` to `Schedule.__init__` by name, and its "
                f"`durations` must be among them: else they would not be saved. Received: {sorted(received)} with "
                f"arguments={short(self.arguments)} and durations={short(self.durations)}. Write the same names in "
                "all three."
            )

    def lengths(self) -> dict[str, int | str]:
        """Return each duration as it was given."""
        return {name: getattr(self, name) for name in self.durations}

    def parts(self) -> Iterator[LearningRateSchedule]:
        """Return the schedules that this one is made of."""
        return iter(())

    @property
    def is_relative(self) -> bool:
        """Whether a length is given in epochs, batches or percent."""
        return any(d.is_relative for d in self._durations.values()) or any(
            part.is_relative for part in self.parts() if isinstance(part, Schedule)
        )

    def resolve(self, clock: Clock) -> None:
        """Say how long the training is; `fit` does it, a training loop of one's own must."""
        for name, length in self._durations.items():
            if length.is_relative:
                if name not in self._steps:
                    self._steps[name] = backend.scalar(0.0, "float64")
                self._steps[name].assign(length.steps(clock))
        for part in self.parts():
            if isinstance(part, Schedule):
                part.resolve(clock)

    def steps(self, name: str) -> Tensor:
        """Return a duration in steps."""
        if name not in self._steps:
            raise NotYetKnown(
                f"`{name}={self.lengths()[name]!r}` of {type(self).__name__} is unknown in steps before `fit` has "
                "begun. In a training loop of your own call `schedule.resolve(keras_ch8.extend.Clock(steps_per_epoch, "
                "batches_per_step, steps))` first, or pass the number of steps."
            )
        steps = self._steps[name]
        return steps if isinstance(steps, float) else backend.as_tensor(steps)

    def __call__(self, step: int | Tensor) -> Tensor:
        """Return the learning rate of a step."""
        return ops.cast(self.rate(ops.cast(step, backend.wide())), keras.config.floatx())

    def get_config(self) -> Config:
        """Return the arguments that make this schedule again."""
        own = {argument: getattr(self, argument) for argument in (*self.arguments, "name")}
        return keras.saving.serialize_keras_object(own)

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Make a schedule from `get_config`."""
        return cls(**keras.saving.deserialize_keras_object(config))


class _Resolver(keras.callbacks.Callback):
    """Resolves the schedules of a model's optimizer at the first epoch of `fit`."""

    _resolved = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Say how long the training is, once."""
        if not self._resolved:
            for optimizer, schedule in _relative_schedules(self.model):
                schedule.resolve(clock_of(optimizer, self.params, epoch, schedule))
            backend.retrace(self.model)
            self._resolved = True


def _resolver_for(model: keras.Model) -> _Resolver | None:
    return _Resolver() if any(_relative_schedules(model)) else None


def _relative_schedules(model: keras.Model) -> Iterator[tuple[keras.optimizers.Optimizer, Schedule]]:
    """Yield each optimizer of a model that has a schedule with lengths to resolve, and the schedule."""
    for optimizer in keras_private.optimizers_of(model).values():
        for inner in keras_private.optimizers_in(optimizer):
            schedule = keras_private.schedule_of(inner)
            if getattr(schedule, "is_relative", False):
                yield inner, schedule
