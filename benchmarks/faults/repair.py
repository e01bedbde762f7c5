"""What the first cure does: that of the first act, pasted into the faulty script as it is.

The script is watched with each of three seeds; the code of the first act is pasted in, and the script is run again with
the same seed, and with a fresh one. A cure repairs if the script gains as much as its twin has to.
"""

import collections
import functools

from cases import CASES, GAIN, SEEDS, case_of, gains
from pasting import pasted
from scripts import run, watched

NAMES = CASES
HAS_OURS = True
FRESH = len(SEEDS)
"""What a fresh seed is above the one that the cure was found with."""
WITHOUT_CURE = ("nothing calls for action", "no code")
OUTCOMES = ("gains", "no gain", "worse", "crashes", *WITHOUT_CURE)


def outcome(before, after):
    """Return what a cure has done; scores below 0 are as 0, as for a gain."""
    if "error" in after:
        return "crashes"
    before, after = (max(0.0, each.get("score", 0.0)) for each in (before, after))
    if gains(before, after):
        return "gains"
    return "worse" if after <= before - GAIN else "no gain"


def score(found):
    """Return what is written of a run."""
    return found.get("error") or round(found["score"], 4)


def trial(name, seed):
    """Return what the cure of a seed does with it, and with a fresh one."""
    found = run(name, "faulty", seed, watched)
    if not (acts := [each for each in found.get("told", ()) if each["level"] == "act"]):
        return {"kind": "", "outcomes": [WITHOUT_CURE[0]] * 2}
    first = acts[0]
    if not first["code"]:
        return {"kind": first["kind"], "outcomes": [WITHOUT_CURE[1]] * 2}
    cured = functools.partial(pasted, first["code"], first["fit"])
    before = [found, run(name, "faulty", seed + FRESH)]
    after = [run(name, "faulty", each, cured) for each in (seed, seed + FRESH)]
    return {
        "kind": first["kind"],
        "code": first["code"],
        "outcomes": list(map(outcome, before, after)),
        "before": list(map(score, before)),
        "after": list(map(score, after)),
    }


def judge(name):
    """Return what comes of the cure of each seed."""
    return {"trials": [trial(name, seed) for seed in SEEDS]}


def line(name, row):
    """Return the line of a case."""
    said = [f"{each['kind'] or '-'}: {' / '.join(dict.fromkeys(each['outcomes']))}" for each in row["trials"]]
    return f"{name:40} truth: {' '.join(case_of(name)['truth']) or '-'}; {'; '.join(said)}"


def counts(rows):
    """Return how many cases are repaired and harmed, with the seeds of the cures and the fresh ones, and why not."""
    n, why = collections.Counter(cases=len(rows)), {True: collections.Counter(), False: collections.Counter()}
    for name, row in rows.items():
        case = case_of(name)
        own, fresh = zip(*(each["outcomes"] for each in row["trials"]), strict=True)
        n["repaired"] += {*own} == {"gains"}
        n["repaired_fresh"] += {*own, *fresh} == {"gains"}
        n["harmed"] += "worse" in own
        n["harmed_fresh"] += "worse" in fresh
        for each in row["trials"]:
            is_right = each["kind"] in (*case["truth"], *case.get("also", ()))
            why[is_right].update(each["outcomes"][:1])
    return n | {"right": why[True], "not_right": why[False]}


def table(n):
    """Return this in words."""

    def share(what):
        return f"{n[what]} of {n['cases']} ({n[what] / (n['cases'] or 1):.2f})"

    lines = [
        "| | three seeds | fresh seeds |",
        "|---|---|---|",
        f"| repaired with each seed | {share('repaired')} | {share('repaired_fresh')}, with the three before |",
        f"| harmed with a seed | {share('harmed')} | {share('harmed_fresh')} |",
        "",
        "| of each cure | the first act is right | it is not |",
        "|---|---|---|",
    ]
    return "\n".join(lines + [f"| {each} | {n['right'][each]} | {n['not_right'][each]} |" for each in OUTCOMES])
