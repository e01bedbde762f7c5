"""The searches: a constant step, the exact minimum of a quadratic, and one that narrows a bracket."""

import dataclasses
from typing import Annotated, NamedTuple, final

from keras import ops

from ... import _checks
from ..._registration import registered
from ..._settings import positive
from ..._types import Tensor
from .. import _vector
from .line import (
    Line,
    LineSearch,
    SearchState,
    Trial,
    decreases_or_level,
    is_flat,
    is_level,
)

# --- without a bracket ------------------------------------------------------------------------------------------------


@final
@registered
@dataclasses.dataclass(frozen=True)
class Constant(LineSearch):
    r"""A step of constant length, whether or not the value falls (section 8.6).

    .. math::

        t \leftarrow \text{length}

    Only a step to an infinite value, or NaN, is not made.

    Args:
        length: Number above 0: the multiple of the direction. Defaults to `1.0`, the whole step of Newton's method.

    Raises:
        ValueError: If `length` is not above 0.

    Example:
        >>> search = keras_ch8.second_order.line_search.Constant(0.25)
        >>> method = keras_ch8.second_order.methods.SteepestDescent(line_search=search)
        >>> found = keras_ch8.second_order.minimize(lambda x: keras.ops.sum(x**2), np.array([8.0]), method)
        >>> found.success
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 4.3.
    """

    section = "8.6"

    length: Annotated[float, positive("the multiple of the direction to go", "Try 1.0.")] = 1.0

    def init(self, line: Line, first: Tensor) -> SearchState:
        """Propose the length."""
        del first
        return SearchState.before_any_trial(line, ops.full_like(line.slope, self.length))

    def update(self, line: Line, state: SearchState, trial: Trial) -> SearchState:
        """Take it if it is finite."""
        del line
        finite = ops.isfinite(trial.value)
        return state._replace(chosen=state.chosen_if(finite, trial), accepted=finite, is_over=ops.ones_like(finite))


@final
@registered
@dataclasses.dataclass(frozen=True)
class Exact(LineSearch):
    r"""The minimum along the line if the function is quadratic there (section 8.6.2).

    .. math::

        t \leftarrow - \frac{g \cdot d}{d \cdot H d}

    It costs one product with the Hessian. Of other functions it is the Newton step along the line: if that is not
    downhill (d . H d <= 0, where a quadratic has no minimum), no step is made.

    Example:
        >>> search = keras_ch8.second_order.line_search.Exact()
        >>> method = keras_ch8.second_order.methods.SteepestDescent(line_search=search)
        >>> found = keras_ch8.second_order.minimize(lambda x: keras.ops.sum(x**2), np.array([8.0, 1.0]), method)
        >>> found.nit
        1

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, equation 4.10 and section 8.6.2.
    """

    section = "8.6"

    products = 1

    def init(self, line: Line, first: Tensor) -> SearchState:
        """Propose the minimum of the parabola."""
        del first
        bend = _vector.dot(line.direction, line.problem.product(line.point.x, line.direction))
        state = SearchState.before_any_trial(line, -line.slope / bend)
        return state._replace(is_over=~(bend > 0))

    def update(self, line: Line, state: SearchState, trial: Trial) -> SearchState:
        """Take it if it is finite."""
        return Constant().update(line, state, trial)


# --- the ends of a bracket, and where a polynomial through them is smallest; NaN where it has no minimum --------------


_SHRINK = 0.66
"""Two trials must shrink the bracket by this, else it is halved (Moré and Thuente, 1994)."""


class End(NamedTuple):
    """A trial without its gradient, which the end of a bracket does not need."""

    step: Tensor
    value: Tensor
    slope: Tensor


def as_end(trial: Trial) -> End:
    """Return the numbers of a trial."""
    return End(trial.step, trial.value, trial.slope)


def infinite(like: Tensor) -> End:
    """Return the end of a bracket that is still open."""
    infinity = ops.full_like(like, float("inf"))
    return End(infinity, infinity, infinity)


def middle(low: End, high: End) -> Tensor:
    """Return the middle; a tenth if of the start of the line alone one knows that the function is finite there."""
    width = high.step - low.step
    return low.step + ops.where(ops.isfinite(high.value) | (low.step > 0), 0.5 * width, 0.1 * width)


def cubic(a: End, b: End) -> Tensor:
    """Return the minimum of the cubic with the values and slopes of both (Nocedal and Wright, equation 3.59)."""
    d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.step - b.step)
    scale = ops.maximum(ops.abs(d1), ops.maximum(ops.abs(a.slope), ops.abs(b.slope)))
    d2 = ops.sign(b.step - a.step) * scale * ops.sqrt(ops.square(d1 / scale) - (a.slope / scale) * (b.slope / scale))
    return b.step - (b.step - a.step) * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2)


