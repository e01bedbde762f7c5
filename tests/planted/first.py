"""The half of the planted runs on which the thresholds of the verdicts are set."""

import keras
import numpy as np
from keras import initializers, layers
from keras.losses import SparseCategoricalCrossentropy
from sklearn import datasets

from keras_ch8 import optimizers

from .runs import Half, net, ready, split, standardized, tiled

RUNS = Half()


def classes():
    return SparseCategoricalCrossentropy(from_logits=True)


def digits(rng, flipped=0.0):
    """Return 8x8 digits in [0, 1], some with a random label."""
    x, y = datasets.load_digits(return_X_y=True)
    y = np.where(rng.random(len(y)) < flipped, rng.integers(0, 10, len(y)), y)
    return split(x / 16, y, rng, 256)


def digits_run(rng, hidden, optimizer, batch_size=64, data=None, **options):
    data = data or digits(rng)
    return ready(net((64,), *hidden, layers.Dense(10)), classes(), optimizer, *data, batch_size, **options)


@RUNS.sick("step_too_long", "a rate of 0.2")
def rate_too_long(rng, cured=False):
    return digits_run(rng, [layers.Dense(32, "tanh")], keras.optimizers.SGD(0.2 if cured else 4.0), 128)


@RUNS.sick("step_too_short", "a rate of 0.1")
def rate_too_short(rng, cured=False):
    return digits_run(rng, [layers.Dense(32, "relu")], keras.optimizers.SGD(0.1 if cured else 1e-5), 32)


@RUNS.sick("ill_conditioned", "whitened inputs, and the rate they allow")
def correlated_inputs(rng, cured=False):
    x = rng.normal(size=(1280, 1)) + 0.03 * rng.normal(size=(1280, 10))
    u, *_ = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    y = u @ rng.choice([-1, 1], 10) * np.sqrt(128)
    if cured:
        x = u * np.sqrt(1280)
    top = 2 * np.linalg.eigvalsh(x.T @ x / 1280)[-1]
    train, probe = split(x, y, rng, 256)
    return ready(net((10,), layers.Dense(1)), "mse", keras.optimizers.SGD(1.8 / top), tiled(train, 20), probe, 512)


@RUNS.sick("noise_dominated", "batches of 64")
def batch_too_small(rng, cured=False):
    return digits_run(
        rng, [layers.Dense(32, "tanh")], optimizers.SGD(0.1), 64 if cured else 1, digits(rng, flipped=0.4)
    )


@RUNS.sick("batch_wasteful", "an eighth of the batch, for as many steps")
def batch_of_copies(rng, cured=False):
    centres = rng.normal(size=(4, 8))
    y = np.arange(8320) % 4
    x = centres[y] + 0.02 * rng.normal(size=(8320, 8))
    model = net((8,), layers.Dense(16, "tanh"), layers.Dense(4))
    return ready(model, classes(), keras.optimizers.SGD(0.02), *split(x, y, rng, 128), 128 if cured else 1024)


@RUNS.sick("plateau", "biases that start at 0")
def saturated_hidden(rng, cured=False):
    hidden = layers.Dense(32, "sigmoid", bias_initializer="zeros" if cured else initializers.Constant(-15.0))
    return digits_run(rng, [hidden], keras.optimizers.SGD(0.3), 128)


@RUNS.sick("saddle", "Glorot's initial weights")
def tiny_weights(rng, cured=False):
    start = {} if cured else {"kernel_initializer": initializers.RandomNormal(stddev=1e-6)}
    x = rng.normal(size=(1152, 6))
    y = np.tanh(x @ rng.normal(size=(6, 3))) @ rng.normal(size=3)
    model = net((6,), layers.Dense(16, "tanh", **start), layers.Dense(1, **start))
    return ready(model, "mse", keras.optimizers.SGD(0.005), *split(x, y / y.std(), rng, 128), 64)


@RUNS.sick("cliff", "the norm of the gradient clipped at 0.2")
def few_long_sums(rng, cured=False):
    x = 0.5 * rng.normal(size=(2128, 30, 1))
    length = np.where(rng.random(2128) < 0.02, 30, rng.integers(3, 7, 2128))
    x[np.arange(30) < 30 - length[:, None]] = 0
    model = net((30, 1), layers.SimpleRNN(8, use_bias=False), layers.Dense(1))
    optimizer = keras.optimizers.SGD(0.2, global_clipnorm=0.2 if cured else None)
    return ready(model, "mse", optimizer, *split(x, x.sum(axis=1) / 2, rng, 128), 16)


@RUNS.sick("exploding", "Glorot's initial weights")
def deep_and_large(rng, cured=False):
    start = "glorot_normal" if cured else initializers.VarianceScaling(30.0, "fan_avg")
    hidden = [layers.Dense(32, "tanh", kernel_initializer=start) for _ in range(12)]
    return digits_run(rng, hidden, keras.optimizers.SGD(0.02), 64)


@RUNS.sick("vanishing", "ReLUs and He's initial weights")
def deep_sigmoids(rng, cured=False):
    how = {"activation": "relu", "kernel_initializer": "he_normal"} if cured else {"activation": "sigmoid"}
    return digits_run(rng, [layers.Dense(32, **how) for _ in range(6)], optimizers.Momentum(0.02), 64)


