"""How the loss on the probe develops: what the rules of several monitors judge."""

import dataclasses

import numpy as np

from ..verdicts import quantities as q
from ..verdicts.fact import Fact
from ..verdicts.quantities import LAST
from ..verdicts.table import WORTH_A_SPECTRUM
from .measurement_log import MeasurementLog, once

FEWEST = 4
"""Measurements before anything is said of a trend."""
PARTS = 6
"""Parts of the minibatches of a training, each of some of them, whose mean losses say where it comes from."""
MOMENTUM = 10
"""Steps that one gradient is felt in, with the usual momentum of 0.9."""
BATCHES = 50
"""Minibatches whose gradients are."""


@dataclasses.dataclass(frozen=True)
class Progress:
    """The loss on the probe so far.

    Args:
        start: Before the first update.
        now: Median of the last three measurements.
        recent: See `RECENT`.
        chance: Loss of the best constant prediction; NaN where it is not known.
        then: Median of the last three measurements before the last third of the steps.
        neighbours: Loss of what the nearest other examples predict; NaN where it is not known.
        lowest: The lowest median of three measurements in a row.
        penalty: What of `now` layers have added, such as regularizers: constants and neighbours have none of it.
    """

    start: float
    now: float
    recent: float
    chance: float = float("nan")
    then: float = float("nan")
    neighbours: float = float("nan")
    lowest: float = float("nan")
    penalty: float = 0.0

    def fallen_to(self, loss: float) -> float:
        """Return by how much it fell if it is at this loss, as a fraction of the start."""
        return (self.start - loss) / abs(self.start) if self.start else 0.0

    def gained_at(self, loss: float, penalty: float) -> float:
        """Return by how much a loss with a penalty is below the start, or chance where that is less, as a fraction.

        The start has penalties, and chance has none. Of a loss that goes below 0 a fraction of the start says little:
        it is no more than the part that is kept of what was once gained.
        """
        reference, by_chance = float(np.fmin(self.start, self.chance)), float("nan")
        if self.chance:
            by_chance = (self.chance - (loss - penalty)) / abs(self.chance)
        gain = float(np.fmin(self.fallen_to(loss), by_chance))
        return min(gain, (reference - loss) / (reference - self.lowest)) if self.lowest < min(reference, 0) else gain

    def measured(self) -> dict[str, float]:
        """Return what rules judge of it."""
        knows = 0 < self.neighbours < self.chance / 2  # else there may be nothing to learn
        return {
            q.GAINED.name: self.gained_at(self.now, self.penalty),
            q.OVER_CHANCE.name: self.over_chance(self.now, self.penalty),
            q.OVER_NEIGHBOURS.name: (self.now - self.penalty) / self.neighbours if knows else float("nan"),
            q.RECENT.name: self.recent,
            q.PACE_KEPT.name: (self.then - self.now) / (self.start - self.now) if self.start > self.now else 0.0,
            q.GROWTH.name: self.over_start(self.now),
        }

    def over_chance(self, loss: float, penalty: float) -> float:
        """Return a loss, without its penalty, over that of the best constant prediction; NaN where that is unknown."""
        return (loss - penalty) / self.chance if self.chance > 0 else float("nan")

    def over_start(self, loss: float) -> float:
        """Return a loss over what it was at the start; NaN for one that may be below 0."""
        return loss / self.start if self.start > 0 else float("nan")


@once
def progress(log: MeasurementLog) -> Progress | None:
    """Return how the loss develops; None before there are enough measurements."""
    readings, steps = log.of("gradient_norm"), log.steps_of("gradient_norm")
    if len(readings) < FEWEST:
        return None
    losses, penalties = (log.series("gradient_norm", name) for name in ("loss", "penalty"))
    first = log.of("step_length")
    start = first[0].loss_before if first else losses[0]
    now = float(np.median(losses[-3:]))
    before = losses[: max(2, np.searchsorted(steps, log.first + (steps[-1] - log.first) * 2 / 3))]
    then = float(np.median(before[-3:]))
    recent = (then - now) / abs(then) if then else 0.0
    lowest = float(_medians_of_three(losses).min())
    return Progress(
        start=float(start),
        now=now,
        recent=recent,
        chance=log.chance,
        then=then,
        neighbours=log.neighbours,
        lowest=lowest,
        penalty=float(np.median(penalties[-3:])),
    )


def reported(log: MeasurementLog) -> tuple[float, float] | None:
    """Return the first and the last loss that the training itself reports, of epochs or of parts of its minibatches.

    None where there are not two of them.
    """
    losses = log.reported("loss")
    if len(losses) < 2:
        known = log.rows.loss[~np.isnan(log.rows.loss)]
        parts = np.array_split(known, PARTS) if len(known) >= 2 * PARTS else []
        losses = np.array([part.mean() for part in parts])
    return (float(losses[0]), float(losses[-1])) if len(losses) else None


def _medians_of_three(losses: np.ndarray) -> np.ndarray:
    return np.median(np.lib.stride_tricks.sliding_window_view(losses, 3), axis=1)


