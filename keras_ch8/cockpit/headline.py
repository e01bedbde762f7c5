"""What the page says first: the finding in a sentence, and which of several runs is the best."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from ..verdicts.kinds import KINDS
from ..verdicts.wording import counted, digits
from . import records

Document: TypeAlias = dict[str, Any]
"""Plain data, ready for `json.dumps`."""

CLAUSES = {
    "wrong_labels": "its labels are wrong",
    "wrong_output": "its last layer does not suit its loss",
    "wrong_loss": "its loss does not suit its labels",
    "bad_inputs": "something is wrong with its inputs",
    "equal_units": "all units of a layer are equal",
    "label_order": "its examples come in the order of their labels",
    "leak": "its validation data have training examples in them",
    "imbalance": "nearly all its examples are of one class",
    "no_gradient": "some of its weights get no gradient",
    "bad_scale": "its weights start on a bad scale",
    "exploding": "its gradients explode",
    "step_too_long": "its steps are too long",
    "nonfinite": "its gradients are not finite",
    "oscillation": "its loss swings from epoch to epoch",
    "dead_units": "many of its ReLUs are dead",
    "saturated_units": "many of its units are saturated",
    "vanishing": "its gradients vanish",
    "saddle": "its loss is stuck at a saddle point",
    "plateau": "its loss is stuck on a plateau",
    "cliff": "single steps throw it back",
    "step_too_short": "its steps are far too short",
    "ill_conditioned": "a ravine in its loss slows it down",
    "noise_dominated": "its gradients are mostly noise",
    "short_horizon": "its gradients do not reach far back in time",
    "batch_norm_gap": "its batch normalization acts otherwise in inference",
    "too_short": "it ends while its loss still falls",
    "underfitting": "its model is too weak for the task",
    "learns_nothing": "it is no better than a guess",
    "overfitting": "it learns its examples by heart",
    "too_long": "it goes on long after its best epoch",
    "batch_wasteful": "its batches are larger than they need be",
}
"""What is said of a run with a verdict of each kind, in words that need no book."""
_STUCK = {"learns_nothing", "plateau", "saddle"}
"""Kinds of verdicts on a loss that does not fall."""


def of_runs(runs: Sequence[Document]) -> Document:
    """Return the headline of some runs, which are documents: its level, its text, and what more is to be said.

    It is the only place where that is decided. A level is a name of a state, or `""` where there is no run.
    """
    if not runs:
        return _headline("", "No run yet")
    ranked, wrong = ranking(runs), [run for run in runs if _level(run) == "act"]
    if len(runs) == 1:
        return _of_one(runs[0], "This training")
    best = _best(ranked)
    if len(wrong) == 1:
        more = f"{best} is the best of {len(runs)} runs" if best and ranked[0]["name"] != wrong[0]["name"] else ""
        return _of_one(wrong[0], wrong[0]["name"]) | {"more": more}
    return _of_several(runs, f"{len(runs)} runs: best is {best}; " if best else f"{len(runs)} runs: ")


def cases_of(runs: Sequence[Document]) -> list[Document]:
    """Return what is wrong, `{"kind", "level", "runs"}`: the most serious first, and of these what most runs have."""
    found: dict[tuple[str, str], list[str]] = {}
    for level in ("act", "watch"):
        for run in runs:
            for verdict in _verdicts(run):
                if verdict["level"] == level:
                    found.setdefault((level, verdict["kind"]), []).append(run["name"])
    listed = [{"kind": kind, "level": level, "runs": names} for (level, kind), names in found.items()]
    return sorted(listed, key=lambda case: (case["level"], -len(case["runs"])))


def ranking(runs: Sequence[Document]) -> list[Document]:
    """Return each run with its name, its loss, and how many times the best that is, the best first.

    What counts is the lowest validation loss or, where a run has none, the last training loss of each. Of a run that
    has become NaN it is None; the times are None where the best is not above 0. Nothing is returned for one run, and
    for runs of different losses.
    """
    minimized = {str(loss) for run in runs if (loss := (run["record"] or records.EMPTY)["hyperparameters"].get("loss"))}
    if len(runs) < 2 or len(minimized) > 1:
        return []
    summaries = [run["summary"] for run in runs]
    of_validation = all(summary["validation"] for summary in summaries)
    losses = [summary["validation"]["best"] if of_validation else summary["loss"] for summary in summaries]
    is_known = (isinstance(x, int | float) and run["nan_from"] is None for x, run in zip(losses, runs, strict=True))
    known = [loss if is_one else None for loss, is_one in zip(losses, is_known, strict=True)]
    best = min((loss for loss in known if loss is not None), default=None)
    return [
        {
            "name": run["name"],
            "metric": "val loss" if of_validation else "loss",
            "loss": loss,
            "times": loss / best if loss is not None and best is not None and best > 0 else None,
        }
        for loss, run in sorted(zip(known, runs, strict=True), key=lambda pair: (pair[0] is None, pair[0] or 0.0))
    ]


def _headline(level: str, text: str, more: str = "") -> Document:
    return {"level": level, "text": text, "more": more}


def _level(run: Document) -> str:
    """Return the state of a run; one whose loss is not finite is never well."""
    level: str = run["state"]["name"] if run["nan_from"] is None else "act"
    return level


def _of_one(run: Document, name: str) -> Document:
    state, level = run["state"], _level(run)
    verdict = _first(run)
    if run["nan_from"] is not None:
        of_run = "" if name == "This training" else f"{name} is "
        causes = {each["explained_by"] for each in _verdicts(run) if each["kind"] == "nonfinite"}
        why = f": {_clause(verdict)}" if verdict and verdict["kind"] in causes else ""
        return _headline(level, f"{of_run}NaN from step {run['nan_from']:,} on{why}", _numbers(run))
    if verdict:
        course, clause = _course(run), _clause(verdict)
        is_of_run = not course and clause.startswith("it ")
        return _headline(level, name + (clause[2:] if is_of_run else f"{course}: {clause}"), _numbers(run))
    so_far = " so far" if run["ended"] is False else ""
    checks = f"{state['judged']} of {counted(state['applicable'], 'check')}"
    if level == "ok":
        return _headline(level, f"All right{so_far}: {checks} passed", _numbers(run))
    text = f"Little checked{so_far}: {checks} could run" if state["judged"] else f"Not checked{so_far}"
    return _headline(level, text, _numbers(run))


def _of_several(runs: Sequence[Document], begin: str) -> Document:
    levels = Counter(map(_level, runs))
    if levels["act"]:
        return _headline("act", f"{begin}{levels['act']} need action")
    if levels["watch"]:
        are = "is" if levels["watch"] == 1 else "are"
        return _headline("watch", f"{begin}{levels['watch']} {are} worth watching")
    if levels["little_checked"]:
        is_checked = any(run["state"]["judged"] for run in runs)
        return _headline(
            "little_checked", begin + (f"{levels['little_checked']} little checked" if is_checked else "not checked")
        )
    return _headline("ok", f"{begin}nothing to do")


def _best(ranked: Sequence[Document]) -> str:
    """Return the name of the best run, with its loss; "" where no loss was finite."""
    if not ranked or ranked[0]["loss"] is None:
        return ""
    return f"{ranked[0]['name']} ({ranked[0]['metric']} {digits(ranked[0]['loss'], 3)})"


def _first(run: Document) -> Mapping[str, Any] | None:
    """Return the first of the gravest verdicts on a run; None where nothing is to be done."""
    return next((v for level in ("act", "watch") for v in _verdicts(run) if v["level"] == level), None)


def _verdicts(run: Document) -> Sequence[Mapping[str, Any]]:
    verdicts: Sequence[Mapping[str, Any]] = (run["record"] or records.EMPTY)["verdicts"]
    return verdicts


def _course(run: Document) -> str:
    """Return how a run learns, where verdicts say that it hardly does, or ""."""
    follow = {verdict["kind"] for verdict in _verdicts(run) if verdict["explained_by"]}
    stand = {verdict["kind"] for verdict in _verdicts(run) if verdict["level"] != "ok"}
    if (follow | stand) & _STUCK:
        return " does not learn"
    return " hardly learns" if "underfitting" in follow else ""


def _clause(verdict: Mapping[str, Any]) -> str:
    """Return what is said of a kind or, of a kind of the user's own, what was found."""
    kind: str = verdict["kind"]
    meaning = KINDS[kind].meaning if kind in KINDS else verdict["finding"].partition(" (")[0]
    return CLAUSES.get(kind) or meaning.removesuffix(".")


def _numbers(run: Document) -> str:
    """Return the losses of a run, and after how many steps it has them."""
    loss, validation = run["summary"]["loss"], run["summary"]["validation"]
    said = [f"loss {_digits(loss)}"] if loss is not None else []
    if validation:
        best = f" (best {_digits(validation['best'])})" if validation["best"] is not None else ""
        said.append(f"val loss {_digits(validation['last'])}{best}")
    return f"{', '.join(said)} after {run['step']:,} steps" if said else ""


def _digits(value: float | str) -> str:
    return value if isinstance(value, str) else digits(value, 3)
