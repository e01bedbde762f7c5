"""How `Diagnosis` tells what it has found: in the record of the run, in a file beside it, on the terminal."""

from collections.abc import Sequence

from ...board import panels, tags
from ...monitors.base import Monitor, lines
from ...monitors.progress import FEWEST
from ...verdicts.state import State
from ...verdicts.texts import alarm, brief
from ...verdicts.verdict import Verdict
from ..session.session import Session
from ..session.terminal import fitted


def begin_record(session: Session, watched: Sequence[Monitor]) -> None:
    """Say in the record which curves are the user's own, and by which limits is judged."""
    for monitor in watched:
        if type(monitor).__module__.partition(".")[0] != __name__.partition(".")[0]:
            kinds = tuple(dict.fromkeys(rule.kind for rule in monitor.rules))
            own = [tags.diagnosis(curve.name) for curve in monitor.curves]
            session.record.tags += own
            session.record.panels += [panels.of_tag(tag, kinds) for tag in own]
    limits = lines(watched)
    session.record.lines = {name: [panels.Line(**line) for line in some] for name, some in limits.items()}


def tell(session: Session, changed: Sequence[Verdict], told: set[str], prints: bool, measurements: int) -> None:
    """Write the verdicts that have changed, and print each kind that calls for action when it first does.

    Args:
        session: The training.
        changed: The verdicts.
        told: Kinds whose rise to "act" was told before; those that are told now join them.
        prints: Whether anything is printed.
        measurements: How many there were.
    """
    so_far = measurements if measurements < FEWEST else 0
    calls = [verdict for verdict in changed if verdict.level == "act"]
    for verdict in calls:
        session.event("act", f"{verdict.kind}: {verdict.finding}", verdict.step)
    if any(verdict.level != "ok" for verdict in changed):
        session.write_record(is_urgent=True)
    if changed and session.writer is not None:
        session.writer.lines("verdicts.jsonl", [verdict.as_json() for verdict in changed])
    for verdict in calls:
        if verdict.kind not in told:
            told.add(verdict.kind)
            if prints and not session.terminal.is_quiet:
                session.say(*(line for text in alarm(verdict, so_far) for line in fitted(text, 2)))


def summary(session: Session, verdicts: Sequence[Verdict], state: State) -> list[str]:
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
