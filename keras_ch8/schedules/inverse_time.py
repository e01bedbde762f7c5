"""The decay of the theorems on stochastic approximation."""

from typing import Any, final

import keras

from .. import _checks
from ._base import AbstractSchedule


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
class InverseTimeDecay(AbstractSchedule):
    """Decay the learning rate as 1/k (section 8.3.1: it meets the conditions of equations 8.12 and 8.13).

        epsilon_k <- epsilon_0 / (1 + decay_rate * k / decay_steps)

    The sum of all rates is infinite and the sum of their squares is not, which is enough for stochastic gradient
    descent to converge.

    Differs from `keras.optimizers.schedules.InverseTimeDecay`: `decay_steps` may be said in epochs; no `staircase`.

    Args:
        initial_learning_rate: Number above 0.
        decay_steps: Steps, or "10ep", "500ba", "30%", after which the rate is 1 / (1 + decay_rate) of the first.
        decay_rate: Number above 0. Defaults to `1.0`: the rate halves in the first `decay_steps`.
        staircase: Accepted at Keras's off value `False` only.
        name: Name of the schedule.

    Raises:
        ValueError: If an argument lies outside its range; in `fit`, if the length of an epoch is not known.

    Example:
        >>> schedule = keras_ch8.schedules.InverseTimeDecay(0.1, 10)
        >>> [round(float(schedule(k)), 4) for k in (0, 10, 30)]
        [0.1, 0.05, 0.025]

    References:
        Robbins and Monro (1951), A Stochastic Approximation Method.
    """

    section = "8.3.1"

    arguments = ("initial_learning_rate", "decay_steps", "decay_rate")
    durations = ("decay_steps",)

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int | str,
        decay_rate: float = 1.0,
        staircase: bool = False,
        name: str | None = None,
    ) -> None:
        instead = "For a rate in steps join others: `SequentialSchedule([...], boundaries=[...])`."
        _checks.off("staircase", staircase, False, owner="InverseTimeDecay", instead=instead)
        super().__init__(
            name,
            initial_learning_rate=_checks.rate("initial_learning_rate", initial_learning_rate),
            decay_steps=decay_steps,
            decay_rate=_checks.positive("decay_rate", decay_rate, meaning="how fast the rate decays", mend="Try 1."),
        )

    def rate(self, k: Any) -> Any:
        """The law."""
        return self.initial_learning_rate / (1 + self.decay_rate * k / self.steps("decay_steps"))
