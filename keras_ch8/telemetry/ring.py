"""The arithmetic of rings: tables of rows, of which that of a step stands at the step's remainder.

The first number of a row is its step, so that a row that is of an earlier round, or was never written, is known.
"""

import numpy as np

from .._types import Tensor
from ..integration import backend


def rows_for(steps: int) -> int:
    """Return how many rows a ring has that remembers so many steps: a power of two (see `backend.ring`)."""
    return 1 << (steps - 1).bit_length()


def remembered(first: int, last: int, rows: int) -> np.ndarray:
    """Return those of the steps `first` to `last` that a ring of so many rows may still remember."""
    return np.arange(max(first, last + 1 - rows), last + 1)


def read(ring: Tensor, steps: np.ndarray) -> np.ndarray:
    """Return the rows of some steps, one after the other."""
    return np.asarray(backend.rows(ring, steps % int(ring.shape[0])))


def is_there(found: np.ndarray, steps: np.ndarray, rows: int) -> np.ndarray:
    """Return which of the numbers that rows have as their steps are those steps; float32 rounds large ones."""
    return np.abs(found - steps) < rows / 2
