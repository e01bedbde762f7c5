"""The decays: learning rates that only fall."""

import dataclasses
import math
from typing import Annotated, final

from keras import ops

from .. import _checks
from .._registration import registered
from .._settings import Checked, Count, Number
from .._types import Tensor
from ..stopping.criterion import EpochHistory, is_better, margin
from .base import Schedule


@final
@registered
class LinearDecay(Schedule):
    r"""Keras's linear decay, with lengths in epochs and the book's end of 1 % (section 8.3.1, equation 8.14).

    .. math::

        \alpha &\leftarrow \min(\frac{k}{\tau}, 1) \\
        \epsilon_k &\leftarrow (1 - \alpha) \epsilon_0 + \alpha \epsilon_\tau

    Book          Argument                 Unit and meaning
    epsilon_0     initial_learning_rate    rate of the first step, k = 0
    tau           decay_steps              steps until the rate is constant
    epsilon_tau   end_learning_rate        rate from step tau on

    Differs from `keras.optimizers.schedules.PolynomialDecay(power=1)`: `end_learning_rate` follows
    `initial_learning_rate`, and `decay_steps` may be said in epochs.

    Args:
        initial_learning_rate: Number above 0: rate of the first step, k = 0.
        decay_steps: Steps, or "10ep", "500ba", "30%": epochs, batches, or fraction of the training that `fit` runs.
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

    def rate(self, k: Tensor) -> Tensor:
        """Return the learning rate of step k."""
        epsilon_0, epsilon_tau, tau = self.initial_learning_rate, self.end_learning_rate, self.steps("decay_steps")
        alpha = ops.minimum(k / tau, 1.0)
        return (1 - alpha) * epsilon_0 + alpha * epsilon_tau


@final
@registered
class ExponentialDecay(Schedule):
    r"""Keras's exponential decay, with lengths in epochs too (section 8.3.1).

    .. math::

        \epsilon_k \leftarrow \epsilon_0 \cdot \text{decay_rate}^{\frac{k}{\text{decay_steps}}}

    Differs from `keras.optimizers.schedules.ExponentialDecay`: `decay_steps` may be said in epochs; no `staircase`.

    Args:
        initial_learning_rate: Number above 0: rate of the first step, k = 0.
        decay_steps: Steps in which the rate falls by the factor `decay_rate`, or "10ep" (epochs), "500ba" (batches),
            "30%" (of the training).
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
        _refuse_staircase(staircase, owner="ExponentialDecay")
        super().__init__(
            name,
            initial_learning_rate=_checks.rate("initial_learning_rate", initial_learning_rate),
            decay_steps=decay_steps,
            decay_rate=_checks.fraction("decay_rate", decay_rate, meaning="what is left of the rate", fix="Try 0.5."),
        )

    def rate(self, k: Tensor) -> Tensor:
        """Return the learning rate of step k."""
        return self.initial_learning_rate * self.decay_rate ** (k / self.steps("decay_steps"))


@final
@registered
class InverseTimeDecay(Schedule):
    r"""Keras's decay as 1/k, with lengths in epochs too (section 8.3.1: it meets equations 8.12 and 8.13).

    .. math::

        \epsilon_k \leftarrow \frac{\epsilon_0}{1 + \frac{\text{decay_rate} \cdot k}{\text{decay_steps}}}

    The sum of all rates is infinite and the sum of their squares is not, which is enough for stochastic gradient
    descent to converge.

    Differs from `keras.optimizers.schedules.InverseTimeDecay`: `decay_steps` may be said in epochs; no `staircase`.

    Args:
        initial_learning_rate: Number above 0: rate of the first step, k = 0.
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
        _refuse_staircase(staircase, owner="InverseTimeDecay")
        super().__init__(
            name,
            initial_learning_rate=_checks.rate("initial_learning_rate", initial_learning_rate),
            decay_steps=decay_steps,
            decay_rate=_checks.positive("decay_rate", decay_rate, meaning="how fast the rate decays", fix="Try 1."),
        )

    def rate(self, k: Tensor) -> Tensor:
        """Return the learning rate of step k."""
        return self.initial_learning_rate / (1 + self.decay_rate * k / self.steps("decay_steps"))


@final
@registered
class CosineDecay(Schedule):
    r"""Keras's half cosine, with lengths in epochs or percent too (section 8.3.1; Loshchilov and Hutter 2017).

    .. math::

        u &\leftarrow \min(\frac{k}{\text{decay_steps}}, 1) \\
        \text{end} &\leftarrow \alpha \cdot \text{initial} \\
        \epsilon_k &\leftarrow \text{end} + \frac{(\text{initial} - \text{end}) (1 + \cos(\pi u))}{2}

    Differs from `keras.optimizers.schedules.CosineDecay`: `decay_steps` may be said in epochs, and defaults to the
    whole training; for a warm-up put `Warmup` before it, in a `SequentialSchedule`.

    Args:
        initial_learning_rate: Number above 0: rate of the first step, k = 0.
        decay_steps: Steps, or "10ep", "500ba", "30%". Defaults to `"100%"`, the whole training that `fit` runs.
        alpha: Number in [0, 1]: the last rate, as a fraction of the first. Defaults to `0.0`.
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
                meaning="the last rate, as a fraction of the first",
                fix="Try 0.",
                closed_high=True,
            ),
        )

    def rate(self, k: Tensor) -> Tensor:
        """Return the learning rate of step k."""
        u = ops.minimum(k / self.steps("decay_steps"), 1.0)
        return half_cosine(self.initial_learning_rate, self.alpha * self.initial_learning_rate, u)


