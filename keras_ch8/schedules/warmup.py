"""A gentle start."""

from typing import Any, final

import keras
from keras import ops

from .. import _checks
from ._base import AbstractSchedule


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
class Warmup(AbstractSchedule):
    """Let the learning rate rise linearly, then keep it (section 8.3.1; Goyal et al. 2017).

        epsilon_k <- initial + min(k / warmup_steps, 1) * (learning_rate - initial)

    To decay after it, join it with another schedule in a `SequentialSchedule`.

    Args:
        learning_rate: Number above 0: rate from step `warmup_steps` on.
        warmup_steps: Steps, or "10ep", "500ba", "30%".
        initial_learning_rate: Number of at least 0: rate of the first step. Defaults to `0.0`.
        name: Name of the schedule.

    Raises:
        ValueError: If an argument lies outside its range; in `fit`, if the length of an epoch is not known.

    Example:
        >>> schedule = keras_ch8.schedules.Warmup(0.1, 10)
        >>> [round(float(schedule(k)), 4) for k in (0, 5, 10, 20)]
        [0.0, 0.05, 0.1, 0.1]

    References:
        Goyal et al. (2017), Accurate, Large Minibatch SGD.
    """

    section = "8.3.1"

    arguments = ("learning_rate", "warmup_steps", "initial_learning_rate")
    durations = ("warmup_steps",)

    def __init__(
        self,
        learning_rate: float,
        warmup_steps: int | str,
        initial_learning_rate: float = 0.0,
        name: str | None = None,
    ) -> None:
        super().__init__(
            name,
            learning_rate=_checks.rate("learning_rate", learning_rate),
            warmup_steps=warmup_steps,
            initial_learning_rate=_checks.rate("initial_learning_rate", initial_learning_rate, or_zero=True),
        )

    def rate(self, k: Any) -> Any:
        """The law."""
        u = ops.minimum(k / self.steps("warmup_steps"), 1.0)
        return self.initial_learning_rate + u * (self.learning_rate - self.initial_learning_rate)
