"""Keras's `use_ema`: a moving average of the weights, one step of it."""

from typing import Any

from keras import ops

from .. import _numerics
from ..integration import backend


def move(
    momentum: float, overwrite_frequency: int | None, theta: Any, average: Any, residual: Any, t: Any, active: Any
) -> None:
    """Move the average of one variable on, and every so many updates overwrite the variable with it.

    average <- momentum * average + (1 - momentum) * theta, starting as a copy of the first updated theta.
    """
    dtype, old, now = theta.dtype.name, backend.as_tensor(average), backend.as_tensor(theta)
    if residual is not None:
        now = _numerics.widen(now, backend.as_tensor(residual), dtype)
    share = ops.where(t == 1, ops.zeros((), old.dtype.name), ops.cast(momentum, old.dtype.name))
    moved = _numerics.choose(active, share * old + (1 - share) * now, old)
    average.assign(moved)
    if overwrite_frequency:
        now = ops.where(_numerics.both(active, t % overwrite_frequency == 0), moved, now)
        if residual is not None:
            now, rest = _numerics.narrow(now, dtype)
            residual.assign(rest)
        theta.assign(now)
