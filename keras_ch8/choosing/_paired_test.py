"""A paired t test: whether two ways to train differ by more than chance, from runs with the same seeds.

The distribution of t is that of SciPy, which is an extra of this package.
"""

import dataclasses
import math
from collections.abc import Sequence
from types import ModuleType

import numpy as np

from .._result import Result

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
    return PairedTest(mean, critical_t(count - 1) * error, 2 * float(distributions().stdtr(count - 1, -t)), count)


def critical_t(degrees: int) -> float:
    """Return the t whose two-sided probability is 5 %."""
    return float(distributions().stdtrit(degrees, 1 - LEVEL / 2))


def distributions() -> ModuleType:
    """Return what SciPy has of distributions; raise ImportError, with what to install, where it is missing."""
    try:
        from scipy import special
    except ImportError as error:
        raise ImportError(
            "Whether trainings differ by more than chance is tested by SciPy. Received: an environment without it. "
            'Install it: pip install "keras_ch8[tune]".'
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
