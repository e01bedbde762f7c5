"""What all laws ask of their beginning, and what the stairs share."""

from typing import Any

import numpy as np

from ... import _checks


def checked_start(start: Any) -> float:
    """Check the share at the beginning."""
    return _checks.fraction(
        "start", start, meaning="the share of the examples that may be drawn at the beginning", mend="Try 0.2."
    )


def checked_stairs(buckets: Any, start: Any) -> None:
    """Check the number of buckets, and the share of the first one, if given."""
    _checks.count("buckets", buckets, 2, meaning="into how many parts the examples are cut", mend="Try 5.")
    if start is not None:
        checked_start(start)


def stage(u: Any, buckets: int) -> Any:
    """Return which of the equally long stages u lies in, from 0; u = 1 belongs to the last."""
    return np.minimum(np.floor(np.asarray(u, "float64") * buckets), buckets - 1)


def end_of(bucket: Any, buckets: int, start: float | None) -> Any:
    """Return the share up to the end of a bucket: `start`, by default 1 / buckets, for the first one, 1 for the last.

    The other buckets are of equal size.
    """
    first = 1 / buckets if start is None else start
    return np.where(bucket == buckets - 1, 1.0, first + (1 - first) * bucket / (buckets - 1))
