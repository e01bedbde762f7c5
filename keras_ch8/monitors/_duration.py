"""Whether a training ends too early, goes on for nothing, or swings at one level, by what its epochs report."""

import dataclasses
import functools

import numpy as np

from ..verdicts.rules import Combination, Condition, LevelThreshold, Quantity, Rule
from ..verdicts.verdict import Claim
from ..verdicts.wording import digits, percent
from ._gradient_noise import NOISE_OVER_BATCH, noise_over_batch
from ._online_risk import HELD_OUT, held_out_drawn
from .base import Monitor
from .measurement_log import MeasurementLog
from .progress import MEASURED, OVERSHOOT, PART_DONE, UPDATES, progress_measured

FEWEST, BLOCKS = 4, 6
"""Epochs of which a course is made; with fewer, parts of the minibatches in order."""
LAST_PART = 1 / 3
"""Part of a training, at its end, whose fall is judged."""
PLAYBOOK = "Deep Learning Tuning Playbook"

LATELY = Quantity(
    "fell_lately",
    "By what fraction the validation (else training) loss fell in the last third of the training.",
    lambda fall: (
        f"in the last third of the training the loss fell by {percent(fall)}"
        if fall > 0
        else "in the last third of the training the loss did not fall"
    ),
    number=lambda fall: percent(max(fall, 0.0)),
)
STILL_AHEAD = Quantity(
    "still_ahead",
    "What as many epochs again would gain, as a fraction of the loss, if the fall goes on shrinking.",
    lambda gain: (
        f"if the fall goes on shrinking as it does, as many more epochs would lower the loss by {percent(gain)}"
        if gain > 0
        else ""
    ),
    number=lambda gain: percent(max(gain, 0.0)),
)
FALLEN_SO_FAR = Quantity("fallen_so_far", "By what fraction the loss is below that of the first part of the training.")
LAST_OF_FALL = Quantity(
    "last_of_fall",
    "The part of the whole fall that the last third of the training has brought.",
    lambda part: f"{percent(max(part, 0.0))} of its fall came in the last third",
    number=lambda part: percent(max(part, 0.0)),
)
BEST_AT = Quantity(
    "best_at",
    "Where the loss was lowest so far: 0 at the start, 1 in the last epoch.",
    lambda place: "it was lowest " + (f"after {percent(place)} of the epochs so far" if place else "at the beginning"),
    number=percent,
)
LEFT = Quantity(
    "left_of_chance",
    "The loss over that of the best constant prediction, else over that of the first epoch.",
    lambda part: f"{percent(part)} of the loss of the best constant prediction, or of the first epoch, is left",
    number=percent,
)
LEARNED_SINCE = Quantity(
    "learned_since_best",
    "By what fraction the training loss fell since validation was best.",
    lambda fall: f"since then the training loss fell by {percent(max(fall, 0.0))}",
    number=lambda fall: percent(max(fall, 0.0)),
)
RISEN = Quantity(
    "risen_since_best",
    "By what fraction the loss is above its lowest, of the course that `best_at` is of.",
    lambda rise: f"since then it rose by {percent(rise)}",
    number=percent,
)
SWING = Quantity(
    "swing",
    "The mean change of the training loss between epochs in the second half, as a fraction of the loss.",
    lambda size: f"from one epoch to the next it changes by {percent(size)}",
    number=percent,
)
HEADWAY = Quantity(
    "headway", "The fall over the second half of the epochs over all changes in it: 1 where it only falls."
)

BATCHES_OF_UPDATE = Quantity(
    "batches_of_update",
    "Batches whose gradients one update adds up.",
    lambda number: f"an update adds up the gradients of {digits(number)} batches",
)

