"""How the loss on the probe develops: quantities, conditions and thresholds that the rules of monitors share."""

import dataclasses
from typing import Protocol

import numpy as np

from ..verdicts.fact import Fact
from ..verdicts.rules import Combination, Condition, LevelThreshold, Quantity
from ..verdicts.wording import counted, digits, moved, part, percent, times
from .measurement_log import MeasurementLog, once

FEWEST, LAST = 4, 9
"""Measurements before anything is said of a trend, and measurements that are judged together."""
PARTS = 6
"""Parts of the minibatches of a training, each of some of them, whose mean losses say where it comes from."""
MOMENTUM = 10
"""Steps that one gradient is felt in, with the usual momentum of 0.9."""
BATCHES = 50
"""Minibatches whose gradients are."""
OF_THREE = "in the median of the last 3 measurements"
OF_LAST = f"in the median of the last {LAST} measurements"

# --- where the numbers come from -----------------------------------------------------------------------------------

MEASURED = "measured on trainings whose trouble was known"
"""The source of most limits; `benchmarks/diagnosis/LOG.md` says which trainings have changed what."""
BOOK = "Goodfellow, Bengio, Courville (2016)"
MCCANDLISH = "McCandlish et al. (2018)"
MANDT = "Mandt, Hoffman, Blei (2017), section 3"


# --- quantities ----------------------------------------------------------------------------------------------------

