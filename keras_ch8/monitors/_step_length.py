"""Whether the steps are too long for the curvature, or too short to arrive."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import ops

from .. import _numerics
from .._result import Result
from .._section import section
from .._types import Data, Tensor
from ..verdicts import Combination, Condition, Quantity, Rule, Threshold
from ..verdicts.wording import counted, part, percent, times
from ._cliff import GREW, SPIKES, grew, spikes_of
from ._gradient_noise import NOISE, NOISE_OVER_BATCH, noise_over_batch
from .base import Curve, Monitor, Snapshot
from .past import Past
from .probe import Probe
from .progress import (
    BOOK,
    CREEPING,
    DECREMENT,
    DIVERGED,
    EIGHTH,
    ELASTICITY,
    EVENLY,
    FADED_RATE,
    FALLEN,
    FALLING_FAST,
    FOREIGN,
    GOOD,
    GROWTH,
    HARDLY_MOVED,
    HEADWAY_SINCE,
    HIGH,
    LAST,
    MEASURED,
    NEWTON_GAIN,
    OF_LAST,
    OVERSHOOT,
    PART_DONE,
    RATE_LEFT,
    RATE_LIMIT,
    RATE_OF_LIMIT,
    RECENT,
    SEVENTH,
    SLOW,
    SMALL_GRADIENT,
    STUCK,
    THIRTEENTH,
    TRAININGS_TO_GAIN,
    effective_rate,
    elasticity,
    headway_since_half,
    overshoot,
    part_done,
    progress,
    rate_left,
    trainings_to_gain,
)


@dataclasses.dataclass(frozen=True, repr=False)
class StepLength(Result):
    """The loss along one update d of the optimizer, on examples of the user's choice.

    Args:
        loss_before: L(theta), before the update.
        loss_after: L(theta + d).
        slope: g . d, what the loss would change by without curvature.
        curvature: d . H d, from the difference of the gradients at both ends.
        length: |d|.
    """

    loss_before: float
    loss_after: float
    slope: float
    curvature: float
    length: float

    @property
    def actual(self) -> float:
        """The change of the loss."""
        return self.loss_after - self.loss_before

    @property
    def predicted(self) -> float:
        """Its prediction to second order, g . d + d . H d / 2."""
        return self.slope + self.curvature / 2

    @property
    def trust(self) -> float:
        """Actual over predicted change: near 1 where the loss is quadratic along d."""
        return self.actual / self.predicted if self.predicted else float("nan")

    @property
    def ratio(self) -> float:
        """(1/2) d . H d over -g . d; for gradient descent (1/2) eps^2 g'Hg over eps g'g. Above 1 the loss rises."""
        return self.step_over_optimal / 2

    @property
    def step_over_optimal(self) -> float:
        """|d| over the length that is best along d; 2 leads to the same height on the other side."""
        return self.curvature / -self.slope if self.slope else float("nan")

    _shows = ("loss_before", "loss_after", "slope", "curvature", "length", "step_over_optimal", "trust")

    def _headline(self) -> str:
        return f"the step is {self.step_over_optimal:.3g} of the best length in its direction; above 2 the loss rises"


# --- what is measured ----------------------------------------------------------------------------------------------

INFINITE = Quantity("infinite_loss", "1 where the loss on the probe is infinite or not a number, else left out.")
MEASUREMENTS = Quantity("measurements", "Measurements that are judged together, 9 at most.")
JUMP = Quantity(
    "jump",
    "The change of the loss in one update, as a fraction of the loss.",
    lambda change: f"an update changes the loss by {percent(change)}",
    "an update changes the loss beyond measure",
    number=percent,
    usual=OF_LAST,
    series="ch8_diagnosis/jump",
)
HEIGHT_FALLEN = Quantity(
    "height_fallen", "As `gained`, by the median of the loss over the measurements that are judged together."
)
UPDATES = Quantity("updates_spanned", "Updates between the first and the last measurement that are judged together.")
RISES = Quantity(
    "rises",
    "All rises of the loss from one measurement to the next, as a fraction of the loss.",
    lambda rises: f"its rises between the last measurements come to {percent(rises)} of it",
    "between the last measurements it rises beyond measure",
    number=percent,
    series="ch8_diagnosis/rises",
)
STEP_OVER_BEST = Quantity(
    "step_over_best",
    "The length of a step over the best length in its direction, the median over the last measurements.",
    lambda ratio: (
        f"a step has {part(ratio, 'the best length in its direction')}"
        f"{', along which the loss curves down' if ratio < 0 else ''}"
    ),
    "a step is far longer than the best one in its direction",
    number=percent,
    usual=OF_LAST,
    series="ch8_diagnosis/step_over_optimal",
)
THROWN = Quantity(
    "thrown",
    "The largest median of nine minibatches in a row among the first hundred, over the loss on the probe at the start.",
    lambda factor: f"in the first steps it went up to {times(factor, 'its start')}",
    "in the first steps it went up beyond measure",
)
TRAININGS_TO_HALVE = Quantity(
    "trainings_to_halve",
    "Steps that would halve the loss at the pace of the slope along them, over the steps of the training.",
    lambda trainings: f"at this pace the loss takes {counted(trainings, 'training')} as long as this one to halve",
    "at this pace the loss never halves",
    number=lambda trainings: counted(trainings, "training"),
    usual=OF_LAST,
)

# --- what it means -------------------------------------------------------------------------------------------------

SHORT = Threshold(STEP_OVER_BEST, "below", watch=1e-2, act=1e-3, source=f"{MEASURED}; healthy Adam has 0.02 to 0.06")
LEAPS = Threshold(JUMP, "above", watch=0.1, act=0.3, source=MEASURED)
LEAPS_FAR = Condition(JUMP, ">=", 0.45, "single steps throw it far", FOREIGN)
BY_CLIFFS = Combination(
    "it is single gradients that stand out, and the steps between are not too long",
    "all of",
    (Condition(SPIKES, ">=", 3, source=FOREIGN), Condition(OVERSHOOT, "<", 0.5, source=FOREIGN)),
)
SWINGS = ("oscillation", BY_CLIFFS)
"""What explains a loss that goes up and down better than steps that are too long everywhere."""
CANNOT_BE_LONGER = (
    RATE_LIMIT.at("watch", "the learning rate is near the largest stable one"),
    SMALL_GRADIENT.at("watch", "there is hardly a gradient"),
    DIVERGED.at("watch", "the loss is above its start"),
)
"""Where longer steps would not help: at the limit of the rate, where there is no slope, and where the loss rises."""

RULES = (
    Rule(
        kind="step_too_long",
        says="The loss on the probe has overflowed: it is infinite or not a number",
        when=(Condition(INFINITE, ">=", 1), Condition(GREW, ">=", 1, "the loss or the gradient grew before", FOREIGN)),
        proven_by=(Condition(MEASUREMENTS, ">", 1),),
    ),
    Rule(
        kind="step_too_long",
        says="The training diverges: the loss is above where it began",
        all_of=(DIVERGED,),
        silenced_by=(BY_CLIFFS,),
    ),
    Rule(
        kind="oscillation",
        says="The loss has fallen, but swings up and down at one level",
        all_of=(Threshold(RISES, "above", watch=0.9, act=1.2, source=FOREIGN),),
        when=(
            Condition(HEIGHT_FALLEN, ">=", 0.5, "the loss has come down", FOREIGN),
            Condition(UPDATES, ">=", 100, "so many updates that a loss which falls by a tenth in each would be gone"),
            Condition(OVERSHOOT, ">=", 0.5, "the curvature takes back much of what a step gains", FOREIGN),
            Condition(NOISE_OVER_BATCH, "<", NOISE.watch, "the gradient of a minibatch is not mostly noise"),
        ),
        silenced_by=(
            LEAPS_FAR,
            Condition(HEIGHT_FALLEN, ">=", 0.9, "the loss is low all the while", MEASURED),
        ),
        mentions=(STEP_OVER_BEST,),
    ),
    Rule(
        kind="step_too_long",
        says="The loss does not fall because the steps go beyond the lowest point in their direction",
        all_of=(Threshold(OVERSHOOT, "above", watch=0.5, act=1.0, source=f"{BOOK}, section 8.2.1; {MEASURED}"),),
        when=(STUCK,),
        silenced_by=SWINGS,
        mentions=(STEP_OVER_BEST,),
    ),
    Rule(
        kind="step_too_long",
        says="The loss does not fall because single steps throw it up and down",
        all_of=(LEAPS,),
        when=(STUCK,),
        silenced_by=SWINGS,
    ),
    Rule(
        kind="step_too_long",
        says="Single steps throw the loss up and down, so it stays above what it could be",
        all_of=(LEAPS,),
        when=(
            Condition(HEIGHT_FALLEN, "<", 0.9, "the loss is not low all the while", MEASURED),
            Condition(UPDATES, ">=", 100, "so many updates that a loss which falls by a tenth in each would be gone"),
        ),
        silenced_by=(
            *SWINGS,
            Combination(
                "the loss falls fast, by small leaps",
                "all of",
                (FALLING_FAST, Combination("the leaps are small", "none of", (LEAPS.at("act"),))),
            ),
        ),
    ),
    Rule(
        kind="step_too_long",
        says="The loss goes up and down in many small steps, and the learning rate is near the largest stable one",
        all_of=(Threshold(RISES, "above", watch=0.3, act=None, source=EIGHTH),),
        when=(SLOW, RATE_LIMIT.at("watch", "the learning rate is near the largest stable one")),
        silenced_by=(*SWINGS, GOOD, DECREMENT.at("watch", "it is a ravine: Newton's step would gain much")),
        mentions=(RATE_OF_LIMIT,),
    ),
    Rule(
        kind="step_too_long",
        says="The learning rate is far beyond the largest stable one, and the loss is no lower than in the first half "
        "of the training",
        all_of=(
            Threshold(RATE_OF_LIMIT, "above", watch=20.0, act=40.0, source=THIRTEENTH),
            Threshold(OVERSHOOT, "above", watch=0.5, act=0.5, source=f"{BOOK}, section 8.2.1; {THIRTEENTH}"),
        ),
        when=(
            Condition(HEADWAY_SINCE, "<", 0.0, "the loss is no lower than in the first half"),
            Condition(HEIGHT_FALLEN, "<", 0.9, "the loss is not low all the while", MEASURED),
            Condition(PART_DONE, ">=", 0.5, "half of the training is over"),
        ),
        silenced_by=SWINGS,
        mentions=(HEADWAY_SINCE,),
    ),
    Rule(
        kind="step_too_long",
        says="The first steps threw the loss far above its start, and it has not come back since",
        all_of=(Threshold(THROWN, "above", watch=3.0, act=5.0, source=FOREIGN),),
        when=(STUCK,),
        silenced_by=(BY_CLIFFS,),
        mentions=(GROWTH,),
    ),
    Rule(
        kind="step_too_short",
        says="The loss hardly falls at this pace, and steps could be many times as long",
        all_of=(SHORT, Threshold(TRAININGS_TO_HALVE, "above", watch=2.0, act=10.0, source=MEASURED)),
        when=(Condition(RECENT, ">", 0, "the loss falls at all"),),
        silenced_by=(GOOD, *CANNOT_BE_LONGER),
    ),
    Rule(
        kind="step_too_short",
        says="The loss creeps, though the learning rate could be many times as large",
        all_of=(
            Threshold(RATE_OF_LIMIT, "below", watch=0.02, act=None, source=SEVENTH),
            DECREMENT,
            CREEPING,
        ),
        when=(SLOW,),
        silenced_by=CANNOT_BE_LONGER,
    ),
    Rule(
        kind="step_too_short",
        says="The loss has hardly fallen, and evenly since the start, in steps that could be many times as long",
        all_of=(Threshold(STEP_OVER_BEST, "below", watch=1e-2, act=5e-3, source=FOREIGN),),
        when=(
            HARDLY_MOVED,
            EVENLY,
            Condition(PART_DONE, ">=", 1 / 3, "a third of the training is over"),
        ),
        silenced_by=CANNOT_BE_LONGER[1:],
        mentions=(FALLEN,),
    ),
    Rule(
        kind="step_too_short",
        says="The loss falls slowly, most of it is still to be gained, and the learning rate could be larger",
        all_of=(Threshold(NEWTON_GAIN, "above", watch=0.5, act=None, source=FOREIGN), CREEPING),
        when=(SLOW, Condition(RATE_OF_LIMIT, "<", RATE_LIMIT.watch, "the learning rate is not near its limit")),
        silenced_by=CANNOT_BE_LONGER,
        mentions=(RATE_OF_LIMIT,),
    ),
    Rule(
        kind="step_too_short",
        says="The learning rate has fallen to next to nothing while the loss is far from low, and the loss rests on it",
        all_of=(FADED_RATE,),
        when=(
            Condition(RECENT, "<", 0.05, "the loss does not fall", MEASURED),
            Condition(RECENT, ">", -0.2, "the loss does not rise much", MEASURED),
            Condition(UPDATES, ">=", 100, "there were updates enough to see it", FOREIGN),
        ),
        silenced_by=(GOOD, *CANNOT_BE_LONGER[1:]),
        mentions=(FALLEN,),
        cure="Let the learning rate fall more slowly, over the whole training: count its steps, not its epochs, in the "
        "schedule (`schedules.LinearDecay`).",
    ),
    Rule(
        kind="step_too_short",
        says="Steps a thousand times as long would still be safe, and would gain much of the loss",
        all_of=(DECREMENT,),
        when=(
            HIGH,
            SHORT.at("act", "the steps are far too short"),
            Condition(
                RATE_OF_LIMIT, "<=", 2e-3, "the learning rate is below a thousandth of the largest stable one", EIGHTH
            ),
        ),
        silenced_by=CANNOT_BE_LONGER,
        eased_by=(GOOD,),
        mentions=(STEP_OVER_BEST, RATE_OF_LIMIT),
    ),
)


class StepLengthMonitor(Monitor):
    """See `step_length`.

    Steps that change a low loss by a large part of it do no harm. Steps with momentum lead up and down in many small
    ones: they are too long if the rate is near its limit, and it is no ravine.
    """

    name = "step_length"
    sets = ("cheap", "standard", "full")
    order = 1
    needs_step = True
    rules = RULES
    curves = (
        Curve("step_over_optimal", "ratio", "Update over the best length in its direction: above 2 the loss rises.",
              "8.2.1"),
        Curve("loss_change", "loss", "Change of the loss of the probe by one update.", "8.2.1"),
        Curve("loss_change_predicted", "loss", "The same, predicted to second order: g'd + d'Hd / 2.", "8.2.1"),
        Curve("jump", "ratio", "Change of the loss of the probe by one update, as a fraction of the loss.", "8.2.1"),
        Curve("rises", "ratio", "All rises of the loss between the last measurements, as a fraction of it.", "8.2.1"),
        Curve("loss_over_start", "ratio", "Loss of the probe over what it was at the start.", "8.2.1"),
        Curve("rate_times_curvature", "ratio",
              "Effective rate times the largest curvature: above 2 gradient descent is unstable.", "8.2.1"),
    )  # fmt: skip

    def tensors(self, snapshot: Snapshot) -> dict[str, Tensor]:
        """Return the losses and the products with d."""
        before, now, d = snapshot.before, snapshot.now, snapshot.d
        assert before is not None and d is not None  # noqa: S101, PT018
        change = [b - a for a, b in zip(before.grads, now.grads, strict=True)]
        return {
            "loss_before": before.loss,
            "loss_after": now.loss,
            "slope": _numerics.dot(before.grads, d),
            "curvature": _numerics.dot(change, d),
            "length": ops.sqrt(_numerics.squared_norm(d)),
        }

    def reading(self, **arrays: np.ndarray) -> StepLength:
        """Return the numbers."""
        return StepLength(**{name: float(value) for name, value in arrays.items()})

    def numbers(self, past: Past) -> dict[str, float]:
        """Return the step over the best one, the change of the loss beside its prediction, and the loss's way."""
        seen, last = progress(past), past.of(self.name)[-1]
        numbers = {
            "step_over_optimal": last.step_over_optimal,
            "loss_change": last.actual,
            "loss_change_predicted": last.predicted,
            "jump": _heights([last])[JUMP.name],
        }
        if seen is not None:
            numbers["rises"] = _heights(past.of(self.name)[-LAST:])[RISES.name]
            numbers["loss_over_start"] = seen.over_start(seen.newest)
        if past.of("spectrum"):
            numbers["rate_times_curvature"] = _newton(past)[0]
        return numbers

    def measure(self, past: Past) -> dict[str, float]:
        """Return where the loss is, how it moves, and how long the steps are against what would be best."""
        seen, last = progress(past), past.of(self.name)[-LAST:]
        if not np.isfinite(last[-1].loss_after):
            return {INFINITE.name: 1.0, MEASUREMENTS.name: len(last), GREW.name: float(grew(past))}
        if seen is None:
            return {}
        steps = past.steps_of(self.name)[-LAST:]
        limit, gain = _newton(past)
        return seen.measured() | _heights(last) | {
            HEIGHT_FALLEN.name: seen.gained_at(float(np.median([s.loss_after for s in last]))),
            UPDATES.name: (steps[-1] - steps[0]) / past.steps_of_update,
            OVERSHOOT.name: overshoot(past),
            STEP_OVER_BEST.name: abs(float(np.median([s.step_over_optimal for s in last]))),
            TRAININGS_TO_HALVE.name: _halving(last) / past.total if past.total else float("nan"),
            ELASTICITY.name: elasticity(past, past.of("gradient_norm")[-1]),
            RATE_OF_LIMIT.name: limit,
            NEWTON_GAIN.name: gain,
            TRAININGS_TO_GAIN.name: trainings_to_gain(seen, gain, past),
            PART_DONE.name: part_done(past),
            HEADWAY_SINCE.name: headway_since_half(past),
            RATE_LEFT.name: rate_left(past),
            SPIKES.name: len(spikes_of(past)),
            NOISE_OVER_BATCH.name: noise_over_batch(past),
            THROWN.name: _thrown(past),
        }  # fmt: skip

    def newest(self, past: Past) -> dict[str, float]:
        """Return what the last update did, and what its slope promises."""
        last = past.of(self.name)[-1]
        halving = _halving([last]) / past.total if past.total else float("nan")
        return {OVERSHOOT.name: last.ratio, TRAININGS_TO_HALVE.name: halving}


