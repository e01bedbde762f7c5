"""The critical batch size, measured: how many examples does each batch size need from a checkpoint to the same loss."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

STEP = 4
"""Ratio of one batch size to the next."""
RATE_STEP = 2.0
"""Ratio of one learning rate to the next, of one batch size."""
MOST_RATES = 6
"""Learning rates that are tried with one batch size, at most."""
SAVES = 0.85
"""A smaller batch that needs more than this fraction of the examples saves nothing: no smaller one is tried."""
TOO_MANY = 4.0
"""A batch size that needs so many times the examples of the best is far above the critical one."""


class Branch(NamedTuple):
    """A batch size at its best learning rate.

    Args:
        batch_size: Examples in a batch.
        rate: The best of the learning rates that were tried.
        examples: Examples from the checkpoint to the loss that all had to reach; infinite if it was not reached.
        loss: The last loss.
        examples_per_second: Throughput.
    """

    batch_size: int
    rate: float
    examples: float
    loss: float
    examples_per_second: float


def examples_to(target: float, examples: np.ndarray, losses: np.ndarray) -> float:
    """Return after how many examples a curve is at the target for the first time, between its points on a line."""
    below = np.flatnonzero(losses <= target)
    if not len(below):
        return math.inf
    at = int(below[0])
    if at == 0:
        return float(examples[0])
    share = (losses[at - 1] - target) / (losses[at - 1] - losses[at])
    return float(examples[at - 1] + share * (examples[at] - examples[at - 1]))


def fit(sizes: np.ndarray, examples: np.ndarray) -> tuple[float, float]:
    r"""Return the critical batch size, and the examples that tiny batches need, by least squares in the logarithm.

    .. math::

        \text{examples}(m) = \text{fewest} \cdot (1 + \frac{m}{\text{critical}})

    so a batch of the critical size needs twice the examples of a tiny one, and twice the steps of a huge one. Infinite
    where no size needs more than another, 0 where all need as many more as they are larger.
    """
    known = np.isfinite(examples)
    sizes, logs = np.asarray(sizes, float)[known], np.log(np.asarray(examples, float)[known])
    if len(sizes) < 2:
        return math.nan, math.nan
    criticals = np.geomspace(sizes.min() / 100, sizes.max() * 100, 2001)
    shape = np.log1p(sizes[None] / criticals[:, None])
    levels = (logs[None] - shape).mean(axis=1)
    errors = ((logs[None] - shape - levels[:, None]) ** 2).sum(axis=1)
    at = int(np.argmin(errors))
    ends = {0: 0.0, len(criticals) - 1: math.inf}
    return float(ends.get(at, criticals[at])), float(np.exp(levels[at]))


def _cost(branch: Branch) -> tuple[float, float, float]:
    """Return what is compared: examples, then loss; of rates that all diverge the lowest is best."""
    return branch.examples, branch.loss if math.isfinite(branch.loss) else math.inf, branch.rate


def best_rate(branch: Callable[[float], Branch], first: float) -> Branch:
    """Return the best learning rate from `first` on, by factors of 2 in the direction that needs fewer examples."""
    tried = {0: branch(first)}
    while len(tried) < MOST_RATES:
        best = min(tried, key=lambda place: _cost(tried[place]))
        place = next((p for p in (best - 1, best + 1) if p not in tried), None)
        if place is None:
            break
        tried[place] = branch(first * RATE_STEP**place)
    return min(tried.values(), key=_cost)


def measure(branch: Callable[[int, float], Branch], first: Branch, smallest: int, largest: int) -> Mapping[int, Branch]:
    """Return the branch of each batch size that tells the critical one, from the first one down and then up.

    Each size is four times the one before, and begins with the rate that suits it by the rule of proportion. Downwards
    it ends where smaller batches save no more examples, upwards where larger ones need four times as many.
    """
    found = {first.batch_size: first}
    size = first.batch_size
    while size // STEP >= smallest:
        before = found[size]
        size //= STEP
        found[size] = best_rate(lambda r, size=size: branch(size, r), before.rate / STEP)  # type: ignore[misc]
        if found[size].examples > SAVES * before.examples:
            break
    size = first.batch_size
    while size * STEP <= largest:
        fewest = min(b.examples for b in found.values())
        if found[size].examples > TOO_MANY * fewest:
            break
        before = found[size]
        size *= STEP
        found[size] = best_rate(lambda r, size=size: branch(size, r), before.rate * STEP)  # type: ignore[misc]
    return dict(sorted(found.items()))
