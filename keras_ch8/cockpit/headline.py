"""What the page says first: the finding in a sentence, and which of several runs is the best."""

import re
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from ..verdicts.kinds import KINDS
from ..verdicts.wording import begun_small, counted, digits
from . import records

Document: TypeAlias = dict[str, Any]
"""Plain data, ready for `json.dumps`."""

_STUCK = {"learns_nothing", "plateau", "saddle"}
"""Kinds of verdicts on a loss that does not fall."""


def of_runs(runs: Sequence[Document]) -> Document:
    """Return the headline of some runs, which are documents: its level, its text, what more is to be said, and advice.

    It is the only place where that is decided. A level is a name of a state, or `""` where there is no run.
    """
    if not runs:
        return _headline("", "No run yet")
    if len(runs) == 1:
        return _of_one(runs[0], "This training")
    ranked, wrong = ranking(runs), [run for run in runs if level_of(run) == "act"]
    advice = advice_of(runs, ranked)
    if len(wrong) == 1:
        return _of_one(wrong[0], wrong[0]["name"]) | {"more": "", "advice": advice}
    many = f"{len(candidates(runs))} candidates" if len(candidates(runs)) < len(runs) else f"{len(runs)} runs"
    begin = f"{many}: best is {_best(ranked)}; " if _best(ranked) else f"{many}: "
    return _of_several(runs, begin) | {"more": _steps(ranked, runs), "advice": advice if cases_of(runs) else ""}


def advice_of(runs: Sequence[Document], ranked: Sequence[Document]) -> str:
    """Return what to do with several runs: whether the best is to be used; "" where none is known to be the best."""
    if not _best(ranked):
        return ""
    name, of = ranked[0]["name"], f"the best of {len(ranked)}"
    levels = {level_of(run) for run in candidates(runs)[name]}
    if levels & {"act", "watch"}:
        return f"{name} is {of}, but something is wrong with it too."
    found = "but it is little checked" if "little_checked" in levels else "and nothing is wrong with it"
    others = "The other is" if len(ranked) == 2 else "The others are"
    return f"Use {name}: it is {of}, {found}." + (f" {others} listed below." if cases_of(runs) else "")


def candidates(runs: Sequence[Document]) -> dict[str, list[Document]]:
    """Return the runs by what they are compared as: those of one name and several seeds are one, as of `compare`."""
    names = {run["name"]: re.sub(r"/seed_\d+$", "", run["name"]) for run in runs}
    counts, found = Counter(names.values()), dict[str, list[Document]]()
    for run in runs:
        name = run["name"] if counts[names[run["name"]]] == 1 else names[run["name"]]
        found.setdefault(name, []).append(run)
    return found


