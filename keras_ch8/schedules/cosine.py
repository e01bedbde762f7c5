"""Cosine decay."""

import math
from typing import Any, final

import keras
from keras import ops

from .. import _checks
from ._base import AbstractSchedule


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
class Cosine(AbstractSchedule):
    """Decay the learning rate along half a cosine, then keep it (section 8.3.1; Loshchilov and Hutter 2017).

        u         <- min(k / decay_steps, 1)
        epsilon_k <- end + (initial - end) * (1 + cos(pi * u)) / 2

    Differs from `keras.optimizers.schedules.CosineDecay`: `decay_steps` may be said in epochs, and defaults to the
    whole training; the end is a rate and not a fraction; for a warm-up put `Warmup` before it, in a `Sequence`.

    Args:
        initial_learning_rate: Number above 0.
        decay_steps: Steps, or "10ep", "500ba", "30%". Defaults to `"100%"`, the whole training that `fit` runs.
        end_learning_rate: Number of at least 0. Defaults to `0.0`.
        name: Name of the schedule.

    Raises:
        ValueError: If an argument lies outside its range; in `fit`, if the length of an epoch is not known.

    Example:
        >>> schedule = keras_ch8.schedules.Cosine(0.1, 10)
        >>> [round(float(schedule(k)), 4) for k in (0, 5, 10, 20)]
        [0.1, 0.05, 0.0, 0.0]

    References:
        Loshchilov and Hutter (2017), SGDR: Stochastic Gradient Descent with Warm Restarts.
    """

    arguments = ("initial_learning_rate", "decay_steps", "end_learning_rate")
    durations = ("decay_steps",)

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int | str = "100%",
        end_learning_rate: float = 0.0,
        name: str | None = None,
    ) -> None:
        super().__init__(
            name,
            initial_learning_rate=_checks.rate("initial_learning_rate", initial_learning_rate),
            decay_steps=decay_steps,
            end_learning_rate=_checks.rate("end_learning_rate", end_learning_rate, or_zero=True),
        )

    def rate(self, k: Any) -> Any:
        """The law."""
        u = ops.minimum(k / self.steps("decay_steps"), 1.0)
        return half_cosine(self.initial_learning_rate, self.end_learning_rate, u)


def half_cosine(start: float, end: float, u: Any) -> Any:
    """Go from `start` (u = 0) to `end` (u = 1) along half a cosine, flat at both ends."""
    return end + (start - end) * (1 + ops.cos(math.pi * u)) / 2