def quadratic(a: End, b: End) -> Tensor:
    """Return the minimum of the parabola with both values and the slope of the first."""
    width = b.step - a.step
    bend = (b.value - a.value) / width - a.slope
    return ops.where(bend * width > 0, a.step - a.slope * width / (2 * bend), float("nan"))


def root_of_slope(a: End, b: End) -> Tensor:
    """Return where the slope is 0 if it changes linearly."""
    return (a.step * b.slope - b.step * a.slope) / (b.slope - a.slope)


# --- the strong Wolfe conditions --------------------------------------------------------------------------------------


_NEAREST, _FARTHEST = 1.1, 4.0
"""How far beyond the last two trials the next one may lie, in multiples of their distance (Moré and Thuente, 1994)."""


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
        c2: Number in (c1, 1): the fraction of the slope that may be left; 0.9 for quasi-Newton methods, 0.2 for
            conjugate gradients. Defaults to `0.9`.

    Raises:
        ValueError: If an argument lies outside its range.

    Example:
        >>> search = keras_ch8.second_order.line_search.StrongWolfe(c2=0.5)
        >>> method = keras_ch8.second_order.methods.LBFGS(line_search=search)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.6.2; Nocedal and Wright (2006), algorithms 3.5
        and 3.6; Moré and Thuente (1994), Line search algorithms with guaranteed sufficient decrease.
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
        turns = trial.slope * (trial.step - low.step) > 0
        new_high = _vector.where(is_worse, last, _vector.where(turns, low, high))
        chosen = _vector.where(accepted | ~is_worse, trial, state.chosen)
        new_low = as_end(chosen)
        width = ops.abs(new_high.step - new_low.step)
        slow = width > _SHRINK * state.own["width_before"]
        is_open = ~ops.isfinite(new_high.step)
        best = _lowest(low, high, last, is_worse, turns, line.rounding)
        is_inside = ~slow & ((best - new_low.step) * (best - new_high.step) < 0)
        inside = ops.where(is_inside, best, middle(new_low, new_high))
        ahead = last.step - low.step
        farthest = last.step + _FARTHEST * ahead
        beyond = ops.clip(ops.where(ops.isfinite(best), best, farthest), last.step + _NEAREST * ahead, farthest)
        step = ops.where(is_open, beyond, inside)
        gone = (step == new_low.step) | (step == new_high.step) | ~ops.isfinite(step)
        own = {"high": new_high, "width": width, "width_before": state.own["width"]}
        return SearchState(step, chosen, accepted, accepted | gone, own)


def _lowest(low: End, high: End, last: End, is_worse: Tensor, turns: Tensor, rounding: Tensor) -> Tensor:
    """Return where a polynomial through the last trial and an end of the bracket is lowest; NaN if nowhere.

    The cubic through values and slopes is compared with the line through the slopes or, where the value rose, with the
    parabola through the values. Where it rose, half-way is safer if the parabola ends nearer to the low end; where the
    slope turns, the farther one shrinks the bracket more; where it flattens, the closer one is safer, unless nothing
    bounds the step yet; where it steepens, the high end says more than the low one. Below the rounding of f the slopes
    alone are left. (Moré and Thuente, section 4.)
    """
    by_slopes = root_of_slope(low, last)
    by_both = cubic(low, last)
    is_level = ops.abs(low.value - last.value) <= rounding
    by_both = ops.where(ops.isfinite(by_both) & ~is_level, by_both, by_slopes)
    by_values = ops.where(is_level, by_slopes, quadratic(low, last))
    is_nearer = ops.abs(by_both - low.step) < ops.abs(by_values - low.step)
    risen = ops.where(is_nearer, by_both, (by_both + by_values) / 2)
    is_open = ~ops.isfinite(high.step)
    is_farther = ops.abs(by_both - last.step) > ops.abs(by_slopes - last.step)
    is_ahead = (by_both - last.step) * (last.step - low.step) > 0
    fallen = ops.where(ops.where(turns | is_open, is_farther, is_ahead & ~is_farther), by_both, by_slopes)
    flattens = (ops.abs(last.slope) <= ops.abs(low.slope)) & (is_ahead | ~is_open)
    fallen = ops.where(turns | flattens, fallen, cubic(high, last))
    return ops.where(ops.isfinite(last.value), ops.where(is_worse, risen, fallen), float("nan"))
