"""The words of the page beside the charts: the table of runs, and the box where the only or the best run is well."""

import re
import statistics
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from ..verdicts.kinds import title_of
from ..verdicts.state import STATES
from ..verdicts.texts import SETS, given_by
from ..verdicts.wording import digits
from . import headline
from .headline import candidates, cases_of, checks_of, has_best, level_of, ranking, said_of, settings_of, verdicts_of

Document: TypeAlias = dict[str, Any]
"""Plain data, ready for `json.dumps`."""

FAR = 2.0
"""Times the best loss, from which a run is told to be worse."""
NEEDED = {
    "x|y": "x and y are your training data",
    "callbacks": "callbacks is your list for fit: without one, put callbacks = [] first",
    "batch_size": "batch_size is that of your fit (32 by default)",
    "epochs": "epochs is that of your fit",
}
"""What a code may need of you, by the names that it reads."""
SEEDS = 5
"""Seeds from which on no more are asked for: those that `compare` runs."""
MANY, BRIGHT = 8, 5
"""Runs from which on charts have only the best drawn at full strength, and how many these are."""
IN_COMPILE = "Paste before compile, then model.compile(optimizer, ...):"
"""Where the code of an optimizer goes that `compare` has found."""
MORE = "More checks run, and a badge above says OK, WATCH or ACT."
"""What to expect of a run that can be checked further."""
ELSEWHERE = "About the same {} on other examples of that kind: {}."
"""What to expect of a model that is well."""
RESULT, NEXT, EXPECT = "Result", "What to do", "Then expect"
"""Heads of the box where nothing is wrong for certain."""
SILENT = (
    (RESULT, "Nothing more was written, but the training has not ended."),
    (NEXT, "Reload this page. If no steps come, look whether its process still runs. If not, start it again."),
    (EXPECT, "More steps in the table."),
)
"""The box of a run without news."""


def overview(runs: Sequence[Document]) -> Document:
    """Return all that the page says of some runs in words, but their verdicts."""
    cases, ranked = cases_of(runs), ranking(runs)
    codes = {verdict["code"] for run in runs for verdict in verdicts_of(run) if verdict["code"]}
    kinds = {verdict["kind"] for run in runs for verdict in verdicts_of(run)}
    said = headline.of_runs(runs)
    is_calm = runs and (not cases or said["level"] not in ("act", "watch"))
    calm = list(_calm(runs, ranked)) if is_calm else []
    many = len(runs) > MANY
    is_alone = len(runs) == 1 and not cases  # then the box has its checks
    return {
        "headline": said,
        "cases": cases,
        "calm": calm,
        "titles": {kind: title_of(kind) for kind in sorted(kinds)},
        "checks": _checks(runs, "Show the checks") if is_alone else None,
        "silent": list(SILENT),
        "columns": [[column.name, column.is_number] for column in _columns(runs)],
        "rows": [row | {"checks": None} if is_alone else row for row in _rows(runs, ranked, bool(cases))],
        "faint": [run["name"] for rank in ranked[BRIGHT:] for run in candidates(runs)[rank["name"]]] if many else [],
        "where": {code: _where(code) for code in sorted(codes)} | {row[2]: IN_COMPILE for row in calm if row[2:]},
    }


def _where(code: str) -> str:
    read = re.sub(SETS.format(r"\w+"), "", code, flags=re.MULTILINE)
    needed = [f" {said}." for names, said in NEEDED.items() if re.search(rf"\b({names})\b(?!=)", read)]
    given = f"({', '.join([*given, '...'])})" if (given := given_by(code)) else ""
    return f"Paste between compile and fit{given}:{''.join(needed)}"


# --- the box where no verdict asks for anything of the only or the best run -------------------------------------------


def _calm(runs: Sequence[Document], ranked: Sequence[Document]) -> Iterator[tuple[str, ...]]:
    """Yield what stands there: heads and texts, and a code where there is one."""
    if len(runs) == 1 and headline.is_silent(runs[0]):
        yield from SILENT
        return
    reasons = dict.fromkeys(reason for run in runs for reason in run["state"]["reasons"])
    if has_best(ranked):
        yield from _winner(runs, ranked)
        unknown = [name for name, own in candidates(runs).items() if not any(run["state"]["judged"] for run in own)]
        of_compare = len(unknown) == len(ranked) < len(runs)  # whose trainings have no `Doctor`
        notes = [f"Not checked for faults: {', '.join(unknown)}."] if of_compare else reasons
        yield from (("Note", note) for note in notes if not cases_of(runs))
        return
    parts = [(*reason.split(". ", 2), "", "")[:3] for reason in reasons]
    yield RESULT, " ".join([_nothing_found(runs), *(f"{why.removesuffix('.')}." for why, _, _ in parts)])
    fixes = [fix.removesuffix(".") + "." for _, fix, _ in parts if fix]
    is_live = any(run["ended"] is False for run in runs)
    is_well = all(level_of(run) == "ok" for run in runs)
    yield NEXT, " ".join([_unchanged(runs, is_live)] * (is_well or not fixes) + fixes)
    expected = [expects for _, _, expects in parts if expects] or [MORE] * bool(fixes and not is_well)
    if expected:
        yield EXPECT, " ".join(expected)
    elif is_live:
        yield EXPECT, "The badge above turns into ACT or WATCH if something goes wrong."
    elif len(runs) == 1 and (of_validation := runs[0]["summary"]["validation"]):
        yield EXPECT, ELSEWHERE.format("val loss", said_of(of_validation["best"]))


def _unchanged(runs: Sequence[Document], is_live: bool) -> str:
    """Return what to do where no check asks for a change; a loss that is NaN does."""
    if any(run["nan_from"] is not None for run in runs):
        return "Find out why: `keras_ch8.preflight(model, x, y)` checks data, labels and loss."
    return "Let it run: nothing to change so far." if is_live else "Nothing to change: it can be used as it is."


