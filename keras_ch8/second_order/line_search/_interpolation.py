"""Where a polynomial through the ends of a bracket is smallest; NaN where it has no minimum."""

from typing import Any

from keras import ops

from ._bracket import End


def cubic(a: End, b: End) -> Any:
    """Return the minimum of the cubic with the values and slopes of both (Nocedal and Wright, equation 3.59)."""
    d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.step - b.step)
    scale = ops.maximum(ops.abs(d1), ops.maximum(ops.abs(a.slope), ops.abs(b.slope)))
    d2 = ops.sign(b.step - a.step) * scale * ops.sqrt(ops.square(d1 / scale) - (a.slope / scale) * (b.slope / scale))
    return b.step - (b.step - a.step) * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2)


def quadratic(a: End, b: End) -> Any:
    """Return the minimum of the parabola with both values and the slope of the first."""
    width = b.step - a.step
    bend = (b.value - a.value) / width - a.slope
    return ops.where(bend * width > 0, a.step - a.slope * width / (2 * bend), float("nan"))


def secant(a: End, b: End) -> Any:
    """Return where the slope is 0 if it changes linearly."""
    return (a.step * b.slope - b.step * a.slope) / (b.slope - a.slope)


def minimum(a: End, b: End, rounding: Any) -> Any:
    """Return the best of these: of the slopes alone, where the values differ by rounding, and else of all four."""
    by_value = cubic(a, b)
    by_value = ops.where(ops.isfinite(by_value), by_value, quadratic(a, b))
    return ops.where(ops.abs(a.value - b.value) <= rounding, secant(a, b), by_value)


def within(t: Any, low: Any, high: Any, otherwise: Any) -> Any:
    """Return t, moved between two bounds in either order, or something else where it is NaN or infinite."""
    smaller, larger = ops.minimum(low, high), ops.maximum(low, high)
    return ops.where(ops.isfinite(t), ops.minimum(ops.maximum(t, smaller), larger), otherwise)
