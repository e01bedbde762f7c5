"""The ends of a bracket, and where a polynomial through them is smallest; NaN where it has no minimum."""

from typing import NamedTuple

from keras import ops

from ..._types import Tensor
from .line import Trial


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


def minimum(a: End, b: End, rounding: Tensor) -> Tensor:
    """Return the best of these: of the slopes alone, where the values differ by rounding, and else of all four."""
    by_value = cubic(a, b)
    by_value = ops.where(ops.isfinite(by_value), by_value, quadratic(a, b))
    return ops.where(ops.abs(a.value - b.value) <= rounding, root_of_slope(a, b), by_value)


def within(t: Tensor, low: Tensor, high: Tensor, otherwise: Tensor) -> Tensor:
    """Return t, moved between two bounds in either order, or something else where it is NaN or infinite."""
    smaller, larger = ops.minimum(low, high), ops.maximum(low, high)
    return ops.where(ops.isfinite(t), ops.minimum(ops.maximum(t, smaller), larger), otherwise)
