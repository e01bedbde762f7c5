"""Which values count as an improvement, given the smallest change that counts."""

import math
import re

import numpy as np

from .. import _checks
from .._describe import short

_PERCENT = re.compile(r"(\d+\.?\d*|\.\d+)\s*%")


def margin(min_delta: float | str, best: float) -> float:
    """Return by how much a value must be below `best`: a number, or a fraction of it such as "1%"."""
    if isinstance(min_delta, str):
        word = _PERCENT.fullmatch(min_delta.strip())
        if not word:
            raise ValueError(
                "`min_delta` is the smallest change that counts, so it must be a number, or a fraction of the best "
                f'value such as "1%". Received: min_delta={short(min_delta)}.'
            )
        return float(word[1]) / 100 * abs(best)
    return _checks.number(
        "min_delta",
        min_delta,
        0.0,
        math.inf,
        meaning="the smallest change that counts as better, in either direction",
        fix='Try 0, or "1%" for a fraction of the best value.',
    )


def is_better(value: float, best: float, min_delta: float | str) -> bool:
    """Whether `value` is below `best` by more than the margin; NaN never is, and any number is better than NaN."""
    if math.isnan(value) or math.isnan(best):
        return not math.isnan(value)
    if math.isinf(best):  # of which a percentage would be infinite
        return bool(value < best)
    return bool(value + margin(min_delta, best) < best)


def index_of_best(values: np.ndarray, min_delta: float | str = 0.0) -> int | None:
    """Return the place of the best value: the last that was better than the best before it; None if all are NaN."""
    best = None
    for i, value in enumerate(values):
        if is_better(value, math.nan if best is None else values[best], min_delta):
            best = i
    return best
