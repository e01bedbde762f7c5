"""Noise on the weights of a layer, in training alone: its spread, its limit 0, and what the layer writes itself."""

import keras
import numpy as np
import pytest

from keras_ch8.continuation import WeightNoise

RNG = np.random.default_rng(0)
X = RNG.normal(size=(16, 5)).astype("float32")


def pair(make, stddev, shape=(None, 5)):
    """A layer, and the same in noise."""
    plain, noisy = make(), WeightNoise(make(), stddev, seed=0)
    for layer in (plain, noisy):
        layer.build(shape)
    noisy.layer.set_weights(plain.get_weights())
    return plain, noisy


def test_the_outputs_spread_as_the_noise_says_and_the_bias_has_none():
    plain, noisy = pair(lambda: keras.layers.Dense(2000, bias_initializer="normal"), 0.3)
    difference = np.asarray(noisy(X, training=True)) - np.asarray(plain(X))
    np.testing.assert_allclose(difference.std(axis=1), 0.3 * np.linalg.norm(X, axis=1), rtol=0.1)
    silent = np.asarray(noisy(np.zeros_like(X), training=True)) - np.asarray(plain(np.zeros_like(X)))
    np.testing.assert_array_equal(silent, 0)


def test_each_call_draws_anew_and_a_seed_draws_the_same():
    _, noisy = pair(lambda: keras.layers.Dense(3, kernel_initializer="ones"), 0.3)
    _, again = pair(lambda: keras.layers.Dense(3, kernel_initializer="ones"), 0.3)
    first, second = np.asarray(noisy(X, training=True)), np.asarray(noisy(X, training=True))
    assert np.abs(first - second).min() > 0
    np.testing.assert_array_equal(first, again(X, training=True))


LAYERS = {
    "dense": lambda: keras.layers.Dense(3, kernel_regularizer="l2", activity_regularizer="l2"),
    "batch normalization": lambda: keras.Sequential([keras.layers.Dense(3), keras.layers.BatchNormalization()]),
    "recurrent": lambda: keras.Sequential([keras.layers.Reshape((5, 1)), keras.layers.LSTM(3)]),
    "dropout": lambda: keras.Sequential([keras.layers.Dense(3), keras.layers.Dropout(0.5, seed=4)]),
}


def trained(layer, jit_compile=False):
    """Train for two steps; return losses and all that has changed."""
    model = keras.Sequential([keras.Input((5,)), layer])
    model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=jit_compile)
    losses = [model.train_on_batch(X, X[:, :3]) for _ in range(2)]
    return losses, layer.layer.get_weights() if isinstance(layer, WeightNoise) else layer.get_weights()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["dense", *(pytest.param(k, marks=pytest.mark.slow) for k in LAYERS if k != "dense")])
def test_at_0_a_training_is_that_of_the_layer_bit_for_bit(kind):
    plain, noisy = pair(LAYERS[kind], 0.0)
    (losses, weights), (expected_losses, expected) = trained(noisy), trained(plain)
    assert losses == expected_losses
    for found, wanted in zip(weights, expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_the_gradient_at_the_drawn_weights_moves_the_weights():
    _, noisy = pair(lambda: keras.layers.Dense(1, use_bias=False), 0.5)
    _, same = pair(lambda: keras.layers.Dense(1, use_bias=False), 0.5)
    same.layer.set_weights(noisy.layer.get_weights())
    drawn = np.linalg.lstsq(X, np.asarray(same(X, training=True)), rcond=None)[0]
    kernel, y = noisy.layer.kernel.numpy(), X[:, :1] ** 2
    model = keras.Sequential([keras.Input((5,)), noisy])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    model.train_on_batch(X, y)
    by_hand = kernel - 0.1 * 2 * X.T @ (X @ drawn - y) / len(X)
    assert np.abs(drawn - kernel).max() > 0.1
    np.testing.assert_allclose(noisy.layer.kernel, by_hand, rtol=1e-4, atol=1e-5)


@pytest.mark.broad
@pytest.mark.slow
@pytest.mark.parametrize("kind", LAYERS)
def test_it_trains_compiled_by_xla(kind):
    losses, _ = trained(WeightNoise(LAYERS[kind](), 0.1), jit_compile=True)
    assert np.isfinite(losses).all()


def test_statistics_are_those_of_what_the_noisy_weights_gave():
    """A layer writes through the noise: moving statistics and seeds."""
    noisy = WeightNoise(keras.Sequential([keras.layers.Dense(3), keras.layers.BatchNormalization(momentum=0.0)]), 1.0)
    noisy(X, training=True)
    mean = noisy.layer.layers[1].moving_mean.numpy()
    quiet = np.mean(np.asarray(noisy.layer.layers[0](X)), axis=0)
    assert np.abs(mean).max() > 0
    assert np.abs(mean - quiet).max() > 0.05


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_keeps_weights_wide(policy):
    noisy = WeightNoise(keras.layers.Dense(3, dtype=policy), 0.1)
    assert noisy(X, training=True).dtype.name == policy.removeprefix("mixed_")
    assert noisy.layer.kernel.dtype == "float32"


def test_a_mask_goes_through():
    model = keras.Sequential([keras.layers.Masking(), WeightNoise(keras.layers.LSTM(2), 0.0)])
    x = RNG.normal(size=(2, 4, 3)).astype("float32")
    longer = np.concatenate([x, np.zeros((2, 3, 3), "float32")], axis=1)
    np.testing.assert_allclose(model(longer, training=True), model(x, training=True), rtol=1e-6)
