"""Starts of recurrent layers: how far back the gradient reaches."""

import keras
import numpy as np
import pytest

from keras_ch8 import initializers, monitors

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
