"""The words of the page beside the charts: the table of runs, and the box where no verdict asks for anything."""

import re
import statistics
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from ..verdicts.state import STATES
from ..verdicts.texts import SETS, given_by
from ..verdicts.wording import digits
from . import headline, records
from .headline import candidates, checks_of, level_of, said_of, verdicts_of

Document: TypeAlias = dict[str, Any]
"""Plain data, ready for `json.dumps`."""

FAR = 2.0
"""Times the best loss, from which a run is told to be worse."""
NEEDED = {
    "x|y": "x and y are your training data",
    "callbacks": "callbacks is the list that you give to fit, such as [doctor]",
    "batch_size": "batch_size is what you give to fit (32 by default)",
    "epochs": "epochs is what you give to fit",
}
"""What a code may need of you, by the names that it reads."""
MANY, BRIGHT = 8, 5
"""Runs from which on charts have only the best drawn at full strength, and how many these are."""
RESULT, NEXT = "Result", "What to do"
"""Heads of the box where nothing is wrong for certain."""
SILENT = (
    (RESULT, "Nothing more was written, but the training has not ended."),
    (NEXT, "Look whether its process still runs. If not, start it again."),
    ("Then expect", "New steps in the table."),
)
"""The box of a run without news."""


def overview(runs: Sequence[Document]) -> Document:
    """Return all that the page says of some runs in words, but their verdicts."""
    cases, ranked = headline.cases_of(runs), headline.ranking(runs)
    codes = {verdict["code"] for run in runs for verdict in verdicts_of(run) if verdict["code"]}
    many = len(runs) > MANY
    is_alone = len(runs) == 1 and not cases  # then the box has its checks
    return {
        "headline": headline.of_runs(runs),
        "cases": cases,
        "calm": list(_calm(runs, ranked)) if runs and not cases else [],
        "checks": _checks(runs) if is_alone else None,
        "silent": list(SILENT),
        "columns": [[column.name, column.is_number] for column in _columns(runs)],
        "rows": [row | {"checks": None} if is_alone else row for row in _rows(runs, ranked, bool(cases))],
        "faint": [run["name"] for rank in ranked[BRIGHT:] for run in candidates(runs)[rank["name"]]] if many else [],
        "where": {code: _where(code) for code in sorted(codes)},
    }


def _where(code: str) -> str:
    read = re.sub(SETS.format(r"\w+"), "", code, flags=re.MULTILINE)
    needed = [f" {said}." for names, said in NEEDED.items() if re.search(rf"\b({names})\b(?!=)", read)]
    given = f"({', '.join([*given, '...'])})" if (given := given_by(code)) else ""
    return f"Paste between compile and fit{given}:{''.join(needed)}"


# --- the box where no verdict asks for anything ----------------------------------------------------------------------


def _calm(runs: Sequence[Document], ranked: Sequence[Document]) -> Iterator[tuple[str, str]]:
    """Yield what stands there: heads and texts."""
    if len(runs) == 1 and headline.is_silent(runs[0]):
        yield from SILENT
        return
    reasons = [reason for run in runs for reason in run["state"]["reasons"]]
    parts = dict.fromkeys(reason.partition(". ")[::2] for reason in reasons)
    why = [text.removesuffix(".") + "." for text, _ in parts]
    fixes = list(filter(None, [headline.advice_of(runs, ranked), *(fix for _, fix in parts)]))
    yield RESULT, " ".join([_nothing_found(runs), *why])
    yield NEXT, " ".join(fixes) or "Nothing to do."
    if any(fix and not fix.startswith("There is nothing") for _, fix in parts):
        yield "Then expect", "More checks run."
    elif any(run["ended"] is False for run in runs):
        yield "Then expect", "A red or amber box here, should a check fail."


def _nothing_found(runs: Sequence[Document]) -> str:
    little = sum(level_of(run) == "little_checked" for run in runs)
    if any(run["nan_from"] is not None for run in runs):
        return "A loss is NaN, and no check says why."
    if not any(run["state"]["judged"] for run in runs):
        return "No check could run, so nothing is known."
    if len(runs) > 1:
        return f"Nothing was found in any of {len(runs)} runs" + (
            f", but {little} are little checked." if little else "."
        )
    if not little:
        return f"Nothing was found: {checks_of(runs[0])}."
    return f"Nothing was found, but only {checks_of(runs[0])}. What ran has passed."


# --- the table -------------------------------------------------------------------------------------------------------


class _Column(NamedTuple):
    """A column of the table: its name, and what it has of some runs, which differ by their seeds: value and text."""

    name: str
    is_number: bool
    key: str


_KEYS = (("loss", True, "loss"), ("optimizer", False, "optimizer"), ("steps", True, "step"))


def _columns(runs: Sequence[Document]) -> list[_Column]:
    """Return the columns of which a run has something."""
    of_seeds = len(candidates(runs)) < len(runs)
    first = _Column("val_loss: median (range)" if of_seeds else "val_loss (best)", True, "validation")
    listed = (first, *(_Column(*column) for column in _KEYS), _Column("clipped", True, "clipped"))
    return [column for column in listed if any(_cell([run], column.key)[1] for run in runs)]