FALLEN = Quantity(
    "fallen",
    "By what fraction the loss on the probe is below its start.",
    lambda fall: f"since the start the loss {moved(fall)}",
    number=moved,
    usual=OF_THREE,
)
GAINED = Quantity(
    "gained",
    "By what fraction the loss on the probe is below its start or, if less and without penalties, "
    "below that of the best constant prediction.",
    lambda gain: f"the loss is {_below(gain)} where it began, or where the best constant prediction is if that is less",
    number=lambda gain: _below(gain),
    usual=OF_THREE,
)
OVER_CHANCE = Quantity(
    "over_chance",
    "The loss, without penalties, over that of the best constant prediction, if that is known and above 0.",
    lambda factor: f"the loss is {times(factor, 'that of the best constant prediction')}",
    "the loss is beyond measure above that of the best constant prediction",
    usual=OF_THREE,
)
OVER_NEIGHBOURS = Quantity(
    "over_neighbours",
    "The loss, without penalties, over that of what the nearest other examples of the probe predict, "
    "if inputs are numbers.",
    lambda factor: f"the loss is {times(factor, 'that of predicting from the most similar other examples')}",
    "the loss is beyond measure above that of predicting from the most similar other examples",
    usual=OF_THREE,
)
FAR_TARGETS = Quantity(
    "far_targets", "1 where the standard deviation of targets that are numbers is above 100, else 0."
)
SHRUNK = Quantity(
    "shrunk_weights",
    "The length of all weights over that at the first measurement, where layers add to the loss.",
    lambda part: f"of the length of the weights {percent(part)} is left",
    number=percent,
)
RECENT = Quantity(
    "recent",
    "By what fraction the loss fell over the last third of the steps.",
    lambda fall: f"lately the loss {moved(fall)}",
    number=moved,
)
PACE_KEPT = Quantity(
    "pace_kept",
    "The fall over the last third of the steps over the whole fall: a third where it falls evenly; 0 without a fall.",
    number=percent,
)
HEADWAY_SINCE = Quantity(
    "headway_since_half",
    "By what fraction the loss is below its lowest in the first half, by medians of three measurements.",
    lambda fall: f"since its lowest in the first half of the steps the loss {moved(fall)}",
    number=lambda fall: f"a {'fall' if fall >= 0 else 'rise'} of {percent(fall)}",
)
PART_DONE = Quantity("part_done", "Steps so far over those of the training, if these are known.", number=percent)
UPDATES = Quantity(
    "updates",
    "Updates of the weights so far.",
    lambda number: f"the training has made {counted(number, 'update')}",
)
GROWTH = Quantity(
    "growth",
    "The loss over its start, if it is never below 0.",
    lambda factor: f"the loss is {times(factor, 'what it was at the start')}",
    "the loss has grown beyond measure since the start",
    usual=OF_THREE,
    series="diagnosis/loss_over_start",
)
TYPICAL_STEP = Quantity(
    "typical_step",
    "The size of `step_over_best`, whatever its sign, in the median.",
    lambda ratio: f"a step has {part(ratio, 'the best length in its direction')}",
    "a step is far longer than the best one in its direction",
    number=percent,
    usual=OF_LAST,
)
OVERSHOOT = Quantity(
    "overshoot",
    "Half the curvature along the step, (1/2) d'Hd, over the slope, -g'd: above 1 the loss rises.",
    lambda ratio: (
        f"the curvature takes back {percent(ratio)} of what the slope along a step promises"
        if ratio > 0
        else "the curvature takes nothing back of what the slope along a step promises"
    ),
    "the curvature takes back far more than the slope along a step promises",
    number=lambda ratio: percent(max(ratio, 0.0)),
    usual=OF_LAST,
)
RATE_LEFT = Quantity(
    "rate_left",
    "The effective learning rate, in the median, over the largest of the first three.",
    lambda part: f"of the effective learning rate of the start {percent(part)} is left",
    number=percent,
)
RATE_OF_LIMIT = Quantity(
    "rate_times_curvature",
    "The effective rate times the largest curvature: gradient descent is unstable above 2.",
    lambda product: f"the effective learning rate is {part(product / 2, 'the largest stable one')}",
    "the effective learning rate is far beyond the largest stable one",
    number=lambda product: percent(product / 2),
    series="diagnosis/rate_times_curvature",
)
NEWTON_GAIN = Quantity(
    "newton_gain",
    "The fraction of the loss that Newton's step would gain, with a length for each direction.",
    lambda gain: (
        f"steps that suit the curvature in each direction would lower the loss by another {percent(gain)}"
        if gain > 0
        else "steps that suit the curvature in each direction would gain nothing"
    ),
    "steps that suit the curvature in each direction would lower the loss by far more than it is",
    number=lambda gain: percent(max(gain, 0.0)),
    series="diagnosis/newton_gain",
)
TRAININGS_TO_GAIN = Quantity(
    "trainings_to_gain",
    "How many trainings as long as this one gain `newton_gain` at the present pace.",
    lambda trainings: f"at the present pace that takes {_trainings(trainings)}" if trainings > 0 else "",
    "at the present pace that would never be reached",
)
ELASTICITY = Quantity(
    "elasticity",
    "How much of the loss a change of all weights by their own size moves, |g| |theta| / L, on the "
    "probe or, if less, the last minibatches.",
    lambda fraction: f"changing all weights by 1 % would change the loss by {percent(fraction / 100)}",
    "the gradient is large beyond measure",
    number=lambda fraction: percent(fraction / 100),
    series="diagnosis/sensitivity_to_weights",
)


def _below(gain: float) -> str:
    return f"{percent(gain)} {'below' if gain >= 0 else 'above'}"


LONGEST = 1000.0
"""Trainings as long as this one; more are not told apart."""


def _trainings(number: float) -> str:
    if number > LONGEST:
        return f"more than {digits(LONGEST)} times as long as this training"
    return "as long as this training" if digits(number) == "1" else f"{digits(number)} times as long as this training"


# --- conditions ----------------------------------------------------------------------------------------------------

