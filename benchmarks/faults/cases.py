"""What the set has: its cases, what is recorded of each, and when a score is a gain."""

import functools
import hashlib
import pathlib
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


def gains(before, after):
    """Whether a score is better by enough. One below 0 is no worse than 0, and so is one that is not a number."""
    before, after = max(0.0, before), max(0.0, after)
    return after - before >= GAIN or 1 - after <= (1 - before) / 2


@functools.cache
def sign_of(*paths):
    """Return a sign for what stands in some files, and in the Python files of some folders."""
    files = [file for path in paths for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def rules():
    """Return a sign for the rules and cures of today, which a case holds that was written before they were seen."""
    return sign_of(OURS / "monitors", OURS / "verdicts")


def code_of(name, has_ours):
    """Return a sign for the code that a result depends on: its own, and ours where that took part."""
    own = sign_of(HERE / "cases" / name if name in CASES else HERE / name.partition("/")[0])
    return f"{own} {sign_of(OURS)}" if has_ours else own
