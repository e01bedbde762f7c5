"""The book's schedule for stochastic gradient descent."""

from typing import Any, final

import keras
from keras import ops

from .. import _checks
from ._base import AbstractSchedule


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
class LinearDecay(AbstractSchedule):
    """Decay the learning rate linearly until step tau, then keep it (section 8.3.1, equation 8.14).

        alpha     <- min(k / tau, 1)
        epsilon_k <- (1 - alpha) * epsilon_0 + alpha * epsilon_tau

    Book          Argument                 Unit and meaning
    epsilon_0     initial_learning_rate    rate of the first step, k = 0
    tau           decay_steps              steps until the rate is constant
    epsilon_tau   end_learning_rate        rate from step tau on

    Differs from `keras.optimizers.schedules.PolynomialDecay(power=1)`: `end_learning_rate` follows
    `initial_learning_rate`, and `decay_steps` may be said in epochs.

    Args:
        initial_learning_rate: Number above 0.
        decay_steps: Steps, or "10ep", "500ba", "30%": epochs, batches, or share of the training that `fit` runs.
            Defaults to `"100ep"`; the book has tau at a few hundred passes over the training set.
        end_learning_rate: Number of at least 0. Defaults to 1 % of `initial_learning_rate`.
        name: Name of the schedule.

    Raises:
        ValueError: If an argument lies outside its range; in `fit`, if the length of an epoch is not known.

    Example:
        >>> schedule = keras_ch8.schedules.LinearDecay(0.1, 100)
        >>> [round(float(schedule(k)), 6) for k in (0, 1, 50, 99, 100, 1000)]
        [0.1, 0.09901, 0.0505, 0.00199, 0.001, 0.001]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.3.1.
    """

    section = "8.3.1"

    arguments = ("initial_learning_rate", "decay_steps", "end_learning_rate")
    durations = ("decay_steps",)

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int | str = "100ep",
        end_learning_rate: float | None = None,
        name: str | None = None,
    ) -> None:
        initial_learning_rate = _checks.rate("initial_learning_rate", initial_learning_rate)
        if end_learning_rate is None:
            end_learning_rate = 0.01 * initial_learning_rate
        super().__init__(
            name,
            initial_learning_rate=initial_learning_rate,
            decay_steps=decay_steps,
            end_learning_rate=_checks.rate("end_learning_rate", end_learning_rate, or_zero=True),
        )

    def rate(self, k: Any) -> Any:
        """The law."""
        epsilon_0, epsilon_tau, tau = self.initial_learning_rate, self.end_learning_rate, self.steps("decay_steps")
        alpha = ops.minimum(k / tau, 1.0)
        return (1 - alpha) * epsilon_0 + alpha * epsilon_tau
