"""Where to look for the best learning rate and other settings: pure functions of numbers, nothing is trained here."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

BAND = 0.05
"""How far above the best loss those of a band of rates may lie, as a part of it."""
EXTENSIONS = 3
"""How many rates beyond those that were asked for are tried where the best one lies at the boundary."""
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19)


def halton(count: int, dimensions: int, seed: int = 0) -> np.ndarray:
    """Return `count` points in the unit cube that fill it evenly, whatever their number (Halton 1960).

    A coordinate of the point i has the digits of i in the base of a prime, in reverse, behind the point. The digits of
    each place are exchanged by a permutation of their own that `seed` draws, so that points of higher dimensions do
    not lie on lines (Owen 2017).
    """
    if dimensions > len(_PRIMES):
        raise ValueError(f"At most {len(_PRIMES)} settings can be searched together. Received: {dimensions}.")
    generator = np.random.default_rng(seed)
    found = np.zeros((count, dimensions))
    for place, base in enumerate(_PRIMES[:dimensions]):
        left = np.arange(count)
        for digit in range(1, math.ceil(32 / math.log2(base)) + 1):  # float32 resolves no finer
            found[:, place] += generator.permutation(base)[left % base] / base**digit
            left //= base
    return found


def settings(ranges: Mapping[str, tuple[float, float]], count: int, seed: int = 0) -> list[dict[str, float]]:
    """Return `count` settings, evenly in the logarithm of each quantity, between the two ends of its range.

    A quantity between 1/2 and 1, such as a momentum, is taken evenly in the logarithm of 1 minus itself: 0.9 is as far
    from 0.99 as 0.99 is from 0.999.
    """
    if not ranges:
        return [{}]
    points = halton(count, len(ranges), seed)
    columns = {name: _between(*ends, points[:, at]) for at, (name, ends) in enumerate(ranges.items())}
    return [{name: float(values[i]) for name, values in columns.items()} for i in range(count)]


def _between(low: float, high: float, u: np.ndarray) -> np.ndarray:
    return 1 - (1 - low) * ((1 - high) / (1 - low)) ** u if 0.5 <= low < high < 1 else low * (high / low) ** u


def beyond(rates: Sequence[float], losses: Sequence[float]) -> float | None:
    """Return the rate to try next where the best of those tried is the lowest or the highest; else `None`.

    It lies as far beyond the boundary as the rates lie from each other, on a log scale, and at least by a factor 2. A
    loss that is not finite is worse than all others; where none is finite, the next rate is lower.
    """
    order = np.argsort(rates)
    tried, found = np.asarray(rates, "float64")[order], _worst_for_nan(np.asarray(losses)[order])
    apart = (tried[-1] / tried[0]) ** (1 / (len(tried) - 1)) if len(tried) > 1 else 3.0
    factor = max(float(apart), 2.0)
    if not np.isfinite(found).any() or np.argmin(found) == 0:
        return float(tried[0] / factor)
    return float(tried[-1] * factor) if np.argmin(found) == len(tried) - 1 else None


def beyond_in(ends: tuple[float, float], values: Sequence[float], losses: Sequence[float]) -> float | None:
    """Return what `beyond` does, for a quantity between 1/2 and 1 by its distance from 1; None where that ends."""
    if not 0.5 <= ends[0] < ends[1] < 1:
        return beyond(values, losses)
    far = beyond([1 / (1 - value) for value in values], losses)
    return None if far is None or far <= 1 else 1 - 1 / far


def sweep(
    loss_of: Callable[[float], float], rates: Sequence[float], extensions: int = EXTENSIONS
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Return the rates that were tried in ascending order, their losses, and whether the best still lies at a boundary.

    Where the best of `rates` lies at a boundary, up to `extensions` rates beyond it are tried.
    """
    tried = [float(rate) for rate in rates]
    losses = [float(loss_of(rate)) for rate in tried]
    for _ in range(extensions):
        rate = beyond(tried, losses)
        if rate is None:
            break
        tried.append(rate)
        losses.append(float(loss_of(rate)))
    order = np.argsort(tried)
    return np.array(tried)[order], np.array(losses)[order], beyond(tried, losses) is not None


def band(rates: Sequence[float], losses: Sequence[float], within: float = BAND) -> tuple[float, float]:
    """Return the lowest and the highest rate around the best whose losses, all of them, lie within 5 % of its loss."""
    order = np.argsort(rates)
    tried, found = np.asarray(rates, "float64")[order], _worst_for_nan(np.asarray(losses)[order])
    best = int(np.argmin(found))
    if not np.isfinite(found[best]):
        return math.nan, math.nan
    is_close = found <= found[best] + within * abs(found[best])
    low, high = best, best
    while low > 0 and is_close[low - 1]:
        low -= 1
    while high < len(tried) - 1 and is_close[high + 1]:
        high += 1
    return float(tried[low]), float(tried[high])


def _worst_for_nan(losses: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(losses), losses, np.inf)