def cases_of(runs: Sequence[Document]) -> list[Document]:
    """Return what is wrong, `{"kind", "level", "runs"}`.

    The most serious comes first, of that why a run is NaN, then what most runs have.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for level in ("act", "watch"):
        for run in runs:
            for verdict in verdicts_of(run):
                if verdict["level"] == level:
                    found.setdefault((level, verdict["kind"]), []).append(run["name"])
    listed = [{"kind": kind, "level": level, "runs": names} for (level, kind), names in found.items()]
    nan = {each["explained_by"] or "nonfinite" for run in runs for each in verdicts_of(run) if _is_of_nan(run, each)}
    return sorted(listed, key=lambda case: (case["level"], case["kind"] not in nan, -len(case["runs"])))


def _is_of_nan(run: Document, verdict: Mapping[str, Any]) -> bool:
    return run["nan_from"] is not None and verdict["kind"] == "nonfinite"


def ranking(runs: Sequence[Document]) -> list[Document]:
    """Return each candidate with its name, its loss, and how many times the best that is, the best first.

    What counts is the lowest validation loss or, where a run has none, the last training loss of each; of several
    seeds, the median. Of a run that has become NaN it is None; the times are None where the best is not above 0.
    Nothing is returned for one candidate, and for runs of different losses.
    """
    minimized = {str(loss) for run in runs if (loss := (run["record"] or records.EMPTY)["hyperparameters"].get("loss"))}
    groups = candidates(runs)
    if len(groups) < 2 or len(minimized) > 1:
        return []
    of_validation = all(run["summary"]["validation"] for run in runs)
    losses = {name: [_compared(run, of_validation) for run in seeds] for name, seeds in groups.items()}
    finite = {name: [loss for loss in all_of if loss is not None] for name, all_of in losses.items()}
    known = {
        name: statistics.median(finite[name]) if len(finite[name]) == len(all_of) else None
        for name, all_of in losses.items()
    }
    best = min((loss for loss in known.values() if loss is not None), default=None)
    metric = "val loss" if of_validation else "loss"
    return [
        {
            "name": name,
            "metric": metric if len(losses[name]) == 1 else f"median {metric}",
            "loss": loss,
            "times": loss / best if loss is not None and best is not None and best > 0 else None,
        }
        for name, loss in sorted(known.items(), key=lambda pair: (pair[1] is None, pair[1] or 0.0))
    ]


def _compared(run: Document, of_validation: bool) -> float | None:
    """Return what a run is compared by; None where it is not finite."""
    loss = run["summary"]["validation"]["best"] if of_validation else run["summary"]["loss"]
    return loss if isinstance(loss, int | float) and run["nan_from"] is None else None


def _headline(level: str, text: str, more: str = "") -> Document:
    return {"level": level, "text": text, "more": more, "advice": ""}


def level_of(run: Document) -> str:
    """Return the state of a run; one whose loss is not finite is never well."""
    level: str = run["state"]["name"] if run["nan_from"] is None else "act"
    return level


def _of_one(run: Document, name: str) -> Document:
    level, verdict = level_of(run), _first(run)
    if run["nan_from"] is not None:
        of_run = "" if name == "This training" else f"{name} is "
        causes = {each["explained_by"] for each in verdicts_of(run) if each["kind"] == "nonfinite"}
        why = f": {_clause(verdict)}" if verdict and verdict["kind"] in causes else ""
        return _headline(level, f"{of_run}NaN from step {run['nan_from']:,} on{why}", _numbers(run))
    if verdict:
        return _headline(level, f"{name}{_course(run)}: {_clause(verdict)}", _numbers(run))
    if is_silent(run):
        return _headline("watch", "This run has not ended and sends no news: is it still running?", _numbers(run))
    so_far = " so far" if run["ended"] is False else ""
    begin = "All right" if level == "ok" else "Little checked"
    return _headline(level, f"{begin}{so_far}: {checks_of(run)}", _numbers(run))


def is_silent(run: Document) -> bool:
    """Whether a run has not ended, and yet is not followed any more."""
    return run["ended"] is False and run["news"] is None


def checks_of(run: Document) -> str:
    """Return how many checks passed and, of a run of which all did, what is with the others."""
    state, verdicts = run["state"], verdicts_of(run)
    passed = state["judged"] - sum(verdict["level"] != "ok" or bool(verdict["explained_by"]) for verdict in verdicts)
    checks = f"of {counted(state['applicable'], 'check')}"
    if level_of(run) == "little_checked":
        return f"{state['judged']} {checks} could run" if state["judged"] else "no check could run"
    others = state["applicable"] - state["judged"] if passed == state["judged"] else 0
    left = "not run yet" if run["ended"] is False else "could not run"
    return f"{passed} {checks} passed" + (f", {others} {left}" if others else "")


def _of_several(runs: Sequence[Document], begin: str) -> Document:
    levels = Counter(map(level_of, runs))
    if levels["act"]:
        return _headline("act", f"{begin}{levels['act']} need action")
    if levels["watch"]:
        are = "is" if levels["watch"] == 1 else "are"
        return _headline("watch", f"{begin}{levels['watch']} {are} worth watching")
    if levels["little_checked"]:
        many = "" if levels["little_checked"] == len(runs) else f"{levels['little_checked']} "
        return _headline("little_checked", f"{begin}{many}little checked")
    return _headline("ok", f"{begin}nothing to do")


def _best(ranked: Sequence[Document]) -> str:
    """Return the name of the best run, with its loss; "" where no loss was finite."""
    if not ranked or ranked[0]["loss"] is None:
        return ""
    return f"{ranked[0]['name']} ({ranked[0]['metric']} {digits(ranked[0]['loss'], 3)})"


def _steps(ranked: Sequence[Document], runs: Sequence[Document]) -> str:
    """Return how many steps each candidate took, where these differ and there are several seeds of some."""
    groups = candidates(runs)
    steps = {rank["name"]: max(run["step"] for run in groups[rank["name"]]) for rank in ranked}
    if len(groups) == len(runs) or len(set(steps.values())) < 2:
        return ""
    return f"Steps differ: {', '.join(f'{name} {step:,}' for name, step in steps.items())}"


def _first(run: Document) -> Mapping[str, Any] | None:
    """Return the first of the gravest verdicts on a run; None where nothing is to be done."""
    return next((v for level in ("act", "watch") for v in verdicts_of(run) if v["level"] == level), None)


def verdicts_of(run: Document) -> Sequence[Mapping[str, Any]]:
    """Return the verdicts on a run, with those that find nothing."""
    verdicts: Sequence[Mapping[str, Any]] = (run["record"] or records.EMPTY)["verdicts"]
    return verdicts


def _course(run: Document) -> str:
    """Return how a run learns, where verdicts say that it barely does, or ""."""
    follow = {verdict["kind"] for verdict in verdicts_of(run) if verdict["explained_by"]}
    stand = {verdict["kind"] for verdict in verdicts_of(run) if verdict["level"] != "ok"}
    if (follow | stand) & _STUCK:
        return " does not learn"
    return " barely learns" if "underfitting" in follow else ""


def _clause(verdict: Mapping[str, Any]) -> str:
    """Return the title of a kind or, of one without a title, what was found."""
    title = KINDS[verdict["kind"]].title if verdict["kind"] in KINDS else ""
    return begun_small(title) if title else verdict["finding"].partition(" (")[0].removesuffix(".")


def _numbers(run: Document) -> str:
    """Return the losses of a run, and after how many steps it has them."""
    loss, validation = run["summary"]["loss"], run["summary"]["validation"]
    said = [f"loss {said_of(loss)}"] if loss is not None else []
    if validation:
        best = f" (best {said_of(validation['best'])})" if validation["best"] is not None else ""
        said.append(f"val loss {said_of(validation['last'])}{best}")
    return f"{', '.join(said)} after {run['step']:,} steps" if said else ""


def said_of(value: float | str) -> str:
    """Return a loss in a few digits; what is said instead of one stays."""
    return value if isinstance(value, str) else digits(value, 3)
