"""Judge and report: what is new in the log of a training becomes verdicts, and numbers to be shown."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...board import panels, tags
from ...board.record import HeatMap, Record
from ...monitors import progress
from ...monitors.base import Monitor, lines
from ...monitors.measurement_log import MeasurementLog
from ...monitors.progress import FEWEST, is_spectrum_worthwhile
from ...verdicts import table
from ...verdicts.checks import claims_of, judged_by
from ...verdicts.facts import Facts
from ...verdicts.kinds import KINDS, title_of
from ...verdicts.state import OverallState, state_of
from ...verdicts.texts import alarm, brief
from ...verdicts.verdict import PREFLIGHT, Claim, Verdict, VerdictTracker
from ...verdicts.wording import counted, digits
from ..session.session import Session
from ..session.shown import fitted

ALARMS = 5
"""Alarms that a training prints."""
LINES = 4
"""Lines of a terminal that a sentence may take, so that none of ours is cut: a fix that is cut is none."""
FALLEN = 0.1
"""Part of the first loss by which the last must be lower, where it cannot be compared with chance."""
FLOW_KINDS = {
    tags.FLOW_GRADIENT: ("vanishing", "exploding"),
    tags.FLOW_SIGNAL: ("bad_scale",),
    tags.TIME_PROFILE: ("short_horizon", "exploding"),
}
"""The kinds of verdicts that a heat map of the page is for."""


class Judged(NamedTuple):
    """The verdicts that have changed, and the numbers that are new, by the names of their curves."""

    changed: list[Verdict]
    numbers: dict[str, float]


@dataclasses.dataclass
class Judge:
    """Knows the verdicts on one training, of whatever kinds.

    Args:
        tracker: The verdicts. Defaults to one that nothing was claimed to.
        of_course: Kinds of trouble that can come up in this training. Defaults to none, as the following.
        of_start: Those that could be there before its first step; the look shows which.
        looked_at: Those of which the look before the first step could judge.
        excused: Those that are no trouble in this training.
    """

    tracker: VerdictTracker = dataclasses.field(default_factory=VerdictTracker)
    of_course: set[str] = dataclasses.field(default_factory=set)
    of_start: set[str] = dataclasses.field(default_factory=set)
    looked_at: set[str] = dataclasses.field(default_factory=set)
    excused: set[str] = dataclasses.field(default_factory=set)

    @np.errstate(all="ignore")  # what came of numbers without end is not known, and reaches no threshold
    def judge(self, log: MeasurementLog, monitors: Sequence[Monitor]) -> Judged:
        """Ask those who judge by what is new in the log; one that fails is left out.

        Two are asked though they have nothing new, and give no numbers then: who measures the spectrum, to take back
        what there is no reason to measure any more; and at the end of a training of which nothing else was measured who
        judges its steps, since nothing can bear out what the last of them say.
        """
        new, newly_read = log.take_new()
        changed: list[Verdict] = []
        numbers: dict[str, float] = {}
        facts, log.facts = log.facts, None
        if facts is not None:
            changed += self._judge_start(log, facts)
        over = {"spectrum"} if "readings" in new and not is_spectrum_worthwhile(log) else set()
        over |= {"rows"} if "end" in new and not log.has_readings and len(log.rows.steps) else set()
        for monitor in monitors:
            is_new = monitor.name in newly_read or monitor.source in new
            is_over = monitor.source in over and (monitor.source == "rows" or bool(log.of(monitor.name)))
            if monitor.name in log.left_out or not (is_new or is_over):
                continue
            try:
                claims = monitor.claims(log)
                numbers |= {name: float(n) for name, n in monitor.numbers(log).items()} if is_new else {}
            except Exception as error:
                log.leave_out(monitor.name, error)
                continue
            is_of_probe = monitor.source in ("probe", "spectrum")
            asked = (claim for claim in claims if claim.kind not in self.excused)
            claims = [dataclasses.replace(claim, is_of_probe=is_of_probe) for claim in asked]
            changed += self.tracker.update(log.step, claims, monitor.name)
        if table.GOOD.holds(progress.progress_measured(log)):
            self.tracker.retract(PREFLIGHT, [kind.name for kind in KINDS.values() if kind.is_refuted_by_learning])
        return Judged(changed, numbers)

    def _judge_start(self, log: MeasurementLog, facts: Facts) -> list[Verdict]:
        """Judge what was seen before the first step: of this form of training nothing else is asked."""
        claims: list[Claim] = []
        try:
            claims = claims_of(facts, log.leave_out)
            if looked_at := set(judged_by(facts)):  # else only the settings are known, by which no kind is ruled out
                self.of_start = self.looked_at = looked_at
        except Exception as error:
            log.leave_out(PREFLIGHT, error)
        return self.tracker.update(log.step, claims, PREFLIGHT)

    def standing(self, log: MeasurementLog, monitors: Sequence[Monitor], reasons: Sequence[str]) -> OverallState:
        """Return what the verdicts come to; `reasons` say why something could not be judged."""
        seen, judged = progress.progress(log), set(self.looked_at)
        if seen is not None and not is_spectrum_worthwhile(log):  # the loss falls: that rules them out
            judged |= {rule.kind for m in monitors if m.source == "spectrum" for rule in m.rules}
        losses = progress.reported(log)
        if losses is not None and not log.has_readings:
            first, last = (digits(loss, 3) if np.isfinite(loss) else "NaN or infinity" for loss in losses)
            reasons = [*reasons, f"The reported loss went from {first} to {last}."]
        failed = ", ".join(sorted(log.left_out))
        reasons = [*reasons, f"These checks failed and are left out: {failed}."] if failed else reasons
        if muted := self.tracker.muted:  # first, so that it is shown wherever the room ends
            kinds = ", ".join(f"{verdict.kind} ({verdict.level})" for verdict in muted)
            reasons = [f"`ignore` mutes {counted(len(muted), 'verdict')}: {kinds}.", *reasons]
        falls = filter(None, [losses, (seen.start, seen.now) if seen else None])
        has_fallen = any(first - last >= FALLEN * abs(first) for first, last in falls)
        is_compared = has_fallen or (seen is not None and np.isfinite(seen.chance))
        ignored, applicable = self.excused | set(self.tracker.ignore), self.of_course | self.of_start
        return state_of(self.tracker.verdicts, judged - ignored, applicable - ignored, is_compared, reasons)


# --- what was found goes to the record of the run, to TensorBoard, to a file beside it, to the terminal --------------


def begin_record(session: Session, watched: Sequence[Monitor]) -> None:
    """Say in the record how curves are shown, and by which limits is judged."""
    session.record.panels += panels.of_monitors(watched)
    limits = lines(watched)
    session.record.lines = {name: [panels.ReferenceLine(**line) for line in some] for name, some in limits.items()}


def note_flow(readings: Mapping[str, Any], record: Record, step: int) -> None:
    """Add what a measurement has read of the layers and of time to the record of the run."""
    flow, horizons = readings.get("layer_flow"), readings.get("time_horizon")
    found: dict[tags.Tag, tuple[Sequence[str], np.ndarray]] = {}
    if flow is not None:
        found[tags.FLOW_GRADIENT] = flow.names, flow.gradient
        found[tags.FLOW_SIGNAL] = flow.names, flow.signal
        weighted = np.array(flow.weighted)
        found[tags.FLOW_UPDATE] = list(itertools.compress(flow.names, weighted)), flow.relative_update[weighted]
    if horizons:
        back = (f"{i} before the last" if i else "the last" for i in range(len(horizons[0].profile)))
        found[tags.TIME_PROFILE] = list(back), horizons[0].profile
    for tag, (rows, column) in found.items():
        record.add_column(record.heat_map(tag) or HeatMap.of(tag, rows, FLOW_KINDS.get(tag, ())), step, column)


@dataclasses.dataclass
class Reporter:
    """Reports what is found in a training, and the numbers that were measured.

    Args:
        numbers: The last numbers that were measured in this epoch. Defaults to `{}`.
        reported: Kinds of verdicts whose rise to "act" was told. Defaults to none.
    """

    numbers: dict[str, float] = dataclasses.field(default_factory=dict)
    reported: set[str] = dataclasses.field(default_factory=set)

    def report(self, session: Session, judged: Judged, measurements: int, prints: bool) -> None:
        """Draw the numbers, write the verdicts that have changed, and print each kind when it first calls for action.

        Args:
            session: The training.
            judged: What was found.
            measurements: How many there were.
            prints: Whether anything is printed.
        """
        self.numbers |= judged.numbers
        points = {tags.diagnosis(name): value for name, value in judged.numbers.items() if np.isfinite(value)}
        if points:
            session.show(points)
        so_far = measurements if measurements < FEWEST else 0
        calls = [verdict for verdict in judged.changed if verdict.level == "act"]
        for verdict in calls:
            session.event("act", f"{title_of(verdict.kind)}: {verdict.finding}", verdict.step)
        if any(verdict.level != "ok" for verdict in judged.changed):
            session.write_record(is_urgent=True)
        if judged.changed and session.writer is not None:
            session.writer.lines("verdicts.jsonl", [verdict.as_json() for verdict in judged.changed])
        for verdict in calls:
            if verdict.kind not in self.reported:
                self.reported.add(verdict.kind)
                if prints and not session.terminal.is_quiet:
                    session.say(*self._told(verdict, so_far))

    def _told(self, verdict: Verdict, so_far: int) -> list[str]:
        """Return the lines of an alarm; after some alarms a line says that there are more, once."""
        if (number := len(self.reported)) > ALARMS:
            return ["More problems were found: the summary at the end counts them."] * (number == ALARMS + 1)
        return [line for text in alarm(verdict, so_far) for line in fitted(text, LINES)]


def summary(session: Session, verdicts: Sequence[Verdict], state: OverallState, of: str) -> list[str]:
    """Return in a few lines what a training that has ended comes to; `of` is what the user prints to see all of it.

    Where it ends with an error, that says more than how little was checked.
    """
    if state.name == "little_checked" and session.training.has_died:
        return []
    return [line for text in brief(verdicts, state, of) for line in fitted(text, LINES)]
