"""Each criterion beside its formula, on random errors; patience beside Keras's own; and what bad arguments get."""

import itertools
import math

import keras
import numpy as np
import pytest

from keras_ch8 import callbacks, stopping
from keras_ch8.extend import EpochHistory, StopReason
from keras_ch8.stopping.criterion import index_of_best

RNG = np.random.default_rng(0)
CURVES = [np.abs(1 + 0.1 * np.cumsum(RNG.normal(size=60))) + 0.01 for _ in range(20)]


def stop_epoch(criterion, values, train=None, monitor="val_loss", mode="min", seconds=None):
    """Return the epoch, counted from 0, after which a criterion stops, and its reason; None if never."""
    past = EpochHistory(monitor, {monitor: mode, monitor.removeprefix("val_"): mode})
    for epoch, value in enumerate(values):
        logs = {} if value is None else {monitor: value}
        if train is not None:
            logs[monitor.removeprefix("val_")] = train[epoch]
        past = past.after(epoch, logs, epoch + 1.0 if seconds is None else seconds[epoch])
        if reason := criterion.evaluate(past):
            assert reason.epoch == epoch
            return epoch, reason
    return None, None


def first(condition, epochs):
    return next((t for t in range(epochs) if condition(t)), None)


@pytest.mark.parametrize("alpha", [1, 5, 20, 1000])
def test_generalization_loss_is_prechelts(alpha):
    for errors in CURVES:
        expected = first(lambda t, e=errors: 100 * (e[t] / min(e[: t + 1]) - 1) > alpha, 60)
        assert stop_epoch(stopping.GeneralizationLoss(alpha), errors)[0] == expected
        accuracy = 1 - errors
        assert stop_epoch(stopping.GeneralizationLoss(alpha), accuracy, mode="max")[0] == expected


@pytest.mark.parametrize("alpha, strip", [(0.5, 5), (0.75, 5), (3, 4)])
def test_productivity_is_prechelts(alpha, strip):
    stops = set()
    for errors, train in itertools.pairwise(CURVES):

        def condition(t, e=errors, tr=train):
            if (t + 1) % strip:
                return False
            loss = 100 * (e[t] / min(e[: t + 1]) - 1)
            last = tr[t + 1 - strip : t + 1]
            return loss / (1000 * (sum(last) / (strip * min(last)) - 1)) > alpha

        expected = first(condition, 60)
        stops.add(expected)
        assert stop_epoch(stopping.Productivity(alpha, strip), errors, train)[0] == expected
    assert len(stops) > 3


