"""The verdicts of a document in plain text, for the terminal and for a browser without scripts."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from ..verdicts.state import OverallState
from ..verdicts.texts import report
from ..verdicts.verdict import LEVELS, Verdict
from .document import Document

WIDTH = 80


def in_words(document: Document) -> str:
    """Return what is known of each run, what is to be done first."""
    return "\n\n".join("\n".join(_of_run(run)) for run in document["runs"])


def state_in(data: Mapping[str, Any]) -> OverallState:
    """Return the state of a run as its document has it."""
    counts = data["name"], data["judged"], data["applicable"]
    return OverallState(*counts, missing=tuple(data["missing"]), reasons=tuple(data["reasons"]))


def verdicts_of(record: Mapping[str, Any] | None) -> list[Verdict]:
    """Return the verdicts of a record, the gravest first."""
    said = [Verdict(**verdict) for verdict in record["verdicts"]] if record else []
    return sorted(said, key=lambda verdict: -LEVELS.index(verdict.level))


def _of_run(run: Document) -> Iterator[str]:
    ended = {True: ", ended", False: ", not ended", None: ""}[run["ended"]]
    yield from textwrap.wrap(f"{run['name']}, step {run['step']}{ended}", WIDTH)
    yield report(verdicts_of(run["record"]), state_in(run["state"]))
    yield from textwrap.wrap(run["problem"], WIDTH)
