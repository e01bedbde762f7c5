"""Each training is run once: what was run, or is kept from another time, is not run again."""

import numpy as np
import pytest

from keras_ch8._arrays_file import Keeper
from keras_ch8.choosing._optimizer_comparison import TimedRun
from keras_ch8.choosing._trials import Trials

SEEDS = {"a": 0, "b": 1, "c": 2, "bad": 3}


@pytest.fixture
def trained():
    return []


@pytest.fixture
def runner(trained, tmp_path):
    def train(name):
        trained.append(name)
        losses = np.arange(3.0)
        return TimedRun(SEEDS[name], losses, losses, losses, losses, "It fails." if name == "bad" else "")

    def made(folder=tmp_path, tell=None):
        return Trials(train, Keeper(folder, "comparison", {}), tell)

    return made


def test_outcomes_come_in_the_order_that_was_asked_for_and_equal_trainings_are_one(runner, trained):
    trials = runner(None)
    assert [one.seed for one in trials.run(["b", "a", "b"])] == [1, 0, 1]
    assert trials.one("a") is trials.done[repr("a")][1]
    assert trained == ["b", "a"]


def test_what_is_kept_is_told_and_not_run_again_but_for_what_has_failed(runner, trained):
    told = []
    runner().run(["a", "bad"])
    found = runner(tell=lambda asked, outcome: told.append((asked, outcome.seed))).run(["bad", "c", "a"])
    assert trained == ["a", "bad", "bad", "c"]
    assert sorted(told) == [("a", 0), ("bad", 3), ("c", 2)]
    np.testing.assert_array_equal(found[2].values, np.arange(3.0))
