"""Planted troubles are named, and healthy trainings left in peace: one seed here, three by tests.planted.confusion."""

import pytest

from . import confusion

LEAST = {"first": 0.9, "second": 0.9, "third": 0.8}
"""Share of the sick runs that are named; of the third half as many as when it was judged for the first time."""


@pytest.mark.slow
@pytest.mark.parametrize("half", confusion.HALVES)
def test_planted_troubles_are_named_and_healthy_runs_are_not(half, capsys):
    results = confusion.judge_all([half])
    with capsys.disabled():
        print(f"\n{confusion.table(results)}")
    sick, healthy = ([r for r in results if bool(r["kind"]) == is_sick] for is_sick in (True, False))
    assert sum(map(confusion.is_right, sick)) >= LEAST[half] * len(sick)
    assert all(map(confusion.is_right, healthy))
