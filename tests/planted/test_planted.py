"""Planted troubles are named, and healthy trainings left in peace: one seed here, three by tests.planted.confusion."""

import pytest

from tests.marks import mostly

from . import confusion

LEAST = {"first": 0.9, "fifth": 0.9}
"""Share of the sick runs that is named."""

PLAIN = [
    "rate_too_long", "rate_too_short", "saturated_hidden", "deep_and_large", "negative_biases", "large_weights", "mlp",
    "normalized", "momentum",
]  # fmt: skip
"""Six troubles and three healthy runs of the first part."""


@pytest.mark.slow
def test_some_plain_troubles_are_named_and_no_healthy_run_is_told_to_act(capsys):
    results = confusion.judge_all(["first"], names=PLAIN)
    with capsys.disabled():
        print(f"\n{confusion.table(results)}")
    assert [r["name"] for r in results] == PLAIN
    assert all(map(confusion.is_right, results))


@pytest.mark.full
@pytest.mark.parametrize("half", LEAST)
def test_planted_troubles_are_named_and_no_healthy_run_is_told_to_act(half, capsys):
    results = confusion.judge_all([half])
    with capsys.disabled():
        print(f"\n{confusion.table(results)}")
    sick, healthy = ([r for r in results if bool(r["kind"]) == is_sick] for is_sick in (True, False))
    assert sum(map(confusion.is_right, sick)) >= LEAST[half] * len(sick)
    assert all(map(confusion.is_right, healthy))


@pytest.mark.slow
@pytest.mark.parametrize("half", mostly(pytest.mark.slow, [h for h in confusion.HALVES if h not in LEAST], "eleventh"))
def test_a_part_which_is_judged_by_hand_can_be_made(half):
    for planted in confusion.runs_of(half):
        assert planted.make(seed=0).model.built, planted.name
