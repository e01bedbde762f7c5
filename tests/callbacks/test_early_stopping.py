"""Early stopping in `fit`: right where Keras's is wrong, on any metric, with the weights that were measured."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import callbacks, extend, optimizers, stopping
from keras_ch8._state import load
from keras_ch8.callbacks import _early_stopping
from keras_ch8.extend import StopReason
from tests.callbacks.runs import X, Y, fit, network
from tests.callbacks.test_tensorboard import report

VALIDATION = X[:20], -Y[:20]


class Says(keras.callbacks.Callback):
    """Reports what it is told to, whatever the training does."""

    def __init__(self, **series):
        super().__init__()
        self.series = series

    def on_epoch_end(self, epoch, logs=None):
        logs.update({name: values[epoch] for name, values in self.series.items()})


class Remembers(keras.callbacks.Callback):
    """Keeps the weights after each epoch."""

    def on_train_begin(self, logs=None):
        self.weights = []

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append(self.model.get_weights())


def assert_same(some, others):
    for a, b in zip(some, others, strict=True):
        np.testing.assert_array_equal(a, b)


NAN = float("nan")


def test_nan_in_the_first_epoch_is_never_best():
    losses = [NAN, 5, 4, 3, 3.5, 3.6, 3.7]
    stop, past = callbacks.EarlyStopping("val_x", patience=3, mode="min", restore_best_weights=True), Remembers()
    model = network("sgd")
    fit(model, [past, Says(val_x=losses), stop], epochs=7)
    assert (stop.best, stop.best_epoch, stop.stopped_epoch, stop.wait) == (3, 3, 6, 3)
    assert_same(model.get_weights(), past.weights[3])
    assert stop.reason.message == (
        "Stopped after epoch 7: `val_x` has not become better for 3 epochs; the best is 3 of epoch 4. "
        "Restored the weights of epoch 4, where `val_x` was 3."
    )


def test_where_all_is_nan_nothing_is_restored():
    stop, past = callbacks.EarlyStopping("val_x", patience=2, mode="min", restore_best_weights=True), Remembers()
    model = network("sgd")
    fit(model, [past, Says(val_x=[NAN] * 5), stop], epochs=5)
    assert len(past.weights) == 2
    assert_same(model.get_weights(), past.weights[-1])
    assert "No weights were restored: `val_x` was never a number." in stop.reason.message


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("start, epoch", [(0, 1), (2, 3)])
def test_a_missing_metric_is_named_once_at_the_first_epoch_that_counts_and_the_training_goes_on(start, epoch):
    past = Remembers()
    stop = callbacks.EarlyStopping("val_loss", start_from_epoch=start, restore_best_weights=True)
    message = (
        rf"`EarlyStopping` watches 'val_loss', which is not reported at the end of epoch {epoch}, .*Reported: loss\."
    )
    with pytest.warns(UserWarning, match=message) as caught:
        fit(network("sgd"), [past, stop], epochs=5)
    assert len(caught) == 1
    assert len(past.weights) == 5
    assert stop.reason.message == (
        "Not stopped: all 5 epochs were run. No weights were restored: `val_loss` was never reported."
    )


def test_a_metric_of_a_criterion_that_is_missing_is_named_too_and_nothing_stops():
    stop = callbacks.EarlyStopping("loss", criterion=stopping.Threshold(0.1, monitor="val_loss"))
    with pytest.warns(UserWarning, match=r"watches 'val_loss'"):
        fit(network("sgd"), [stop])
    assert stop.reason.why is StopReason.COMPLETED


def test_a_name_that_says_nothing_to_keras_either_is_an_error():
    stop = callbacks.EarlyStopping("loss", criterion=stopping.Threshold(0.1, monitor="val_accuracy"))
    with pytest.raises(
        ValueError, match=r"watches 'val_accuracy', .*Pass mode='max' .*not reported either. Reported: loss"
    ):
        fit(network("sgd"), [stop])


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("start", [0, 1])
def test_validation_every_other_epoch_counts_those_epochs(start):
    stop = callbacks.EarlyStopping(patience=2, start_from_epoch=start, criterion=None)
    model = network(optimizers.SGD(0.1))
    history = fit(model, [stop], epochs=30, validation_data=VALIDATION, validation_freq=2)
    assert stop.reason.why is StopReason.PATIENCE
    assert len(history["val_loss"]) - 1 == (stop.best_epoch - 1) // 2 + 2


@pytest.mark.slow
def test_the_direction_of_a_metric_is_known_or_asked_for():
    kinds = {"val_loss": 1, "val_accuracy": -1, "val_mse": 1, "val_auc": -1}
    inputs = keras.Input((6,))
    two = {"a": keras.layers.Dense(1, "sigmoid", name="a")(inputs), "b": keras.layers.Dense(2, name="b")(inputs)}
    model = keras.Model(inputs, two)
    model.compile(
        "sgd", {"a": "mse", "b": "mse"}, metrics={"a": ["accuracy", keras.metrics.AUC(name="auc")], "b": "mse"}
    )
    y = {"a": (Y[:, :1] > 0).astype("float32"), "b": Y}
    for name, sign in kinds.items():
        name = {"val_accuracy": "val_a_accuracy", "val_auc": "val_a_auc", "val_mse": "val_b_mse"}.get(name, name)
        stop = callbacks.EarlyStopping(name, patience=9)
        history = model.fit(X, y, validation_data=(X, y), epochs=3, callbacks=[stop], verbose=0).history[name]
        assert stop.best == sign * min(sign * np.array(history))
    of_criterion = callbacks.EarlyStopping("x", criterion=stopping.Patience(1, mode="max"))
    fit(network("sgd"), [Says(x=[1, 2, 3, 2]), of_criterion], epochs=4)
    assert of_criterion.best == 3
    with pytest.raises(ValueError, match=r"mode='min' and mode='max' for 'x'. Keep one"):
        callbacks.EarlyStopping("x", mode="min", criterion=stopping.Patience(1, mode="max"))
    unknown = callbacks.EarlyStopping("x")
    with pytest.raises(
        ValueError, match=r"watches 'x', but it is unknown whether larger or smaller.*mode='max' or mode='min'"
    ):
        fit(network("sgd"), [Says(x=[1, 2]), unknown])


@pytest.mark.slow
def test_a_running_mean_is_not_the_value_of_the_restored_weights_and_reason_says_so():
    model, stop = network(optimizers.SGD(0.3)), callbacks.EarlyStopping("loss", patience=2, restore_best_weights=True)
    fit(model, [stop], epochs=20)
    assert "That is an average over the epoch" in stop.reason.message
    assert model.evaluate(X, Y, verbose=0) != pytest.approx(stop.best, rel=1e-3)


DATA = {
    "x, y, weights": (X, Y, np.ones(len(X))),
    "x, y": (X, Y),
    "data set": tf.data.Dataset.from_tensor_slices((X, Y)).batch(16),
}


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("data", DATA)
def test_what_is_measured_at_the_end_of_an_epoch_is_what_is_restored(data):
    data = DATA[data]
    stop = callbacks.EarlyStopping("loss", patience=2, restore_best_weights=True, evaluate_on=data, logs=True)
    model = network(optimizers.SGD(0.3))
    history = fit(model, [stop], epochs=20)
    assert stop.best == min(history["measured_loss"])
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(stop.best, rel=1e-6)
    assert "mean over the epoch" not in stop.reason.message


@pytest.mark.slow
def test_measuring_changes_nothing_of_the_training():
    def train(*stop):
        keras.utils.set_random_seed(0)
        layers = [keras.layers.Dense(8, "relu"), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5)]
        model = keras.Sequential([keras.Input((6,)), *layers, keras.layers.Dense(2)])
        model.compile(optimizers.Adam(0.01), "mse", metrics=["mae"])
        history = fit(model, list(stop), epochs=4)
        return history["loss"], history["mae"], model.get_weights()

    bare = train()
    watched = train(callbacks.EarlyStopping("loss", patience=9, evaluate_on=(X[:10], Y[:10])))
    assert bare[:2] == watched[:2]
    assert_same(bare[2], watched[2])


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("optimizer", [optimizers.SGD, keras.optimizers.SGD], ids=["ours", "Keras"])
def test_averaged_weights_are_restored_where_they_were_measured(optimizer, order):
    """With Keras's own callback the raw weights come back, and the reported loss is another one's."""
    stop = callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    parts = [keras.callbacks.SwapEMAWeights(), stop]
    model = network(optimizer(0.3, use_ema=True, ema_momentum=0.8))
    fit(model, [parts[i] for i in order], epochs=15, validation_data=VALIDATION)
    assert model.evaluate(*VALIDATION, verbose=0) == pytest.approx(stop.best, rel=1e-6)


@pytest.mark.slow
def test_the_state_survives_an_interruption():
    x = [5, 4, 3, 4, 4.1, 4.2, 4.3, 4.4, 4.5]
    whole = callbacks.EarlyStopping("x", patience=3, mode="min")
    assert len(fit(network("sgd"), [Says(x=x), whole], epochs=9)["x"]) == 6
    first, second = (callbacks.EarlyStopping("x", patience=3, mode="min", restore_best_weights=True) for _ in range(2))
    model, past = network("sgd"), Remembers()
    fit(model, [Says(x=x), past, first], epochs=4)
    second.set_state(first.get_state())
    history = fit(model, [Says(x=x), second], epochs=9, initial_epoch=4)
    assert history["x"] == [4.1, 4.2]
    assert (second.best, second.best_epoch, second.stopped_epoch) == (3, 2, 5)
    assert_same(model.get_weights(), past.weights[2])
    fit(model, [Says(x=x), second], epochs=1)  # a new training: all is forgotten
    assert (second.best, second.best_epoch, second.reason.why) == (5, 0, StopReason.COMPLETED)


@pytest.mark.slow
def test_epoch_numbers_that_come_again_are_other_epochs():
    stop, past = callbacks.EarlyStopping("x", patience=9, mode="max", restore_best_weights=True), Remembers()
    model = network("sgd")
    fit(model, [past, Says(x=[1, 2, 3]), stop], epochs=3)
    best = past.weights[2]
    stop.set_state(stop.get_state())
    fit(model, [past, Says(x=[0, 0, 0]), stop], epochs=3)
    assert stop.best == 3
    assert_same(model.get_weights(), best)


def test_it_works_in_a_loop_without_an_optimizer():
    stop = callbacks.EarlyStopping("x", mode="min")
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    loop = keras.callbacks.CallbackList([stop], model=model, epochs=5, steps=1)
    loop.on_train_begin()
    for epoch, x in enumerate([3.0, 4.0]):
        loop.on_epoch_begin(epoch)
        loop.on_epoch_end(epoch, {"x": x})
    loop.on_train_end()
    assert stop.stopped_epoch == 1


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("monitor", ["f1_score", "val_f1_score"])
def test_a_metric_of_one_value_in_an_array_is_watched(monitor):
    """F1 of one output has the shape (1,), which Keras's callback takes too."""
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1, "sigmoid")])
    model.compile("sgd", "mse", metrics=[keras.metrics.F1Score()])
    y = (Y[:, :1] > 0).astype("float32")
    stop, kept = callbacks.EarlyStopping(monitor, patience=5), keras.callbacks.History()
    model.fit(X, y, validation_data=(X, y), epochs=3, callbacks=[stop, kept], verbose=0)
    assert np.shape(kept.history[monitor]) == (3, 1)
    assert stop.best == pytest.approx(float(np.max(kept.history[monitor])))


