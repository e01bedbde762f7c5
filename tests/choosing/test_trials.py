"""Each training is run once: what was run, or is kept from another time, is not run again."""

import dataclasses

import numpy as np
import pytest

from keras_ch8._keeper import Keeper
from keras_ch8.choosing._trials import Trials


@dataclasses.dataclass(frozen=True)
class Outcome:
    losses: np.ndarray
    name: str
    error: str = ""


@pytest.fixture
def trained():
    return []


@pytest.fixture
def runner(trained, tmp_path):
    def train(name):
        trained.append(name)
        return Outcome(np.arange(3.0), name, "It fails." if name == "bad" else "")

    def made(folder=tmp_path, tell=None):
        return Trials(train, Keeper(folder, "study", {}), lambda _, fields: Outcome(**fields), tell)

    return made


def test_outcomes_come_in_the_order_that_was_asked_for_and_equal_trainings_are_one(runner, trained):
    trials = runner(None)
    assert [one.name for one in trials.run(["b", "a", "b"])] == ["b", "a", "b"]
    assert trials.one("a") is trials.done[repr("a")][1]
    assert trained == ["b", "a"]


def test_what_is_kept_is_told_and_not_run_again_but_for_what_has_failed(runner, trained):
    told = []
    runner().run(["a", "bad"])
    found = runner(tell=lambda asked, outcome: told.append((asked, outcome.name))).run(["bad", "c", "a"])
    assert trained == ["a", "bad", "bad", "c"]
    assert sorted(told) == [("a", "a"), ("bad", "bad"), ("c", "c")]
    np.testing.assert_array_equal(found[2].losses, np.arange(3.0))