THIRD_OVER = Condition(PART_DONE, ">=", 1 / 3, "a third of the training is over")
HALF_OVER = Condition(PART_DONE, ">=", 0.5, "half of the training is over")
LAST_QUARTER = Condition(PART_DONE, ">=", 0.75, "the training is in its last quarter")
AT_CHANCE = Condition(OVER_CHANCE, ">=", 0.95, "a constant predicts as well")
NO_RISE = Condition(RECENT, ">", -0.2, "the loss does not rise much")
NO_FALL = Condition(RECENT, "<", 0.05, "the loss does not fall")
GOOD = Condition(GAINED, ">=", 0.5, "the loss is far below its start and the best constant prediction")
FALLING = Condition(RECENT, ">=", 0.05, "the loss still falls")
FALLING_FAST = Condition(RECENT, ">=", 0.2, "the loss falls fast")
HARDLY_MOVED = Condition(
    GAINED, "<", 0.1, "the loss is hardly below its start, or that of the best constant prediction"
)
HIGH = Condition(GAINED, "<", 0.9, "the loss is not low")
LOW = Condition(GAINED, ">=", 0.9, "the loss is low")
NOT_KNOWN_LOW = Combination("the loss is not known to be low", "none of", (LOW,))
NOT_ARRIVED = Condition(GAINED, "<", 0.95, "more than a twentieth of the loss is left")
FAR_OFF = Combination(
    "the loss is on its way down from far above that of a constant: targets are far from 1, and outputs have to grow",
    "all of",
    (
        Condition(FAR_TARGETS, ">=", 1),
        Condition(OVER_CHANCE, ">=", 1.5),
        Condition(FALLEN, ">", 0),
    ),
)
STUCK = Combination("the loss is stuck", "none of", (GOOD, FALLING))
SLOW = Combination(
    "the loss is slow", "all of", (HIGH, Combination("the loss does not fall fast", "none of", (FALLING_FAST,)))
)
KEEPS_ITS_PACE = Combination(
    "the loss falls slowly, but as fast as it did",
    "all of",
    (Condition(PACE_KEPT, ">=", 0.25), Condition(FALLEN, ">=", 0.005)),
)
EVENLY = Combination(
    "the loss falls slowly, and no faster at the start",
    "all of",
    (KEEPS_ITS_PACE, NO_FALL),
)
SHRUNK_AWAY = Combination(
    "penalties have shrunk the weights until a constant predicts as well",
    "all of",
    (Condition(SHRUNK, "<", 1 / 3), AT_CHANCE),
)
"""Where weights next to 0, and the units that they leave idle, are what the penalties ask for."""
AT_REST = Combination(
    "the loss is at rest",
    "all of",
    (
        NOT_KNOWN_LOW,
        NO_RISE,
        NO_FALL,
        Combination("the loss fell faster at the start", "none of", (KEEPS_ITS_PACE,)),
    ),
)

# --- thresholds of several rules -----------------------------------------------------------------------------------

SHORT_STEP = LevelThreshold(
    TYPICAL_STEP, "below", watch=1e-2, act=1e-3, source=f"{MEASURED}; healthy Adam has 2 to 6 %"
)
DECREMENT = LevelThreshold(NEWTON_GAIN, "above", watch=0.1, act=0.3, source=MEASURED)
CREEPING = LevelThreshold(TRAININGS_TO_GAIN, "above", watch=1.0, act=3.0, source=MEASURED)
RATE_LIMIT = LevelThreshold(
    RATE_OF_LIMIT, "above", watch=0.3, act=0.3, source="gradient descent is unstable at 2; " + MEASURED
)
SMALL_GRADIENT = LevelThreshold(ELASTICITY, "below", watch=0.05, act=0.02, source=MEASURED)
DIVERGED = LevelThreshold(GROWTH, "above", watch=1.3, act=1.6, source=MEASURED)

FADED_RATE = LevelThreshold(RATE_LEFT, "below", watch=1e-2, act=5e-3, source=MEASURED)

WORTH_A_SPECTRUM = Combination(
    "the spectrum is worth its price",
    "any of",
    (
        Combination(
            "the training does not go well",
            "none of",
            (Condition(GAINED, ">=", 0.95, "nothing is missing"), FALLING_FAST),
        ),
        SHORT_STEP.at("watch", "the steps are short"),
    ),
)
"""Where the spectrum of the Hessian is worth its price."""