AT_THE_END = Condition(PART_DONE, ">=", 0.9, "the training is at its end")
NOT_LEARNED = Condition(LEFT, ">", 0.5, "more than half of the loss is left")
FALLS_ON = Condition(BEST_AT, ">=", 0.9, "the loss is lowest at the end", PLAYBOOK)
BY_SHORT_STEPS = Combination(
    "it falls no slower than before, in steps that could be a hundred times as long: more epochs, or longer steps",
    "all of",
    (Condition(LAST_OF_FALL, ">=", 0.33), Condition(OVERSHOOT, "<", 0.005)),
)
"""Where a training that ends too early may as well have steps that are too short."""
FEW_UPDATES = Condition(UPDATES, "<", 400, "there were few updates")
HARDLY_AN_UPDATE = Condition(UPDATES, "<", 50, "there were fewer than 50 updates: few minibatches tell little")
MAY_BE_A_SWING = Condition(
    OVERSHOOT, ">=", 0.5, "the curvature takes back half of what a step gains: it may be a swing"
)

NO_HEADWAY = Condition(HEADWAY, "<", 0.2, "its rises undo most of its falls")
AT_ONE_LEVEL = (Condition(LEFT, ">", 0.2, "it is not low"), NO_HEADWAY)

too_short = functools.partial(Rule, kind="too_short", mentions=(UPDATES, LEFT, *HELD_OUT))
RULES = (
    too_short(
        says="The training ends after a handful of updates, while the loss still falls",
        all_of=(LevelThreshold(LATELY, "above", watch=0.04, act=None, source=MEASURED),),
        when=(
            AT_THE_END,
            NOT_LEARNED,
            FALLS_ON,
            Condition(UPDATES, "<", 50, "there were fewer than 50 updates"),
        ),
    ),
    too_short(
        says="The training ends after few updates, since each adds up many batches",
        all_of=(LevelThreshold(BATCHES_OF_UPDATE, "above", watch=2.0, act=2.0, source=MEASURED),),
        when=(AT_THE_END, NOT_LEARNED, Condition(UPDATES, "<", 100, "there were fewer than 100 updates")),
    ),
    too_short(
        says="The training ends after few updates, while the loss still falls",
        all_of=(LevelThreshold(LATELY, "above", watch=0.08, act=0.08, source=MEASURED),),
        when=(
            AT_THE_END,
            NOT_LEARNED,
            FALLS_ON,
            Condition(UPDATES, "<", 600, "there were few updates"),
        ),
        eased_by=(BY_SHORT_STEPS,),
    ),
    too_short(
        says="The training ends after few updates, when the loss has only begun to fall",
        all_of=(LevelThreshold(LAST_OF_FALL, "above", watch=0.25, act=0.25, source=MEASURED),),
        when=(
            AT_THE_END,
            Condition(LEFT, ">", 0.9, "nearly all of the loss is left"),
            FALLS_ON,
            Condition(FALLEN_SO_FAR, ">=", 0.02, "it has fallen for certain"),
            Condition(UPDATES, "<", 300, "there were few updates"),
        ),
        eased_by=(BY_SHORT_STEPS, HARDLY_AN_UPDATE),
    ),
    too_short(
        says="The training ends after few updates, while the loss still falls much",
        all_of=(
            LevelThreshold(LATELY, "above", watch=0.12, act=0.12, source=MEASURED),
            LevelThreshold(STILL_AHEAD, "above", watch=0.18, act=0.18, source=MEASURED),
        ),
        when=(
            AT_THE_END,
            Condition(LEFT, ">", 0.1, "something is left to learn"),
            FALLS_ON,
            FEW_UPDATES,
        ),
        eased_by=(BY_SHORT_STEPS, MAY_BE_A_SWING),
    ),
    too_short(
        says="The training ends after few updates, while the loss still falls by much of what is left",
        all_of=(
            LevelThreshold(LATELY, "above", watch=0.14, act=0.14, source=MEASURED),
            LevelThreshold(STILL_AHEAD, "above", watch=0.3, act=0.3, source=MEASURED),
        ),
        when=(
            AT_THE_END,
            Condition(LEFT, ">", 0.05, "something is left to learn"),
            FALLS_ON,
            FEW_UPDATES,
        ),
        eased_by=(BY_SHORT_STEPS, MAY_BE_A_SWING),
    ),
    too_short(
        says="The training ends while the loss still falls",
        all_of=(
            LevelThreshold(LATELY, "above", watch=0.12, act=None, source=MEASURED),
            LevelThreshold(STILL_AHEAD, "above", watch=0.25, act=None, source=MEASURED),
        ),
        when=(AT_THE_END, NOT_LEARNED, FALLS_ON),
    ),
    Rule(
        kind="too_long",
        says="Nothing was gained in the last three quarters of the epochs, neither on held-out examples nor on others",
        all_of=(LevelThreshold(BEST_AT, "below", watch=0.25, act=0.25, source=PLAYBOOK),),
        when=(
            AT_THE_END,
            Condition(LEARNED_SINCE, "<", 0.02, "the training loss has not fallen since either"),
            Condition(LEFT, "<", 0.9, "it had learned something"),
        ),
        mentions=(LEARNED_SINCE, *HELD_OUT),
    ),
    Rule(
        kind="too_long",
        says="The loss on held-out examples was best in the first third of the epochs, and has risen since",
        all_of=(
            LevelThreshold(BEST_AT, "below", watch=0.33, act=0.33, source=f"{PLAYBOOK}; {MEASURED}"),
            LevelThreshold(RISEN, "above", watch=0.02, act=0.02, source=MEASURED),
        ),
        when=(
            AT_THE_END,
            Condition(LEARNED_SINCE, ">=", 0.02, "the training loss has fallen since"),
            Condition(UPDATES, ">=", 200, "there were many updates"),
        ),
        mentions=(LEARNED_SINCE, *HELD_OUT),
    ),
    Rule(
        kind="oscillation",
        says="The training loss swings from epoch to epoch at one level",
        all_of=(LevelThreshold(SWING, "above", watch=0.1, act=0.2, source=MEASURED),),
        when=AT_ONE_LEVEL,
        mentions=HELD_OUT,
    ),
    Rule(
        kind="oscillation",
        says="The training loss swings from epoch to epoch at one level, as the steps go beyond the lowest point",
        all_of=(
            LevelThreshold(SWING, "above", watch=0.1, act=0.12, source=MEASURED),
            LevelThreshold(OVERSHOOT, "above", watch=0.5, act=0.7, source=MEASURED),
        ),
        when=(
            Condition(LEFT, ">", 0.05, "it is not low"),
            NO_HEADWAY,
            Condition(NOISE_OVER_BATCH, "<", 1.0, "the gradient of a minibatch is not mostly noise"),
        ),
        mentions=HELD_OUT,
    ),
)


