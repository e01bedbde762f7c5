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
        low, high = bounds
        low, high = (_filled(bound, none, x) for bound, none in ((low, -np.inf), (high, np.inf)))
    except (TypeError, ValueError):
        raise ValueError(
            f"`{name}` must be `(low, high)`, each a number, an array of shape {x.shape}, or None where there is none. "
            f"Received: {short(bounds)}. SciPy's list of pairs becomes `np.transpose(pairs)`."
        ) from None
    wrong = ~(low <= high) | (low == np.inf) | (high == -np.inf)
    if wrong.any():
        at = np.argmax(wrong)
        raise ValueError(
            f"`{name}` must have low <= high. Received: low={low.flat[at]} and high={high.flat[at]} at entry {at}. "
            "Swap them, or use -np.inf and np.inf where there is none."
        )
    return low, high


def _filled(bound: Any, none: float, x: np.ndarray) -> np.ndarray:
    """Return a bound for each entry of x; None, which may stand in an array too, is replaced.

    In a list it is refused: of two parameters, `[(0, None), (0, None)]` may be meant as SciPy's pairs.
    """
    if isinstance(bound, list | tuple) and any(one is None for one in bound):
        raise ValueError
    given = np.asarray(bound)
    return np.broadcast_to(np.where(np.equal(given, np.array(None)), none, given).astype(x.dtype), x.shape)
