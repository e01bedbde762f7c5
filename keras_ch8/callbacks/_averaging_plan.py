"""Which mean of the weights is taken, and over which updates.

All are one recursion with a rate of their own, a <- a + rate (theta - a) at the n-th weights that are averaged. Every
rate is 1 at n = 1, so an average begins as the first weights and needs no start value.
"""

import math
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from keras import ops

from .. import _checks
from ..integration import keras_private
from ..schedules.duration import Clock, Duration, duration

ETA = 13.0
"""Of the polynomial mean: about the last 1 / (eta + 1) = 7 % of the training count, as with a half-life of 5 % of it,
but nobody has to know how long it will be. 0 would make it the uniform mean."""


class Plan:
    """The arguments of an average, checked.

    Args:
        decay, half_life, method, eta, start: As in `PolyakAveraging`.
    """

    def __init__(
        self,
        decay: float | None = None,
        half_life: float | str | None = None,
        method: str | None = None,
        eta: float | None = None,
        start: float | str = 0,
    ) -> None:
        _checks.at_most_one(
            {"decay": decay, "half_life": half_life, "method": method}, meaning="which mean of the weights to take"
        )
        self.decay = None if decay is None else _checks.decay_rate("decay", decay, of="the average")
        self.half_life = None if half_life is None else duration("half_life", half_life)
        self.method = "exponential"
        if decay is None and half_life is None:
            words = ("polynomial", "uniform")
            self.method = _checks.word("method", method or words[0], words, meaning="which mean of the weights to take")
        if eta is not None and self.method != "polynomial":
            raise ValueError(
                f"`eta` is of the polynomial mean. Received: eta={eta!r} and a mean that is {self.method}. Leave one "
                "of them out."
            )
        mend = "About the last 1 / (eta + 1) of the training count."
        default = 0.0 if self.method == "uniform" else ETA
        self.eta = _checks.number(
            "eta", default if eta is None else eta, 0.0, math.inf, meaning="an exponent", mend=mend
        )
        self.start = Duration(0.0, "st") if start == 0 else duration("start", start)

    def rate(self, n: Any, log_alpha: Any) -> Any:
        """Return the rate of the n-th weights; `log_alpha` is what `log_decay` returns."""
        if self.method == "exponential":
            return exponential(n, log_alpha)
        return polynomial(n, self.eta)

    def log_decay(self, clock: Callable[[Duration], Clock]) -> float:
        """Return log(alpha) in a training, where the mean is exponential."""
        if self.half_life is not None:
            return -math.log(2) / self.half_life.steps(clock(self.half_life))
        return math.log(self.decay) if self.decay else -math.inf

    def warn_if_too_long(self, clock: Callable[[Duration], Clock]) -> None:
        """Warn where an exponential mean remembers more updates than the training makes."""
        updates = clock(Duration(0.0, "st")).steps - self.first(clock)
        memory = 0.0 if self.method != "exponential" else -1 / math.expm1(self.log_decay(clock))
        if memory > updates:  # which is NaN where it is not known
            warnings.warn(
                f"`PolyakAveraging` averages over about the last {memory:.0f} updates, and this training makes "
                f"{updates:.0f}: the average is mostly of its beginning. Leave out `decay` and `half_life`, or give "
                '`half_life` as a share of the training, such as "5%".',
                UserWarning,
                stacklevel=2,
            )

    def first(self, clock: Callable[[Duration], Clock]) -> int:
        """Return the number of updates before the first that is averaged."""
        return math.ceil(self.start.steps(clock(self.start)))


def exponential(n: Any, log_alpha: Any) -> Any:
    """theta_i has a weight that is proportional to alpha^(n - i).

    It is the box theta_hat <- alpha theta_hat + (1 - alpha) theta from theta_hat = 0, divided by 1 - alpha^n.
    """
    return ops.expm1(log_alpha) / ops.expm1(n * log_alpha)


def polynomial(n: Any, eta: float) -> Any:
    """theta_i has a weight of about i^eta: it is the last n / (eta + 1) that count; all have the same with eta = 0."""
    return (eta + 1) / (n + eta)


def clock_of(model: Any, params: dict[str, Any]) -> Callable[[Duration], Clock]:
    """Return a function that tells the length of a training in updates, as far as it has to be known."""
    return partial(_clock, model, params["steps"], params["epochs"])


def _clock(model: Any, batches: int | None, epochs: int, length: Duration) -> Clock:
    if batches is None:
        if not length.is_relative:
            return Clock(math.nan, math.nan, math.nan)
        raise ValueError(
            f"`PolyakAveraging` has a length in epochs, batches or percent ({length.amount:g} {length.unit}), and the "
            "length of an epoch is not known: the data do not say how many batches they have. Give `steps_per_epoch` "
            "to `fit`, or the length in updates."
        )
    movers = [m for o in keras_private.optimizers_of(model).values() for m in keras_private.movers_in(o)]
    per_update = min((mover.gradient_accumulation_steps or 1 for mover in movers), default=1)
    return Clock(batches / per_update, per_update, batches / per_update * epochs)