def _winner(runs: Sequence[Document], ranked: Sequence[Document]) -> Iterator[tuple[str, ...]]:
    """Yield which of several runs is the best and by how much, how sure that is, and what to do with it."""
    first, second = ranked[:2]
    own, metric = candidates(runs)[first["name"]], first["metric"]
    said = f"{first['name']} is the best: {metric} {digits(first['loss'], 3)}, lower is better."
    if second["loss"] is not None:
        times = f", {digits(second['times'])} times as high" if second["times"] else ""
        said += f" Next is {second['name']} with {digits(second['loss'], 3)}{times}."
    yield RESULT, said
    yield "How sure", _sureness(first, second)
    code = settings_of(own[0]).get("code")
    yield NEXT, f"Use {headline.named(first, runs)}.", *([code] if isinstance(code, str) else [])
    if len(own) == 1:
        yield EXPECT, ELSEWHERE.format(metric, _range(first))
        return
    steps = f"{max(run['step'] for run in own):,} steps, as in its {len(own)} trainings here"
    yield EXPECT, f"A {metric.removeprefix('median ')} of about {_range(first)} after {steps}."


def _sureness(first: Document, second: Document) -> str:
    """Return whether the difference between two candidates may be chance."""
    if second["loss"] is None:
        return f"Quite sure: the loss of {second['name']} becomes NaN."
    if min(len(first["losses"]), len(second["losses"])) < 2:
        is_far = second["times"] is not None and second["times"] >= FAR
        return f"One training each{', but the difference is large' if is_far else ': the difference may be chance'}."
    seeds, worst, best = len(first["losses"]), max(first["losses"]), min(second["losses"])
    more = f"To be surer, run {SEEDS} seeds (`seeds={SEEDS}` in `compare`)."
    if worst >= best:
        both = [f"of {rank['name']} ({_range(rank)})" for rank in (first, second)]
        said = f"Not sure, it may be chance: the losses {' and '.join(both)} overlap."
        return f"{said} {more}" if seeds < SEEDS else f"{said} Run more seeds."
    said = (
        f"the worst training of {first['name']} ({digits(worst, 3)}) is better than the best of {second['name']} "
        f"({digits(best, 3)})"
    )
    return (
        f"Not yet sure: {said}, but {seeds} trainings each are few. {more}" if seeds < SEEDS else f"Quite sure: {said}."
    )


def _range(rank: Document) -> str:
    return " to ".join(dict.fromkeys(digits(of(rank["losses"]), 3) for of in (min, max)))


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
        return f"Nothing wrong was found{' so far' if runs[0]['ended'] is False else ''}."
    return "What was checked has passed."


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
    best = ranked[0]["name"] if has_best(ranked) else None
    return [
        {
            "name": name,
            "runs": [run["name"] for run in groups[name]],
            "said": _said(groups[name], ranks.get(name), is_best=name == best),
            "checks": _checks(groups[name], checks_of(groups[name][0])),
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
    said = settings_of(run)
    name, rate = said.get("optimizer") or "", said.get("learning_rate")
    return f"{name} {digits(rate, 3)}" if isinstance(rate, int | float) else str(name)


def _said(runs: Sequence[Document], rank: Document | None, is_best: bool) -> list[tuple[str, str]]:
    """Return what is said of a candidate: levels, each with what has it, then how it compares with the best."""
    times = rank["times"] if rank else None
    far = f"{digits(times)} x worse than the best run" if times is not None and times >= FAR else ""
    level = min((level_of(run) for run in runs), key=STATES.index)
    cases = [(case["level"], case["title"]) for case in cases_of(runs)]
    said = [(level, ", ".join(title for at, title in cases if at == level)) for level in dict(cases)]
    if level == "ok":
        said, far = [_fine(runs, far)], ""
    is_unknown = level == "little_checked" and not any(run["state"]["judged"] for run in runs)
    said = said or ([] if is_unknown else [(level, "")])
    seeds = f"{len(runs)} seeds" if len(runs) > 1 else ""
    notes = ", ".join(filter(None, ["not checked" if is_unknown else "", seeds, far]))
    said += [("muted", notes)] if notes else []
    return [*said, *([("best", "\N{BLACK STAR} best")] if is_best else [])]


def _fine(runs: Sequence[Document], far: str) -> tuple[str, str]:
    """Return what is said of runs of which no check failed; what leaves a worry is not green."""
    if any(map(headline.is_silent, runs)):
        return "ok.grey", "has not ended, and has no news"
    if far:
        return "ok.grey", f"no check failed, but {far}"
    return "ok", "so far" if any(run["ended"] is False for run in runs) else "nothing to do"


def _checks(runs: Sequence[Document], text: str) -> Document | None:
    """Return the checks of a run in words: which passed, and which could not be made; None of several runs."""
    run = runs[0]
    passed = [title_of(v["kind"]) for v in verdicts_of(run) if v["level"] == "ok" and not v["explained_by"]]
    unsaid = run["state"]["judged"] - len(verdicts_of(run))  # judged without a verdict, such as what is ruled out
    passed += [f"and {unsaid} more"] if passed and unsaid > 0 else []
    lists = (("Not found", passed), ("Not checked", map(title_of, run["state"]["missing"])))
    lines = [f"{what}: {said}" for what, titles in lists if (said := ", ".join(titles))]
    return {"text": text, "lines": lines} if lines and len(runs) == 1 else None


def _notes(runs: Sequence[Document]) -> list[str]:
    """Return why something was not checked, of runs without a verdict that asks for something."""
    return [] if cases_of(runs) else list(dict.fromkeys(reason for run in runs for reason in run["state"]["reasons"]))
