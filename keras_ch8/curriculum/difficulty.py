"""How hard each example is, as numbers."""

from typing import Any

import numpy as np

from .. import _checks

CHUNK = 4096
"""Examples that a function is given at a time."""
BUCKETS = 5
"""Buckets of difficulty that are told apart."""
PER_BUCKET = 50
"""Examples of a bucket that stand for it."""


def numbers(value: Any, count: int) -> np.ndarray:
    """Return a number for each example; else raise ValueError."""
    found = np.asarray(value, "float64")
    _checks.length("difficulty", found, count, of="the examples")
    if np.isnan(found).any():
        raise ValueError(
            "`difficulty` orders the examples, so it must be numbers. Received: NaN for "
            f"{int(np.isnan(found).sum())} of {count} examples, the first at {int(np.argmax(np.isnan(found)))}. Give "
            "these a large number, to have them last."
        )
    return found


def judged(difficulty: Any, source: Any) -> np.ndarray:
    """Return the numbers that are given, or those that a function of (x, y) finds for the examples of a source."""
    if not callable(difficulty):
        return numbers(difficulty, source.count)
    chunks = np.array_split(np.arange(source.count), -(-source.count // CHUNK))
    found = [np.asarray(difficulty(*source.take(chunk)[:2]), "float64") for chunk in chunks]
    return numbers(np.concatenate(found), source.count)


def samples_of_buckets(difficulty: np.ndarray) -> np.ndarray:
    """Return (BUCKETS, some) examples: of equal buckets from the easiest to the hardest, evenly spaced in the order."""
    order = np.argsort(difficulty, kind="stable")
    places = np.arange(BUCKETS * PER_BUCKET) * len(order) // (BUCKETS * PER_BUCKET)
    return order[places].reshape(BUCKETS, PER_BUCKET)
