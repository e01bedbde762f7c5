"""How an annealed number gets from its start to its end."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from .. import _checks
from ._annealed import Annealed

Schedule = Callable[[float, Annealed], float]
"""(u, number) -> value, where u in [0, 1) is the share of the continuation that is over."""

LEFT = 0.01
"""Share of the way that `"exponential"` leaves for its end."""
LAWS: dict[str, Callable[[float], float]] = {
    "linear": lambda u: 1 - u,
    "cosine": lambda u: (1 + math.cos(math.pi * u)) / 2,
    "exponential": lambda u: LEFT**u,
}
"""What share of the way is left at u."""


def as_schedule(schedule: Any) -> Schedule:
    """Return the schedule that came as a word, a function of u, or the values of stages of equal length."""
    if isinstance(schedule, str):
        word = _checks.word("schedule", schedule, tuple(LAWS), meaning="how to get from the start to the end")
        return partial(_by_law, word)
    if callable(schedule):
        return partial(_by_function, schedule)
    if isinstance(schedule, Sequence) and len(schedule):
        return partial(_in_stages, schedule)
    raise TypeError(
        f"`schedule` must be one of {', '.join(map(repr, LAWS))}, a function of the share of the continuation that is "
        f"over, or a list of values. Received: schedule={schedule!r}."
    )


def _by_law(word: str, u: float, number: Annealed) -> float:
    return _between(number, LAWS[word](u))


def _by_function(function: Callable[[float], float], u: float, number: Annealed) -> float:
    return float(function(u))


def _in_stages(values: Sequence[float], u: float, number: Annealed) -> float:
    return float(values[int(u * len(values))])


def _between(number: Annealed, left: float) -> float:
    """Return the value at which this share of the way is left; no rounding takes it out of the range."""
    low, high = sorted((number.start, number.end))
    return min(max(number.end + left * (number.start - number.end), low), high)
