"""The conditions on a step, with phi(t) = f(x + t d)."""

from typing import Any

from ._line import Line, Trial


def decreases(line: Line, trial: Trial, c1: float) -> Any:
    """Whether a step decreases f sufficiently (Armijo).

    phi(t) <= phi(0) + c1 t phi'(0)
    """
    return trial.value <= line.value + c1 * trial.step * line.slope


def slope_says_so(line: Line, trial: Trial, c1: float) -> Any:
    """Whether the slope says that a step decreases f sufficiently: for a parabola the same (Hager and Zhang, 2005).

        phi'(t) <= (2 c1 - 1) phi'(0)

    Near a minimum the difference of two values is rounding, and only the slopes are left to ask.
    """
    return trial.slope <= (2 * c1 - 1) * line.slope


def is_level(line: Line, trial: Trial) -> Any:
    """Whether the value differs from that at the start by no more than rounding."""
    return abs(trial.value - line.value) <= line.rounding


def is_low(line: Line, trial: Trial) -> Any:
    """Whether the value is no higher than that at the start, but for rounding."""
    return trial.value <= line.value + line.rounding


def is_flat(line: Line, trial: Trial, c2: float) -> Any:
    """Whether the slope has become small enough: |phi'(t)| <= c2 |phi'(0)|."""
    return abs(trial.slope) <= -c2 * line.slope