class DurationMonitor(Monitor):
    """Judges by the epochs whether more of them, or fewer, would do better, and whether the loss comes to rest.

    The validation loss is the course where there is one, else the training loss; of a training of fewer than four
    epochs, the mean loss of each sixth of its minibatches. What is said at the end rests on all epochs, and no other
    measurement follows: it counts at once.
    """

    name = "duration"
    sets = ("cheap", "standard", "full")
    order = 5
    source = "epochs"
    rules = RULES

    def measure(self, log: MeasurementLog) -> dict[str, float]:
        """Return how the loss fell last, where it was lowest, and how it swings."""
        course, losses = _course(log), log.reported("loss")
        measured: dict[str, float] = {}
        if log.total and len(course) >= FEWEST and np.isfinite(course).all():
            best, reference = int(course.argmin()), _reference(log, course)
            measured = progress_measured(log) | {
                LATELY.name: _lately(course),
                BATCHES_OF_UPDATE.name: log.of_update,
                STILL_AHEAD.name: _still_ahead(course if len(course) >= BLOCKS else _of_steps(log)),
                FALLEN_SO_FAR.name: (course[0] - course[-1]) / abs(course[0]) if course[0] else 0.0,
                LAST_OF_FALL.name: _last_of_fall(course),
                BEST_AT.name: best / (len(course) - 1),
                RISEN.name: (course[-1] - course[best]) / abs(course[best]) if course[best] else 0.0,
                LEFT.name: course[-1] / reference if reference > 0 else float("nan"),
                NOISE_OVER_BATCH.name: noise_over_batch(log),
            }
            if len(losses) == len(course) and losses[best]:
                measured[LEARNED_SINCE.name] = (losses[best] - losses[-1]) / abs(losses[best])
            half = losses[len(losses) // 2 :]
            if len(half) >= FEWEST and np.isfinite(half).all():
                changes, height = np.abs(np.diff(half)), abs(float(np.median(half)))
                measured[SWING.name] = float(changes.mean()) / height if height else 0.0
                measured[HEADWAY.name] = (half[0] - half[-1]) / changes.sum() if changes.any() else 0.0
        return measured

    def drawn(self, log: MeasurementLog) -> dict[str, float]:
        """Return the held-out loss by the series in which it is drawn."""
        return held_out_drawn(log)

    def claims(self, log: MeasurementLog) -> list[Claim]:
        """Return what the rules say; at the end that is certain, as no other measurement follows: good or bad."""
        is_over = bool(log.total) and log.done >= log.total
        return [
            dataclasses.replace(claim, proven=(claim.level != "ok" or is_over) and claim.kind != "oscillation")
            for claim in super().claims(log)
        ]

    def remarks(self, log: MeasurementLog) -> dict[str, str]:
        """Return where the loss came from and where it is."""
        course = _course(log)
        if not len(course):
            return {}
        first, last, best = (digits(loss, 3) for loss in (course[0], course[-1], course.min()))
        went = f"it went from {first} to {last}" if first != last else f"it stayed near {first}"
        return {"too_short": went, "too_long": f"at its best it was {best}"}


def _course(log: MeasurementLog) -> np.ndarray:
    """Return the loss from the beginning to now."""
    for name in ("val_loss", "loss"):
        if len(losses := log.reported(name)) >= FEWEST:
            return losses
    return _of_steps(log)


def _of_steps(log: MeasurementLog) -> np.ndarray:
    """Return the mean losses of equal parts of the minibatches."""
    losses = log.rows.loss[np.isfinite(log.rows.loss)]
    if len(losses) < 2 * BLOCKS:
        return np.zeros(0)
    return np.array([block.mean() for block in np.array_split(losses, BLOCKS)])


def _lately(course: np.ndarray) -> float:
    """Return by how much the loss fell in the last third of the course, as a fraction of what it was before that.

    Between the points of the course it is taken as straight.
    """
    before = _before_the_last_part(course)
    return (before - float(course[-1])) / abs(before) if before else 0.0


def _last_of_fall(course: np.ndarray) -> float:
    """Return the part of the fall that the last third has brought; 0 where the loss has not fallen."""
    fall = float(course[0] - course[-1])
    return (_before_the_last_part(course) - float(course[-1])) / fall if fall > 0 else 0.0


def _before_the_last_part(course: np.ndarray) -> float:
    return float(np.interp((1 - LAST_PART) * (len(course) - 1), np.arange(len(course)), course))


def _still_ahead(course: np.ndarray) -> float:
    """Return what as many steps again would gain if the fall goes on to shrink, by thirds, as it did last.

    The fall is that of the logarithm: no loss falls by more than it is. Not known of losses that are not above 0. Each
    loss is the mean over a sixth of the course, between whose points it is taken as straight.
    """
    if len(course) < 2 or not course.min() > 0:
        return float("nan")
    between = np.interp(np.linspace(0, len(course) - 1, 10 * BLOCKS), np.arange(len(course)), course)
    ends = np.log([block.mean() for block in np.split(between, BLOCKS)])
    before, last = ends[1] - ends[3], ends[3] - ends[5]
    if not last > 0:
        return 0.0
    kept = min(last / before, 1.0) if before > 0 else 1.0
    return float(1 - np.exp(-last * (kept + kept**2 + kept**3)))


def _reference(log: MeasurementLog, course: np.ndarray) -> float:
    """Return the loss of the best constant prediction, or that of the first epoch where it is not known."""
    return float(course[0]) if np.isnan(log.chance) or log.is_penalized else log.chance