def _rows(runs: Sequence[Document], ranked: Sequence[Document], has_cases: bool) -> list[Document]:
    """Return the rows of the table, the best first."""
    groups, columns = candidates(runs), _columns(runs)
    ranks = {rank["name"]: rank for rank in ranked}
    best = ranked[0]["name"] if ranked and ranked[0]["loss"] is not None else None
    return [
        {
            "name": name,
            "runs": [run["name"] for run in groups[name]],
            "said": _said(groups[name], ranks.get(name), is_best=name == best),
            "checks": _checks(groups[name]),
            "notes": _notes(groups[name]) if has_cases else [],
            "level": min(STATES.index(level_of(run)) for run in groups[name]),
            "cells": [_cell(groups[name], column.key) for column in columns],
            "problem": " ".join(dict.fromkeys(run["problem"] for run in groups[name] if run["problem"])),
        }
        for name in (ranks or groups)
    ]


def _cell(runs: Sequence[Document], key: str) -> tuple[float | str | None, str]:
    """Return what a column has of some runs: by what it is sorted, and how it is said."""
    if key == "optimizer":
        return (name := _optimizer(runs[0])), name
    if key == "step":
        steps = sorted({run["step"] for run in runs})
        return steps[-1], " to ".join(f"{step:,}" for step in dict.fromkeys((steps[0], steps[-1])))
    values = [run["summary"][key] for run in runs if run["summary"][key] is not None]
    if key == "clipped":
        return (values[0], f"{values[0]:.0%}".replace("%", " %")) if values else (None, "")
    if key == "validation" and len(values) == 1:
        last, best = values[0]["last"], values[0]["best"]
        return best, said_of(last) + ("" if best is None else f" ({said_of(best)})")
    if key == "validation":
        values = [value["best"] for value in values]
    known = sorted(value for value in values if isinstance(value, int | float))
    if not known or len(known) < len(values):
        return None, "NaN" if values else ""
    spread = f" ({said_of(known[0])}\N{EN DASH}{said_of(known[-1])})" if len(known) > 1 else ""
    return (middle := statistics.median(known)), said_of(middle) + spread


def _optimizer(run: Document) -> str:
    said = (run["record"] or records.EMPTY)["hyperparameters"]
    name, rate = said.get("optimizer") or "", said.get("learning_rate")
    return f"{name} {digits(rate, 3)}" if isinstance(rate, int | float) else str(name)


def _wrong(runs: Sequence[Document], level: str) -> list[str]:
    return list(dict.fromkeys(v["kind"] for run in runs for v in verdicts_of(run) if v["level"] == level))


def _said(runs: Sequence[Document], rank: Document | None, is_best: bool) -> list[tuple[str, str]]:
    """Return what is said of a candidate: levels, each with what has it, then how it compares with the best."""
    times = rank["times"] if rank else None
    far = f"{digits(times)} x worse than the best run" if times is not None and times >= FAR else ""
    level = min((level_of(run) for run in runs), key=STATES.index)
    said = [(level, ", ".join(kinds)) for level in ("act", "watch") if (kinds := _wrong(runs, level))]
    if level == "ok":
        said, far = [_fine(runs, far)], ""
    said = said or [(level, "")]
    notes = ", ".join(filter(None, [f"{len(runs)} seeds" if len(runs) > 1 else "", far]))
    said += [("muted", notes)] if notes else []
    return [*said, *([("best", "\N{BLACK STAR} best")] if is_best else [])]


def _fine(runs: Sequence[Document], far: str) -> tuple[str, str]:
    """Return what is said of runs of which no check failed; what leaves a worry is not green."""
    if any(map(headline.is_silent, runs)):
        return "ok.grey", "has not ended, and has no news"
    if far:
        return "ok.grey", f"no check failed, but {far}"
    return "ok", "so far" if any(run["ended"] is False for run in runs) else "nothing to do"


def _checks(runs: Sequence[Document]) -> Document | None:
    """Return the checks of a run in words: which passed, and which could not be made; None of several runs."""
    run = runs[0]
    passed = [v["kind"] for v in verdicts_of(run) if v["level"] == "ok" and not v["explained_by"]]
    unsaid = run["state"]["judged"] - len(verdicts_of(run))  # judged without a verdict, such as what is ruled out
    passed += [f"and {unsaid} more"] if passed and unsaid > 0 else []
    lists = (("Passed", passed), ("Could not run", run["state"]["missing"]))
    lines = [f"{what}: {', '.join(kinds)}" for what, kinds in lists if kinds]
    return {"text": checks_of(run), "lines": lines} if lines and len(runs) == 1 else None


def _notes(runs: Sequence[Document]) -> list[str]:
    """Return why something was not checked, of runs without a verdict that asks for something."""
    is_fine = not any(_wrong(runs, level) for level in ("act", "watch"))
    return list(dict.fromkeys(reason for run in runs for reason in run["state"]["reasons"])) if is_fine else []
