"""Whether single steps meet a gradient far larger than the others."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import _checks, _objects
from .._describe import section
from .._plot import COLORS, GREY, axes_of, finished
from .._result import Result, Table
from ..verdicts import quantities as q
from ..verdicts import table
from ..verdicts.fact import Fact
from .base import Curve, Monitor
from .measurement_log import MeasurementLog, Rows, once, running_median
from .progress import progress_measured

SPIKE = 10.0
"""Norm over the running median, from which a step is a spike."""
UNUSUAL = 3.0
"""Norm over any median so far, up to which it is usual: near the end a small gradient varies much."""
APART = 20
"""Steps from the first spike of a leap in which others are part of it, or of the way back."""
BEFORE, HUGE = 5, 1e6
"""Steps before the loss was infinite in which it, or the gradient, was large if the steps are to blame; and the
length of a step that is too long for any weights."""


@dataclasses.dataclass(frozen=True, repr=False)
class GradientSpikes(Result):
    """Steps whose gradient stands out.

    Args:
        steps: Numbers of the steps that can be judged.
        ratio: For each of them, norm of the gradient over its median in the 100 steps before.
        rise: For each of them, norm of the gradient over 3 times the largest such median so far, that of the first 20
            steps included. It stays below 1 while the gradient only shrinks, however much it varies.
    """

    steps: np.ndarray
    ratio: np.ndarray
    rise: np.ndarray

    def spikes(self) -> np.ndarray:
        """Return the numbers of the steps at which `ratio` is above 10, and `rise` above 1.

        Those less than 20 steps after such a step count with it: they are one leap, and the way back.
        """
        first: list[int] = []
        for place in np.flatnonzero((self.ratio > SPIKE) & (self.rise > 1)):
            if not first or place - first[-1] >= APART:
                first.append(int(place))
        return self.steps[first]

    @property
    def largest(self) -> float:
        """The largest ratio; NaN if no step can be judged."""
        return float(self.ratio.max()) if len(self.ratio) else float("nan")

    def plot(self, ax: Any = None) -> Any:
        """Draw the ratio over the steps, and the spikes, with matplotlib; return the axes."""
        ax = axes_of(ax)
        ax.semilogy(self.steps, self.ratio, color=COLORS[0], label="ratio")
        ax.axhline(SPIKE, color=GREY, linestyle="--", label=f"spike: above {SPIKE:g}")
        spikes = np.isin(self.steps, self.spikes())
        ax.plot(self.steps[spikes], self.ratio[spikes], "v", color=COLORS[1], label=f"{spikes.sum()} spikes")
        return finished(ax, "Gradient norm over its running median", "step", "ratio", "ratio of the norms")

    def _headline(self) -> str:
        found = f"{len(self.spikes())} spikes in {len(self.steps)} steps"
        return f"{found}; the largest gradient is {self.largest:.3g} times the median"

    def _table(self) -> Table:
        spikes = np.isin(self.steps, self.spikes())
        return Table(("step of a spike", "ratio"), list(zip(self.steps[spikes], self.ratio[spikes], strict=True)))


@section("8.2.4")
def cliff(norms: np.ndarray, steps: np.ndarray | None = None) -> GradientSpikes:
    """Return which steps had a gradient far above the running median (section 8.2.4).

        ratio_t <- |g_t| / median(|g_(t-100)| .. |g_(t-1)|)

    At the foot of a cliff the gradient is small, on it huge, so that one step undoes what many have done. An
    infinite or NaN norm counts as infinitely large.

    Args:
        norms: Euclidean norm of the gradient of each step, before clipping, in the order of the steps.
        steps: Numbers of the steps, one for each norm. Defaults to `None`: 1, 2, ...

    Returns:
        A `GradientSpikes`; the first 20 steps are not judged.

    Raises:
        ValueError: If `norms` is not an array of numbers, or `steps` has another length.

    Example:
        >>> norms = np.ones(50)
        >>> norms[[25, 26, 48]] = 20.0, 20.0, 30.0
        >>> found = keras_ch8.monitors.cliff(norms)
        >>> found.spikes(), found.largest
        (array([26, 49]), 30.0)

    References:
        Pascanu, Mikolov, Bengio (2013), On the Difficulty of Training Recurrent Neural Networks.
    """
    norms = _objects.numbers("norms", norms, may_be_empty=True)
    norms = np.where(np.isfinite(norms), norms, np.inf)
    steps = np.arange(1, len(norms) + 1) if steps is None else _checks.as_array(steps)
    _checks.length("steps", steps, len(norms), of="the norms")
    return _cliff(norms, steps, running_median(norms))


def _cliff(norms: np.ndarray, steps: np.ndarray, medians: np.ndarray) -> GradientSpikes:
    judged = ~np.isnan(medians)
    norms, steps, median = norms[judged], steps[judged], medians[judged]
    usual = UNUSUAL * np.maximum.accumulate(median)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio, rise = (np.where(norms > 0, norms / base, 0.0) for base in (median, usual))
    return GradientSpikes(steps, *(np.where(np.isnan(x), 1.0, x) for x in (ratio, rise)))


class CliffMonitor(Monitor):
    """See `cliff`."""

    name = "cliff"
    sets = ("cheap", "standard", "full")
    order = 4
    source = "rows"
    rules = table.CLIFF
    curves = (
        Curve(
            "spikes",
            "Gradient spikes",
            "steps",
            "Steps of the last 5000 with a gradient at least 10 times the usual size, 20 steps or more apart.",
            "8.2.4",
        ),
        Curve(
            "nonfinite_steps",
            "NaN or infinite gradients",
            "steps",
            "Steps of the last 5000 whose gradient is NaN or infinite.",
            "8.2.4",
        ),
    )

    def numbers(self, log: MeasurementLog) -> dict[str, float]:
        """Return how many spikes there were, and how many gradients that are not finite."""
        return {"spikes": len(spikes_of(log)), "nonfinite_steps": len(_broken(log))}

    def measure(self, log: MeasurementLog) -> dict[str, float]:
        """Return how many spikes there were, and how many gradients that are not finite."""
        return progress_measured(log) | {
            q.SPIKES.name: len(spikes_of(log)),
            q.BROKEN.name: len(_broken(log)),
            q.GREW.name: float(grew(log)),
            q.SKIPS.name: float(Fact.SKIPPING in log.has),
        }

    def remarks(self, log: MeasurementLog) -> dict[str, str]:
        """Return when the last such step was, and of which optimizer, where there are several."""
        steps: dict[str, dict[str, np.ndarray]] = {"cliff": _spikes(log), "nonfinite": _broken_of_each(log)}
        return {kind: _last_of(found) for kind, found in steps.items() if any(map(len, found.values()))}


def _last_of(steps: Mapping[str, np.ndarray]) -> str:
    """Return when the last of some steps was, and of which optimizer, where there are several."""
    last, name = max((int(its[-1]), name) for name, its in steps.items() if len(its))
    return f"last: step {last} of `{name}`" if name else f"last: step {last}"


def _rows_of_each(log: MeasurementLog) -> Mapping[str, Rows]:
    """Return the last rows of each optimizer by its name, which is "" where there is one."""
    return log.rows_of or {"": log.rows}


@once
def spikes_of(log: MeasurementLog) -> np.ndarray:
    """Return which of the last steps were spikes, of one optimizer or another."""
    return np.unique(np.concatenate(list(_spikes(log).values())))


@once
def _spikes(log: MeasurementLog) -> dict[str, np.ndarray]:
    """Return which of the last steps of each optimizer were spikes, by their finite gradients."""
    found = {}
    for name, rows in _rows_of_each(log).items():
        finite = np.isfinite(rows.norm)
        found[name] = _cliff(rows.norm[finite], rows.steps[finite], rows.usual[finite]).spikes()
    return found


@once
def grew(log: MeasurementLog) -> bool:
    """Whether loss, gradient or weights grew before the loss was infinite, or nothing is known of them.

    What is not a number from one step to the next, or before any step, comes from elsewhere, such as a division by 0.
    """
    rows = log.rows
    known = [values[np.isfinite(values)] for values in (rows.loss, rows.norm)]
    if not any(map(len, known)):
        return not (len(rows.steps) and rows.steps[0] <= log.first + log.steps_of_update)
    references = [min(float(values[0]), float(np.median(values))) if len(values) else np.nan for values in known]
    grown = [
        len(values) > 0 and values[-BEFORE:].max() > factor * abs(reference)
        for values, reference, factor in zip(known, references, (2.0, 10.0), strict=True)
    ]
    return any(grown) or bool((log.series("step_length", "length") > HUGE).any())


def _broken_of_each(log: MeasurementLog) -> dict[str, np.ndarray]:
    """Return which of the last steps of each optimizer had a gradient that is not finite."""
    return {name: rows.steps[~np.isfinite(rows.norm)] for name, rows in _rows_of_each(log).items()}


def _broken(log: MeasurementLog) -> np.ndarray:
    """Return which of the last steps had a gradient that is not finite, of one optimizer or another."""
    return np.unique(np.concatenate(list(_broken_of_each(log).values())))
