"""Schedules that begin with a rise of the learning rate."""

from typing import final

from keras import ops

from .. import _checks
from .._registration import registered
from .._types import Tensor
from .base import Schedule
from .decays import half_cosine


@final
@registered
class Warmup(Schedule):
    r"""Let the learning rate rise linearly, then keep it (section 8.3.1; Goyal et al. 2017).

    .. math::

        \epsilon_k \leftarrow \text{initial} + \min(\frac{k}{\text{warmup_steps}}, 1) (\text{learning_rate} -
          \text{initial})

    To decay after it, join it with another schedule in a `SequentialSchedule`.

    Args:
        learning_rate: Number above 0: rate from step `warmup_steps` on.
        warmup_steps: Steps in which the rate rises, or "10ep" (epochs), "500ba" (batches), "30%" (of the training).
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

    def rate(self, k: Tensor) -> Tensor:
        """Return the learning rate of step k."""
        u = ops.minimum(k / self.steps("warmup_steps"), 1.0)
        return self.initial_learning_rate + u * (self.learning_rate - self.initial_learning_rate)


@final
@registered
class OneCycle(Schedule):
    """Let the learning rate rise to a large value and fall to almost nothing (section 8.3.1; Smith and Topin 2018).

        u         <- min(k / cycle_steps, 1)
        epsilon_k <- from initial to max along half a cosine     while u < rise
                     from max to end along half a cosine         after that

    Args:
        max_learning_rate: Number above 0: the largest rate; about what `keras_ch8.find_learning_rate` suggests.
        cycle_steps: Steps, or "10ep", "500ba", "30%". Defaults to `"100%"`, the whole training that `fit` runs.
        rise: Number in (0, 1): fraction of the cycle in which the rate rises. Defaults to `0.25`.
        initial_learning_rate: Number of at least 0: rate of the first step. Defaults to 1/25 of `max_learning_rate`.
        end_learning_rate: Number of at least 0: rate from step `cycle_steps` on. Defaults to 1/100,000 of
            `max_learning_rate`.
        name: Name of the schedule.

    Raises:
        ValueError: If an argument lies outside its range; in `fit`, if the length of an epoch is not known.

    Example:
        >>> schedule = keras_ch8.schedules.OneCycle(1.0, 100)
        >>> [round(float(schedule(k)), 4) for k in (0, 25, 100)]
        [0.04, 1.0, 0.0]

    References:
        Smith and Topin (2018), Super-Convergence.
    """

    section = "8.3.1"

    arguments = ("max_learning_rate", "cycle_steps", "rise", "initial_learning_rate", "end_learning_rate")
    durations = ("cycle_steps",)

    def __init__(
        self,
        max_learning_rate: float,
        cycle_steps: int | str = "100%",
        rise: float = 0.25,
        initial_learning_rate: float | None = None,
        end_learning_rate: float | None = None,
        name: str | None = None,
    ) -> None:
        largest = _checks.rate("max_learning_rate", max_learning_rate)
        initial = largest / 25 if initial_learning_rate is None else initial_learning_rate
        end = largest / 100_000 if end_learning_rate is None else end_learning_rate
        super().__init__(
            name,
            max_learning_rate=largest,
            cycle_steps=cycle_steps,
            rise=_checks.number(
                "rise", rise, 0.0, 1.0, open_low=True, meaning="the fraction in which the rate rises", fix="Try 0.25."
            ),
            initial_learning_rate=_checks.rate("initial_learning_rate", initial, or_zero=True),
            end_learning_rate=_checks.rate("end_learning_rate", end, or_zero=True),
        )

    def rate(self, k: Tensor) -> Tensor:
        """Return the learning rate of step k."""
        u = ops.minimum(k / self.steps("cycle_steps"), 1.0)
        rising = half_cosine(self.initial_learning_rate, self.max_learning_rate, u / self.rise)
        falling = half_cosine(self.max_learning_rate, self.end_learning_rate, (u - self.rise) / (1 - self.rise))
        return ops.where(u < self.rise, rising, falling)
