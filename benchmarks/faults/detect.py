"""What is said of each faulty script and of its twin."""

import collections

from cases import CASES, OF_SETS, SCRIPTS, SETS, case_of, rules, scripts_of
from scripts import run, watched

NAMES = [*CASES, *OF_SETS]
HAS_OURS = True
GROUPS = ("scripts", *SETS)
SAID = {
    "told": ("a fault is told", "faulty"),
    "right": ("right by act", "faulty"),
    "first": ("the first act is the root", "faulty"),
    "static": ("right by act before the first step", "faulty"),
    "right_acts": ("acts that are right", "acts"),
    "healthy_act": ("twins told to act", "healthy"),
    "healthy_watch": ("twins told to watch, or to act", "healthy"),
    "nameless": ("faults that no kind names, which count as missed", "faulty"),
    "blind": ("written before these rules", "faulty"),
    "failed": ("scripts that failed", "scripts"),
}
"""What is counted, in words, and of how many."""


def judge(name):
    """Return what is said of each script."""
    return {script: run(name, script, 0, watched) for script in scripts_of(name)}


def kinds(found, *levels, before=float("inf")):
    """Return the kinds that were told at some levels, the gravest first, up to a step."""
    return [each["kind"] for each in found.get("told", ()) if each["level"] in levels and each["step"] <= before]


def runs_of(row):
    """Return the scripts that were run, and what came of each."""
    return [(script, row[script]) for script in SCRIPTS if script in row]


def line(name, row):
    """Return the line of a case."""
    said = [f"{script}: {found.get('error') or ' '.join(kinds(found, 'act')) or '-'}" for script, found in runs_of(row)]
    return f"{name:40} truth: {' '.join(case_of(name)['truth']) or '-'}; {'; '.join(said)}"


def counts(rows):
    """Return what is counted, of the scripts and of the sets, and how often each root is found."""
    n = {group: collections.Counter() for group in GROUPS}
    roots = collections.defaultdict(lambda: {"faulty": 0, "right": 0})
    for name, row in rows.items():
        case, group = case_of(name), n["scripts" if name in CASES else name.partition("/")[0]]
        for _, found in runs_of(row):
            group.update(scripts=1, failed="error" in found, cpu=found.get("cpu", 0))
        if "repaired" in row:
            acts, told = (bool(kinds(row["repaired"], *levels)) for levels in (["act"], ["act", "watch"]))
            group.update(healthy=1, healthy_act=acts, healthy_watch=told)
        if "faulty" in row:
            right, acts = {*case["truth"], *case.get("also", ())}, kinds(row["faulty"], "act")
            group.update(
                faulty=1,
                told=bool(kinds(row["faulty"], "act", "watch")),
                right=bool(right & {*acts}),
                first=acts[:1] != [] and acts[0] in case["truth"],
                static=bool(right & {*kinds(row["faulty"], "act", before=0)}),
                acts=len(acts),
                right_acts=sum(kind in right for kind in acts),
                nameless=not case["truth"],
                blind=case.get("rules") == rules(),
            )
            for root in case["truth"][:1]:
                roots[root]["faulty"] += 1
                roots[root]["right"] += bool(right & {*acts})
    return n | {"roots": dict(sorted(roots.items()))}


def table(n):
    """Return this in words."""
    lines = [f"| | {' | '.join(GROUPS)} |", f"|---|{'---|' * len(GROUPS)}"]
    for what, (words, of) in SAID.items():
        parts = [f"{n[group][what]} of {n[group][of]} ({n[group][what] / (n[group][of] or 1):.2f})" for group in GROUPS]
        lines += [f"| {words} | {' | '.join(parts)} |"]
    minutes = " | ".join(f"{n[group]['cpu'] / 60:.0f}" for group in GROUPS)
    lines += [f"| minutes of CPU | {minutes} |"]
    lines += ["", "| root | right by act |", "|---|---|"]
    lines += [f"| {root} | {found['right']} of {found['faulty']} |" for root, found in n["roots"].items()]
    return "\n".join(lines)
