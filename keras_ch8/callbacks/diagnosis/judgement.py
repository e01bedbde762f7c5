"""What `Diagnosis` makes of what is measured: the past of a training, the verdicts on it, and the numbers to show."""

import dataclasses
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from ...monitors import progress
from ...monitors.base import Monitor
from ...monitors.past import Past, Rows
from ...monitors.progress import is_spectrum_worthwhile
from ...telemetry.frame import Frame
from ...verdicts.kinds import OF_THE_START
from ...verdicts.state import State, state_of
from ...verdicts.verdict import Verdict, VerdictTracker
from ...verdicts.wording import counted, digits

HARMLESS = ("cliff", "dead_units", "saturated_units")
"""Kinds of which nothing is said where the loss is good: at the end nothing is said of what was so before either."""


class Judgement:
    """The past of one training, and the verdicts that stand by now.

    What judges returns the verdicts that have changed by it, for the callback to tell of.

    Args:
        monitors: What judges. One that fails is left out, with a warning.
        looks: Whether the training is looked at before its first step, too. Defaults to `False`.
        ignore: Kinds of which nothing is said. Defaults to `()`.
    """

    SEEN = (
        "losses", "left_out", "numbers", "unwritten", "rows_judged", "has_new_rows",
        "of_course", "of_start", "looked_at",
    )  # fmt: skip
    """Attributes that a state has as they are."""

    def __init__(self, monitors: Sequence[Monitor], looks: bool = False, ignore: Sequence[str] = ()) -> None:
        self.monitors, self.ignore = monitors, set(ignore)
        self.past, self.tracker = Past(), VerdictTracker(ignore)
        self.left_out: set[str] = set()
        """Names of monitors that have failed."""
        self.losses: list[np.ndarray] = []
        """Losses of the minibatches of this epoch, as they come."""
        self.numbers: dict[str, float] = {}
        """The last numbers that were measured in this epoch."""
        self.unwritten: dict[str, float] = {}
        """Those that TensorBoard was not shown yet; of a monitor that has judged twice, the last."""
        self.of_course: set[str] = set()
        """Kinds of trouble that can come up in this training."""
        self.of_start = {kind.name for kind in OF_THE_START if kind.name != "leak"} if looks else set()
        """Those that could be there before its first step: of those of validation data the look tells."""
        self.looked_at: set[str] = set()
        """Those of which the look before the first step could tell."""
        self.rows_judged, self.has_new_rows = 0, False
        """Batches after which rows were judged last, and whether any have come since then."""

    def state(self) -> dict[str, Any]:
        """Return all of it, which `set_state` goes on from."""
        seen = {name: getattr(self, name) for name in self.SEEN}
        return seen | {"past": self.past.state(), "verdicts": self.tracker.state()}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` has returned."""
        self.past.set_state(state["past"])
        self.tracker.set_state(state["verdicts"])
        for name in self.SEEN:
            setattr(self, name, state[name])

    def begin(self, layers: Sequence[keras.layers.Layer]) -> None:
        """Learn which kinds of trouble a model with such layers can have."""
        self.of_course = {kind for monitor in self.monitors for kind in monitor.kinds_for(layers)}

    def looked(self, judged: Iterable[str]) -> None:
        """Take what the look before the first step could tell of: of this form of training nothing else is asked."""
        self.of_start = self.looked_at = set(judged)

    def standing(self, reasons: Sequence[str]) -> State:
        """Return what the verdicts come to; `reasons` say why something could not be judged."""
        seen, judged = progress.progress(self.past), set(self.looked_at)
        if seen is not None and not is_spectrum_worthwhile(self.past):  # the loss falls: that rules them out
            judged |= {rule.kind for m in self.monitors if m.source == "spectrum" for rule in m.rules}
        losses = progress.reported(self.past)
        if losses is not None and not self._has_measured:
            first, last = (digits(loss, 3) if np.isfinite(loss) else "no finite number" for loss in losses)
            reasons = [*reasons, f"The loss that is reported went from {first} to {last}."]
        failed = ", ".join(sorted(self.left_out))
        reasons = [*reasons, f"What has failed is left out: {failed}."] if failed else reasons
        if muted := self.tracker.muted:  # first, so that it is shown wherever the room ends
            kinds = ", ".join(f"{verdict.kind} ({verdict.level})" for verdict in muted)
            reasons = [f"`ignore` mutes {counted(len(muted), 'verdict')}: {kinds}.", *reasons]
        is_compared = seen is not None or losses is not None
        applicable = (self.of_course | self.of_start) - self.ignore
        return state_of(self.tracker.verdicts, judged - self.ignore, applicable, is_compared, reasons)

    def leave_out(self, name: str, error: Exception) -> None:
        """Go on without a monitor that has failed, and say so."""
        self.left_out.add(name)
        warnings.warn(
            f"`Diagnosis` goes on without {name!r}, which failed with {type(error).__name__}: {error}",
            RuntimeWarning,
            stacklevel=2,
        )

    def judge_readings(self, step: int, readings: Mapping[str, Any]) -> list[Verdict]:
        """Add what was measured at a step, and judge it; take back what there is no reason to measure any more."""
        self.past.add(step, readings)
        judged = [m for m in self.monitors if m.name in readings or self._is_over(m)]
        return self._judge(judged, retold=[m for m in judged if m.name not in readings])

    def _is_over(self, monitor: Monitor) -> bool:
        """Whether what a monitor says has to be taken back: there is no reason to measure it any more."""
        return (
            monitor.source == "spectrum" and bool(self.past.of(monitor.name)) and not is_spectrum_worthwhile(self.past)
        )

    def add_rows(self, rows: Rows) -> None:
        """Add the rows of the last steps; they are judged at steps that no clock chooses, and come when they like."""
        self.losses.append(rows.loss)
        self.past.add_rows(rows)
        self.has_new_rows = True

    def judge_rows(self, batches: int) -> list[Verdict]:
        """Judge the rows that have come, after so many batches."""
        has_new_rows, self.has_new_rows, self.rows_judged = self.has_new_rows, False, batches
        return self._judge(m for m in self.monitors if m.source == "rows") if has_new_rows else []

    def judge_end(self) -> list[Verdict]:
        """Judge all rows once more where nothing else was measured: what they say at the end, nothing can bear out."""
        if self._has_measured or not len(self.past.rows.steps):
            return []
        of_rows = [monitor for monitor in self.monitors if monitor.source == "rows"]
        return self._judge(of_rows, retold=of_rows)

    @property
    def _has_measured(self) -> bool:
        """Whether anything was measured beside the rows of the steps and what the epochs report."""
        return any(self.past.of(monitor.name) for monitor in self.monitors)

    def judge_epoch(self, reported: Mapping[str, float]) -> list[Verdict]:
        """Add what `fit` reports at the end of an epoch, and judge it."""
        self.past.add_epoch(dict(reported), np.concatenate([np.zeros(0), *self.losses]))
        self.losses = []
        return self._judge(m for m in self.monitors if m.source == "epochs")

    @np.errstate(all="ignore")  # what came of numbers without end is not known, and reaches no threshold
    def _judge(self, which: Iterable[Monitor], retold: Sequence[Monitor] = ()) -> list[Verdict]:
        """Let monitors say what they make of the past, and take their numbers.

        Of those in `retold` nothing new was measured: they have no new numbers.
        """
        numbers: dict[str, float] = {}
        changed: list[Verdict] = []
        for monitor in which:
            if monitor.name not in self.left_out:
                try:
                    is_of_probe = monitor.source in ("probe", "spectrum")
                    claims = [dataclasses.replace(c, is_of_probe=is_of_probe) for c in monitor.claims(self.past)]
                    numbers |= {} if monitor in retold else monitor.numbers(self.past)
                except Exception as error:
                    self.leave_out(monitor.name, error)
                    continue
                changed += self.tracker.update(self.past.step, claims, monitor.name)
        seen = progress.progress(self.past)
        if seen is not None and seen.gained_at(seen.now, seen.penalty) >= progress.GOOD.limit:
            self.tracker.retract("preflight", ("vanishing", "exploding"))  # it learned all the same
            if self.past.total and self.past.done >= self.past.total:
                self.tracker.forgive(HARMLESS)
        self.numbers |= numbers
        self.unwritten |= numbers
        return changed

    def take_unwritten(self) -> dict[str, float]:
        """Return the numbers to show at this step, once."""
        unwritten, self.unwritten = self.unwritten, {}
        return {name: value for name, value in unwritten.items() if np.isfinite(value)}

    def take_numbers(self) -> dict[str, float]:
        """Return the last numbers that were measured in this epoch, which is over, and no older ones."""
        numbers, self.numbers = self.numbers, {}
        return numbers


def rows_of_all(frames: Sequence[Frame], losses: tuple[np.ndarray, np.ndarray] | None) -> Rows:
    """Return the rows of one optimizer, or of several as if they had made one step: the norm is that of all gradients.

    Where several steps are made for a batch, that with the largest gradient counts.
    """
    steps = np.unique(np.concatenate([frame.steps for frame in frames]))
    norms = np.zeros((len(frames), len(steps)))
    with np.errstate(invalid="ignore"):  # NaN stays NaN
        for norm, frame in zip(norms, frames, strict=True):
            np.maximum.at(norm, np.searchsorted(steps, frame.steps), frame.norm)
    loss = np.full(len(steps), np.nan)
    if losses is not None:
        known = np.isin(losses[0], steps)
        loss[np.searchsorted(steps, losses[0][known])] = losses[1][known]
    return Rows(steps, np.linalg.norm(norms, axis=0) if len(frames) > 1 else norms[0], loss)
