"""Bounds as users give them, checked."""

from typing import Any

import numpy as np

from .._describe import short
from .contract import Method


def refuse(method: Method, bounds: Any) -> None:
    """Refuse bounds of a method that would step over them."""
    if not method.takes_bounds:
        raise ValueError(
            f"`{type(method).__name__}` cannot keep x within bounds. Received: bounds={short(bounds)}. Use `LBFGS()`, "
            "or leave `bounds` out."
        )


def of_vector(bounds: Any, x: np.ndarray, name: str = "bounds") -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest x as vectors of its shape and type; else raise ValueError."""
    try:
        low, high = (np.broadcast_to(np.asarray(bound, x.dtype), x.shape) for bound in bounds)
    except (TypeError, ValueError):
        raise ValueError(
            f"`{name}` must be `(low, high)`, two numbers or arrays of shape {x.shape}. Received: {short(bounds)}. Use "
            "-np.inf and np.inf where there is none; SciPy's list of pairs becomes `np.transpose(pairs)`."
        ) from None
    wrong = ~(low <= high) | (low == np.inf) | (high == -np.inf)
    if wrong.any():
        at = np.argmax(wrong)
        raise ValueError(
            f"`{name}` must have low <= high. Received: low={low.flat[at]} and high={high.flat[at]} at entry {at}. "
            "Swap them, or use -np.inf and np.inf where there is none."
        )
    return low, high
