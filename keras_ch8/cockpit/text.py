"""The verdicts of a document in plain text, for the terminal and for a browser without scripts."""

import textwrap
from collections.abc import Iterator

from ..verdicts import LEVELS
from .document import Document

WIDTH = 80
_INDENT = " " * 8


def in_words(document: Document) -> str:
    """Return what is known of each run, what is to be done first."""
    return "\n\n".join("\n".join(_of_run(run)) for run in document["runs"])


def must_act(document: Document) -> bool:
    """Return whether a verdict on any run calls for action."""
    return any(verdict["level"] == "act" for run in document["runs"] for verdict in verdicts_of(run))


def verdicts_of(run: Document) -> list[Document]:
    """Return the verdicts on a run, the gravest first."""
    verdicts = run["record"]["verdicts"] if run["record"] else []
    return sorted(verdicts, key=lambda verdict: -LEVELS.index(verdict["level"]))


def _of_run(run: Document) -> Iterator[str]:
    ended = {True: ", ended", False: ", not ended", None: ""}[run["ended"]]
    yield from textwrap.wrap(f"{_plain(run['name'])}, step {run['step']}{ended}", WIDTH)
    verdicts = verdicts_of(run)
    wrong = [verdict for verdict in verdicts if verdict["level"] != "ok"]
    for verdict in wrong:
        yield from _of_verdict(verdict)
    diagnosis = (run["record"] or {}).get("diagnosis")
    if diagnosis is None and not verdicts:
        yield from _wrapped("No Diagnosis has looked at it. Add `keras_ch8.callbacks.Diagnosis()` to the callbacks.")
    elif not verdicts:
        yield from _wrapped("Not enough was measured yet to say anything.")
    elif not wrong:
        yield from _wrapped(f"All right: {(diagnosis or {}).get('checks') or len(verdicts)} checks, nothing to do.")
    if run["problem"]:
        yield from _wrapped(_plain(run["problem"]))


def _of_verdict(verdict: Document) -> Iterator[str]:
    yield f"  {verdict['level'].upper():5} {_plain(verdict['kind'])} (section {_plain(verdict['section'])})"
    yield from _wrapped(f"Since step {verdict['step']}, measured at step {verdict['measured'] or verdict['step']}.")
    yield from _wrapped(_plain(verdict["finding"]))
    if verdict["cure"]:
        yield from _wrapped(f"Cure: {_plain(verdict['cure'])}")
    for line in verdict["code"].splitlines():
        yield f"{_INDENT}    {_plain(line)}"


def _wrapped(sentence: str) -> list[str]:
    return textwrap.wrap(sentence, WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)


def _plain(text: str) -> str:
    """Return a text without what a terminal would obey."""
    return "".join(letter for letter in text if letter.isprintable())