def _refuse_staircase(value: bool, owner: str) -> None:
    instead = "For a rate in steps join others: `SequentialSchedule([...], boundaries=[...])`."
    _checks.off("staircase", value, False, owner=owner, instead=instead)


def half_cosine(start: float, end: float, u: Tensor) -> Tensor:
    """Go from `start` (u = 0) to `end` (u = 1) along half a cosine, flat at both ends."""
    return end + (start - end) * (1 + ops.cos(math.pi * u)) / 2


@final
@dataclasses.dataclass(frozen=True)
class ReduceOnPlateau(Checked):
    """Keras's `ReduceLROnPlateau`, which also works with a schedule and ignores NaN (section 8.3.1).

        epsilon <- max(factor * epsilon, min_lr)    after `patience` epochs without improvement

    It is a rule for `callbacks.LearningRateDecay`, with the arguments of `keras.callbacks.ReduceLROnPlateau`.

    Differs from `keras.callbacks.ReduceLROnPlateau`: `min_delta` is relative by default; a NaN is never the best value;
    it works with a schedule, which it scales; it may go back to the best weights.

    Args:
        monitor: Quantity that is watched. Defaults to `"val_loss"`.
        factor: Number in (0, 1). Defaults to `0.1`.
        patience: Epochs without improvement after which to lower the rate. Defaults to `10`.
        mode: `"min"`, `"max"`, or `"auto"` for the direction that Keras knows. Defaults to `"auto"`.
        min_delta: The smallest change that counts: a number, or a fraction of the best value. Defaults to `"0.01%"`.
        cooldown: Epochs after a reduction that are not counted. Defaults to `0`.
        min_lr: Number of at least 0: the lowest rate. Defaults to `0.0`.
        restore_best_weights: Whether to go back to the best weights at each reduction. Defaults to `False`.

    Raises:
        ValueError: If an argument lies outside its range.

    Example:
        >>> rule = keras_ch8.schedules.ReduceOnPlateau(factor=0.5, patience=5)
        >>> decay = keras_ch8.callbacks.LearningRateDecay(rule)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.3.1.
    """

    section = "8.3.1"

    monitor: str = "val_loss"
    factor: Annotated[float, Number("what is left of the rate", "Try 0.5.", 0.0, 1.0, open_low=True)] = 0.1
    patience: Annotated[int, Count("epochs to wait for an improvement", "Try 10.", 0)] = 10
    mode: str = "auto"
    min_delta: float | str = "0.01%"
    cooldown: Annotated[int, Count("epochs that are not counted", "Try 0.", 0)] = 0
    min_lr: float = 0.0
    restore_best_weights: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        _checks.text("monitor", self.monitor, meaning="the name of the quantity to watch")
        _checks.mode(self.mode)
        _checks.flag(
            "restore_best_weights",
            self.restore_best_weights,
            meaning="whether a lower rate begins from the best weights",
        )
        margin(self.min_delta, 0.0)
        _checks.rate("min_lr", self.min_lr, or_zero=True)

    def is_due(self, history: EpochHistory) -> bool:
        """Whether to lower the rate after the last epoch."""
        best, wait, cooldown, due = math.nan, 0, 0, False
        for value in history.falling(self.monitor):
            due = False
            if cooldown:
                cooldown, wait = cooldown - 1, 0
            if is_better(value, best, self.min_delta):
                best, wait = value, 0
            elif not cooldown:
                wait += 1
                if wait >= self.patience:
                    wait, cooldown, due = 0, self.cooldown, True
        return due and self.monitor in history.logs[-1]

    def lowered(self, rate: float) -> float:
        """Return the next lower rate."""
        return max(self.factor * rate, self.min_lr) if rate > self.min_lr else rate