def _heights(last: list[StepLength]) -> dict[str, float]:
    """Return by how much the loss leaps in an update, and rises between the measurements, as fractions of it."""
    heights = np.array([s.loss_after for s in last])
    height = abs(float(np.median(heights)))
    with np.errstate(invalid="ignore"):
        jump, rises = float(np.median([abs(s.actual) for s in last])), float(np.diff(heights).clip(0).sum())
    return {JUMP.name: jump / height if height else 0.0, RISES.name: rises / height if height else 0.0}


def _thrown(past: Past) -> float:
    """Return the largest median of 9 of the first 100 minibatches over the start; NaN where they are not known."""
    rows, start = past.rows, past.of("step_length")[0].loss_before
    losses = rows.loss[(rows.steps > past.first) & (rows.steps <= past.first + 100)]
    losses = losses[np.isfinite(losses)]
    if len(losses) < 20 or not start > 0:
        return float("nan")
    return float(np.median(np.lib.stride_tricks.sliding_window_view(losses, 9), axis=1).max() / start)


def _halving(last: list[StepLength]) -> float:
    """Return how many steps halve the loss at the pace that the slope along them promises."""
    pace = float(np.median([-s.slope / abs(s.loss_before) if s.loss_before else 0.0 for s in last]))
    return np.log(2) / pace if pace > 0 else float("inf")


