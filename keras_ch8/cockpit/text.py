"""The verdicts of a document in plain text, for the terminal and for a browser without scripts."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from .. import verdicts
from ..verdicts import LEVELS, Verdict
from .document import Document

WIDTH = 80


def in_words(document: Document) -> str:
    """Return what is known of each run, what is to be done first."""
    return "\n\n".join("\n".join(_of_run(run)) for run in document["runs"])


def must_act(document: Document) -> bool:
    """Return whether a verdict on any run calls for action."""
    return any(verdict.level == "act" for run in document["runs"] for verdict in verdicts_of(run["record"]))


def verdicts_of(record: Mapping[str, Any] | None) -> list[Verdict]:
    """Return the verdicts of a record, the gravest first."""
    said = [Verdict(**verdict) for verdict in record["verdicts"]] if record else []
    return sorted(said, key=lambda verdict: -LEVELS.index(verdict.level))


def _of_run(run: Document) -> Iterator[str]:
    ended = {True: ", ended", False: ", not ended", None: ""}[run["ended"]]
    yield from textwrap.wrap(f"{run['name']}, step {run['step']}{ended}", WIDTH)
    said = verdicts_of(run["record"])
    diagnosis = (run["record"] or {}).get("diagnosis")
    if said or diagnosis:
        notes = (diagnosis or {}).get("notes")
        yield verdicts.report(said, list(map(str, notes)) if isinstance(notes, list) else [])
    else:
        yield "No Diagnosis has looked at it: add `keras_ch8.callbacks.Diagnosis()`."
    yield from textwrap.wrap(run["problem"], WIDTH)
