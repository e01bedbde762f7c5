"""Exponential decay."""

from typing import Any, final

import keras

from .. import _checks
from ._base import AbstractSchedule


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
class ExponentialDecay(AbstractSchedule):
    """Decay the learning rate by the same factor in every `decay_steps` (section 8.3.1).

        epsilon_k <- epsilon_0 * decay_rate^(k / decay_steps)

    Differs from `keras.optimizers.schedules.ExponentialDecay`: `decay_steps` may be said in epochs; no `staircase`.

    Args:
        initial_learning_rate: Number above 0.
        decay_steps: Steps, or "10ep", "500ba", "30%".
        decay_rate: Number in (0, 1]: what is left of the rate after `decay_steps`.
        staircase: Accepted at Keras's off value `False` only.
        name: Name of the schedule.

    Raises:
        ValueError: If an argument lies outside its range; in `fit`, if the length of an epoch is not known.

    Example:
        >>> schedule = keras_ch8.schedules.ExponentialDecay(0.1, 10, 0.5)
        >>> [round(float(schedule(k)), 4) for k in (0, 10, 20)]
        [0.1, 0.05, 0.025]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.3.1.
    """

    section = "8.3.1"

    arguments = ("initial_learning_rate", "decay_steps", "decay_rate")
    durations = ("decay_steps",)

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int | str,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = None,
    ) -> None:
        instead = "For a rate in steps join others: `SequentialSchedule([...], boundaries=[...])`."
        _checks.off("staircase", staircase, False, owner="ExponentialDecay", instead=instead)
        super().__init__(
            name,
            initial_learning_rate=_checks.rate("initial_learning_rate", initial_learning_rate),
            decay_steps=decay_steps,
            decay_rate=_checks.fraction("decay_rate", decay_rate, meaning="what is left of the rate", mend="Try 0.5."),
        )

    def rate(self, k: Any) -> Any:
        """The law."""
        return self.initial_learning_rate * self.decay_rate ** (k / self.steps("decay_steps"))
