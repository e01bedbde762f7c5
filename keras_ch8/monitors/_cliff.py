"""Whether single steps meet a gradient far larger than the others."""

import dataclasses

import numpy as np

from .._section import section
from ..verdicts import THRESHOLDS, Claim
from ..verdicts.verdict import mildest
from ._monitor import AbstractMonitor
from ._running_median import FEWEST, running_median
from .past import Past
from .progress import most, progress

SPIKE = 10.0
"""Norm over the running median, from which a step is a spike."""
UNUSUAL = 3.0
"""Norm over any median so far, up to which it is usual: near the end a small gradient varies much."""


@dataclasses.dataclass(frozen=True)
class Cliff:
    """Steps whose gradient stands out.

    Args:
        steps: Numbers of the steps that can be judged.
        ratio: For each of them, norm of the gradient over its median in the 100 steps before.
        rise: The same over all that was usual so far: 3 times any such median, and the first 20 steps. It stays below 1
            while the gradient only shrinks, however much it varies.
    """

    steps: np.ndarray
    ratio: np.ndarray
    rise: np.ndarray

    def spikes(self, above: float) -> np.ndarray:
        """Return the steps at which the ratio rises above a limit, and the norm above all that was usual so far.

        A run of such steps counts once.
        """
        high = (self.ratio > above) & (self.rise > 1)
        return self.steps[high & ~np.concatenate([[False], high[:-1]])]

    @property
    def largest(self) -> float:
        """The largest ratio; NaN if no step can be judged."""
        return float(self.ratio.max()) if len(self.ratio) else float("nan")


@section("8.2.4")
def cliff(norms: np.ndarray, steps: np.ndarray | None = None) -> Cliff:
    """Return which steps had a gradient far above the running median (section 8.2.4).

        ratio_t <- |g_t| / median(|g_(t-100)| .. |g_(t-1)|)

    At the foot of a cliff the gradient is small, on it huge, so that one step undoes what many have done. An
    infinite or NaN norm counts as infinitely large.

    Args:
        norms: Norm of the gradient of each step, before clipping.
        steps: Numbers of the steps. Defaults to 1, 2, ...

    Returns:
        A `Cliff`; the first 20 steps are not judged.

    Example:
        >>> norms = np.ones(50)
        >>> norms[[30, 31, 40]] = 20.0, 20.0, 30.0
        >>> found = keras_ch8.monitors.cliff(norms)
        >>> found.spikes(10.0), found.largest
        (array([31, 41]), 30.0)

    References:
        Pascanu, Mikolov, Bengio (2013), On the Difficulty of Training Recurrent Neural Networks.
    """
    norms = np.where(np.isfinite(norms), norms, np.inf).astype("float64")
    steps = np.arange(1, len(norms) + 1) if steps is None else np.asarray(steps)
    return _cliff(norms, steps, running_median(norms))


def _cliff(norms: np.ndarray, steps: np.ndarray, medians: np.ndarray) -> Cliff:
    first = norms[:FEWEST].max(initial=0.0)
    judged = ~np.isnan(medians)
    norms, steps, median = norms[judged], steps[judged], medians[judged]
    usual = np.maximum(UNUSUAL * np.maximum.accumulate(median), first)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio, rise = (np.where(norms > 0, norms / base, 0.0) for base in (median, usual))
    return Cliff(steps, *(np.where(np.isnan(x), 1.0, x) for x in (ratio, rise)))


class CliffMonitor(AbstractMonitor):
    """See `cliff`."""

    name = "cliff"
    sets = ("cheap", "standard", "full")
    place = 4
    judges = "rows"

    def claims(self, past: Past) -> list[Claim]:
        """Say how many spikes there were; each happened for certain."""
        rows = past.rows
        finite = np.isfinite(rows.norm)
        broken = int((~finite).sum())
        found = _cliff(rows.norm[finite], rows.steps[finite], rows.usual[finite])
        spikes = found.spikes(SPIKE)
        level = mildest(THRESHOLDS["spikes"].level(len(spikes)), most(progress(past)))
        last = f", the last time at step {spikes[-1]}" if len(spikes) else ""
        return [
            Claim(
                "cliff",
                level,
                f"{len(spikes)} times in the last {len(rows.norm)} steps the gradient rose above {SPIKE:g} times the "
                f"median of the 100 before{last}; the largest was {found.largest:.3g} times.",
                proven=level == "act",
            ),
            Claim(
                "nonfinite",
                "act" if broken else "ok",
                f"In {broken} of the last {len(rows.norm)} steps the gradient was NaN or infinite, or above 1e19.",
                proven=broken > 1,
            ),
        ]
