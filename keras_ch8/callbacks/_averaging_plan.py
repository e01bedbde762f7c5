"""Which mean of the weights is taken, and over which updates.

All are one recursion with a rate of their own, a <- a + rate (theta - a) at the n-th weights that are averaged. Every
rate is 1 at n = 1, so an average begins as the first weights and needs no start value.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from keras import ops

from .. import _checks
from ..integration import keras_private
from ..schedules._duration import Clock, Duration, duration

DECAY = 0.999
ETA = 3.0
"""Of the polynomial mean, as Shamir and Zhang (2013) take it; 0 would make it the uniform one."""


class Plan:
    """The arguments of an average, checked.

    Args:
        decay, half_life, method, start: As in `PolyakAveraging`.
    """

    def __init__(
        self, decay: float | None, half_life: float | str | None, method: str | None, start: float | str
    ) -> None:
        _checks.at_most_one(
            {"decay": decay, "half_life": half_life, "method": method}, meaning="which mean of the weights to take"
        )
        self.method = "exponential"
        if method is not None:
            self.method = _checks.word("method", method, tuple(RATES), meaning="which mean of the weights to take")
        self.decay = _checks.share("decay", DECAY if decay is None else decay, of="the average")
        self.half_life = None if half_life is None else duration("half_life", half_life)
        self.start = Duration(0.0, "st") if start == 0 else duration("start", start)

    def rate(self, n: Any, log_alpha: Any) -> Any:
        """Return the rate of the n-th weights; `log_alpha` is what `log_decay` returns."""
        return exponential(n, log_alpha) if self.method == "exponential" else RATES[self.method](n)

    def log_decay(self, clock: Callable[[Duration], Clock]) -> float:
        """Return log(alpha) in a training."""
        if self.half_life is not None:
            return -math.log(2) / self.half_life.steps(clock(self.half_life))
        return math.log(self.decay) if self.decay else -math.inf

    def first(self, clock: Callable[[Duration], Clock]) -> int:
        """Return the number of updates before the first that is averaged."""
        return math.ceil(self.start.steps(clock(self.start)))


def exponential(n: Any, log_alpha: Any) -> Any:
    """theta_i has a weight that is proportional to alpha^(n - i).

    It is the box theta_hat <- alpha theta_hat + (1 - alpha) theta from theta_hat = 0, divided by 1 - alpha^n.
    """
    return ops.expm1(log_alpha) / ops.expm1(n * log_alpha)


def uniform(n: Any) -> Any:
    """All theta_i have the same weight."""
    return 1 / n


def polynomial(n: Any) -> Any:
    """theta_i has a weight of about i^eta: it is the last n / (eta + 1) that count."""
    return (ETA + 1) / (n + ETA)


RATES = {"uniform": uniform, "polynomial": polynomial}


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
