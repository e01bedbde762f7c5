"""Callbacks that keep weights keep the averages where averages were measured: whoever they are, in either order."""

import keras
import numpy as np
import pytest

from keras_ch8 import callbacks, schedules
from tests.callbacks.runs import STEPS, X
from tests.callbacks.test_polyak_averaging import Path, again, assert_same, average_of, loss_of, shared, train
from tests.small_callbacks import Dies

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*the average is mostly of its beginning",  # of a few updates
    "ignore:After an interruption `BackupAndRestore` restores",
)


def listed(others, first):
    return [average_of, *others] if first else [*others, average_of]


@pytest.mark.parametrize(
    "first", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["listed last", "listed first"]
)
def test_they_keep_the_averages_that_were_measured(first, tmp_path):
    """Defects 3 and 4 of Keras: the model is left with raw weights of another loss than the one reported."""
    file, monitor = str(tmp_path / "best.keras"), "val_loss"
    stops = [
        callbacks.EarlyStopping(monitor, patience=1, restore_best_weights=True),
        keras.callbacks.EarlyStopping(monitor, patience=1, restore_best_weights=True, mode="min"),
    ]
    keep = keras.callbacks.ModelCheckpoint(file, monitor, save_best_only=True, mode="min")
    average = shared()[1]
    path = Path(average)
    model, history = again(*listed([*stops, keep, path], first), epochs=9)
    best = int(np.argmin(history[monitor]))
    assert len(history["loss"]) == best + 2, "the training was stopped"
    averages = path.averages[(best + 1) * STEPS - 1]
    for stop in stops:
        assert stop.best == pytest.approx(history[monitor][best])
        assert_same(stop.best_weights, averages)
    assert_same(model.get_weights(), averages)
    assert loss_of(model) == pytest.approx(stops[0].best, rel=1e-6)
    assert_same(average.raw_weights, path.raw[-1])
    saved = keras.models.load_model(file)
    assert_same(saved.get_weights(), averages)
    np.testing.assert_array_equal(saved.predict(X, verbose=0), model.predict(X, verbose=0))


@pytest.mark.slow
@pytest.mark.parametrize("first", [True, False], ids=["listed first", "listed last"])
def test_they_keep_the_weights_where_those_were_measured(first, tmp_path):
    file = str(tmp_path / "best.weights.h5")
    kinds = callbacks.EarlyStopping, keras.callbacks.EarlyStopping
    stops = [kind(patience=1, restore_best_weights=True) for kind in kinds]
    keep = keras.callbacks.ModelCheckpoint(file, save_best_only=True, save_weights_only=True)
    backup = keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))
    path = Path()
    model, _ = again(*listed([*stops, keep, path, backup], first), epochs=9, evaluate="raw")
    for stop in stops:
        assert_same(stop.best_weights, path.raw[STEPS - 1])
    assert_same(model.get_weights(), path.raw[STEPS - 1])
    model.load_weights(file)
    assert_same(model.get_weights(), path.raw[STEPS - 1])


@pytest.mark.slow
@pytest.mark.parametrize("first", [True, False], ids=["listed first", "listed last"])
def test_weights_that_a_plateau_puts_back_are_trained_on(first):
    """`ReduceOnPlateau(restore_best_weights=True)` writes the best averages at the end of an epoch: none is lost."""
    plateau = schedules.ReduceOnPlateau("val_loss", patience=1, restore_best_weights=True)
    path, begins = Path(shared()[1]), []
    look = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: begins.append(path.model.get_weights()))
    others = [callbacks.LearningRateDecay(plateau), look, path]
    history = again(*listed(others, first), epochs=4)[1]["val_loss"]
    assert history[0] > history[1] < history[2]
    assert_same(begins[2], path.raw[2 * STEPS - 1])
    assert_same(begins[3], path.averages[2 * STEPS - 1])


def test_every_callback_finds_the_weights_at_the_beginning_of_an_epoch():
    """What reads the weights there, as `Diagnosis` does, sees those that the next step begins from."""
    path, begins = Path(), []
    look = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: begins.append(path.model.get_weights()))
    again(look, path, average_of)
    assert_same(begins[1], path.raw[STEPS - 1])


def test_a_training_that_dies_loses_nothing():
    model, average, _ = shared()
    path = Path(average)
    with pytest.raises(KeyboardInterrupt):
        again(path, average_of, Dies("on_epoch_end"))
    assert_same(model.get_weights(), path.raw[-1])
    assert_same(average.raw_weights, path.raw[-1])
    assert_same(average.weights, path.averages[-1])
    begins, raw = [], path.raw[-1]
    look = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: begins.append(model.get_weights()))
    train(average, look, model=model, epochs=1)
    assert_same(begins[0], raw)
    assert "train_step" not in vars(model)