# --- measuring -----------------------------------------------------------------------------------------------------


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
        return {
            FALLEN.name: self.fallen_to(self.now),
            GAINED.name: self.gained_at(self.now, self.penalty),
            OVER_CHANCE.name: self.over_chance(self.now, self.penalty),
            OVER_NEIGHBOURS.name: (self.now - self.penalty) / self.neighbours if self.neighbours > 0 else float("nan"),
            RECENT.name: self.recent,
            PACE_KEPT.name: (self.then - self.now) / (self.start - self.now) if self.start > self.now else 0.0,
            GROWTH.name: self.over_start(self.now),
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


def progress_measured(log: MeasurementLog) -> dict[str, float]:
    """Return what rules of several monitors judge; of the loss nothing before there are enough measurements."""
    measured = {
        PART_DONE.name: log.done / log.total if log.total else float("nan"),
        UPDATES.name: log.updates,
        OVERSHOOT.name: _median(log.series("step_length", "ratio")[-LAST:]),
        HEADWAY_SINCE.name: _headway_since_half(log),
        RATE_LEFT.name: rate_left(log),
    }
    if seen := progress(log):
        measured |= seen.measured() | {
            TYPICAL_STEP.name: _median(np.abs(log.series("step_length", "step_over_optimal")[-LAST:])),
            FAR_TARGETS.name: float(Fact.LARGE_TARGETS in log.has),
        }
        weights = log.series("gradient_norm", "weight_norm")
        shrunk = float(weights[-1] / weights[0]) if log.is_penalized and weights[0] else float("nan")
        measured |= {} if np.isnan(shrunk) else {SHRUNK.name: shrunk}  # rules on it say nothing of other losses
    return measured


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else float("nan")


def progress_newest(log: MeasurementLog) -> dict[str, float]:
    """Return the newest measurement of what `Progress` judges by several."""
    newest: dict[str, float] = {}
    if seen := progress(log):
        last = log.of("gradient_norm")[-1]
        newest = {
            FALLEN.name: seen.fallen_to(last.loss),
            GAINED.name: seen.gained_at(last.loss, last.penalty),
            OVER_CHANCE.name: seen.over_chance(last.loss, last.penalty),
            GROWTH.name: seen.over_start(last.loss),
        }
    if steps := log.of("step_length"):
        newest[TYPICAL_STEP.name] = abs(steps[-1].step_over_optimal)
    return newest


def trainings_to_gain(seen: Progress, gain: float, log: MeasurementLog) -> float:
    """Return how long the loss takes, at its pace, to fall by this fraction, in trainings as long as this one."""
    pace = max(seen.recent, 1e-9) / (log.done / 3)
    return gain / pace / log.total if log.total else float("nan")


class HasElasticity(Protocol):
    """A reading that knows the gradient, the weights and the loss."""

    weight_norm: float
    loss: float

    @property
    def elasticity(self) -> float:
        """|g| |theta| / L."""


def elasticity(log: MeasurementLog, reading: HasElasticity) -> float:
    """Return |g| |theta| / L of a reading, with the norms of the last minibatches if they are smaller.

    On a probe that is not trained on the gradient stays above 0 where the one that training follows is 0.
    """
    norms = log.rows.norm[-BATCHES:]
    known = len(norms) and reading.loss
    of_batches = float(np.median(norms)) * reading.weight_norm / abs(reading.loss) if known else float("nan")
    return float(np.fmin(reading.elasticity, of_batches))


@once
def effective_rate(log: MeasurementLog) -> float:
    """Return |d| / |g|, the median over the last measurements, with g of the minibatch that made d; NaN if not known.

    For gradient descent that is the learning rate, for other optimizers what they make of it.
    """
    return _median(_effective_rates(log, slice(-LAST, None)))


@once
def rate_left(log: MeasurementLog) -> float:
    """Return the effective rate over the largest of the first three measurements; NaN if not known. See `RATE_LEFT`."""
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