@pytest.mark.slow
def test_a_metric_of_several_values_is_left_alone():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2, "sigmoid")])
    model.compile("sgd", "mse", metrics=[keras.metrics.F1Score()])
    stop = callbacks.EarlyStopping("loss", patience=5, evaluate_on=[X, (Y > 0).astype("float32")], logs=True)
    assert "measured_f1_score" not in fit(model, [stop])
    assert stop.best > 0


@pytest.mark.slow
def test_a_deadline_counts_the_time_before_an_interruption(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(_early_stopping, "time", types.SimpleNamespace(monotonic=lambda: now[0]))

    class TakesASecond(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            now[0] += 1

    stop = callbacks.EarlyStopping("loss", criterion=stopping.Deadline(5.5))
    model = network("sgd")
    fit(model, [TakesASecond(), stop], epochs=2)
    now[0] += 3600  # nobody trains
    stop.set_state(stop.get_state())
    fit(model, [TakesASecond(), stop], epochs=50, initial_epoch=2)
    assert stop.reason.message == (
        "Stopped after epoch 5: 5 s are spent and the next epoch may take 1 s: too long for 5.5 s."
    )
    assert load(stop.get_state()["watched"]).history.seconds == (1, 2, 3, 4, 5)


def test_several_metrics_and_the_one_that_is_restored():
    both = stopping.AnyOf(stopping.Patience(2, monitor="b", mode="max"), stopping.Patience(2))
    stop, past = callbacks.EarlyStopping("a", mode="min", criterion=both, restore_best_weights=True), Remembers()
    model = network("sgd")
    fit(model, [past, Says(a=[5, 4, 3, 2, 1], b=[1, 2, 1, 1, 1]), stop], epochs=5)
    assert stop.reason.message.startswith("Stopped after epoch 4: `b` has not become better for 2 epochs")
    assert_same(model.get_weights(), past.weights[3])


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_reason_is_printed_once_and_stands_in_the_report(order, tmp_path, capsys):
    stop = callbacks.EarlyStopping("x", mode="min", patience=1, verbose=1)
    parts = [callbacks.TensorBoard(tmp_path), stop]
    fit(network("sgd"), [Says(x=[1, 2, 3]), *(parts[i] for i in order)], epochs=3)
    printed = capsys.readouterr().out
    sentence = "Stopped after epoch 2: `x` has not become better for 1 epochs; the best is 1 of epoch 1."
    assert printed.count(sentence) == 1
    assert sentence in report(tmp_path)


def test_alone_it_opens_no_session_and_still_says_what_a_backup_forgets(tmp_path, capsys):
    stop, backup = callbacks.EarlyStopping("x", mode="min", verbose=1), keras.callbacks.BackupAndRestore(tmp_path)
    with pytest.warns(UserWarning, match=r"not the state of `EarlyStopping`"):
        fit(network("sgd"), [Says(x=[1, 2, 3]), stop, backup], epochs=3)
    assert stop.training.session is None
    assert capsys.readouterr().out.count("Stopped after epoch 2: `x` has not become better") == 1


@pytest.mark.slow
def test_another_end_is_named_too():
    stop = callbacks.EarlyStopping("loss", patience=50)
    fit(network("sgd"), [stop], epochs=2)
    assert (stop.reason.why, stop.stopped_epoch) == (StopReason.COMPLETED, 0)

    class Stops(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = True

    fit(network("sgd"), [stop, Stops()], epochs=5)
    assert stop.reason.why is StopReason.OTHER
    assert stop.reason.message == "Stopped after epoch 1: something else stopped the training."


@pytest.mark.filterwarnings("ignore:.*is not reported")
@pytest.mark.parametrize(
    "criterion",
    [
        stopping.Threshold(1e9, monitor="loss"),
        stopping.AnyOf(stopping.Patience(9), stopping.Deadline(1e-9)),
        stopping.Deadline(1e-9),
    ],
    ids=["loss", "either", "clock"],
)
def test_a_criterion_does_not_wait_for_what_it_does_not_read(criterion):
    stop = callbacks.EarlyStopping(criterion=criterion)  # of `val_loss`, and there are no validation data
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(np.ones((8, 2)), np.ones((8, 1)), epochs=5, callbacks=[stop], verbose=0)
    assert len(history.epoch) == 1
    assert stop.reason.why in (extend.StopReason.THRESHOLD, extend.StopReason.DEADLINE)
