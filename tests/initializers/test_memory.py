"""Starts of recurrent layers: how far back the gradient reaches, and whether that is learned."""

import keras
import numpy as np
import pytest

from keras_ch8 import clipping, initializers, monitors, optimizers

LENGTH, UNITS = 50, 24
SMALL = keras.initializers.RandomNormal(stddev=0.1, seed=1)


def recurrent(activation, start, kernel=SMALL):
    return keras.layers.SimpleRNN(UNITS, activation, kernel_initializer=kernel, recurrent_initializer=start)


def horizon(layer):
    """Return how far back the gradient reaches; the loss sees the last step only."""
    model = keras.Sequential([keras.Input((LENGTH, 1)), layer, keras.layers.Dense(1)])
    model.compile(loss="mse")
    rng = np.random.default_rng(0)
    (found,) = monitors.time_horizon(model, rng.normal(size=(64, LENGTH, 1)), rng.normal(size=(64, 1)))
    return found


@pytest.mark.slow
def test_identity_and_orthogonal_starts_extend_the_time_horizon():
    keras.utils.set_random_seed(0)
    plain = horizon(recurrent("tanh", keras.initializers.RandomNormal(stddev=0.5 / UNITS**0.5, seed=2)))
    orthogonal = horizon(recurrent("tanh", initializers.Orthogonal(seed=2)))
    identity = horizon(recurrent("relu", keras.initializers.Identity()))
    assert plain.horizon < 12
    assert identity.horizon == LENGTH
    assert orthogonal.horizon > 0.9 * LENGTH  # the slopes of tanh cost the last step or two
    assert orthogonal.spectral_radius == pytest.approx(1, abs=1e-5)


def test_a_scaled_identity_forgets_by_its_scale():
    found = horizon(recurrent(None, keras.initializers.Identity(0.8)))
    assert found.factor == pytest.approx(0.8, rel=1e-4)
    # 0.8^20 = 0.0115 is the last power above 1 %.
    assert found.horizon == 21


def adding(examples, rng):
    """Return sequences of numbers, with two of them marked, and the sum of these."""
    numbers, marks = rng.uniform(size=(examples, LENGTH)), np.zeros((examples, LENGTH))
    rows = np.arange(examples)
    first, second = rng.integers(0, LENGTH // 2, examples), rng.integers(LENGTH // 2, LENGTH, examples)
    marks[rows, first] = marks[rows, second] = 1
    return np.stack([numbers, marks], axis=-1).astype("float32"), (numbers * marks).sum(axis=1).astype("float32")


@pytest.mark.full
def test_the_adding_problem_is_learned_by_an_irnn_and_a_gru_and_not_by_a_tanh_rnn():
    layers = {
        "tanh": lambda: recurrent("tanh", keras.initializers.RandomNormal(stddev=0.5 / UNITS**0.5, seed=2)),
        "irnn": lambda: recurrent("relu", keras.initializers.Identity()),
        "gru": lambda: keras.layers.GRU(UNITS),
    }
    losses = {}
    for name, layer in layers.items():
        keras.utils.set_random_seed(1)
        rng = np.random.default_rng(0)
        model = keras.Sequential([keras.Input((LENGTH, 2)), layer(), keras.layers.Dense(1)])
        model.compile(optimizers.Adam(0.01, clip=clipping.ByGlobalNorm(1.0)), "mse")
        model.fit(*adding(3200, rng), batch_size=32, epochs=6, verbose=0)
        losses[name] = model.evaluate(*adding(1000, rng), batch_size=500, verbose=0)
    constant = 1 / 6  # the variance of the sum of two uniform numbers: what remains of the best constant
    assert losses["tanh"] > 0.9 * constant
    assert losses["irnn"] < 0.15 * constant
    assert losses["gru"] < 0.05 * constant