def test_productivity_looks_at_the_end_of_a_strip_of_validated_epochs_only():
    errors, train = [1.0, None, 2.0, None, None, None], [9.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    assert stop_epoch(stopping.Productivity(1, strip=2), errors, train)[0] is None  # P = 1000 * (5 / 1 - 1)
    assert stop_epoch(stopping.Productivity(1, strip=2), errors, [1.01, *train[1:]])[0] == 2


@pytest.mark.parametrize("s, strip", [(1, 1), (2, 3), (3, 5), (4, 1)])
def test_successive_rises_are_prechelts(s, strip):
    """By the recursion of the paper: UP_s stops at t where UP_(s-1) stops at t - k and E(t) > E(t - k)."""

    def rises(t, s, e):
        if s == 0:
            return True
        return t - strip >= 0 and e[t] > e[t - strip] and rises(t - strip, s - 1, e)

    for errors in CURVES:
        expected = first(lambda t, e=errors: (t + 1) % strip == 0 and rises(t, s, e), 60)
        assert stop_epoch(stopping.SuccessiveRises(s, strip), errors)[0] == expected
        assert stop_epoch(stopping.SuccessiveRises(s, strip), -errors, mode="max")[0] == expected


def keras_stop_epoch(values, **arguments):
    stopper = keras.callbacks.EarlyStopping("loss", mode="min", **arguments)
    stopper.set_model(keras.Sequential())
    stopper.model.stop_training = False
    stopper.on_train_begin()
    for epoch, value in enumerate(values):
        stopper.on_epoch_end(epoch, {"loss": value})
        if stopper.model.stop_training:
            return epoch
    return None


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("patience", [0, 1, 3, 10])
@pytest.mark.parametrize("more", [{}, {"min_delta": 0.05}, {"baseline": 0.8}, {"baseline": 0.9, "min_delta": 0.01}])
def test_patience_is_that_of_keras(patience, more):
    for errors in CURVES:
        expected = keras_stop_epoch(errors, patience=patience, **more)
        assert stop_epoch(stopping.Patience(patience, **more), errors)[0] == expected


def test_a_relative_change_counts_relative_to_the_best():
    errors = [100, 99.5, 98.9, 98.5, 98.0, 97.0]
    assert stop_epoch(stopping.Patience(2, min_delta="1%"), errors)[0] == 4
    assert stop_epoch(stopping.Patience(2, min_delta="1%"), [e / 1e6 for e in errors])[0] == 4
    assert stop_epoch(stopping.Patience(2, min_delta="1%"), [-e for e in errors], mode="max")[0] == 4
    assert stop_epoch(stopping.Patience(2, min_delta=1.0), [e / 1e6 for e in errors])[0] == 2


def test_nan_is_never_best_and_never_resets():
    nan = math.nan
    assert stop_epoch(stopping.Patience(3), [nan, 5, 4, 3, 2, 1])[0] is None
    assert keras_stop_epoch([nan, 5, 4, 3, 2, 1], patience=3) == 3  # the fault that this is about
    assert stop_epoch(stopping.Patience(2), [1, nan, nan])[0] == 2
    epoch, reason = stop_epoch(stopping.Patience(2), [nan, nan, nan])
    assert (epoch, reason.message) == (1, "`val_loss` has been NaN for 2 epochs")
    assert stop_epoch(stopping.GeneralizationLoss(5), [1, nan, 1.04, 1.06])[0] == 3


def test_epochs_without_the_quantity_are_not_counted():
    assert stop_epoch(stopping.Patience(2), [None, 1, None, 2, None, None, 3])[0] == 6


def test_sentences_say_the_numbers():
    _, reason = stop_epoch(stopping.Patience(2), [3, 2, 5, 4])
    assert reason.why is StopReason.PATIENCE
    assert reason.message == "`val_loss` has not become better for 2 epochs; the best is 2 of epoch 2"
    _, reason = stop_epoch(stopping.Patience(2, baseline=1.0), [3, 2, 2.5])
    assert reason.message == "`val_loss` has not reached the baseline 1 for 3 epochs"
    _, reason = stop_epoch(stopping.GeneralizationLoss(5), [1, 1.5])
    assert reason.message == "`val_loss` is 50 % above its minimum, more than alpha = 5 %"


def test_threshold_and_divergence():
    assert stop_epoch(stopping.Threshold(0.5), [1, 0.6, 0.5])[0] == 2
    assert stop_epoch(stopping.Threshold(0.9), [0.1, 0.95], mode="max")[0] == 1
    assert stop_epoch(stopping.Diverged(), [1, 1e30])[0] is None
    assert stop_epoch(stopping.Diverged(), [1, math.nan])[1].why is StopReason.DIVERGED
    assert stop_epoch(stopping.Diverged(), [1, 1, 1], train=[1, math.inf, 1])[0] == 1
    assert stop_epoch(stopping.Diverged(limit=10), [1, 9, 11])[0] == 2
    assert stop_epoch(stopping.Diverged(limit=0.1), [0.5, 0.2, 0.05], mode="max")[0] == 2


def test_a_deadline_predicts_the_next_epoch():
    assert stop_epoch(stopping.Deadline(10), [1] * 20, seconds=range(1, 21))[0] == 9  # 10 s are spent
    assert stop_epoch(stopping.Deadline(10.5), [1] * 20, seconds=range(1, 21))[0] == 9
    first_is_slow = [5, 6, 7, 8, 9, 10]
    assert stop_epoch(stopping.Deadline(9), [1] * 6, seconds=first_is_slow)[0] == 0  # it may take 5 s again
    assert stop_epoch(stopping.Deadline(10), [1] * 6, seconds=first_is_slow)[0] == 5
    uneven = np.cumsum([1, 1, 3, 1, 3])
    assert stop_epoch(stopping.Deadline(12.5), [1] * 5, seconds=uneven)[0] == 4  # 9 + 2 + 2 * 1


def test_criteria_combine():
    either = stopping.AnyOf(stopping.Threshold(0.1), stopping.Patience(2))
    assert stop_epoch(either, [1, 0.5, 0.05])[1].why is StopReason.THRESHOLD
    assert stop_epoch(either, [1, 2, 3])[1].why is StopReason.PATIENCE
    assert stopping.AnyOf(stopping.Patience(2)) == stopping.AnyOf(stopping.Patience(2))


BAD = [
    (lambda: stopping.Patience(-1), r"`epochs` is epochs to wait.*at least 0. Received: epochs=-1. Try 5"),
    (lambda: stopping.Patience(1, min_delta="1 percent"), "min_delta='1 percent'"),
    (lambda: stopping.AnyOf(), "combines criteria. Received: none"),
    (lambda: stopping.AnyOf(5), "Received: 5 of type int. There are Patience, GeneralizationLoss"),
    (lambda: callbacks.EarlyStopping(criterion="GL"), "Received: 'GL' of type str. There are Patience"),
    (
        lambda: callbacks.EarlyStopping(patience=3, criterion=stopping.Deadline(5)),
        "cannot be combined with `criterion`",
    ),
    (
        lambda: callbacks.EarlyStopping("loss", criterion=stopping.Productivity(1)),
        r"must be named 'val_...'. Received: monitor='loss'. Try 'val_loss'",
    ),
    (
        lambda: stop_epoch(stopping.GeneralizationLoss(5), [1, -0.5]),
        r"errors of at least 0.*Received: val_loss=-0.5, mode='min'. Watch a metric that cannot be negative, or use",
    ),
    (
        lambda: stop_epoch(stopping.Productivity(5, 2), [12, 13], [1, 1], mode="max"),
        "Received: val_loss=12, mode='max'",
    ),
]


@pytest.mark.parametrize("make, message", BAD)
def test_bad_arguments_are_refused_with_the_fix(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_a_number_is_better_than_infinity_by_any_share():
    assert index_of_best(np.array([np.inf, 3.0, 2.0, 1.0]), "1%") == 3
    assert index_of_best(np.array([np.inf, np.inf, np.nan]), "1%") == 0


def test_epochs_that_are_not_looked_at_are_not_one_long_epoch():
    past = EpochHistory("loss", {"loss": "min"}, skipped=5).after(5, {"loss": 1.0}, 60.0)
    assert stopping.Deadline(100).evaluate(past) is None
    assert stopping.Deadline(69).evaluate(past).message.startswith("60 s are spent and the next epoch may take 10 s")
