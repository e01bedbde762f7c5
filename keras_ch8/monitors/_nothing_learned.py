"""Whether a training ends without having learned anything: no better than a constant, or as it began."""

import numpy as np

from ..verdicts import quantities as q
from ..verdicts import table
from ._online_risk import accuracy_above_the_commonest, held_out_drawn
from .base import Monitor
from .measurement_log import DROWNED, MeasurementLog
from .progress import penalties_of_loss, progress

FEWEST = 4
"""Epochs from which on a movement is told from noise."""
ERRORS, MOST = 3, 0.03
"""Standard errors that a loss may be from that of the best constant by chance, and the most that these count for, as a
fraction of it: there may be no more to learn than that."""
NEAR = 0.9
"""Loss of an output over that of a constant from which on it has learned next to nothing, where others drown it."""


class NothingLearnedMonitor(Monitor):
    """Says at the end of a training that it has learned nothing, or after few updates that it is too short for that.

    Where the loss of the best constant prediction is known, the lowest of the losses at the end is compared with it;
    and with that for the validation data, if these are arrays, the lowest validation loss. How sure that is comes from
    the losses of the examples of the probe, each less that of the constant for it.
    Where only a logged loss is known, of one optimizer and never below 0, neither it nor any other number that `fit`
    reports has moved by more than its own noise.
    """

    name = "nothing_learned"
    sets = ("cheap", "standard", "full")
    order = 5
    source = "finish"
    rules = table.NOTHING_LEARNED

    def measure(self, log: MeasurementLog) -> dict[str, float]:
        """Return where the losses are at the end or, where that tells nothing, whether any number has moved."""
        measured: dict[str, float] = {q.UPDATES.name: log.updates}
        seen, validated = progress(log), log.reported("val_loss")
        is_same = log.chance > 0 and log.chance_of_validation > 0 and not log.is_penalized  # loss, also without weights
        if len(validated) and is_same and log.has_readings:
            measured[q.VALIDATION_OVER_CHANCE.name] = float(validated.min() / log.chance_of_validation)
            measured[q.ACCURACY_ABOVE.name] = accuracy_above_the_commonest(log)
        if log.chance > 0 and not log.is_penalized and log.has_readings:
            for name, of_all, quantity in (
                ("loss", log.chance_of_training, q.TRAINING_AT_THE_END),
                ("val_loss", log.chance_of_validation, q.VALIDATION_AT_THE_END),
            ):
                for loss in log.reported(name)[-1:]:
                    measured[quantity.name] = float(loss / (of_all if of_all > 0 else log.chance))
        if seen is not None and log.chance > 0:
            ends = [log.reported(name)[-1:] for name in ("loss", "val_loss")]
            least = np.fmin.reduce(np.concatenate([[seen.now], *ends])) - seen.penalty
            strong = {} if np.isnan(part := penalties_of_loss(log)) else {q.PENALTIES.name: part}
            over = least / log.chance
            worst, _, surely = _worst_output(log)
            found = (worst, surely) if worst > over else (float(over), _surely(log, over))
            names = q.LEAST_OVER_CHANCE.name, q.SURELY_OVER_CHANCE.name
            return measured | strong | dict(zip(names, found, strict=True)) | {q.RECENT.name: seen.recent}
        losses = log.reported("loss")
        is_plain = not log.first and not np.isnan(log.rate) and len(losses) >= FEWEST and losses.min() > 0
        if is_plain:
            before, now = _ends(losses)
            courses = [log.reported(name) for name in log.epochs[-1] if name != "learning_rate"]
            measured[q.MOVED.name] = max(_moved(course) for course in courses if len(course) >= FEWEST)
            measured[q.FELL.name] = (before - now) / before
        return measured

    def remarks(self, log: MeasurementLog) -> dict[str, str]:
        """Return the output that has learned least."""
        _, name, _ = _worst_output(log)
        return {"learns_nothing": f"worst: output {name!r}"} if name else {}

    def drawn(self, log: MeasurementLog) -> dict[str, float]:
        """Return the held-out loss by the series in which it is drawn."""
        return held_out_drawn(log)


def _surely(log: MeasurementLog, over: float) -> float:
    """Return the lowest loss over that of a constant for the same examples, plus what it may be lower by chance.

    Args:
        log: The log.
        over: The lowest loss over that of a constant for the probe.
    """
    last = log.of("gradient_norm")[-1]
    known = [(over, log.chance, last.examples)]
    of_epochs = ("loss", log.chance_of_training, log.examples), ("val_loss", log.chance_of_validation, log.validated)
    for name, chance, examples in of_epochs:
        losses = (log.reported(name)[-1:] - last.penalty) / chance
        known += [(one, chance, examples) for one in losses if chance > 0]
    error = 0.0 if log.is_chance_tried else ERRORS * last.spread
    return float(min(one + np.fmin(error / np.sqrt(max(n, 1)) / chance, MOST) for one, chance, n in known))


def _worst_output(log: MeasurementLog) -> tuple[float, str, float]:
    """Return which of several outputs has learned least, and its lowest loss over that of a constant.

    The first number is that ratio; the last is what it may be. Where the output has next to no part in the loss, that
    is the cause, and it may be at chance. Where it has one, it may be at chance on purpose, as one whose gradient is
    reversed: that is no more than worth watching.
    """
    found = []
    for name, (chance, part) in log.chance_of_outputs.items():
        ends = np.concatenate([log.reported(f"{of}{name}_loss")[-1:] for of in ("", "val_")])
        if np.isfinite(ends).any():
            over = float(np.nanmin(ends)) / chance
            is_drowned = part < DROWNED and over > NEAR
            found.append((over, name, max(over + MOST, 1.0) if is_drowned else min(over + MOST, 0.99)))
    return max(found, default=(np.nan, "", np.nan))


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
