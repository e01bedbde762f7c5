"""Plain facts about arrays of inputs."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

CONSTANT = 1e-6
"""Standard deviation of a feature, over its largest size, up to which it is constant but for rounding."""
RARELY = 0.02
"""Fraction of the examples up to which those that differ from the others leave a feature nearly constant."""
MOST_NUMBERS, MOST_ROWS = 2_000_000, 4096
"""Numbers and rows that are looked at, spread over all examples."""
OFTEN, AGAIN, FAR_AWAY = 3, 0.002, 10.0
"""How many numbers are the same one, their part of all, and its distance from all others in their standard deviations,
from which on it stands for something else than its size."""


@dataclasses.dataclass(frozen=True)
class Inputs:
    """One array of inputs.

    Args:
        name: Its name; "" for the only one.
        of: `"words"`, `"whole numbers"` or `"numbers"`; "" where it is not known.
        examples: How many there are.
        low: The smallest finite number.
        high: The largest finite number.
        mean: Mean of the finite numbers.
        deviation: Their standard deviation.
        rms: Their root mean square.
        nonfinite: How many numbers are infinite or not a number.
        constant: How many of the features are the same in all examples, or nearly all.
        features: How many features there are, on the last axis.
        spread: The largest over the smallest standard deviation of the features that are not nearly constant.
        offset: The size of the mean of such a feature over its standard deviation, the median over them.
        stand_in: A number far from all others that is there again and again, as one that stands for what is missing.
        stand_ins: Fraction of the numbers that are this one.
    """

    name: str = ""
    of: str = ""
    examples: int = 0
    low: float = math.nan
    high: float = math.nan
    mean: float = math.nan
    deviation: float = math.nan
    rms: float = math.nan
    nonfinite: int = 0
    constant: int = 0
    features: int = 0
    spread: float = math.nan
    offset: float = math.nan
    stand_in: float = math.nan
    stand_ins: float = 0.0

    @property
    def are_pixels(self) -> bool:
        """Whether the numbers look like pixels of 0 to 255."""
        return self.low >= 0 and 100 < self.high <= 255


def inputs_of(arrays: Mapping[str, Any]) -> tuple[Inputs, ...]:
    """Return the facts about arrays of inputs, by their names."""
    return tuple(_inputs(name, np.asarray(array)) for name, array in arrays.items())


def _inputs(name: str, x: np.ndarray) -> Inputs:
    examples = len(x) if x.ndim else 0
    if x.dtype.kind in "OUS":
        return Inputs(name, of="words", examples=examples)
    if x.dtype.kind not in "fiub" or not x.size:
        return Inputs(name, examples=examples)
    of = "numbers" if x.dtype.kind == "f" else "whole numbers"
    known = Inputs(name, of, examples, nonfinite=0 if x.dtype.kind != "f" else int((~np.isfinite(x)).sum()))
    values = x[:: 1 + x.size // MOST_NUMBERS].astype("float64")
    values[~np.isfinite(values)] = np.nan
    some = values[~np.isnan(values)]
    if not some.size:
        return known
    columns = values.reshape(-1, x.shape[-1] if x.ndim > 1 else 1)
    columns = columns[:, ~np.isnan(columns).all(axis=0)]
    spread, size = np.nanstd(columns, axis=0), np.nanmax(np.abs(columns), axis=0)
    mean = np.abs(np.nanmean(columns, axis=0))
    few = columns[:: 1 + len(columns) // MOST_ROWS]
    differ = (few != np.nanmedian(few, axis=0)).mean(axis=0)
    varies = (spread > CONSTANT * size) & (differ > RARELY)
    stand_in, stand_ins = stand_in_of(some)
    return dataclasses.replace(
        known,
        low=float(some.min()),
        high=float(some.max()),
        mean=float(some.mean()),
        deviation=float(some.std()),
        rms=float(np.sqrt(np.mean(some**2))),
        constant=int((~varies).sum()),
        features=columns.shape[1],
        spread=float(spread[varies].max() / spread[varies].min()) if varies.any() else math.nan,
        offset=float(np.median(mean[varies] / spread[varies])) if varies.any() else math.nan,
        stand_in=stand_in,
        stand_ins=stand_ins,
    )


def stand_in_of(numbers: np.ndarray) -> tuple[float, float]:
    """Return the lowest or highest number, if it is there again and again and far from all others, and its share."""
    for end in (float(numbers.min()), float(numbers.max())):
        is_it = numbers == end
        share, others = float(is_it.mean()), numbers[~is_it]
        is_far = others.size > 0 and np.abs(others - end).min() > FAR_AWAY * others.std() > 0
        if end and is_it.sum() >= OFTEN and AGAIN < share < 0.5 and is_far:
            return end, share
    return math.nan, 0.0
