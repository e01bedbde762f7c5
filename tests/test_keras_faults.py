"""The set of real faults is complete, no gain is made of scores below nothing, and its tables count as they say."""

import re

import pytest

from tests.outside import ROOT, loaded

CASES = loaded("benchmarks/faults/cases.py")
DETECT = loaded("benchmarks/faults/detect.py")
REPAIR = loaded("benchmarks/faults/repair.py")
KINDS = re.findall(r"^## (\w+)$", (ROOT / "docs/diagnosis.md").read_text(), re.M)


def test_each_fault_names_its_source_and_kinds_that_there_are():
    assert len(CASES.CASES) >= 90
    for name in (*CASES.CASES, *CASES.OF_SETS):
        case = CASES.case_of(name)
        assert {*case["truth"], *case.get("also", ())} <= set(KINDS), name
    for name in CASES.CASES:
        case = CASES.case_of(name)
        assert case["source"].startswith("https://")
        assert all(case[each] for each in ("facts", "note")), name
        scripts = [CASES.text_of(name, script) for script in CASES.SCRIPTS]
        assert scripts[0] != scripts[1]
        assert not re.search("set_random_seed|keras_ch8", "".join(scripts)), name


@pytest.mark.parametrize(
    "before, after, is_gain",
    [(0.5, 0.56, True), (0.5, 0.54, False), (0.98, 0.99, True), (-9.0, 0.04, False), (float("nan"), 0.1, True)],
)
def test_a_gain_is_a_twentieth_or_half_of_the_error_and_begins_at_0(before, after, is_gain):
    assert CASES.gains(before, after) == is_gain


def test_what_is_said_is_counted():
    told = [("act", "wrong_output", 0), ("act", "plateau", 9), ("watch", "too_short", 9)]
    told = [{"level": level, "kind": kind, "step": step} for level, kind, step in told]
    rows = {"so_42800203": {"faulty": {"told": told, "cpu": 60.0}, "repaired": {"told": told[2:], "cpu": 60.0}}}
    n = DETECT.counts(rows)
    of_one = {"told": 1, "right": 1, "first": 1, "static": 1, "acts": 2, "right_acts": 1, "healthy_act": 0}
    assert {what: n["scripts"][what] for what in of_one} == of_one
    assert n["roots"] == {"wrong_output": {"faulty": 1, "right": 1}}
    assert "| twins told to watch, or to act | 1 of 1 (1.00) | 0 of 0 (0.00) |" in DETECT.table(n)


def test_a_case_is_repaired_by_the_cures_of_all_seeds_and_harmed_by_one():
    trial = {"kind": "wrong_output", "outcomes": ["gains", "gains"]}
    rows = {"so_42800203": {"trials": [trial] * 3}}
    assert REPAIR.counts(rows)["repaired_fresh"] == 1
    rows["so_42800203"]["trials"][1] = trial | {"outcomes": ["gains", "worse"]}
    n = REPAIR.counts(rows)
    assert (n["repaired"], n["repaired_fresh"], n["harmed"], n["harmed_fresh"]) == (1, 0, 0, 1)
    assert n["right"] == {"gains": 3}
