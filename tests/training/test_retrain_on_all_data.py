"""Algorithms 7.2 and 7.3: so many steps, so many passes, or until the loss is down, on all examples."""

import keras
import numpy as np
import pytest

from keras_ch8 import callbacks, extend, optimizers, schedules, training
from tests.marks import mostly
from tests.small_callbacks import Rates

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 8)).astype("float32")
Y = (X[:, :1] + 0.7 * RNG.normal(size=(200, 1))).astype("float32")
TRAIN, VALIDATION = (X[:120], Y[:120]), (X[120:], Y[120:])


class Sees(keras.callbacks.Callback):
    """Counts the batches of each training."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def on_train_begin(self, logs=None):
        self.batches.append(0)

    def on_train_batch_end(self, batch, logs=None):
        self.batches[-1] += 1


def factory():
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(1)])
    model.compile(optimizers.Adam(0.01), "mse")
    return model


LENGTHS = [("same_steps", 12), ("same_epochs", 20)]
"""Of the second training, and the batches in one of its epochs."""


def retrain(data=TRAIN, **options):
    options = {"batch_size": 10, "verbose": 0, "max_epochs": 60} | options
    return training.retrain_on_all_data(factory, data, VALIDATION, **options)


@pytest.mark.slow
@pytest.mark.parametrize("strategy, per_epoch", mostly(pytest.mark.full, LENGTHS, LENGTHS[1]))
def test_a_new_model_is_trained_for_as_long(strategy, per_epoch):
    seen = Sees()
    model, report = retrain(strategy=strategy, callbacks=[seen])
    assert report.reason.why is extend.StopReason.PATIENCE
    assert report.best_epoch == np.argmin(report.first["val_loss"])
    steps = (report.best_epoch + 1) * per_epoch
    assert (report.steps, seen.batches[1], int(model.optimizer.iterations)) == (steps, steps, steps)
    assert "val_loss" not in report.second
    assert f"{steps} steps ({strategy})" in str(report)


@pytest.mark.slow
def test_training_goes_on_until_the_validation_examples_are_learned():
    model, report = retrain(strategy="until_loss", shuffle=False)  # the same batches in every version of Keras
    assert report.reached
    assert model.evaluate(*VALIDATION, verbose=0) <= report.target
    assert report.second["measured_loss"][-1] <= report.target < report.second["measured_loss"][0]
    assert report.steps == 20 * len(report.second["loss"])
    assert "reached" in str(report)


@pytest.mark.slow
def test_where_the_validation_examples_are_easier_nothing_is_left_to_do():
    easy = (X[120:], X[120:, :1])
    options = {"strategy": "until_loss", "batch_size": 10, "verbose": 0, "max_epochs": 30}
    model, report = training.retrain_on_all_data(factory, TRAIN, easy, **options)
    assert (report.steps, report.second, report.reached) == (0, {}, True)
    assert report.target == pytest.approx(model.evaluate(*TRAIN, verbose=0), rel=1e-6)  # at the best weights


@pytest.mark.slow
@pytest.mark.parametrize("strategy", mostly(pytest.mark.full, ["same_steps", "same_epochs"], "same_epochs"))
def test_the_same_step_has_the_same_rate_in_both_trainings(strategy):
    def decaying():
        model = factory()
        model.compile(optimizers.Adam(schedules.LinearDecay(0.01, "100%")), "mse")
        return model

    rates = Rates()
    options = {"strategy": strategy, "batch_size": 10, "verbose": 0, "max_epochs": 50, "callbacks": [rates]}
    _, report = training.retrain_on_all_data(decaying, TRAIN, list(VALIDATION), **options)
    share = (report.best_epoch + 1) / 50
    assert rates.rates[-1] == pytest.approx(0.01 * (1 - 0.99 * share), rel=0.01)


@pytest.mark.slow
def test_a_loss_that_is_never_reached_ends_at_the_cap():
    noise = (X[120:], 5 * RNG.normal(size=(80, 1)))
    options = {"strategy": "until_loss", "batch_size": 10, "verbose": 0, "max_epochs": 4}
    _, report = training.retrain_on_all_data(factory, TRAIN, noise, **options)
    assert len(report.second["loss"]) == 4
    assert not report.reached
    assert "not reached" in str(report)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", mostly(pytest.mark.full, ["same_steps", "until_loss"], "until_loss"))
def test_sample_weights_are_joined_too(strategy):
    weights = np.ones(200, "float32")
    options = {"batch_size": 10, "verbose": 0, "max_epochs": 3, "strategy": strategy}
    validation = (*VALIDATION, weights[120:])
    _, report = training.retrain_on_all_data(factory, (*TRAIN, weights[:120]), validation, **options)
    _, plain = training.retrain_on_all_data(factory, TRAIN, VALIDATION, **options)
    assert report.second["loss"] == pytest.approx(plain.second["loss"], rel=1e-5)


BAD = [
    ({"strategy": "longer"}, "one of 'same_steps', 'same_epochs', 'until_loss'. Received: strategy='longer'"),
    ({"max_epochs": 0}, "max_epochs=0"),
    ({"batch_size": 0}, "batch_size=0"),
    ({"steps_per_epoch": 3, "epochs": 2}, "Received: epochs, steps_per_epoch. Leave this out; `max_epochs` bounds"),
    ({"data": (*TRAIN, np.ones(120))}, "either both or neither must have sample weights"),
    (
        {"strategy": "until_loss", "early_stopping": callbacks.EarlyStopping(patience=2)},
        "continues from the best weights.*restore_best_weights=True",
    ),
]


@pytest.mark.parametrize("arguments, message", BAD)
def test_bad_arguments_are_refused_with_the_fix(arguments, message):
    with pytest.raises(ValueError, match=message):
        retrain(**arguments)


def test_data_that_are_no_arrays_are_refused_before_any_training():
    with pytest.raises(ValueError, match=r"`x` must be an array .* of type generator"):
        training.retrain_on_all_data(factory, ((x for x in X), TRAIN[1]), VALIDATION)
