"""What pairs of scores say of a fix: proven, helps a little, not proven, or harms."""

import math

import pytest

from keras_ch8.proof.judge import Pair, can_be_proven, judge, spread
from keras_ch8.proof.program import Outcome


def pairs(*scores, **of_outcome):
    of = {"measure": "accuracy", **of_outcome}
    return [Pair(seed, *(Outcome(score, **of) for score in two)) for seed, two in enumerate(scores)]


def losses(*two):
    return pairs(*((-was, -now) for was, now in two), measure="validation loss", best=0.0)


@pytest.mark.parametrize(
    "scores, level",
    [
        ([(0.6, 0.9), (0.6, 0.9), (0.6, 0.9)], "proven"),
        ([(0.6, 0.9), (0.6, 0.65), (0.6, 0.6)], "proven"),  # two of three gain, and none is worse
        ([(0.6, 0.9), (0.6, 0.9), (0.6, 0.595)], "proven"),  # as good as equal
        ([(0.6, 0.9), (0.6, 0.9), (0.6, 0.58)], "not proven"),  # worse in one
        ([(0.6, 0.9), (0.6, 0.9), (0.6, 0.55)], "harms"),
        ([(0.6, 0.9), (0.6, 0.6), (0.6, 0.6)], "not proven"),  # one of three
        ([(0.6, 0.9), (0.6, 0.6)], "not proven"),  # half of the seeds are not most of them
        ([(0.6, 0.63), (0.6, 0.62), (0.6, 0.6)], "helps a little"),
        ([(0.6, 0.6), (0.6, 0.6), (0.6, 0.6)], "not proven"),
        ([(0.96, 0.98)] * 3, "proven"),  # half of the error
        ([(0.995, 0.999)] * 3, "not proven"),  # half of the error, but 4 of 1000 examples
        ([(0.98, 0.96)], "harms"),  # twice the error
        ([(0.88, 0.93)], "proven"),  # 0.05, whatever the computer makes of that
    ],
)
def test_a_fix_is_proven_if_it_gains_with_most_seeds_and_is_worse_with_none(scores, level):
    assert judge(pairs(*scores)).level == level


def test_a_training_that_failed_is_no_worse_than_a_constant_prediction():
    assert judge(pairs((math.nan, 0.5), floor=0.5)).level == "not proven"
    assert judge(pairs((math.nan, 0.9), floor=0.5)).level == "proven"
    assert judge(pairs((0.1, 0.5), floor=0.5)).level == "not proven"
    assert judge(pairs((0.9, math.nan), floor=0.5)).level == "harms"
    assert judge(pairs((-7.0, -0.1), measure="R2")).level == "not proven"  # both are worse than the mean


@pytest.mark.parametrize(
    "two, level",
    [
        ((2.0, 0.9), "proven"),
        ((2.0, 1.5), "helps a little"),
        ((2.0, 1.95), "not proven"),
        ((2.0, 2.5), "not proven"),
        ((2.0, 4.0), "harms"),
        ((math.nan, 2.0), "proven"),
        ((2.0, math.nan), "harms"),
        ((-0.1, -0.2), "helps a little"),  # half of what is below 0 is no error
        ((0.0, 0.1), "harms"),
    ],
)
def test_of_a_loss_a_half_counts(two, level):
    assert judge(losses(two)).level == level


def test_a_script_that_failed_is_compared_by_the_loss_that_the_other_has():
    failed, runs = Outcome(error="ValueError: shapes"), Outcome(-0.5, "validation loss", 0.0)
    assert str(judge([Pair(0, failed, runs)])) == "proven. Validation loss is 0.5 with it, NaN without it."
    assert judge([Pair(0, runs, failed)]).level == "harms"


def test_it_is_said_with_medians_and_where_it_is_worse():
    found = judge(pairs((0.5, 0.8), (0.6, 0.9), (0.7, 0.6)))
    assert str(found) == "harms. Accuracy is 0.8 with it, 0.6 without it (median of 3 seeds), and worse with 1 of them."
    assert judge(losses((2.0, 0.5))).said == "Validation loss is 0.5 with it, 2 without it."
    assert judge(pairs((math.nan, 0.5))).said == "Accuracy is 0.5 with it, NaN without it."
    assert spread(pairs((0.5, 0.8), (0.6, 0.61))) == "Differences: +0.01 to +0.3."
    assert spread(pairs((math.nan, 0.8))) == ""


def test_a_fix_with_which_the_training_fails_says_with_what():
    good, bad = Outcome(0.5), Outcome(error="Traceback:\n  line 3\nNameError: name 'x' is not defined")
    assert judge([Pair(0, good, bad)]).said == "The training fails with it: NameError: name 'x' is not defined"
    assert judge([Pair(0, good, bad)]).level == "harms"
    better = [Pair(seed, bad, good) for seed in (0, 1)]
    assert judge(better).level == "proven"
    assert judge([*better, Pair(2, bad, bad)]).level == "not proven"  # it has to run with every seed
    assert not can_be_proven([Pair(0, bad, bad)], 3)


@pytest.mark.parametrize(
    "scores, can",
    [
        ([], True),
        ([(0.6, 0.6)], True),
        ([(0.6, 0.6), (0.6, 0.62)], False),
        ([(0.6, 0.9), (0.6, 0.6)], True),
        ([(0.6, 0.55)], False),
        ([(0.6, 0.58)], False),
    ],
)
def test_no_more_seeds_are_needed_once_a_fix_cannot_be_proven_any_more(scores, can):
    assert can_be_proven(pairs(*scores), 3) == can


def test_a_fix_for_some_seeds_has_to_gain_there_and_is_told_of_them():
    some = pairs((0.5, 0.9), (0.9, 0.9), (0.9, 0.9))
    levels = [judge(some, aim).level for aim in ((), (0,), (1, 2))]
    assert levels == ["not proven", "proven", "not proven"]
    assert judge(some, (0,)).said == "Accuracy is 0.9 with it, 0.5 without it."
    assert judge([*some, *pairs((0.9, 0.87))], (0,)).level == "not proven"
    assert [can_be_proven(some[:2], 3, aim) for aim in ((), (0,), (1,))] == [True, True, False]
