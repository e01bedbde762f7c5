"""The search of Hager and Zhang."""

import dataclasses
from typing import final

from keras import ops

from ... import _checks
from ..._registration import registered
from ..._types import Tensor
from .. import _vector
from ._bracket import as_end, infinite, middle, root_of_slope, within
from .line import Line, LineSearch, SearchState, Trial, decreases, is_low, slope_says_so

_EXPANSION = 5.0
"""While nothing bounds the step, it grows by this."""
_SHRINK = 0.66
"""Two secants must shrink the bracket by this."""
_MARGIN = 0.01
"""A trial stays this fraction of the bracket away from its ends: so close to them, x would not change."""
_OPEN, _SECANT, _SECOND_SECANT = 0, 1, 2
"""Where the trial in hand came from; the first is all else."""


@final
@registered
@dataclasses.dataclass(frozen=True)
class HagerZhang(LineSearch):
    """A search on slopes, which stays exact where values drown in rounding (section 8.6.2).

        phi(t) <= phi(0) + c1 t phi'(0)    or    phi(t) <= phi(0), but for rounding, and phi'(t) <= (2 c1 - 1) phi'(0)
        and    phi'(t) >= c2 phi'(0)

    The bracket [a, b] keeps phi'(a) < 0 with phi(a) no higher than the start, and phi'(b) >= 0. Two secants of the
    slope in turn, each with an end and what it was before, move both ends; if they do not take a third off the bracket,
    it is halved.

    Args:
        c1: Number in (0, 0.5): the fraction of the decrease that the slope promises. Defaults to `0.1`.
        c2: Number in (c1, 1): the fraction of the slope that may be left. Defaults to `0.9`.

    Raises:
        ValueError: If an argument lies outside its range.

    Example:
        >>> method = keras_ch8.second_order.methods.LBFGS(line_search=keras_ch8.second_order.line_search.HagerZhang())
        >>> f = lambda x: keras.ops.sum((x - 1) ** 4 + x**2)
        >>> keras_ch8.second_order.minimize(f, np.zeros(10, "float32"), method).success
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.6.2; Hager and Zhang (2005, 2006).
    """

    section = "8.6"

    c1: float = 0.1
    c2: float = 0.9

    def __post_init__(self) -> None:
        _checks.wolfe(self.c1, self.c2)

    def init(self, line: Line, first: Tensor) -> SearchState:
        """Propose the first step; nothing bounds it yet."""
        own = {"b": infinite(first), "width": ops.full_like(first, float("inf")), "stage": ops.zeros((), "int32")}
        return SearchState.before_any_trial(line, first, own)

    def update(self, line: Line, state: SearchState, trial: Trial) -> SearchState:
        """Let the trial replace an end of the bracket, and propose the next secant."""
        a_old, b_old, stage = as_end(state.chosen), state.own["b"], state.own["stage"]
        enough = decreases(line, trial, self.c1) | (is_low(line, trial) & slope_says_so(line, trial, self.c1))
        accepted = enough & (trial.slope >= self.c2 * line.slope)
        goes_down = (trial.slope < 0) & is_low(line, trial)
        chosen = _vector.where(goes_down | accepted, trial, state.chosen)
        a, b = as_end(chosen), _vector.where(goes_down, b_old, as_end(trial))
        width = b.step - a.step

        inside = a.step + _MARGIN * width, b.step - _MARGIN * width
        secant = within(root_of_slope(a, b), *inside, middle(a, b))
        second = ops.where(goes_down, root_of_slope(a_old, a), root_of_slope(b_old, b))
        use_second = (stage == _SECANT) & (second > inside[0]) & (second < inside[1])
        halve = (stage != _OPEN) & (width > _SHRINK * state.own["width"])
        is_bracket = ops.isfinite(b.value) & (b.slope >= 0)
        choices = [
            (~ops.isfinite(b.step), _EXPANSION * trial.step, _OPEN),
            (~is_bracket, middle(a, b), _OPEN),
            (use_second, second, _SECOND_SECANT),
            (halve, middle(a, b), _OPEN),
        ]
        step, stage = secant, ops.full_like(stage, _SECANT)
        for holds, other, name in reversed(choices):
            step, stage = ops.where(holds, other, step), ops.where(holds, name, stage)
        own = {"b": b, "width": ops.where(stage == _SECANT, width, state.own["width"]), "stage": stage}
        return SearchState(step, chosen, accepted, accepted | (step == b.step) | ~ops.isfinite(step), own)