@RUNS.sick("short_horizon", "a recurrent matrix that keeps lengths")
def first_of_45(rng, cured=False):
    y = rng.integers(0, 2, 1152)
    x = rng.normal(size=(1152, 45, 1))
    x[:, 0, 0] = 2 * y - 1
    start = initializers.Orthogonal(1.2) if cured else initializers.RandomNormal(stddev=0.1)
    model = net((45, 1), layers.SimpleRNN(16, recurrent_initializer=start), layers.Dense(1, "sigmoid"))
    return ready(model, "binary_crossentropy", keras.optimizers.Adam(0.005), *split(x, y, rng, 128), 32)


@RUNS.sick("dead_units", "biases that start at 0")
def negative_biases(rng, cured=False):
    bias = "zeros" if cured else initializers.Constant(-2.0)
    return digits_run(
        rng, [layers.Dense(48, "relu", bias_initializer=bias) for _ in range(2)], keras.optimizers.SGD(0.1), 64
    )


@RUNS.sick("batch_norm_gap", "a momentum of 0.9")
def moving_too_slowly(rng, cured=False):
    hidden = layers.Dense(32), layers.BatchNormalization(momentum=0.9 if cured else 0.9999), layers.ReLU()
    return digits_run(rng, hidden, optimizers.Momentum(0.02), 64)


@RUNS.sick("bad_scale", "Glorot's initial weights")
def large_weights(rng, cured=False):
    start = "glorot_uniform" if cured else initializers.RandomNormal(stddev=2.0)
    hidden = [layers.Dense(48, "relu", kernel_initializer=start) for _ in range(2)]
    return digits_run(rng, hidden, keras.optimizers.Adam(1e-3), 64)


@RUNS.sick("overfitting", "true labels")
def few_noisy_labels(rng, cured=False):
    train, probe = digits(rng, flipped=0.0 if cured else 0.3)
    few = tiled([part[:160] for part in train], 5)
    return digits_run(rng, [layers.Dense(128, "relu")], keras.optimizers.Adam(3e-3), 16, (few, probe), validate=True)


@RUNS.sick("underfitting", "a hidden layer")
def line_for_circles(rng, cured=False):
    x, y = datasets.make_circles(1152, noise=0.08, factor=0.5, random_state=int(rng.integers(1000)))
    hidden = [layers.Dense(16, "tanh")] if cured else []
    model = net((2,), *hidden, layers.Dense(1, "sigmoid"))
    return ready(model, "binary_crossentropy", keras.optimizers.Adam(0.03), *split(x, y, rng, 128), 64)


@RUNS.healthy
def mlp(rng):
    hidden = layers.Dense(48, "relu"), layers.Dense(32, "relu")
    return digits_run(rng, hidden, optimizers.SGD(0.15), 32, validate=True)


@RUNS.healthy
def cnn(rng):
    hidden = (
        layers.Reshape((8, 8, 1)),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(32, "relu"),
    )
    return digits_run(rng, hidden, keras.optimizers.Adam(2e-3), 32)


@RUNS.healthy
def normalized(rng):
    hidden = layers.Dense(32, use_bias=False), layers.BatchNormalization(momentum=0.9), layers.ReLU()
    return digits_run(rng, hidden, optimizers.Momentum(0.02), 64)


@RUNS.healthy
def lstm(rng):
    return digits_run(rng, [layers.Reshape((8, 8)), layers.LSTM(24)], keras.optimizers.Adam(5e-3), 32)


@RUNS.healthy
def adam(rng):
    x, y = datasets.load_breast_cancer(return_X_y=True)
    model = net((30,), layers.Dense(16, "relu", kernel_regularizer="l2"), layers.Dense(1, "sigmoid"))
    data = split(standardized(x), y, rng, 128)
    return ready(model, "binary_crossentropy", optimizers.Adam(1e-3), *data, 32, metrics=["accuracy"])


@RUNS.healthy
def momentum(rng):
    x, y = datasets.load_iris(return_X_y=True)
    train, probe = split(standardized(x), y, rng, 50)
    model = net((4,), layers.Dense(16, "tanh"), layers.Dense(3))
    return ready(model, classes(), keras.optimizers.SGD(0.01, momentum=0.9), tiled(train, 5), probe, 20)


@RUNS.healthy
def regression(rng):
    x, y = datasets.make_friedman1(1152, 10, noise=0.5, random_state=int(rng.integers(1000)))
    model = net((10,), layers.Dense(32, "relu"), layers.Dense(32, "relu"), layers.Dense(1))
    return ready(model, "mse", keras.optimizers.Adam(3e-3), *split(x, standardized(y), rng, 128), 32)


@RUNS.healthy
def gru_on_words(rng):
    x = rng.integers(1, 40, (1152, 12))
    y = (np.where(x < 8, 1, 0) - np.where(x > 33, 1, 0)).sum(axis=1) > 0
    model = net((12,), layers.Embedding(40, 8), layers.GRU(16), layers.Dense(1, "sigmoid"))
    return ready(model, "binary_crossentropy", keras.optimizers.Adam(5e-3), *split(x, y.astype(int), rng, 128), 32)


@RUNS.healthy
def rising_gradient(rng):
    hidden = [layers.Dense(32, "tanh", kernel_initializer="glorot_normal") for _ in range(12)]
    return digits_run(rng, hidden, keras.optimizers.SGD(0.02), 64, steps=1500)
