"""Wild values for every argument: a sentence that says what came, or it works (docs/design/faults-fuzz.md)."""

import random

import pytest

from tests.faults import fuzz
from tests.faults.cases import CASES
from tools import chapter

QUICK = ("clipping", "curriculum", "initializers", "losses", "metrics", "schedules", "second_order", "stopping",
         "symmetries", "trackers")  # fmt: skip
"""Packages of which a call that is accepted is over in no time, but for those of `SLOW`."""
SLOW = ("schedules.ReduceOnPlateau", "second_order.minimize")
"""Parts of them that train, or compile."""


def faults(cases, chosen):
    return [str(call) for call in fuzz.calls(cases, chosen) if call.verdict in fuzz.FAULTS]


def test_each_case_is_of_a_part_that_there_is_and_no_part_has_two():
    """`make docs` names the parts, and the arguments, that have none."""
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names) > 100
    assert set(names) <= {name for _, name in chapter.parts()}


@pytest.mark.slow
def test_a_value_that_is_not_allowed_is_refused_with_a_sentence_before_anything_is_done():
    draw = random.Random(8).random
    some = {(c.name, a, w) for c in CASES for a in c.meanings for w in fuzz.WILD if draw() < 0.1}

    def chosen(case, argument, wild):
        allowed = case.meanings[argument].allows(fuzz.WILD[wild]())
        return (case.name, argument, wild) in some and not allowed

    judged = list(fuzz.calls(CASES, chosen))
    assert len(judged) > 500
    assert [str(call) for call in judged if call.verdict != "refused"] == []


@pytest.mark.slow
def test_every_call_of_the_quick_packages_is_refused_with_a_sentence_or_works():
    quick = [c for c in CASES if c.name.partition(".")[0] in QUICK and c.name not in SLOW]
    assert faults(quick, lambda *_: True) == []


@pytest.mark.full
@pytest.mark.parametrize("case", [pytest.param(c, id=c.name) for c in CASES])
def test_every_call_of_a_part_is_refused_with_a_sentence_or_works(case):
    assert faults([case], lambda *_: True) == []