def _newton(past: Past) -> tuple[float, float]:
    """Return the rate times the largest curvature, and what Newton's step would gain; NaN before a spectrum is seen."""
    ends = past.of("spectrum")
    return (effective_rate(past) * ends[-1].largest, ends[-1].gain) if ends else (float("nan"), float("nan"))


@section("8.2.1")
def step_length(model: keras.Model, x: Data, y: Data, before: list[np.ndarray], **options: Any) -> StepLength:
    """Return what the last update did to the loss, and what it should have (section 8.2.1).

        L(theta + d) - L(theta)  ~  g . d + (1/2) d . H d

    For gradient descent, d = -eps g, that is the book's -eps g'g + (1/2) eps^2 g'Hg: the loss rises when the second
    term exceeds the first. d . H d is (g(theta + d) - g(theta)) . d, which also knows the kinks of ReLU that second
    derivatives do not see. It costs two gradients, for any optimizer.

    Args:
        model: A compiled model, after the update.
        x: Inputs, as for `fit`; better not those that the update was made of.
        y: Targets.
        before: The trainable weights before the update, one array for each variable.
        **options: As for `curvature.gradient`.

    Returns:
        A `StepLength`.

    Example:
        >>> dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
        >>> model = keras.Sequential([keras.Input((1,)), dense])
        >>> model.compile(loss="mse")  # L(w) = (2 w - 2)^2, from w = 1 + 1 to w = 0
        >>> x, y = np.array([[2.0]]), np.array([[2.0]])
        >>> found = keras_ch8.monitors.step_length(model, x, y, before=[np.array([[2.0]])])
        >>> found.actual, found.slope, found.curvature, found.step_over_optimal
        (0.0, -16.0, 32.0, 2.0)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, equation 8.10.
    """
    probe = Probe(model, x, y, monitors=[StepLengthMonitor()], **options)
    return probe.measure(probe.objective.weights("before", before))["step_length"]
