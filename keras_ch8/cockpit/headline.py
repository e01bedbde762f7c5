"""What the page says first: the finding in a sentence, and which of several runs is the best."""

import re
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from ..verdicts.kinds import KINDS, title_of
from ..verdicts.state import STATES
from ..verdicts.wording import begun_small, counted, digits
from . import records

Document: TypeAlias = dict[str, Any]
"""Plain data, ready for `json.dumps`."""

_OF_RATE = "probably because of the learning rate"
"""How a finding names the likely cause of a NaN."""
_STUCK = {"learns_nothing", "plateau", "saddle"}
"""Kinds of verdicts on a loss that does not fall."""


def of_runs(runs: Sequence[Document]) -> Document:
    """Return the headline of some runs, which are documents: its level, its text, what more is to be said, and advice.

    It is the only place where that is decided. A level is a name of a state, or `""` where there is no run.
    """
    if not runs:
        return _headline("", "No run yet")
    if len(runs) == 1:
        return _of_one(runs[0])
    ranked, wrong = ranking(runs), [run for run in runs if level_of(run) == "act"]
    if has_best(ranked):
        return _of_best(runs, ranked)
    return _of_one(wrong[0], wrong[0]["name"]) | {"more": ""} if len(wrong) == 1 else _of_several(runs)


def has_best(ranked: Sequence[Document]) -> bool:
    """Whether one of several runs is known to be the best: runs are compared, and the loss of one is finite."""
    return bool(ranked) and ranked[0]["loss"] is not None


def _of_best(runs: Sequence[Document], ranked: Sequence[Document]) -> Document:
    """Return whether to use the best run or to fix it first; the advice says of which others something is wrong."""
    own = candidates(runs)[ranked[0]["name"]]
    worst = min(own, key=lambda run: STATES.index(level_of(run)))
    level, verdict = level_of(worst), _first(worst)
    loss = f"{ranked[0]['metric']} {digits(ranked[0]['loss'], 3)}"
    of = f"{named(ranked[0], runs)}: best of {len(ranked)} {'runs' if len(own) == 1 else 'candidates'} ({loss})"
    but = {"act": ", but it has a problem: ", "watch": ", but watch it: "}.get(level)
    if but and verdict:
        said = ("First fix " if level == "act" else "Use ") + of + but + begun_small(_said_of(verdict))
    elif level == "ok":
        state = worst["state"]
        which = "that could run" if state["judged"] < state["applicable"] else ""
        so_far = "so far" if worst["ended"] is False else ""
        said = " ".join(filter(None, [f"Use {of}, which passed all checks", which, so_far]))
    else:
        said = f"Use {of}" + (", but it is little checked" if worst["state"]["judged"] else "")
    others = [run for run in runs if run not in own]
    return _headline(level, said, _steps(ranked, runs)) | {"advice": _of_others(others, level)}


def _of_others(others: Sequence[Document], best: str) -> str:
    """Return which runs but the best the verdicts are about, where its own level is less grave; "" for none."""
    level = min(map(level_of, others), key=STATES.index)
    if level not in ("act", "watch"):
        return ""
    found = [run for run in others if level_of(run) == level]
    if level == best:
        return f"{counted(len(found), 'other run')} {'needs' if len(found) == 1 else 'need'} a look, too."
    if len(found) == 1:
        return f"{level.upper()} below is about another run ({_of_one(found[0], found[0]['name'])['text']})."
    return f"{level.upper()} below is about {len(found)} other runs: fix those only if you want to use them."


def named(rank: Document, runs: Sequence[Document]) -> str:
    """Return the name of a candidate; of one that `compare` has tuned with its learning rate."""
    own = candidates(runs)[rank["name"]]
    rate = settings_of(own[0]).get("learning_rate")
    is_tuned = len(own) > 1 and isinstance(rate, int | float)
    return f"{rank['name']} with learning rate {digits(rate, 3)}" if is_tuned else str(rank["name"])


def candidates(runs: Sequence[Document]) -> dict[str, list[Document]]:
    """Return the runs by what they are compared as: those of one name and several seeds are one, as of `compare`."""
    names = {run["name"]: re.sub(r"/seed_\d+$", "", run["name"]) for run in runs}
    counts, found = Counter(names.values()), dict[str, list[Document]]()
    for run in runs:
        name = run["name"] if counts[names[run["name"]]] == 1 else names[run["name"]]
        found.setdefault(name, []).append(run)
    return found


