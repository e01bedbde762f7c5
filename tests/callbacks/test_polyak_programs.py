"""What is traced to average the weights is traced once by a callback that is used again."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_ch8 import callbacks
from keras_ch8.callbacks.weight_average import WeightAverage
from tests.small_callbacks import Dies

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(24, 3)).astype("float32"), RNG.normal(size=(24, 2)).astype("float32")


@pytest.fixture
def traced(monkeypatch):
    """Return a list that grows by one with each trace of a training step that averages."""
    found, real = [], WeightAverage.update

    def tracing(self, moved):
        found.append(self)
        return real(self, moved)

    monkeypatch.setattr(WeightAverage, "update", tracing)
    return found


def compiled():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2), layers.BatchNormalization()])
    model.compile(keras.optimizers.SGD(0.01), "mse", jit_compile=False)
    return model


def trained(model, average, epochs=1):
    model.fit(X, Y, batch_size=8, epochs=epochs, verbose=0, shuffle=False, callbacks=[average])
    return average


def assert_equal(these, those):
    assert all(np.array_equal(a, b) for a, b in zip(these, those, strict=True))


@pytest.mark.slow
def test_a_share_of_the_training_is_that_of_each_training_though_nothing_is_traced_anew(traced):
    model, twin = compiled(), compiled()
    average = callbacks.PolyakAveraging(half_life="40%", final="raw")
    for epochs in (1, 2):
        trained(model, average, epochs)
    assert len(traced) == 1
    trained(twin, callbacks.PolyakAveraging(half_life="40%", final="raw"))
    fresh = trained(twin, callbacks.PolyakAveraging(half_life="40%", final="raw"), 2)
    assert len(traced) == 3
    assert average.updates == fresh.updates == 6
    assert_equal(average.weights, fresh.weights)


@pytest.mark.slow
def test_the_average_of_another_callback_stays_what_it_was(traced):
    model = compiled()
    first = trained(model, callbacks.PolyakAveraging(uniform=True))
    before, updates = first.weights, first.updates
    second = trained(model, callbacks.PolyakAveraging(uniform=True))
    assert_equal(before, first.weights)
    assert first.updates == updates == second.updates == 3
    assert not np.array_equal(first.weights[0], second.weights[0])


@pytest.mark.slow
def test_other_variables_are_traced_anew(traced):
    model, average = compiled(), callbacks.PolyakAveraging(uniform=True)
    trained(model, average)
    model.layers[0].trainable = False
    model.compile(keras.optimizers.SGD(0.01), "mse", jit_compile=False)
    trained(model, average)
    assert len(traced) == 2
    trained(compiled(), average)
    assert len(traced) == 3


@pytest.mark.slow
def test_a_training_that_dies_keeps_what_was_traced_and_the_next_begins_a_new_average(traced):
    model, twin = compiled(), compiled()
    pairs = [(each, callbacks.PolyakAveraging(uniform=True)) for each in (model, twin)]
    for each, average in pairs:
        both = [average, Dies("on_train_batch_end")]
        with pytest.raises(KeyboardInterrupt):
            each.fit(X, Y, batch_size=8, verbose=0, shuffle=False, callbacks=both)
    twin.compile(twin.optimizer, "mse", jit_compile=False)
    for each, average in pairs:
        trained(each, average)
    assert len(traced) == 3
    assert_equal(model.get_weights(), twin.get_weights())
