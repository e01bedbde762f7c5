"""Each criterion on its limit, at values of 0 and ties, and in epochs that do not report what it looks at."""

import dataclasses
import json
import math

import pytest

from keras_ch8 import stopping
from keras_ch8._state import dump, load
from keras_ch8.extend import EpochHistory
from tests.stopping.test_criteria import stop_epoch

NAN, INF = math.nan, math.inf


def stops(criterion, values, **more):
    return stop_epoch(criterion, values, **more)[0]


def history(values, train=None):
    past = EpochHistory("val_loss")
    for epoch, value in enumerate(values):
        logs = {} if value is None else {"val_loss": value}
        past = past.after(epoch, logs if train is None else logs | {"loss": train[epoch]}, epoch + 1.0)
    return past


ONE_OF_EACH = [
    stopping.Patience(0), stopping.GeneralizationLoss(5), stopping.Productivity(1), stopping.SuccessiveRises(1),
    stopping.Threshold(1), stopping.Diverged(limit=1), stopping.Deadline(1),
    stopping.AnyOf(stopping.Patience(0)),
]  # fmt: skip


@pytest.mark.parametrize("criterion", ONE_OF_EACH, ids=lambda c: type(c).__name__)
def test_before_the_first_epoch_there_is_no_reason_to_stop(criterion):
    assert criterion.evaluate(EpochHistory("val_loss")) is None


@pytest.mark.parametrize("criterion", ONE_OF_EACH[:6], ids=lambda c: type(c).__name__)
def test_epochs_that_do_not_report_the_quantity_are_no_reason_to_stop(criterion):
    assert criterion.evaluate(history([None, None])) is None


def test_the_value_at_the_limit_is_not_beyond_it():
    assert stops(stopping.Diverged(limit=10), [1, 10]) is None
    assert stops(stopping.GeneralizationLoss(50), [1, 1.5]) is None
    assert stops(stopping.GeneralizationLoss(49.9), [1, 1.5]) == 1
    assert stops(stopping.Productivity(0.05, 2), [1, 1.5], train=[3, 1]) is None  # GL = 50, P = 1000
    assert stops(stopping.Productivity(0.04998, 2), [1, 1.5], train=[3, 1]) == 1
    uneven = [1, 2, 5, 6, 9]  # 9 + 2 + 2 * 1
    assert stops(stopping.Deadline(13), [1] * 5, seconds=uneven) is None
    assert stops(stopping.Deadline(12.9), [1] * 5, seconds=uneven) == 4


def test_a_value_that_is_the_same_is_neither_better_nor_worse():
    assert stops(stopping.Patience(1), [1, 1]) == 1
    assert stops(stopping.SuccessiveRises(1, strip=1), [1, 1]) is None


def test_an_error_above_a_minimum_of_0_is_infinitely_far_above_it():
    assert stops(stopping.GeneralizationLoss(0.5), [0, 0, 0.1]) == 2
    assert stops(stopping.GeneralizationLoss(1e9), [0, 0.1]) == 1
    assert stops(stopping.GeneralizationLoss(0.5), [0, 0, 0]) is None


def test_generalization_loss_waits_for_the_first_number():
    assert stops(stopping.GeneralizationLoss(5), [None, NAN, 1, 2]) == 3


@pytest.mark.parametrize(
    "errors, train, stop",
    [
        ([1, 2], [3, 3], 1),  # no progress: GL / P is infinite
        ([1, 1], [3, 3], None),  # and nothing lost
        ([1, 2], [0, 0], 1),  # no progress at an error of 0
        ([1, 2], [1, 0], None),  # down to 0: infinite progress
    ],
)
@pytest.mark.parametrize("alpha", [0.5, 1000])
def test_productivity_where_progress_is_none_or_infinite(errors, train, stop, alpha):
    assert stops(stopping.Productivity(alpha, 2), errors, train=train) == stop


def test_inside_a_strip_nothing_is_judged():
    """What was said at the end of the last strip is not said again."""
    train = [1.0] * 6
    productivity, rises = stopping.Productivity(1, 2), stopping.SuccessiveRises(1, 2)
    for criterion in (productivity, rises):
        assert criterion.evaluate(history([1, 2, 3, 4], train)).epoch == 3
        assert criterion.evaluate(history([1, 2, 3, 4, 5], train)) is None
    assert productivity.evaluate(history([1, 2, 3, 4, None], train)) is None


def test_prechelt_s_strip_has_5_epochs():
    assert (stopping.Productivity(1).strip, stopping.SuccessiveRises(1).strip) == (5, 5)
    assert all(criterion.mode == "auto" for criterion in ONE_OF_EACH[:6])


def test_the_baseline_is_to_be_passed_in_the_direction_that_is_better():
    assert stops(stopping.Patience(3, baseline=0.8), [0.1, 0.2, 0.15], mode="max") == 2
    assert stops(stopping.Patience(3, baseline=0.8), [0.9, 0.2, 0.15], mode="max") is None
    assert stops(stopping.Patience(3, baseline=1.0), [1.5, 1.4, 1.45]) == 2
    _, reason = stop_epoch(stopping.Patience(2, baseline=1.0), [2, 2.5])
    assert reason.message == "`val_loss` has not reached the baseline 1 for 2 epochs"


def test_the_first_epoch_does_not_stop_even_if_it_is_nan():
    assert stops(stopping.Patience(1), [NAN, 1, 2]) == 2


def test_the_smallest_change_is_a_number_or_a_fraction_of_the_size_of_the_best():
    half, percent = stopping.Patience(1, min_delta="50%"), stopping.Patience(1, min_delta="1%")
    assert (stops(half, [1, 0.504]), stops(half, [1, 0.496])) == (1, None)
    assert (stops(percent, [100, 100.5], mode="max"), stops(percent, [100, 101.5], mode="max")) == (1, None)
    number = stopping.Patience(1, min_delta=0.1)
    assert (stops(number, [1, 0.95]), stops(number, [1, 0.85])) == (1, None)
    with pytest.raises(ValueError, match=r"`min_delta` is the smallest change .* Received: min_delta=-0.1"):
        stopping.Patience(1, min_delta=-0.1)


def test_a_criterion_looks_at_a_quantity_of_its_own():
    past = EpochHistory("val_loss", {"val_accuracy": "max"}).after(0, {"val_loss": 0.1, "val_accuracy": 0.5}, 1.0)
    assert stopping.Threshold(0.4, monitor="val_accuracy").evaluate(past) is not None
    assert stopping.Threshold(0.6, monitor="val_accuracy").evaluate(past) is None
    threshold, productivity = stopping.Threshold(1), stopping.Productivity(1)
    assert list(threshold.watched("val_loss")) == [("val_loss", "auto")]
    own = dataclasses.replace(threshold, monitor="val_auc", mode="max")
    assert list(own.watched("val_loss")) == [("val_auc", "max")]
    assert list(productivity.watched("val_loss")) == [("val_loss", "auto"), ("loss", "auto")]
    own = dataclasses.replace(productivity, monitor="val_auc", mode="max")
    assert list(own.watched("loss")) == [("val_auc", "max"), ("auc", "max")]
    assert list(stopping.AnyOf(threshold, own).watched("val_loss")) == [
        ("val_loss", "auto"), ("val_auc", "max"), ("auc", "max"),
    ]  # fmt: skip


def test_a_history_is_kept_as_plain_data_and_goes_on_from_there():
    past = dataclasses.replace(history([3, None]), modes={"val_loss": "min"}, skipped=2)
    assert load(json.loads(json.dumps(dump(past)))) == past
