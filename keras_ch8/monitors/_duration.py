"""Whether a training ends too early, goes on for nothing, or oscillates at one level, by what its epochs report."""

import dataclasses

import numpy as np

from ..verdicts import quantities as q
from ..verdicts import table
from ..verdicts.verdict import Claim
from ._online_risk import held_out_drawn
from .base import Monitor
from .measurement_log import MeasurementLog
from .progress import progress_measured

FEWEST, BLOCKS = 4, 6
"""Epochs of which a course is made; with fewer, parts of the minibatches in order."""
LAST_PART = 1 / 3
"""Part of a training, at its end, whose fall is judged."""


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
    rules = table.DURATION

    def measure(self, log: MeasurementLog) -> dict[str, float]:
        """Return how the loss fell last, where it was lowest, and how it oscillates."""
        course, losses = _course(log), log.reported("loss")
        measured: dict[str, float] = {}
        if log.total and len(course) >= FEWEST and np.isfinite(course).all():
            best, reference = int(course.argmin()), _reference(log, course)
            measured = progress_measured(log) | {
                q.LATELY.name: _lately(course),
                q.STILL_AHEAD.name: _still_ahead(course if len(course) >= BLOCKS else _of_steps(log)),
                q.BEST_AT.name: best / (len(course) - 1),
                q.RISEN.name: (course[-1] - course[best]) / abs(course[best]) if course[best] else 0.0,
                q.LEFT.name: course[-1] / reference if reference > 0 else float("nan"),
            }
            if len(losses) == len(course) and losses[best]:
                measured[q.LEARNED_SINCE.name] = (losses[best] - losses[-1]) / abs(losses[best])
            half = losses[len(losses) // 2 :]
            if len(half) >= FEWEST and np.isfinite(half).all():
                changes, height = np.abs(np.diff(half)), abs(float(np.median(half)))
                measured[q.SWING.name] = float(changes.mean()) / height if height else 0.0
                measured[q.HEADWAY.name] = (half[0] - half[-1]) / changes.sum() if changes.any() else 0.0
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
    before = float(np.interp((1 - LAST_PART) * (len(course) - 1), np.arange(len(course)), course))
    return (before - float(course[-1])) / abs(before) if before else 0.0


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
