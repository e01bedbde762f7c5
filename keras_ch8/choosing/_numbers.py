"""The mathematics of choosing: pure functions of numbers, nothing is trained here.

Where to look for the best learning rate and other settings; what a curve of losses over rates suggests; whether two
ways to train differ by more than chance, from runs with the same seeds. The distribution of t is that of SciPy, which
is an extra of this package.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import NamedTuple

import numpy as np

from .._result import Result

BAND = 0.05
"""How far above the best loss those of a band of rates may lie, as a part of it."""
EXTENSIONS = 3
"""How many rates beyond those that were asked for are tried where the best one lies at the boundary."""
_PRIMES = (2, 3, 5, 7, 11, 13, 17, 19)


def halton(count: int, dimensions: int) -> np.ndarray:
    """Return `count` points in the unit cube that fill it evenly, whatever their number (Halton 1960).

    A coordinate of the point i has the digits of i in the base of a prime, in reverse, behind the point. The digits of
    each place are exchanged by a random permutation of their own, so that points of higher dimensions do
    not lie on lines (Owen 2017).
    """
    if dimensions > len(_PRIMES):
        raise ValueError(f"At most {len(_PRIMES)} settings can be searched at once. Received: {dimensions}.")
    generator = np.random.default_rng(0)
    found = np.zeros((count, dimensions))
    for place, base in enumerate(_PRIMES[:dimensions]):
        left = np.arange(count)
        for digit in range(1, math.ceil(32 / math.log2(base)) + 1):  # float32 resolves no finer
            found[:, place] += generator.permutation(base)[left % base] / base**digit
            left //= base
    return found


def settings(ranges: Mapping[str, tuple[float, float]], count: int) -> list[dict[str, float]]:
    """Return `count` settings, evenly in the logarithm of each quantity, between the two ends of its range.

    A quantity between 1/2 and 1, such as a momentum, is taken evenly in the logarithm of 1 minus itself: 0.9 is as far
    from 0.99 as 0.99 is from 0.999.
    """
    if not ranges:
        return [{}]
    points = halton(count, len(ranges))
    columns = {name: _between(*ends, points[:, at]) for at, (name, ends) in enumerate(ranges.items())}
    return [{name: float(values[i]) for name, values in columns.items()} for i in range(count)]


def _between(low: float, high: float, u: np.ndarray) -> np.ndarray:
    return 1 - (1 - low) * ((1 - high) / (1 - low)) ** u if 0.5 <= low < high < 1 else low * (high / low) ** u


def beyond(rates: Sequence[float], losses: Sequence[float]) -> float | None:
    """Return the rate to try next where the best of those tried is the lowest or the highest; else `None`.

    It lies as far beyond the boundary as the rates lie from each other, on a log scale, and at least by a factor 2. A
    loss that is not finite is worse than all others; where none is finite, the next rate is lower.
    """
    tried, found = _in_order(rates, losses)
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


def band(rates: Sequence[float], losses: Sequence[float]) -> tuple[float, float]:
    """Return the lowest and the highest rate around the best whose losses, all of them, lie within 5 % of its loss."""
    tried, found = _in_order(rates, losses)
    best = int(np.argmin(found))
    if not np.isfinite(found[best]):
        return math.nan, math.nan
    is_close = found <= found[best] + BAND * abs(found[best])
    low, high = best, best
    while low > 0 and is_close[low - 1]:
        low -= 1
    while high < len(tried) - 1 and is_close[high + 1]:
        high += 1
    return float(tried[low]), float(tried[high])


def _in_order(rates: Sequence[float], losses: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Return rising rates, and their losses; one that is not finite is infinite."""
    order = np.argsort(rates)
    return np.asarray(rates, "float64")[order], np.where(np.isfinite(losses), losses, np.inf)[order]


# --- learning rates suggested by a curve of losses over rates, in the logarithm of the rate --------------------------


