"""Report: what was found goes to the record of the run, to TensorBoard, to a file beside it, to the terminal."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from ...board import panels, tags
from ...monitors.base import Monitor, lines
from ...monitors.progress import FEWEST
from ...verdicts.state import OverallState
from ...verdicts.texts import alarm, brief
from ...verdicts.verdict import Verdict
from ..session.session import Session
from ..session.terminal import fitted
from .judging import Judged


def begin_record(session: Session, watched: Sequence[Monitor]) -> None:
    """Say in the record how curves are shown, and by which limits is judged."""
    session.record.panels += panels.of_monitors(watched)
    limits = lines(watched)
    session.record.lines = {name: [panels.ReferenceLine(**line) for line in some] for name, some in limits.items()}


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
            session.event("act", f"{verdict.kind}: {verdict.finding}", verdict.step)
        if any(verdict.level != "ok" for verdict in judged.changed):
            session.write_record(is_urgent=True)
        if judged.changed and session.writer is not None:
            session.writer.lines("verdicts.jsonl", [verdict.as_json() for verdict in judged.changed])
        for verdict in calls:
            if verdict.kind not in self.reported:
                self.reported.add(verdict.kind)
                if prints and not session.terminal.is_quiet:
                    session.say(*(line for text in alarm(verdict, so_far) for line in fitted(text, 2)))

    def take_numbers(self) -> dict[str, float]:
        """Return the last numbers that were measured in this epoch, which is over, and no older ones."""
        numbers, self.numbers = self.numbers, {}
        return numbers


def summary(session: Session, verdicts: Sequence[Verdict], state: OverallState) -> list[str]:
    """Return in a few lines what a training that has ended comes to.

    Where it ends with an error, that says more than how little was checked.
    """
    is_little = state.name == "little_checked"
    if is_little and session.training.has_died:
        return []
    texts = brief(verdicts, state)
    if session.writer is None and any(verdict.level != "ok" for verdict in verdicts):
        texts.append("`print` the Doctor, or the Diagnosis, for what was found, and what cures it.")
    return [line for text in texts for line in fitted(text, 3 if is_little else 1)]
