"""The strong Wolfe conditions."""

import dataclasses
from typing import final

from keras import ops

from ... import _checks
from ..._registration import registered
from ..._types import Tensor
from .. import _vector
from ._bracket import End, as_end, infinite, middle, minimum, within
from .line import Line, LineSearch, SearchState, Trial, decreases_or_level, is_flat, is_level

_MARGIN = 0.1
"""A trial stays this fraction of the bracket away from its ends."""
_FARTHEST = 10.0
"""How far beyond the last two trials the next one may lie, in multiples of their distance."""
_SHRINK = 0.66
"""Two trials must shrink the bracket by this, else it is halved (Moré and Thuente, 1994)."""


@final
@registered
@dataclasses.dataclass(frozen=True)
class StrongWolfe(LineSearch):
    """A step that decreases the value sufficiently and takes most of the slope away (section 8.6.2).

        phi(t) <= phi(0) + c1 t phi'(0)        and        |phi'(t)| <= c2 |phi'(0)|

    The step grows until a minimum lies between two trials; then the bracket is narrowed by cubic interpolation. Its low
    end is the best step that decreases sufficiently, and is what is taken if the trials run out. Below the rounding of
    f the slopes decide instead of the values.

    Args:
        c1: Number in (0, 0.5): the fraction of the decrease that the slope promises. Defaults to `1e-4`.
        c2: Number in (c1, 1): the fraction of the slope that may be left; 0.9 for quasi-Newton methods, 0.4 for
            conjugate gradients. Defaults to `0.9`.

    Raises:
        ValueError: If an argument lies outside its range.

    Example:
        >>> search = keras_ch8.second_order.line_search.StrongWolfe(c2=0.5)
        >>> method = keras_ch8.second_order.methods.LBFGS(line_search=search)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.6.2; Nocedal and Wright (2006), algorithms 3.5
        and 3.6.
    """

    section = "8.6"

    c1: float = 1e-4
    c2: float = 0.9

    def __post_init__(self) -> None:
        _checks.wolfe(self.c1, self.c2)

    def init(self, line: Line, first: Tensor) -> SearchState:
        """Propose the first step; nothing bounds it yet."""
        infinity = ops.full_like(first, float("inf"))
        return SearchState.before_any_trial(
            line, first, {"high": infinite(first), "width": infinity, "width_before": infinity}
        )

    def update(self, line: Line, state: SearchState, trial: Trial) -> SearchState:
        """Let the trial replace an end of the bracket, and propose a step inside it, or beyond while it is open."""
        last, low, high = as_end(trial), as_end(state.chosen), state.own["high"]
        enough = decreases_or_level(line, trial, self.c1)
        accepted = enough & is_flat(line, trial, self.c2)
        is_worse = ~enough | ((trial.value >= low.value) & ~is_level(line, trial))
        turns = (trial.slope >= 0) == (high.step > low.step)
        new_high = _vector.where(is_worse, last, _vector.where(turns, low, high))
        chosen = _vector.where(accepted | ~is_worse, trial, state.chosen)
        new_low = as_end(chosen)
        width = ops.abs(new_high.step - new_low.step)
        slow = width > _SHRINK * state.own["width_before"]
        is_open = ~ops.isfinite(new_high.step)
        a, b = _vector.where(is_open, low, new_low), _vector.where(is_open, last, new_high)
        best = minimum(a, b, line.rounding)
        inside = _inside(new_low, new_high, ops.where(slow, float("nan"), best))
        step = ops.where(is_open, _beyond(low, last, best), inside)
        gone = (step == new_low.step) | (step == new_high.step) | ~ops.isfinite(step)
        own = {"high": new_high, "width": width, "width_before": state.own["width"]}
        return SearchState(step, chosen, accepted, accepted | gone, own)


def _inside(low: End, high: End, best: Tensor) -> Tensor:
    """Return the next step inside a bracket, given the minimum of an interpolation."""
    width = high.step - low.step
    return within(best, low.step + _MARGIN * width, high.step - _MARGIN * width, middle(low, high))


def _beyond(before: End, last: End, best: Tensor) -> Tensor:
    """Return the next step beyond the last trial, which is still downhill, given the minimum of an extrapolation."""
    width = last.step - before.step
    farthest = last.step + _FARTHEST * width
    return within(ops.where(best > last.step, best, farthest), last.step + width, farthest, farthest)