@once
def penalties_of_loss(log: MeasurementLog) -> float:
    """Return the largest part of the loss that regularizers of weights have been; NaN without any. See `PENALTIES`."""
    losses, penalties = (log.series("gradient_norm", name) for name in ("loss", "penalty"))
    shares = penalties[losses > 0] / losses[losses > 0]
    return float(shares.max()) if Fact.PENALTIES_OF_WEIGHTS in log.has and len(shares) else float("nan")


@once
def progress_measured(log: MeasurementLog) -> dict[str, float]:
    """Return what rules of several monitors judge; of the loss nothing before there are enough measurements."""
    measured = {
        q.PART_DONE.name: log.done / log.total if log.total else float("nan"),
        q.UPDATES.name: log.updates,
        q.OVERSHOOT.name: _median(log.series("step_length", "ratio")[-LAST:]),
        q.HEADWAY_SINCE.name: _headway_since_half(log),
        q.RATE_LEFT.name: rate_left(log),
    }
    if seen := progress(log):
        measured |= seen.measured() | {
            q.TYPICAL_STEP.name: _median(np.abs(log.series("step_length", "step_over_optimal")[-LAST:])),
            q.FAR_TARGETS.name: float(Fact.LARGE_TARGETS in log.has),
        }
        weights = log.series("gradient_norm", "weight_norm")
        shrunk = float(weights[-1] / weights[0]) if log.is_penalized and weights[0] else float("nan")
        measured |= {} if np.isnan(shrunk) else {q.SHRUNK.name: shrunk}  # rules on it say nothing of other losses
    return measured


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else float("nan")


def progress_newest(log: MeasurementLog) -> dict[str, float]:
    """Return the newest measurement of what `Progress` judges by several."""
    newest: dict[str, float] = {}
    if seen := progress(log):
        last = log.of("gradient_norm")[-1]
        newest = {
            q.GAINED.name: seen.gained_at(last.loss, last.penalty),
            q.OVER_CHANCE.name: seen.over_chance(last.loss, last.penalty),
            q.GROWTH.name: seen.over_start(last.loss),
        }
    if steps := log.of("step_length"):
        newest[q.TYPICAL_STEP.name] = abs(steps[-1].step_over_optimal)
    return newest


@once
def effective_rate(log: MeasurementLog) -> float:
    """Return |d| / |g|, the median over the last measurements, with g of the minibatch that made d; NaN if not known.

    For gradient descent that is the learning rate, for other optimizers what they make of it.
    """
    return _median(_effective_rates(log, slice(-LAST, None)))


def rate_of_limit(log: MeasurementLog) -> float:
    """Return the effective rate times the largest curvature, which is 2 at the limit; NaN before a spectrum is seen."""
    ends = log.of("spectrum")
    return effective_rate(log) * ends[-1].largest if ends else float("nan")


@once
def rate_left(log: MeasurementLog) -> float:
    """Return the effective rate over the largest of the first three measurements; NaN if not known. See `RATE_LEFT`.

    It is not known where a constraint takes back what the gradient asks for, whatever the rate.
    """
    if Fact.CONSTRAINTS in log.has:
        return float("nan")
    first, now = _effective_rates(log, slice(3)), effective_rate(log)
    return now / float(first.max()) if len(first) and first.max() > 0 else float("nan")


def _effective_rates(log: MeasurementLog, which: slice) -> np.ndarray:
    """Return |d| / |g| of some measurements, as far as it is known.

    A gradient that is a tenth of the mean of the last ten or less has not made the step: momentum carries on what they
    have made, and the mean counts.
    """
    steps, lengths = log.steps_of("step_length")[which], log.series("step_length", "length")[which]
    _, there, at = np.intersect1d(steps, log.rows.steps, return_indices=True)
    norms, finite = log.rows.norm[at], np.where(np.isfinite(log.rows.norm), log.rows.norm, 0.0)
    usual = np.array([finite[max(0, place + 1 - MOMENTUM) : place + 1].mean() for place in at])
    norms = np.where((norms > 0) & (norms <= usual / MOMENTUM), usual, norms)
    is_known = (norms > 0) & np.isfinite(norms)
    return lengths[there][is_known] / norms[is_known]


def _headway_since_half(log: MeasurementLog) -> float:
    """Return how far the loss is below the lowest of the first half of the steps; NaN where it is not known."""
    steps, losses = log.steps_of("gradient_norm"), log.series("gradient_norm", "loss")
    if len(losses) < FEWEST:
        return float("nan")
    medians = _medians_of_three(losses)
    early = medians[: max(1, np.searchsorted(steps, log.first + (steps[-1] - log.first) / 2) - 2)]
    lowest = float(early.min())
    return (lowest - float(medians[-1])) / abs(lowest) if lowest else float("nan")


def is_spectrum_worthwhile(log: MeasurementLog) -> bool:
    """Whether the spectrum is worth its price; see `WORTH_A_SPECTRUM`."""
    return progress(log) is not None and WORTH_A_SPECTRUM.holds(progress_measured(log))
