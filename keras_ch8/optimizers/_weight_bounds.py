"""Bounds of the weights of a model, by patterns of their paths."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from .. import _checks
from .._describe import short
from ..second_order import bounds as _bounds
from ..second_order.contract import Method
from .groups import Group


def checked(bounds: Any, method: Method) -> dict[str, list[float]] | None:
    """Return `bounds` as a dict of lists, as it is saved; else raise TypeError or ValueError."""
    if bounds is None:
        return None
    _bounds.refuse(method, bounds)
    if not isinstance(bounds, Mapping) or not bounds or not all(map(_checks.is_name, bounds)):
        raise TypeError(
            "`bounds` must be a dict from patterns of the paths of weights to pairs. Received: "
            f'bounds={short(bounds)}. Try {{"*/kernel": (0.0, np.inf)}}.'
        )
    scalar = np.zeros(())
    return {
        str(pattern): [float(bound) for bound in _bounds.of_vector(pair, scalar, f"bounds[{str(pattern)!r}]")]
        for pattern, pair in bounds.items()
    }


def of_weights(
    bounds: dict[str, list[float]] | None, variables: Sequence[keras.Variable], dtype: str
) -> tuple[()] | tuple[np.ndarray, np.ndarray]:
    """Return low and high of all weights, laid end to end; `()` without bounds. The first pattern that fits counts."""
    if bounds is None:
        return ()
    paths = [variable.path for variable in variables]
    found = [next((pattern for pattern in bounds if Group(pattern).fits(path, 0)), None) for path in paths]
    for pattern in bounds:
        if pattern not in found:
            raise ValueError(
                "Each pattern of `bounds` must be the first that matches some weight. Received: "
                f"{pattern!r} for the weights {short(paths)}. Fix it (`*` matches any text), or move it up."
            )
    pairs = [(-np.inf, np.inf) if pattern is None else bounds[pattern] for pattern in found]
    sizes = [int(np.prod(variable.shape)) for variable in variables]
    low, high = (np.repeat(each, sizes).astype(dtype) for each in zip(*pairs, strict=True))
    return low, high
