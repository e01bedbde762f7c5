"""Backtracking to sufficient decrease."""

import dataclasses
from typing import Any, final

import keras

from ... import _checks
from .. import _vector
from ._conditions import decreases, is_level, slope_says_so
from ._line import AbstractSearch, Line, Look, Trial, first_look


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
@dataclasses.dataclass(frozen=True)
class Backtracking(AbstractSearch):
    """Shorten the step until the value has decreased sufficiently (section 8.6; Armijo).

        while phi(t) > phi(0) + c1 t phi'(0):  t <- shrink t

    It asks nothing of the slope at the end, so a quasi-Newton method may find no curvature to learn from.

    Args:
        c1: Number in (0, 0.5): the share of the decrease that the slope promises. Defaults to `1e-4`.
        shrink: Number in (0, 1). Defaults to `0.5`.

    Raises:
        ValueError: If an argument lies outside its range.

    Example:
        >>> method = keras_ch8.second_order.SteepestDescent(line_search=keras_ch8.second_order.Backtracking(shrink=0.8))
        >>> found = keras_ch8.second_order.minimize(lambda x: keras.ops.sum(x**2), np.array([8.0, 1.0]), method)
        >>> found.success
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.6; Nocedal and Wright (2006), algorithm 3.1.
    """

    c1: float = 1e-4
    shrink: float = 0.5

    def __post_init__(self) -> None:
        _checks.number(
            "c1", self.c1, 0.0, 0.5, open_low=True, meaning="the share of the promised decrease", mend="Try 1e-4."
        )
        _checks.number("shrink", self.shrink, 0.0, 1.0, open_low=True, meaning="a factor for the step", mend="Try 0.5.")

    def begin(self, line: Line, first: Any) -> Look:
        """Propose the first step."""
        return first_look(line, first)

    def take(self, line: Line, look: Look, trial: Trial) -> Look:
        """Take it, or shorten it."""
        enough = decreases(line, trial, self.c1) | (is_level(line, trial) & slope_says_so(line, trial, self.c1))
        return look._replace(
            step=self.shrink * trial.step,
            chosen=_vector.where(enough, trial, look.chosen),
            accepted=enough,
            is_over=enough,
        )
