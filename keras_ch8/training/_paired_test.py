"""A paired t test: whether two ways to train differ by more than chance, from runs with the same seeds.

The distribution of t is computed by quadrature, for want of SciPy, which this package does not need otherwise; of
several tests together, `compare` asks SciPy where it is installed.
"""

import dataclasses
import functools
import math
import warnings
from collections.abc import Sequence

import numpy as np

from .._result import Result

LEVEL = 0.05
"""The probability of a significant difference between two ways that do not differ."""
_NODES = np.polynomial.legendre.leggauss(200)


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

    def sentence(self, what: str = "difference") -> str:
        """Return the difference under this name, its interval, and what that means."""
        low, high = self.difference - self.margin, self.difference + self.margin
        judged = "significant" if self.is_significant else "not significant"
        return f"{what} {self.difference:.3g}, 95 % of {low:.3g} to {high:.3g}, p = {self.p:.2g}: {judged}"

    def _headline(self) -> str:
        return self.sentence()


def paired_test(first: np.ndarray, second: np.ndarray) -> PairedTest:
    """Test whether the mean of first - second is 0 (Student 1908).

        t = mean(d) / (sd(d) / sqrt(n)),  d = first - second,  n - 1 degrees of freedom

    Right if the differences are about normal. With a value that is not finite p is 1: nothing can be concluded.
    """
    with np.errstate(invalid="ignore"):
        differences = np.asarray(first, "float64") - np.asarray(second, "float64")
    count = len(differences)
    if not np.isfinite(differences).all():
        return PairedTest(math.nan, math.inf, 1.0, count)
    mean, error = float(differences.mean()), float(differences.std(ddof=1)) / math.sqrt(count)
    t = abs(mean) / error if error > 0 else math.inf if mean else 0.0
    return PairedTest(mean, critical_t(count - 1) * error, two_sided(t, count - 1), count)


def two_sided(t: float, degrees: int) -> float:
    """Return the probability that |T| > t.

    With T = sqrt(degrees) tan(angle) the density of the angle is in proportion to cos(angle)^(degrees - 1).
    """
    end = math.atan2(t, math.sqrt(degrees))
    nodes, weights = _NODES
    inside = end / 2 * float(weights @ np.cos(end / 2 * (nodes + 1)) ** (degrees - 1))
    whole = math.sqrt(math.pi) / 2 * math.exp(math.lgamma(degrees / 2) - math.lgamma((degrees + 1) / 2))
    return min(max(1 - inside / whole, 0.0), 1.0)


@functools.cache
def critical_t(degrees: int) -> float:
    """Return the t whose two-sided probability is 5 %, by bisection."""
    low, high = 0.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if two_sided(middle, degrees) > LEVEL else (low, middle)
    return (low + high) / 2


def by_scipy(test: PairedTest, first: np.ndarray, second: np.ndarray) -> PairedTest | None:
    """Return the test with the probability that SciPy gives; None where SciPy is not installed."""
    try:
        from scipy import stats
    except ImportError:
        return None
    if not math.isfinite(test.difference) or np.array_equal(first, second):
        return dataclasses.replace(test, p=1.0)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of differences that are all the same
        return dataclasses.replace(test, p=float(stats.ttest_rel(first, second).pvalue))


def holm(probabilities: Sequence[float]) -> np.ndarray:
    """Return the probabilities of several tests such that one below 5 % among all of them is improbable (Holm 1979).

    Of n, the smallest is multiplied by n, the next by n - 1, and so on; none becomes smaller than one before it.
    """
    p = np.asarray(probabilities, "float64")
    order = np.argsort(p)
    raised = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return raised[np.argsort(order)]
