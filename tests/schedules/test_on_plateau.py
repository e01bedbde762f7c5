"""The rule of `ReduceOnPlateau` beside Keras's callback, on random curves; ties, NaN, epochs without the quantity."""

import math

import keras
import numpy as np
import pytest

from keras_ch8.extend import EpochHistory
from keras_ch8.schedules import ReduceOnPlateau

RNG = np.random.default_rng(3)
CURVES = [np.abs(1 + 0.1 * np.cumsum(RNG.normal(size=30))) + 0.01 for _ in range(5)]


def due(rule, values, mode="min", monitor="val_loss"):
    """Return the epochs after which the rate is to be lowered."""
    past, found = EpochHistory(monitor, {monitor: mode}), []
    for epoch, value in enumerate(values):
        past = past.after(epoch, {} if value is None else {monitor: value}, epoch + 1.0)
        if rule.is_due(past):
            found.append(epoch)
    return found


class OfKeras(keras.callbacks.ReduceLROnPlateau):
    """Keras's callback on a model that is none: only its optimizer has a learning rate."""

    class Model:
        class Optimizer:
            learning_rate = 1.0

        optimizer = Optimizer()

    def due(self, values):
        self.set_model(self.Model())
        self.on_train_begin()
        found = []
        for epoch, value in enumerate(values):
            before = self.model.optimizer.learning_rate
            self.on_epoch_end(epoch, {self.monitor: value})
            if self.model.optimizer.learning_rate != before:
                found.append(epoch)
        return found


@pytest.mark.parametrize("patience", [1, 3])
@pytest.mark.parametrize("more", [{}, {"cooldown": 1}, {"cooldown": 2, "min_delta": 0.05}])
def test_it_lowers_the_rate_when_keras_does(patience, more):
    arguments = {"patience": patience, "min_delta": 0.0} | more
    for values in CURVES:
        expected = OfKeras(factor=0.99, mode="min", **arguments).due(values)
        assert due(ReduceOnPlateau(**arguments), values) == expected
        assert due(ReduceOnPlateau(**arguments), -values, mode="max") == expected
    assert expected


def test_a_value_that_is_the_same_is_not_better():
    assert due(ReduceOnPlateau(patience=2), [1, 1, 1, 1, 1]) == [2, 4]
    assert due(ReduceOnPlateau(patience=1, cooldown=1), [1, 1, 1, 1, 1]) == [1, 2, 3, 4]
    assert due(ReduceOnPlateau(patience=1, cooldown=2), [1, 1, 1, 1, 1]) == [1, 3]


def test_a_change_counts_from_a_ten_thousandth_of_the_best_on():
    assert due(ReduceOnPlateau(patience=1), [100, 99.9899, 99.9]) == []
    assert due(ReduceOnPlateau(patience=1), [100, 99.9901, 99.9]) == [1]


def test_nan_is_never_the_best_and_what_is_not_reported_does_not_count():
    assert due(ReduceOnPlateau(patience=2), [math.nan, 2, 1, math.nan, math.nan, 0.5]) == [4]
    assert due(ReduceOnPlateau(patience=2), [1, 2, 3, None, 4, 5, None]) == [2, 5]
    assert due(ReduceOnPlateau(patience=2), [math.nan, math.nan, 1]) == [1]
    assert due(ReduceOnPlateau(patience=1), [None, None]) == []
    assert due(ReduceOnPlateau("loss", patience=1), [1, 2], monitor="loss") == [1]


def test_the_rate_is_multiplied_down_to_the_lowest():
    assert ReduceOnPlateau(factor=0.5).lowered(0.8) == 0.4
    assert ReduceOnPlateau(factor=0.5, min_lr=0.3).lowered(0.8) == 0.4
    assert ReduceOnPlateau(factor=0.5, min_lr=0.5).lowered(0.8) == 0.5
    assert ReduceOnPlateau(factor=0.5, min_lr=0.5).lowered(0.2) == 0.2
    assert ReduceOnPlateau(factor=0.5, min_lr=0.5).lowered(0.5) == 0.5


def test_the_defaults_are_those_of_keras_but_for_the_smallest_change():
    rule, of_keras = ReduceOnPlateau(), keras.callbacks.ReduceLROnPlateau()
    for name in ("monitor", "factor", "patience", "cooldown", "min_lr"):
        assert getattr(rule, name) == getattr(of_keras, name)
    assert (rule.mode, rule.min_delta, rule.restore_best_weights) == ("auto", "0.01%", False)