def cases_of(runs: Sequence[Document]) -> list[Document]:
    """Return what is wrong, `{"kind", "title", "level", "runs"}`.

    The most serious comes first, of that what the best run has, then why a run is NaN, then what most runs have.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for level in ("act", "watch"):
        for run in runs:
            for verdict in verdicts_of(run):
                if verdict["level"] == level:
                    found.setdefault((level, verdict["kind"]), []).append(run["name"])
    listed = [
        {"kind": kind, "title": title_of(kind), "level": level, "runs": names} for (level, kind), names in found.items()
    ]
    best = {run["name"] for rank in ranking(runs)[:1] for run in candidates(runs)[rank["name"]]}
    nan = {each["explained_by"] or "nonfinite" for run in runs for each in verdicts_of(run) if _is_of_nan(run, each)}
    return sorted(
        listed,
        key=lambda case: (case["level"], best.isdisjoint(case["runs"]), case["kind"] not in nan, -len(case["runs"])),
    )


def _is_of_nan(run: Document, verdict: Mapping[str, Any]) -> bool:
    return run["nan_from"] is not None and verdict["kind"] == "nonfinite"


def ranking(runs: Sequence[Document]) -> list[Document]:
    """Return each candidate with its name, its losses, their median, and how many times the best that is, in order.

    What counts is the lowest validation loss or, where a run has none, the last training loss of each; of several
    seeds, the median. Of a run that has become NaN it is None; the times are None where the best is not above 0.
    Nothing is returned for one candidate, and for runs of different losses.
    """
    minimized = {str(loss) for run in runs if (loss := settings_of(run).get("loss"))}
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
            "losses": finite[name],
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


def _of_one(run: Document, name: str = "") -> Document:
    level, verdict = level_of(run), _first(run)
    if run["nan_from"] is not None:
        of_run = f"{name}: the" if name else "The"
        causes = {each["explained_by"] for each in verdicts_of(run) if each["kind"] == "nonfinite"}
        why = f": {begun_small(_said_of(verdict))}" if verdict and verdict["kind"] in causes else ""
        if any(_OF_RATE in each["finding"] for each in verdicts_of(run) if each["kind"] == "nonfinite"):
            rate = settings_of(run).get("learning_rate", "")
            why = f", {_OF_RATE}{f' {digits(rate, 3)}' if isinstance(rate, int | float) else ''}"
        return _headline(level, f"{of_run} loss is NaN from step {run['nan_from']:,} on{why}", _numbers(run))
    if verdict:
        course, said = _course(run), _said_of(verdict)
        if name:
            return _headline(level, f"{name}{course}: {begun_small(said)}", _numbers(run))
        return _headline(level, f"{said}: this training{course}" if course else said, _numbers(run))
    if is_silent(run):
        return _headline("watch", "No news from this run: is it still running?", _numbers(run))
    begin = (
        "All right" if level == "ok" else "Nothing found, but little checked" if run["state"]["judged"] else "Unknown"
    )
    return _headline(level, f"{begin}{_so_far(run)}: {checks_of(run)}", _numbers(run))


def _so_far(run: Document) -> str:
    """Return how far a training is that still runs."""
    said = settings_of(run)
    epochs, steps = said.get("epochs"), said.get("steps_per_epoch")
    if run["ended"] is not False:
        return ""
    is_known = isinstance(epochs, int) and isinstance(steps, int) and steps > 0
    return f" so far, in epoch {min(epochs, run['step'] // steps + 1)} of {epochs}" if is_known else " so far"


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


def _of_several(runs: Sequence[Document]) -> Document:
    """Return the headline of runs of which none is known to be the best."""
    levels, begin = Counter(map(level_of, runs)), f"{len(runs)} runs: "
    if levels["act"]:
        return _headline("act", f"{begin}{levels['act']} need action")
    if levels["watch"]:
        are = "is" if levels["watch"] == 1 else "are"
        return _headline("watch", f"{begin}{levels['watch']} {are} worth watching")
    if levels["little_checked"]:
        many = "" if levels["little_checked"] == len(runs) else f"{levels['little_checked']} "
        return _headline("little_checked", f"{begin}{many}little checked")
    return _headline("ok", f"{begin}nothing to do")


def _steps(ranked: Sequence[Document], runs: Sequence[Document]) -> str:
    """Return how many steps each candidate took, where these differ and there are several seeds of some."""
    groups = candidates(runs)
    steps = {rank["name"]: max(run["step"] for run in groups[rank["name"]]) for rank in ranked}
    if len(groups) == len(runs) or len(set(steps.values())) < 2:
        return ""
    said = ", ".join(f"{name} {step:,}" for name, step in steps.items())
    epochs = {settings_of(run).get("epochs") for run in runs}
    if len(epochs) == 1 and None not in epochs:
        return f"{counted(epochs.pop(), 'epoch')} each; steps differ with the batch size: {said}"
    return f"Steps differ: {said}"


def _first(run: Document) -> Mapping[str, Any] | None:
    """Return the first of the gravest verdicts on a run; None where nothing is to be done."""
    return next((v for level in ("act", "watch") for v in verdicts_of(run) if v["level"] == level), None)


def settings_of(run: Document) -> Any:
    """Return what a run was trained with, by name; {} if that is unknown."""
    return (run["record"] or records.EMPTY)["hyperparameters"]


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


def _said_of(verdict: Mapping[str, Any]) -> str:
    """Return the title of a kind or, of a kind of the user's own, what was found."""
    is_known = verdict["kind"] in KINDS
    return title_of(verdict["kind"]) if is_known else verdict["finding"].partition(" (")[0].removesuffix(".")


def _numbers(run: Document) -> str:
    """Return the losses of a run, and after how many steps it has them."""
    loss, validation = run["summary"]["loss"], run["summary"]["validation"]
    said = [f"loss {said_of(loss)}"] if loss is not None else []
    if validation:
        best = f" (best {said_of(validation['best'])})" if validation["best"] is not None else ""
        said.append(f"val loss {said_of(validation['last'])}{best}")
    return f"{', '.join(said)} after {run['summary']['step']:,} steps" if said else ""


def said_of(value: float | str) -> str:
    """Return a loss in a few digits; what is said instead of one stays."""
    return value if isinstance(value, str) else digits(value, 3)
