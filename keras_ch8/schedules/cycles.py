"""The schedules whose rate may rise again: restarts, cycles, and Keras's polynomial, which may begin anew."""

import math
from typing import final

from keras import ops

from .. import _checks
from .._registration import registered
from .._types import Tensor
from .base import Schedule
from .decays import half_cosine

MODES = ("triangular", "triangular2", "exp_range")


@final
@registered
class CosineDecayRestarts(Schedule):
    r"""Keras's half cosines one after the other, with lengths in epochs too (section 8.3.1; Loshchilov, Hutter 2017).

    .. math::

        u &\leftarrow \frac{k}{\text{first_decay_steps}} \\
        i &\leftarrow \text{number of half cosines before } u \text{, the j-th of length } \text{t_mul}^j \\
        v &\leftarrow \frac{u - \sum_{j<i} \text{t_mul}^j}{\text{t_mul}^i} \\
        \epsilon_k &\leftarrow \text{initial} \left( \alpha + (1 - \alpha) \, \text{m_mul}^i \,
          \frac{1 + \cos(\pi v)}{2} \right)

    Differs from `keras.optimizers.schedules.CosineDecayRestarts`: `first_decay_steps` may be said in epochs. Where the
    first step of a half cosine is a whole number of steps, the rate has risen there; Keras's logarithm in float32 may
    be a step late.

    Args:
        initial_learning_rate: Number above 0: rate of the first step, k = 0.
        first_decay_steps: Steps of the first half cosine, or "10ep" (epochs), "500ba" (batches), "30%" (of the
            training).
        t_mul: Number of at least 1: the length of each half cosine over that of the one before. Defaults to `2.0`.
        m_mul: Number above 0: the height of each over that of the one before. Defaults to `1.0`.
        alpha: Number in [0, 1]: the lowest rate, as a fraction of the first. Defaults to `0.0`.
        name: Name of the schedule.

    Raises:
        ValueError: If an argument lies outside its range; in `fit`, if the length of an epoch is not known.

    Example:
        >>> schedule = keras_ch8.schedules.CosineDecayRestarts(0.1, 10, t_mul=2.0, m_mul=0.5)
        >>> [round(float(schedule(k)), 4) for k in (0, 5, 10, 20, 30)]
        [0.1, 0.05, 0.05, 0.025, 0.025]

    References:
        Loshchilov and Hutter (2017), SGDR: Stochastic Gradient Descent with Warm Restarts.
    """

    section = "8.3.1"

    arguments = ("initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha")
    durations = ("first_decay_steps",)

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int | str,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str | None = None,
    ) -> None:
        length, low = "the length of a half cosine over that of the one before", "the lowest rate over the first"
        super().__init__(
            name,
            initial_learning_rate=_checks.rate("initial_learning_rate", initial_learning_rate),
            first_decay_steps=first_decay_steps,
            t_mul=_checks.number("t_mul", t_mul, 1.0, meaning=length, fix="Try 2, or 1 for equal lengths."),
            m_mul=_checks.positive("m_mul", m_mul, meaning="the height of a half cosine", fix="Try 1."),
            alpha=_checks.number("alpha", alpha, 0.0, 1.0, closed_high=True, meaning=low, fix="Try 0."),
        )

    def rate(self, k: Tensor) -> Tensor:
        """Return the learning rate of step k."""
        i, v = self._place(k / self.steps("first_decay_steps"))
        lowest = self.alpha * self.initial_learning_rate
        return lowest + half_cosine(self.initial_learning_rate - lowest, 0.0, v) * self.m_mul**i

    def _place(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Return how many half cosines are over, and how much of this one."""
        t = self.t_mul
        if t == 1:
            return ops.floor(u), u - ops.floor(u)
        i = ops.floor(ops.log1p(u * (t - 1)) / math.log(t))
        v = (u - (t**i - 1) / (t - 1)) / t**i
        is_over = v >= 1  # the logarithm is rounded: that of 243 over that of 3 is 4.999...
        return ops.where(is_over, i + 1, i), ops.where(is_over, (v - 1) / t, v)


@final
@registered
class PolynomialDecay(Schedule):
    r"""Keras's polynomial decay, with lengths in epochs too (section 8.3.1).

    .. math::

        u &\leftarrow \min(\frac{k}{\text{decay_steps}}, 1) \\
        \epsilon_k &\leftarrow (\text{initial} - \text{end}) (1 - u)^{\text{power}} + \text{end}

    with `cycle`, decay_steps is multiplied by the smallest whole number, 1 at least, with which u is at most 1.

    Differs from `keras.optimizers.schedules.PolynomialDecay`: `decay_steps` may be said in epochs.

    Args:
        initial_learning_rate: Number above 0: rate of the first step, k = 0.
        decay_steps: Steps until the rate is `end_learning_rate`, or "10ep", "500ba", "30%".
        end_learning_rate: Number of at least 0. Defaults to `0.0001`.
        power: Number above 0: 1 for a straight line, 2 for a parabola that ends flat. Defaults to `1.0`.
        cycle: Whether the rate rises again each time it has come down. Defaults to `False`.
        name: Name of the schedule.

    Raises:
        ValueError: If an argument lies outside its range; in `fit`, if the length of an epoch is not known.

    Example:
        >>> schedule = keras_ch8.schedules.PolynomialDecay(0.1, 10, 0.0, power=2.0)
        >>> [round(float(schedule(k)), 4) for k in (0, 5, 10, 20)]
        [0.1, 0.025, 0.0, 0.0]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.3.1.
    """

    section = "8.3.1"

    arguments = ("initial_learning_rate", "decay_steps", "end_learning_rate", "power", "cycle")
    durations = ("decay_steps",)

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int | str,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str | None = None,
    ) -> None:
        super().__init__(
            name,
            initial_learning_rate=_checks.rate("initial_learning_rate", initial_learning_rate),
            decay_steps=decay_steps,
            end_learning_rate=_checks.rate("end_learning_rate", end_learning_rate, or_zero=True),
            power=_checks.positive("power", power, meaning="the power of the decay", fix="Try 1, for a line."),
            cycle=_checks.flag("cycle", cycle, meaning="whether the rate rises again"),
        )

    def rate(self, k: Tensor) -> Tensor:
        """Return the learning rate of step k."""
        u = k / self.steps("decay_steps")
        u = u / ops.maximum(ops.ceil(u), 1.0) if self.cycle else ops.minimum(u, 1.0)
        end = self.end_learning_rate
        return (self.initial_learning_rate - end) * (1 - u) ** self.power + end


@final
@registered
class CyclicalLearningRate(Schedule):
    r"""Raise and lower the learning rate linearly, in cycles (section 8.3.1; Smith 2017).

    .. math::

        c &\leftarrow \lfloor 1 + \frac{k}{2 \, \text{step_size}} \rfloor \\
        x &\leftarrow | \frac{k}{\text{step_size}} - 2 c + 1 | \\
        \epsilon_k &\leftarrow \text{initial} + (\text{maximal} - \text{initial}) (1 - x) \, s

    where s is 1 with `"triangular"`, 2^(1 - c) with `"triangular2"`, which halves the height of each cycle, and
    gamma^k with `"exp_range"`.

    Differs from TensorFlow Addons, whose `CyclicalLearningRate` is given s as a function: `step_size` may be said in
    epochs, and the schedule can be saved.

    Args:
        initial_learning_rate: Number of at least 0: the lowest rate.
        maximal_learning_rate: Number above 0: the highest rate of the first cycle.
        step_size: Steps of half a cycle, or "2ep" (epochs), "500ba" (batches), "10%" (of the training).
        mode: `"triangular"`, `"triangular2"` or `"exp_range"`. Defaults to `"triangular"`.
        gamma: Number in (0, 1]: what each step leaves of the height with `"exp_range"`. Defaults to `1.0`.
        name: Name of the schedule.

    Raises:
        ValueError: If an argument lies outside its range; in `fit`, if the length of an epoch is not known.

    Example:
        >>> schedule = keras_ch8.schedules.CyclicalLearningRate(0.0, 0.1, 10, mode="triangular2")
        >>> [round(float(schedule(k)), 4) for k in (0, 5, 10, 20, 30)]
        [0.0, 0.05, 0.1, 0.0, 0.05]

    References:
        Smith (2017), Cyclical Learning Rates for Training Neural Networks.
    """

    section = "8.3.1"

    arguments = ("initial_learning_rate", "maximal_learning_rate", "step_size", "mode", "gamma")
    durations = ("step_size",)

    def __init__(
        self,
        initial_learning_rate: float,
        maximal_learning_rate: float,
        step_size: int | str,
        mode: str = "triangular",
        gamma: float = 1.0,
        name: str | None = None,
    ) -> None:
        super().__init__(
            name,
            initial_learning_rate=_checks.rate("initial_learning_rate", initial_learning_rate, or_zero=True),
            maximal_learning_rate=_checks.rate("maximal_learning_rate", maximal_learning_rate),
            step_size=step_size,
            mode=_checks.word("mode", mode, MODES, meaning="how high later cycles are"),
            gamma=_checks.fraction("gamma", gamma, meaning="what a step leaves of the height", fix="Try 0.9999."),
        )

    def rate(self, k: Tensor) -> Tensor:
        """Return the learning rate of step k."""
        u = k / self.steps("step_size")
        c = ops.floor(1 + u / 2)
        height = {"triangular": 1.0, "triangular2": 2.0 ** (1 - c), "exp_range": self.gamma**k}[self.mode]
        rise = self.maximal_learning_rate - self.initial_learning_rate
        return self.initial_learning_rate + rise * (1 - ops.abs(u - 2 * c + 1)) * height
