"""The ends of a bracket."""

from typing import Any, NamedTuple

from keras import ops

from ._line import Trial


class End(NamedTuple):
    """A trial without its gradient, which the end of a bracket does not need."""

    step: Any
    value: Any
    slope: Any


def as_end(trial: Trial) -> End:
    """Return the numbers of a trial."""
    return End(trial.step, trial.value, trial.slope)


def infinite(like: Any) -> End:
    """Return the end of a bracket that is still open."""
    infinity = ops.full_like(like, float("inf"))
    return End(infinity, infinity, infinity)


def middle(low: End, high: End) -> Any:
    """Return the middle; a tenth if of the start of the line alone one knows that the function is finite there."""
    width = high.step - low.step
    return low.step + ops.where(ops.isfinite(high.value) | (low.step > 0), 0.5 * width, 0.1 * width)