WIDTH = 0.25
"""Width of the smoothing, in decades of the learning rate (standard deviation of a Gaussian)."""
DRAWS = 200
"""Resamplings of the noise, for the range of the suggestion."""
SIGNIFICANT = 5.0
"""Standard errors that the smoothed loss must fall by; of 1000 draws of noise alone, 1 to 3 fall so far."""
CLOSE = 3.0
"""Decades below the rate at which a training diverges in which the second pass spends its steps."""
FAR_FROM_DIVERGING = 30.0
"""How far below the last rate one is suggested where the loss does not say which is best."""
WITHIN = 3.0
"""Factor by which the best rate may be off beside the noise: so it was in two of three trainings of the benchmark."""
TRAINING = 500
"""Steps of the training that a rate is suggested for; for four times as many it would be half."""


class Suggestion(NamedTuple):
    """A learning rate, and the lowest and the highest one that fit what was seen."""

    rate: float
    low: float
    high: float


def weights(decades: np.ndarray) -> np.ndarray:
    """Return the weight of each point (column) in the fit around each point (row)."""
    return np.exp(-0.5 * ((decades[None, :] - decades[:, None]) / WIDTH) ** 2)


def smoother(decades: np.ndarray) -> np.ndarray:
    """Return the matrix that gives the value, at each point, of a line fitted to the points around it."""
    x, w = decades[None, :] - decades[:, None], weights(decades)
    s_0, s_1, s_2 = (np.sum(w * x**power, axis=1, keepdims=True) for power in (0, 1, 2))
    return (s_2 * w - s_1 * w * x) / (s_0 * s_2 - s_1**2)


def without_batch_effects(rates: np.ndarray, losses: np.ndarray, at_start: np.ndarray) -> np.ndarray:
    """Subtract from each loss how much harder its batch is than others, known from its loss at the start.

    The effect shrinks with the loss: at a third of the loss at the start it counts a third.
    """
    level = smoother(np.log10(rates)) @ losses / at_start.mean() if at_start.mean() > 0 else np.ones(len(losses))
    return losses - np.clip(level, 0, 1) * (at_start - at_start.mean())


def scaled_minimum(decades: np.ndarray, loss: np.ndarray) -> float:
    """Return the rate with the smallest loss, for as many steps as a training has.

    The best constant rate for T steps falls as 1 / sqrt(T), and the test has spent h steps within a factor e of each.
    """
    h = (len(decades) - 1) / ((decades[-1] - decades[0]) * np.log(10))
    return float(decades[np.argmin(loss)] + np.log10(h / TRAINING) / 2)


def refined_range(rates: np.ndarray, losses: np.ndarray, limit: float) -> tuple[float, float]:
    """Return the range of the second pass after a first one: below the rate at which it diverged, or all."""
    if len(losses) == len(rates) and losses[-1] <= limit:
        return float(rates[0]), float(rates[-1])
    diverged = max(rates[max(len(losses), 1) - 1], min(10 * rates[0], rates[-1]))
    return float(max(rates[0], diverged / 10**CLOSE)), float(diverged)


def suggest(rates: np.ndarray, losses: np.ndarray) -> tuple[np.ndarray, Suggestion, str]:
    """Return the smoothed losses, the rate to start with, and why it is unsure: "" if it is not.

    The range is from 16 % to 84 % of what other draws of the noise would suggest, and wider on both sides. Where
    nothing hints at a fall, the rate lies far below the last one, and those fit that do not raise the loss.
    """
    decades = np.log10(rates)
    value = smoother(decades)
    loss = value @ losses
    fall, error = fall_of(decades, losses, value)
    if not fall > error:
        fit = rates[loss <= loss.min() + error]
        far = Suggestion(float(min(rates[-1] / FAR_FROM_DIVERGING, fit[-1])), float(fit[0]), float(fit[-1]))
        return loss, far, "the loss never falls"
    noise = losses - loss
    signs = np.random.default_rng(0).choice([-1, 1], (DRAWS, len(noise)))
    drawn = loss + signs * noise  # so that the noise stays as large as it is at each rate
    middle = scaled_minimum(decades, loss)
    others = [scaled_minimum(decades, draw) for draw in drawn @ value.T]
    ends = middle + np.quantile(others, [0.16, 0.84]) - np.median(others)
    rate, low, high = (float(10**x) for x in np.clip([middle, *ends], decades[0] - 1, decades[-1]))
    best = Suggestion(rate, low / WITHIN, min(high * WITHIN, float(rates[-1])))
    return loss, best, "" if fall > SIGNIFICANT * error else "the loss falls no more than noise explains"


