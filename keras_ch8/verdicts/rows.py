"""What all examples together tell: equal rows, and the order of their labels."""

import math

import numpy as np

from .facts import NAN


def equal_rows(x: np.ndarray, other: np.ndarray) -> tuple[float, bool]:
    """Return the fraction of other examples that are among some, and whether there are few possible ones at all.

    There are few where the examples repeat each other, or where all combinations of the values of the features are
    not many more than there are examples: equal ones are then by nature.
    """
    rows, others = (np.ascontiguousarray(a.reshape(len(a), -1)) for a in (x, other.astype(x.dtype)))
    known = {row.tobytes() for row in rows}
    equal = float(np.mean([row.tobytes() in known for row in others])) if len(others) else NAN
    if not equal > 0:
        return equal, False
    possible = sum(math.log2(len(np.unique(column))) for column in rows[:, :64].T)
    return equal, len(known) < 0.98 * len(rows) or possible < math.log2(len(rows)) + 3


def order_of(y: np.ndarray) -> float:
    """Return the runs of equal labels over the number of classes; NaN where these are no classes."""
    rows = np.asarray(y)
    labels = rows.argmax(axis=-1) if rows.ndim > 1 and rows.shape[-1] > 1 else rows.reshape(len(rows), -1)[:, 0]
    classes = len(np.unique(labels))
    if labels.ndim != 1 or classes < 2 or classes > len(labels) / 4:
        return NAN
    return float((1 + np.count_nonzero(labels[1:] != labels[:-1])) / classes)
