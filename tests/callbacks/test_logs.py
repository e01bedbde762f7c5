"""What joins Keras's `logs`: what is asked for, and no number that was not measured; and all can be monitored."""

import keras
import numpy as np
import pytest

from keras_ch8 import callbacks, extend, optimizers, schedules
from tests.callbacks.runs import BATCH, X, Y, network
from tests.integration.everybody import CALLBACKS, TOGETHER

VALIDATED = {"validation_data": (X[:16], Y[:16])}
KERAS_ALONE = {"loss", "val_loss"}


def fit(listed, epochs=3, **options):
    options = {"batch_size": BATCH, "verbose": 0} | VALIDATED | options
    return network(optimizers.SGD(0.05)).fit(X, Y, epochs=epochs, callbacks=list(listed), **options).history


class Now(extend.Callback):
    """Measures in some epochs only."""

    def __init__(self, values, logs):
        super().__init__(logs)
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        self.session.log(self, logs, self.values[epoch])


@pytest.mark.slow
def test_with_all_callbacks_there_is_no_column_more_than_without(tmp_path):
    quiet = [
        callbacks.TensorBoard(tmp_path),
        callbacks.GradientClippingLogger(),
        callbacks.Diagnosis((X, Y), "full", measure_every=2, budget=None),
        callbacks.EarlyStopping("loss", patience=9, evaluate_on=(X[:16], Y[:16])),
        callbacks.LearningRateDecay(schedules.ReduceOnPlateau()),
        callbacks.PolyakAveraging(uniform=True),
        callbacks.SurrogateGap("loss"),
    ]
    assert not fit(quiet).keys() - KERAS_ALONE


@pytest.mark.slow
def test_what_is_asked_for_has_no_column_of_nan_and_all_are_of_one_length(tmp_path):
    history = fit([CALLBACKS[name](tmp_path) for name in TOGETHER], epochs=4)
    assert {len(values) for values in history.values()} == {4}
    assert "diagnosis_loss" in history
    assert "diagnosis_time_factor" not in history
    assert [name for name, values in history.items() if np.isnan(values).all()] == []


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("logs", [True, ["diagnosis_loss", "diagnosis_gradient_norm"]])
def test_an_epoch_without_a_measurement_has_no_number(logs):
    diagnosis = callbacks.Diagnosis((X, Y), "standard", lambda step: step in (2, 14), budget=None, logs=logs)
    history = fit([diagnosis], epochs=4)
    assert {len(values) for values in history.values()} == {4}
    for name in ("diagnosis_loss", "diagnosis_gradient_norm"):
        assert list(np.isfinite(history[name])) == [True, False, True, False]
    assert history["diagnosis_loss"][0] != history["diagnosis_loss"][2]


@pytest.mark.slow
def test_the_columns_of_a_training_are_those_of_its_first_epoch_or_those_that_are_listed():
    values = [{"a": 1.0, "b": np.nan}, {"b": 2.0}, {"a": 3.0, "b": np.inf}]
    history = fit([Now(values, logs=True)])
    np.testing.assert_array_equal(history["a"], [1.0, np.nan, 3.0])
    assert "b" not in history
    history = fit([Now(values, logs=["b"])])
    np.testing.assert_array_equal(history["b"], [np.nan, 2.0, np.inf])
    assert "a" not in history


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("logs", [True, False])
def test_what_is_not_in_the_logs_can_be_monitored_and_no_old_number_counts(logs):
    values = [{"a": 3.0}, {"a": 2.0}, {}, {}, {}, {"a": 2.5}, {"a": 2.6}, {"a": 2.7}]
    stop = callbacks.EarlyStopping("a", mode="min", patience=2)
    history = fit([Now(values, logs), stop], epochs=8)
    assert (stop.best, stop.best_epoch, stop.stopped_epoch) == (2.0, 1, 6)
    assert ("a" in history) is logs


@pytest.mark.slow
def test_a_callback_of_keras_finds_what_it_monitors():
    values = [{"a": 3.0, "b": 0.0}, {"a": 4.0, "b": 0.0}, {"a": 5.0, "b": 0.0}]
    stop = keras.callbacks.EarlyStopping("a", mode="min", patience=1)
    history = fit([Now(values, False), stop])
    assert history["a"] == [3.0, 4.0]
    assert "b" not in history


@pytest.mark.parametrize("logs", ["diagnosis_loss", 1, [1]])
def test_a_name_alone_is_no_list_of_names(logs):
    with pytest.raises(TypeError, match=r"`logs` says which numbers.*Received: logs=.*Pass a list"):
        callbacks.GradientClippingLogger(logs=logs)
