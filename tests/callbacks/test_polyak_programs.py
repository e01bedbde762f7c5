"""What is traced to average the weights is traced once a model: by any callback object, in any `fit`."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_ch8 import callbacks
from keras_ch8.callbacks.averaging.weight_average import WeightAverage
from tests.small_callbacks import Dies

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(24, 3)).astype("float32"), RNG.normal(size=(24, 2)).astype("float32")


@pytest.fixture
def traced(monkeypatch):
    """Return a list that grows by one with each trace of a training step that averages."""
    found, real = [], WeightAverage.follow

    def tracing(self, moved):
        found.append(self)
        return real(self, moved)

    monkeypatch.setattr(WeightAverage, "follow", tracing)
    return found


def compiled():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2), layers.BatchNormalization()])
    model.compile(keras.optimizers.SGD(0.01), "mse", jit_compile=False)
    return model


def trained(model, **how):
    """Train for three steps with a new average, and return it."""
    average = callbacks.PolyakAveraging(**how)
    model.fit(X, Y, batch_size=8, verbose=0, shuffle=False, callbacks=[average])
    return average


def assert_equal(these, those):
    assert all(np.array_equal(a, b) for a, b in zip(these, those, strict=True))


def test_a_second_fit_with_another_callback_traces_nothing_and_averages_as_the_first_would(traced):
    one, other = compiled(), compiled()
    trained(one), trained(one)
    assert len(traced) == 1
    trained(other)
    other.compile(other.optimizer, "mse", jit_compile=False)  # all is traced anew
    trained(other)
    assert len(traced) == 3
    assert_equal(one.get_weights(), other.get_weights())


def test_the_average_of_a_callback_that_is_kept_stays_what_it_was_when_another_uses_what_was_traced(traced):
    model = compiled()
    first = trained(model)
    before, updates = first.weights, first.updates
    second = trained(model, eta=13.0)
    assert_equal(before, first.weights)
    assert first.updates == updates == second.updates == 3
    assert not np.array_equal(first.weights[0], second.weights[0])
    state = first.get_state()["averaged"]["average"]
    assert_equal(state["averages"][:2], before[:2])
    assert len(traced) == 1


def test_the_same_callback_takes_up_again_what_it_has_traced(traced):
    model, average = compiled(), callbacks.PolyakAveraging()
    for _ in range(2):
        model.fit(X, Y, batch_size=8, verbose=0, callbacks=[average])
    assert len(traced) == 1


@pytest.mark.slow
def test_another_mean_or_other_variables_are_traced_anew(traced):
    model = compiled()
    trained(model), trained(model, eta=2.0)
    assert len(traced) == 2
    trained(model, eta=2.0, batch_norm="keep")
    assert len(traced) == 3
    model.layers[0].trainable = False
    model.compile(keras.optimizers.SGD(0.01), "mse", jit_compile=False)
    trained(model, eta=2.0, batch_norm="keep")
    assert len(traced) == 4


@pytest.mark.slow
def test_a_share_of_the_training_is_that_of_each_training_though_nothing_is_traced_anew(traced):
    model, averages = compiled(), []
    for epochs in (1, 2):
        averages.append(callbacks.PolyakAveraging(half_life="10%", final="raw"))
        model.fit(X, Y, batch_size=8, epochs=epochs, verbose=0, callbacks=[averages[-1]])
    again = compiled()
    again.fit(X, Y, batch_size=8, verbose=0, callbacks=[callbacks.PolyakAveraging(half_life="10%", final="raw")])
    again.compile(again.optimizer, "mse", jit_compile=False)
    fresh = callbacks.PolyakAveraging(half_life="10%", final="raw")
    again.fit(X, Y, batch_size=8, epochs=2, verbose=0, callbacks=[fresh])
    assert len(traced) == 3
    assert_equal(averages[-1].weights, fresh.weights)


@pytest.mark.slow
def test_a_training_that_dies_keeps_what_was_traced_and_the_next_begins_a_new_average(traced):
    model, twin = compiled(), compiled()
    for each in (model, twin):
        both = [callbacks.PolyakAveraging(), Dies("on_train_batch_end")]
        with pytest.raises(KeyboardInterrupt):
            each.fit(X, Y, batch_size=8, verbose=0, shuffle=False, callbacks=both)
    twin.compile(twin.optimizer, "mse", jit_compile=False)
    trained(model), trained(twin)
    assert len(traced) == 3
    assert_equal(model.get_weights(), twin.get_weights())


def test_a_model_that_its_first_batch_builds_is_traced_once_too(traced):
    model = keras.Sequential([layers.Dense(2)])
    model.compile("sgd", "mse", jit_compile=False)
    trained(model)
    traced.clear()
    trained(model)
    assert not traced
