"""What the set has: its cases, what is recorded of each, and when a score is a gain."""

import functools
import hashlib
import pathlib
import re
import tomllib

import fresh
import fresh2
import zoo3

import keras_ch8

HERE = pathlib.Path(__file__).parent
OURS = pathlib.Path(keras_ch8.__file__).parent
CASES = sorted(path.parent.name for path in (HERE / "cases").glob("*/case.toml"))
SCRIPTS = ("faulty", "repaired")
SETS = {"zoo3": zoo3, "fresh": fresh, "fresh2": fresh2}
"""Sets of trainings without twins: `SET/NAME` is one of them."""
OF_SETS = [f"{kept}/{name}" for kept, of in SETS.items() for name in (*of.SICK, *of.HEALTHY)]
SEEDS = (0, 1, 2)
GAIN = 0.05
"""Of the score; or half of the error is gone."""
HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? .*\n((?:[-+].*\n)+)", re.M)


def case_of(name):
    """Return what is recorded of a case, or of a training of a set."""
    if name in CASES:
        return tomllib.loads((HERE / "cases" / name / "case.toml").read_text())
    kept, _, training = name.partition("/")
    sick = SETS[kept].SICK.get(training)
    return {"truth": sick.truth, "also": sick.also} if sick else {"truth": []}


def scripts_of(name):
    """Return which of the two scripts there are: a training of a set is one of them."""
    if name in CASES:
        return SCRIPTS
    kept, _, training = name.partition("/")
    return SCRIPTS[:1] if training in SETS[kept].SICK else SCRIPTS[1:]


def text_of(name, script):
    """Return a script of a case: the faulty one as it stands, the repaired one with `repair.diff` in it."""
    folder = HERE / "cases" / name
    lines = (folder / "faulty.py").read_text().splitlines(keepends=True)
    for hunk in reversed([*HUNK.finditer((folder / "repair.diff").read_text())] if script == "repaired" else []):
        first, count, changes = int(hunk[1]), int(hunk[2] or 1), hunk[3].splitlines(keepends=True)
        place = slice(first - (count > 0), first - (count > 0) + count)
        if lines[place] != [each[1:] for each in changes if each[0] == "-"]:
            raise ValueError(f"repair.diff of {name} takes out lines from {first} on that do not stand in faulty.py.")
        lines[place] = [each[1:] for each in changes if each[0] == "+"]
    return "".join(lines)


def gains(before, after):
    """Whether a score is better by enough. One below 0 is no worse than 0, and so is one that is not a number."""
    before, after = max(0.0, before), max(0.0, after)
    return after - before >= GAIN or 1 - after <= (1 - before) / 2


def sign_of(texts):
    """Return a sign for some texts."""
    return hashlib.sha256("".join(texts).encode()).hexdigest()[:12]


@functools.cache
def sign_of_files(*folders):
    """Return a sign for what stands in the Python files of some folders."""
    return sign_of(file.read_text() for folder in folders for file in sorted(folder.rglob("*.py")))


def rules():
    """Return a sign for the rules and cures of today, which a case holds that was written before they were seen."""
    return sign_of_files(OURS / "monitors", OURS / "verdicts")


def code_of(name, has_ours):
    """Return a sign for the code that a result depends on: its own, and ours where that took part."""
    if name in CASES:
        own = sign_of(text_of(name, script) for script in SCRIPTS)
    else:
        own = sign_of_files(HERE / name.partition("/")[0])
    return f"{own} {sign_of_files(OURS)}" if has_ours else own
