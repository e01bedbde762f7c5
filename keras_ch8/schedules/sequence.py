"""Schedules one after the other."""

import collections.abc
import itertools
from collections.abc import Iterator
from typing import Any, Self, final

import keras
from keras import ops
from keras.optimizers.schedules import LearningRateSchedule

from ..integration import backend
from ._base import AbstractSchedule
from .duration import Clock


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
class SequentialSchedule(AbstractSchedule):
    """Run one schedule after the other, each from its own step 0 (section 8.3.1).

        epsilon_k <- schedules[0](k)                        while k < boundaries[0]
                     schedules[1](k - boundaries[0])        while k < boundaries[1]
                     ...

    A length in percent is a share of the whole training, also inside a sequence.

    Args:
        schedules: List of `LearningRateSchedule`s, the suite's or Keras's.
        boundaries: One entry fewer: the steps, "10ep", "500ba" or "30%", counted from the start of training, at which
            the next one takes over.
        name: Name of the schedule.

    Raises:
        TypeError: If an entry of `schedules` is no schedule.
        ValueError: If there are not as many boundaries as joints, or one is no duration; in `fit`, if the length of an
            epoch is not known, or the boundaries do not rise.

    Example:
        >>> from keras_ch8.schedules import CosineDecay, SequentialSchedule, Warmup
        >>> schedule = SequentialSchedule([Warmup(0.1, 10), CosineDecay(0.1, 90)], boundaries=[10])
        >>> [round(float(schedule(k)), 4) for k in (0, 5, 10, 55, 100)]
        [0.0, 0.05, 0.1, 0.05, 0.0]

    References:
        Goyal et al. (2017), Accurate, Large Minibatch SGD.
    """

    section = "8.3.1"

    arguments = ("schedules", "boundaries")

    def __init__(
        self,
        schedules: collections.abc.Sequence[LearningRateSchedule],
        boundaries: collections.abc.Sequence[int | str],
        name: str | None = None,
    ) -> None:
        schedules, boundaries = list(schedules), list(boundaries)
        for schedule in schedules:
            if not isinstance(schedule, LearningRateSchedule):
                raise TypeError(
                    "`schedules` must be a list of `LearningRateSchedule`s. "
                    f"Received: {schedule!r} of type {type(schedule).__name__}."
                )
        if len(boundaries) != len(schedules) - 1:
            raise ValueError(
                "`boundaries` are the joints between schedules, so there must be one fewer of them. Received: "
                f"{len(schedules)} schedules and boundaries={boundaries!r}."
            )
        super().__init__(name, schedules=schedules, boundaries=boundaries)
        if not self.is_relative:
            self._check_that_boundaries_rise()

    def lengths(self) -> dict[str, Any]:
        """Return the user's word for each boundary."""
        return {f"boundaries[{i}]": word for i, word in enumerate(self.boundaries)}

    def parts(self) -> Iterator[LearningRateSchedule]:
        """Return the schedules in their order."""
        return iter(self.schedules)

    def resolve(self, clock: Clock) -> None:
        """Say how long the training is."""
        super().resolve(clock)
        self._check_that_boundaries_rise()

    def _check_that_boundaries_rise(self) -> None:
        steps = [float(self.steps(name)) for name in self.lengths()]
        if any(after <= before for before, after in itertools.pairwise(steps)):
            raise ValueError(
                "`boundaries` are where one schedule takes over from the other, so they must rise. "
                f"Received: boundaries={self.boundaries!r}, which are the steps {steps}."
            )

    def rate(self, k: Any) -> Any:
        """The law."""
        rate = ops.cast(self.schedules[0](k), backend.wide())
        for name, schedule in zip(self.lengths(), self.schedules[1:], strict=True):
            since = k - self.steps(name)
            rate = ops.where(since < 0, rate, ops.cast(schedule(ops.maximum(since, 0.0)), backend.wide()))
        return rate

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this schedule again."""
        return super().get_config() | {"schedules": [keras.saving.serialize_keras_object(s) for s in self.schedules]}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make a sequence from `get_config`."""
        schedules = [keras.saving.deserialize_keras_object(s) for s in config["schedules"]]
        return cls(**config | {"schedules": schedules})