def fall_of(decades: np.ndarray, losses: np.ndarray, value: np.ndarray) -> tuple[float, float]:
    """Return how far the smoothed loss falls to its minimum from the highest point before, and the standard error."""
    loss = value @ losses
    at = int(np.argmin(loss))
    top = int(np.argmax(loss[: at + 1]))
    near = weights(decades)
    variance = (near @ (losses - loss) ** 2) / (near @ (1 - np.diag(value)))  # of the noise, which grows with the rate
    return float(loss[top] - loss[at]), float(np.sqrt((value[top] - value[at]) ** 2 @ variance))


# --- a paired t test --------------------------------------------------------------------------------------------------


LEVEL = 0.05
"""The probability of a significant difference between two ways that do not differ."""


@dataclasses.dataclass(frozen=True, repr=False)
class PairedTest(Result):
    """A paired t test, two-sided, and the interval that belongs to it.

    Args:
        difference: Mean of the differences, first minus second.
        margin: Half the width of the interval that holds the true difference in 95 of 100 cases.
        p: Probability of a difference at least as large if there is none.
        count: Number of pairs.
    """

    difference: float
    margin: float
    p: float
    count: int

    @property
    def is_significant(self) -> bool:
        """Whether such a difference is improbable by chance alone."""
        return self.p < LEVEL

    _shows = ("difference", "margin", "p", "count")

    def _headline(self) -> str:
        low, high = self.difference - self.margin, self.difference + self.margin
        judged = "significant" if self.is_significant else "not significant"
        return f"difference {self.difference:.3g}, 95 % interval {low:.3g} to {high:.3g}, p = {self.p:.2g}: {judged}"


def paired_test(first: np.ndarray, second: np.ndarray) -> PairedTest:
    """Test whether the mean of first - second is 0 (Student 1908).

        t = mean(d) / (sd(d) / sqrt(n)),  d = first - second,  n - 1 degrees of freedom

    Right if the differences are about normal. With a value that is not finite p is 1: nothing can be concluded.

    Raises:
        ImportError: If SciPy is not installed.
    """
    with np.errstate(invalid="ignore"):
        differences = np.asarray(first, "float64") - np.asarray(second, "float64")
    count = len(differences)
    if not np.isfinite(differences).all():
        return PairedTest(math.nan, math.inf, 1.0, count)
    mean, error = float(differences.mean()), float(differences.std(ddof=1)) / math.sqrt(count)
    t = abs(mean) / error if error > 0 else math.inf if mean else 0.0
    of_t = distributions()
    margin = float(of_t.stdtrit(count - 1, 1 - LEVEL / 2)) * error
    return PairedTest(mean, margin, 2 * float(of_t.stdtr(count - 1, -t)), count)


def distributions() -> ModuleType:
    """Return what SciPy has of distributions; raise ImportError, with what to install, where it is missing."""
    try:
        from scipy import special
    except ImportError as error:
        raise ImportError(
            'The significance test needs SciPy, which is not installed. Install it with  pip install "keras_ch8[tune]".'
        ) from error
    found: ModuleType = special
    return found


def holm(probabilities: Sequence[float]) -> np.ndarray:
    """Return the probabilities of several tests such that one below 5 % among all of them is improbable (Holm 1979).

    Of n, the smallest is multiplied by n, the next by n - 1, and so on; none becomes smaller than one before it.
    """
    p = np.asarray(probabilities, "float64")
    order = np.argsort(p)
    raised = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return raised[np.argsort(order)]
