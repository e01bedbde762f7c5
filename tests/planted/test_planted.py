"""Planted troubles are named, and healthy trainings left in peace: one seed here, three by tests.planted.confusion.

The aim is 90 % over three seeds, which `python -m tests.planted.confusion` reports; what a diagnosis with a budget in
seconds sees depends on the machine. Here a change for the worse is caught.
"""

import pytest

from . import confusion


@pytest.mark.slow
@pytest.mark.parametrize("half", confusion.HALVES)
def test_most_planted_troubles_are_named_and_no_healthy_run_is_told_to_act(half, capsys):
    results = confusion.judge_all([half])
    with capsys.disabled():
        print(f"\n{confusion.table(results)}")
    sick, healthy = ([r for r in results if bool(r["kind"]) == is_sick] for is_sick in (True, False))
    assert sum(map(confusion.is_right, sick)) >= 0.75 * len(sick)
    assert all(map(confusion.is_right, healthy))
