"""What `--json` prints: one object for a program to read, as docs/verdicts.schema.json describes it."""

import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from ..verdicts.state import OverallState
from ..verdicts.verdict import Verdict

if TYPE_CHECKING:  # with it comes what no command should wait for
    from ..proof.judge import Judgement
    from ..proof.result import Proof

Data: TypeAlias = dict[str, Any]
"""Plain data, without numbers that JSON does not have."""
VERSION = 1
LONGEST = 6000
"""Characters of a run with its patch: what is less serious is cut, and never the patch."""
SHORTEST = 2000
"""Characters of a run that a long patch leaves."""
BEFORE_FIT = "between compile and fit"
"""Where code goes if no script was read."""


def report(command: str, runs: Iterable[Data], *, proof: "Proof | None" = None, page: str | None = None) -> str:
    """Return the object, indented.

    Args:
        command: Name of the command.
        runs: Each as `run` returns it.
        proof: What `doctor` has found; None if nothing was tried.
        page: Path of the page that was written; None for none.
    """
    patch = proof.patched.text if proof and proof.patched else None
    late = proof.unchecked if proof else ()  # such as what there was no time for
    runs = [{**each, "not_checked": list(dict.fromkeys([*each["not_checked"], *late]))} for each in runs]
    left = max(LONGEST - len(json.dumps(patch)), SHORTEST)
    fresh = _measured(proof.fresh) if proof and proof.fresh else None
    data = {
        "version": VERSION,
        "command": command,
        "runs": [_fitted(each, left) for each in runs],
        "tried": [_tried(each.cures, each.judgement, each.reason) for each in (proof.tried if proof else ())],
        "fresh": fresh,
        "gain": None if patch is None else fresh,
        "patch": patch,
        "page": page,
    }
    return f"{json.dumps(data, allow_nan=False, indent=1)}\n"


def run(
    name: str,
    verdicts: Sequence[Verdict],
    state: OverallState,
    *,
    error: str = "",
    units: Mapping[str, str] | None = None,
    where: Mapping[str, str] | None = None,
) -> Data:
    """Return what is known of a run: its findings, the most serious first.

    Args:
        name: Its name, or that of its script.
        verdicts: All verdicts on it.
        state: Its state.
        error: The last line of its traceback, if it failed.
        units: The unit of each series.
        where: Where the code goes, as `train.py:41`, by the kinds of verdicts.
    """
    found = [verdict for verdict in verdicts if verdict.level != "ok"]
    return {
        "name": name,
        "state": state.name,
        "error": error or None,
        "findings": [_finding(each, units or {}, where or {}) for each in found],
        "left_out": 0,
        "not_checked": [*state.reasons, *(f"Not judged: {kind}." for kind in state.missing)],
    }


def of_document(run_of_page: Mapping[str, Any]) -> Data:
    """Return what the document of a page knows of a run."""
    from ..cockpit import records  # only these two commands need it

    units = {series: tag["unit"] for series, tag in run_of_page["tags"].items()}
    state = records.state_in(run_of_page["state"])
    found = run(run_of_page["name"], records.verdicts_of(run_of_page["record"]), state, units=units)
    found["not_checked"] += filter(None, [run_of_page["problem"]])
    return found


def _finding(verdict: Verdict, units: Mapping[str, str], where: Mapping[str, str]) -> Data:
    return {
        "kind": verdict.kind,
        "level": verdict.level,
        "finding": verdict.finding,
        "evidence": {
            "step": verdict.measured,
            "number": verdict.value,
            "unit": units.get(verdict.series),
            "series": verdict.series or None,
            "reasons": list(verdict.why),
        },
        "fix": verdict.cure,
        "code": verdict.code or None,
        "where": where.get(verdict.kind, BEFORE_FIT) if verdict.code else None,
        "expects": verdict.expects or None,
        "otherwise": verdict.then or None,
    }


def _tried(cures: Sequence[Verdict], judgement: "Judgement | None", reason: str) -> Data:
    measured = _measured(judgement) if judgement else None
    kinds, fixes = [each.kind for each in cures], [each.cure for each in cures]
    return {"kinds": kinds, "fixes": fixes, "measured": measured, "reason": reason or None}


def _measured(judgement: "Judgement") -> Data:
    """Return medians over the seeds, and how far the differences go."""
    outcomes = [[getattr(pair, of) for pair in judgement.aimed] for of in ("without", "cured")]
    measures = [each.measure for its in outcomes for each in its]  # "" of a training that failed
    scores = [[-math.inf if math.isnan(each.score) else each.score for each in its] for its in outcomes]
    changes = [cured - without for without, cured in zip(*scores, strict=True)]
    return {
        "result": judgement.level,
        "measure": next(filter(None, measures), ""),
        "without": _number(statistics.median(scores[0])),
        "with": _number(statistics.median(scores[1])),
        "least_change": _number(min(changes)),
        "largest_change": _number(max(changes)),
        "seeds": len(judgement.aimed),
    }


def _number(value: float) -> float | None:
    return float(f"{value:.4g}") if math.isfinite(value) else None


def _fitted(run: Data, longest: int) -> Data:
    """Return a run in so many characters: without reasons from the last finding on, then code, then findings."""
    findings: list[Data] = [{**each, "evidence": {**each["evidence"]}} for each in run["findings"]]
    run = {**run, "findings": findings}
    shorter: list[tuple[Data, str, Any]] = [(each["evidence"], "reasons", []) for each in reversed(findings)]
    shorter += [(each, "code", None) for each in reversed(findings[1:])]
    for part, name, value in shorter:
        if _length(run) > longest:
            part[name] = value
    while _length(run) > longest and len(findings) > 1:
        findings.pop()
        run["left_out"] += 1
    run["not_checked"] = run["not_checked"][: None if _length(run) <= longest else 3]
    return run


def _length(run: Data) -> int:
    return len(json.dumps(run, indent=1))
