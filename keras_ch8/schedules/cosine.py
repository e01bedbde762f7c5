"""Cosine decay."""

import math
from typing import Any, final

import keras
from keras import ops

from .. import _checks
from ._base import AbstractSchedule


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
class CosineDecay(AbstractSchedule):
    """Decay the learning rate along half a cosine, then keep it (section 8.3.1; Loshchilov and Hutter 2017).

        u         <- min(k / decay_steps, 1)
        end       <- alpha * initial
        epsilon_k <- end + (initial - end) * (1 + cos(pi * u)) / 2

    Differs from `keras.optimizers.schedules.CosineDecay`: `decay_steps` may be said in epochs, and defaults to the
    whole training; for a warm-up put `Warmup` before it, in a `SequentialSchedule`.

    Args:
        initial_learning_rate: Number above 0.
        decay_steps: Steps, or "10ep", "500ba", "30%". Defaults to `"100%"`, the whole training that `fit` runs.
        alpha: Number in [0, 1]: the last rate, as a share of the first. Defaults to `0.0`.
        name: Name of the schedule.
        warmup_target, warmup_steps: Accepted at Keras's off values `None` and `0` only.

    Raises:
        ValueError: If an argument lies outside its range; in `fit`, if the length of an epoch is not known.

    Example:
        >>> schedule = keras_ch8.schedules.CosineDecay(0.1, 10)
        >>> [round(float(schedule(k)), 4) for k in (0, 5, 10, 20)]
        [0.1, 0.05, 0.0, 0.0]

    References:
        Loshchilov and Hutter (2017), SGDR: Stochastic Gradient Descent with Warm Restarts.
    """

    section = "8.3.1"

    arguments = ("initial_learning_rate", "decay_steps", "alpha")
    durations = ("decay_steps",)

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int | str = "100%",
        alpha: float = 0.0,
        name: str | None = None,
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        instead = "Join them: `SequentialSchedule([Warmup(...), CosineDecay(...)], boundaries=[...])`."
        _checks.off("warmup_target", warmup_target, None, owner="CosineDecay", instead=instead)
        _checks.off("warmup_steps", warmup_steps, 0, owner="CosineDecay", instead=instead)
        super().__init__(
            name,
            initial_learning_rate=_checks.rate("initial_learning_rate", initial_learning_rate),
            decay_steps=decay_steps,
            alpha=_checks.number(
                "alpha",
                alpha,
                0.0,
                1.0,
                meaning="the last rate, as a share of the first",
                mend="Try 0.",
                closed_high=True,
            ),
        )

    def rate(self, k: Any) -> Any:
        """The law."""
        u = ops.minimum(k / self.steps("decay_steps"), 1.0)
        return half_cosine(self.initial_learning_rate, self.alpha * self.initial_learning_rate, u)


def half_cosine(start: float, end: float, u: Any) -> Any:
    """Go from `start` (u = 0) to `end` (u = 1) along half a cosine, flat at both ends."""
    return end + (start - end) * (1 + ops.cos(math.pi * u)) / 2
