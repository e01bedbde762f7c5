"""Whether a training ends without having learned anything: no better than a constant, or as it began."""

import dataclasses

import numpy as np

from ..verdicts.rules import Condition, LevelThreshold, Quantity, Rule
from ..verdicts.verdict import Claim
from ..verdicts.wording import moved, times
from ._online_risk import HELD_OUT, held_out_drawn
from .base import Monitor
from .measurement_log import MeasurementLog
from .progress import MEASURED, UPDATES, progress

FEWEST = 4
"""Epochs from which on a movement is told from noise."""

LEAST_OVER_CHANCE = Quantity(
    "least_over_chance",
    "The lowest of the losses on the probe, of the last epoch and of validation, over that of the best constant "
    "prediction.",
    lambda factor: f"the loss is {times(factor, 'that of the best constant prediction')}",
    "the loss is beyond measure above that of the best constant prediction",
)
VALIDATION_OVER_CHANCE = Quantity(
    "validation_over_chance",
    "The lowest validation loss over that of the best constant prediction for the validation data.",
    lambda factor: f"the validation loss is at its lowest {times(factor, 'that of the best constant prediction')}",
    "the validation loss is beyond measure above that of the best constant prediction",
)
MOVED = Quantity(
    "moved_over_noise",
    "Of all that `fit` reports, the largest change from the first third of the epochs to the last, by medians, over "
    "the usual change from one epoch to the next.",
    lambda factor: f"nothing moved by more than {times(factor, 'what it changes by from one epoch to the next')}",
)
FELL = Quantity(
    "fell_since_the_first_third",
    "By what fraction the training loss fell from the first third of the epochs to the last, by medians.",
    lambda fall: f"from the first third of the epochs to the last the training loss {moved(fall)}",
    number=moved,
)
ENOUGH = 100
ENOUGH_UPDATES = Condition(UPDATES, ">=", ENOUGH, "there were updates enough to learn something")
AT_CHANCE = LevelThreshold(LEAST_OVER_CHANCE, "above", watch=0.98, act=0.98, source=MEASURED)


class NothingLearnedMonitor(Monitor):
    """Says at the end of a training that it has learned nothing, or after few updates that it is too short for that.

    Where the loss of the best constant prediction is known, the lowest of the losses at the end is compared with it;
    and with that for the validation data, if these are arrays, the lowest validation loss.
    Where only a logged loss is known, of one optimizer and never below 0, neither it nor any other number that `fit`
    reports has moved by more than its own noise.
    """

    name = "nothing_learned"
    sets = ("cheap", "standard", "full")
    order = 5
    source = "finish"
    rules = (
        Rule(
            kind="learns_nothing",
            says="The training has learned nothing: predicting the same for every example does as well",
            all_of=(AT_CHANCE,),
            when=(ENOUGH_UPDATES,),
            mentions=HELD_OUT,
        ),
        Rule(
            kind="learns_nothing",
            says="Nothing that was learned holds for the validation data: predicting the same for each of them does as "
            "well",
            all_of=(LevelThreshold(VALIDATION_OVER_CHANCE, "above", watch=1.0, act=1.0, source=MEASURED),),
            when=(ENOUGH_UPDATES,),
            mentions=HELD_OUT,
            cure="See whether the validation data are drawn and prepared as those of the training: shuffled before the "
            "split, scaled alike, with classes numbered alike. If so, see whether each label belongs to its inputs.",
        ),
        Rule(
            kind="too_short",
            says="The training ends after few updates, before it has learned anything",
            all_of=(AT_CHANCE,),
            when=(Condition(UPDATES, "<", ENOUGH, "there were few updates"),),
            at_most="watch",
            mentions=(UPDATES, *HELD_OUT),
        ),
        Rule(
            kind="learns_nothing",
            says="The training has learned nothing: no number that `fit` reports has moved",
            all_of=(LevelThreshold(MOVED, "below", watch=3.0, act=3.0, source=MEASURED),),
            when=(ENOUGH_UPDATES, Condition(FELL, "<", 0.02, "the training loss has not fallen")),
            mentions=(FELL, *HELD_OUT),
        ),
    )

    def measure(self, log: MeasurementLog) -> dict[str, float]:
        """Return where the losses are at the end or, where that tells nothing, whether any number has moved."""
        measured: dict[str, float] = {UPDATES.name: log.updates}
        seen, validated = progress(log), log.reported("val_loss")
        if len(validated) and log.chance_of_validation > 0 and log.has_readings and not log.is_penalized:
            measured[VALIDATION_OVER_CHANCE.name] = float(validated.min() / log.chance_of_validation)
        if seen is not None and log.chance > 0:
            ends = [log.reported(name)[-1:] for name in ("loss", "val_loss") if not log.is_penalized]
            least = np.fmin.reduce([seen.now - seen.penalty, *np.concatenate([np.zeros(0), *ends])])
            return measured | {LEAST_OVER_CHANCE.name: float(least / log.chance)}
        losses = log.reported("loss")
        is_plain = not log.first and not np.isnan(log.rate) and len(losses) >= FEWEST and losses.min() > 0
        if is_plain:
            before, now = _ends(losses)
            courses = [log.reported(name) for name in log.epochs[-1] if name != "learning_rate"]
            measured[MOVED.name] = max(_moved(course) for course in courses if len(course) >= FEWEST)
            measured[FELL.name] = (before - now) / before
        return measured

    def claims(self, log: MeasurementLog) -> list[Claim]:
        """Return what the rules say: no other measurement follows."""
        return [dataclasses.replace(claim, proven=True) for claim in super().claims(log)]

    def drawn(self, log: MeasurementLog) -> dict[str, float]:
        """Return the held-out loss by the series in which it is drawn."""
        return held_out_drawn(log)


def _ends(course: np.ndarray) -> tuple[float, float]:
    """Return the medians of the first third of a course and of the last."""
    third = -(-len(course) // 3)
    return float(np.median(course[:third])), float(np.median(course[-third:]))


def _moved(course: np.ndarray) -> float:
    """Return by how much a course has moved, in changes from one epoch to the next; 0 where it has not."""
    before, now = _ends(course)
    usual = float(np.median(np.abs(np.diff(course))))
    if now == before:
        return 0.0
    return abs(now - before) / usual if usual else float("inf")
