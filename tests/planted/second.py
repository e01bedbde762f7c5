"""The planted runs that were judged once as they were; what they showed was mended after that."""

import keras
import numpy as np
from keras import initializers, layers, losses
from sklearn import datasets

from keras_ch8 import clipping, optimizers, schedules

from .runs import Half, net, ready, split, standardized, tiled

RUNS = Half()


def table(load, rng, held_out, scaled=True):
    """Return a table of scikit-learn, standardized unless its own scales are wanted."""
    x, y = load(return_X_y=True)
    return split(standardized(x) if scaled else x, y, rng, held_out)


def moons(rng, noise=0.15, examples=1152):
    x, y = datasets.make_moons(examples, noise=noise, random_state=int(rng.integers(1000)))
    return split(x, y, rng, 128)


def waves(rng, examples=1152, length=32):
    """Return noisy sines of three frequencies; the frequency is the class."""
    y = rng.integers(0, 3, examples)
    t = np.arange(length) / length
    phase = rng.uniform(0, 2 * np.pi, (examples, 1))
    x = np.sin(2 * np.pi * (2 + 2 * y[:, None]) * t + phase) + 0.4 * rng.normal(size=(examples, length))
    return split(x[..., None], y, rng, 128)


def bars(rng, examples=1152, size=10):
    """Return noisy images with one bright row (0) or column (1)."""
    y = rng.integers(0, 2, examples)
    x = 0.35 * rng.normal(size=(examples, size, size, 1))
    for image, column, at in zip(x, y, rng.integers(0, size, examples), strict=True):
        image[(slice(None), at) if column else at] += 1.0
    return split(x, y, rng, 128)


def surface(rng):
    x = rng.uniform(-2, 2, (1152, 3))
    return split(x, np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] / 2, rng, 128)


@RUNS.sick("step_too_long", "a rate of 0.003")
def rmsprop_too_fast(rng, cured=False):
    model = net((3,), layers.Dense(64, "tanh"), layers.Dense(64, "tanh"), layers.Dense(1))
    return ready(model, losses.Huber(), keras.optimizers.RMSprop(0.003 if cured else 0.2), *surface(rng), 64)


@RUNS.sick("step_too_short", "a rate of 0.003")
def adam_too_slow(rng, cured=False):
    model = net(
        (32, 1),
        layers.Conv1D(12, 5, strides=2, activation="relu"),
        layers.Conv1D(12, 3, activation="relu"),
        layers.GlobalAveragePooling1D(),
        layers.Dense(3, "softmax"),
    )
    optimizer = keras.optimizers.Adam(0.003 if cured else 1e-6)
    return ready(model, "sparse_categorical_crossentropy", optimizer, *waves(rng), 48)


@RUNS.sick("ill_conditioned", "inputs of one scale, and the rate they allow")
def unequal_scales(rng, cured=False):
    x = rng.normal(size=(328, 8)) * (1 if cured else np.geomspace(3.0, 0.03, 8))
    signs = np.where(np.arange(8) < 4, 0.2, 1.0) * rng.choice([-1, 1], 8)
    y = (x / (1 if cured else np.geomspace(3.0, 0.03, 8))) @ signs > 0
    model = net((8,), layers.Dense(1, "sigmoid", kernel_initializer="zeros"))
    train, probe = split(x, y.astype(int), rng, 128)
    top = np.linalg.eigvalsh(train[0].T @ train[0] / 200)[-1] / 4
    optimizer = keras.optimizers.SGD(float(1.6 / top))
    return ready(model, "binary_crossentropy", optimizer, tiled(train, 50), probe, 200, shuffle=False)


@RUNS.sick("noise_dominated", "batches of 64")
def pairs_of_noisy_targets(rng, cured=False):
    x = rng.normal(size=(2304, 12))
    y = np.tanh(x @ rng.normal(size=12)) + 0.45 * x @ rng.normal(size=12) + rng.normal(size=2304)
    model = net((12,), layers.Dense(24, "tanh"), layers.Dense(1))
    return ready(model, "mse", optimizers.Nesterov(0.006), *split(x, y, rng, 256), 64 if cured else 2)


@RUNS.sick("batch_wasteful", "an eighth of the batch, for as many steps")
def one_smooth_curve(rng, cured=False):
    x = rng.uniform(-1, 1, (8320, 1))
    model = net((1,), layers.Dense(16, "sigmoid"), layers.Dense(1))
    data = split(x, 3 + 2 * x[:, 0], rng, 128)
    return ready(model, losses.LogCosh(), optimizers.Momentum(0.003), *data, 64 if cured else 512)


@RUNS.sick("plateau", "cross-entropy, and biases that start at 0")
def saturated_outputs(rng, cured=False):
    train, probe = table(datasets.load_wine, rng, 50)
    train, probe = ((x, np.eye(3, dtype="float32")[y]) for x, y in (train, probe))
    bias = "zeros" if cured else initializers.Constant(-10.0)
    model = net((13,), layers.Dense(24, "tanh"), layers.Dense(3, "sigmoid", bias_initializer=bias))
    loss = "binary_crossentropy" if cured else "mse"
    return ready(model, loss, keras.optimizers.SGD(0.1, momentum=0.5), tiled(train, 10), probe, 32)


@RUNS.sick("saddle", "Glorot's initial weights")
def tiny_autoencoder(rng, cured=False):
    (x, _), (x_probe, _) = table(datasets.load_breast_cancer, rng, 100)
    start = {} if cured else {"kernel_initializer": initializers.RandomUniform(-1e-6, 1e-6)}
    model = net((30,), layers.Dense(8, "linear", **start), layers.Dense(30, **start))
    optimizer = keras.optimizers.SGD(0.001, momentum=0.9)
    return ready(model, "mse", optimizer, tiled((x, x), 3), (x_probe, x_probe), 64)


@RUNS.sick("cliff", "the norm of the gradient clipped at 0.2")
def few_long_sequences(rng, cured=False):
    length = np.where(rng.random(2176) < 0.03, 40, rng.integers(3, 8, 2176))
    x = 0.5 * rng.normal(size=(2176, 40, 2)) * (np.arange(40) >= 40 - length[:, None])[..., None]
    y = (x[..., 0] - x[..., 1]).sum(axis=1) / 4
    optimizer = optimizers.Momentum(0.02, clip=clipping.ByGlobalNorm(0.2) if cured else None)
    model = net((40, 2), layers.SimpleRNN(12, use_bias=False, unroll=True), layers.Dense(1))
    return ready(model, "mse", optimizer, *split(x, y, rng, 128), 16)


@RUNS.sick("exploding", "Glorot's initial weights")
def deep_large_convolutions(rng, cured=False):
    start = "glorot_normal" if cured else initializers.VarianceScaling(100.0, "fan_avg")
    deep = [layers.Conv1D(12, 3, padding="same", activation="tanh", kernel_initializer=start) for _ in range(10)]
    first = layers.Conv1D(12, 5, strides=2, activation="tanh")
    model = net((32, 1), first, *deep, layers.GlobalAveragePooling1D(), layers.Dense(3, "softmax"))
    loss = "sparse_categorical_crossentropy"
    return ready(model, loss, keras.optimizers.SGD(0.02, momentum=0.9), *waves(rng), 32)


@RUNS.sick("vanishing", "Glorot's initial weights")
def deep_and_small(rng, cured=False):
    start = "glorot_uniform" if cured else initializers.VarianceScaling(0.05)
    hidden = [layers.Dense(20, "tanh", kernel_initializer=start) for _ in range(8)]
    model = net((2,), *hidden, layers.Dense(2))
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    return ready(model, loss, keras.optimizers.SGD(0.03, momentum=0.9, nesterov=True), *moons(rng), 32)


@RUNS.sick("short_horizon", "an LSTM")
def sign_of_the_start(rng, cured=False):
    y = rng.integers(0, 2, 1152)
    x = 0.3 * rng.normal(size=(1152, 42, 1))
    x[:, 0, 0] = 2 * y - 1
    cell = layers.LSTM(16) if cured else layers.SimpleRNN(16, recurrent_initializer="zeros", unroll=True)
    model = net((42, 1), cell, layers.Dense(2, "softmax"))
    loss = "sparse_categorical_crossentropy"
    return ready(model, loss, keras.optimizers.RMSprop(0.005), *split(x, y, rng, 128), 32)


@RUNS.sick("dead_units", "a rate of 0.01 from the start")
def killed_by_the_first_steps(rng, cured=False):
    x, y = datasets.load_wine(return_X_y=True)
    train, probe = split(x / x.std(axis=0), y, rng, 50)
    rate = 0.01 if cured else keras.optimizers.schedules.PiecewiseConstantDecay([2], [2.0, 0.01])
    model = net((13,), layers.Dense(48, "relu"), layers.Dense(32, "relu"), layers.Dense(3, "softmax"))
    return ready(model, "sparse_categorical_crossentropy", keras.optimizers.SGD(rate), tiled(train, 10), probe, 32)


@RUNS.sick("batch_norm_gap", "shuffled examples")
def batches_by_sensor(rng, cured=False):
    train, probe = waves(rng)
    offset = np.repeat(3 * rng.normal(size=16), 64)[:, None, None].astype("float32")
    train = train[0] + offset, train[1]
    probe = probe[0] + rng.choice(offset[:, 0, 0], 128)[:, None, None], probe[1]
    model = net(
        (32, 1),
        layers.Conv1D(12, 5, use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.GlobalAveragePooling1D(),
        layers.Dense(3, "softmax"),
    )
    loss = "sparse_categorical_crossentropy"
    return ready(model, loss, keras.optimizers.Adam(5e-3), train, probe, 64, shuffle=cured)


@RUNS.sick("bad_scale", "standardized inputs")
def raw_inputs(rng, cured=False):
    train, probe = table(datasets.load_breast_cancer, rng, 128, scaled=cured)
    model = net((30,), layers.Dense(24, "tanh"), layers.Dense(12, "tanh"), layers.Dense(1, "sigmoid"))
    return ready(model, "binary_crossentropy", keras.optimizers.SGD(0.05, momentum=0.9), tiled(train, 2), probe, 32)


@RUNS.sick("saturated_units", "Glorot's initial weights")
def large_first_weights(rng, cured=False):
    start = "glorot_uniform" if cured else initializers.RandomNormal(stddev=20.0)
    model = net((2,), layers.Dense(12, "tanh", kernel_initializer=start), layers.Dense(12, "tanh"), layers.Dense(1))
    x = rng.uniform(-1, 1, (1152, 2))
    y = np.sin(3 * x[:, 0]) * np.cos(2 * x[:, 1])
    return ready(model, "mse", keras.optimizers.Adam(0.005), *split(x, y, rng, 128), 32)


@RUNS.sick("overfitting", "a penalty on the weights, and more examples")
def few_patients(rng, cured=False):
    x, y = datasets.load_diabetes(return_X_y=True)
    train, probe = split(standardized(x), standardized(y), rng, 128)
    penalty = {"kernel_regularizer": keras.regularizers.L2(0.05)} if cured else {}
    model = net((10,), layers.Dense(64, "relu", **penalty), layers.Dense(64, "relu", **penalty), layers.Dense(1))
    few = tiled([part[: None if cured else 80] for part in train], 4 if cured else 10)
    return ready(model, "mse", optimizers.Adam(0.003), few, probe, 20, validate=True)


@RUNS.sick("underfitting", "24 units")
def one_unit(rng, cured=False):
    x = rng.uniform(-3, 3, (1152, 1))
    model = net((1,), layers.Dense(24 if cured else 1, "tanh"), layers.Dense(1))
    data = split(x, np.sin(3 * x[:, 0]), rng, 128)
    return ready(model, "mse", keras.optimizers.Adam(0.02), *data, 64, validate=True)


@RUNS.healthy
def nesterov(rng):
    hidden = layers.Dense(24, "tanh"), layers.Dense(24, "tanh")
    model = net((2,), *hidden, layers.Dense(1, "sigmoid"))
    return ready(model, "binary_crossentropy", optimizers.Nesterov(0.03), *moons(rng), 32, metrics=["accuracy"])


@RUNS.healthy
def convolutions_of_waves(rng):
    model = net(
        (32, 1),
        layers.Conv1D(12, 5, strides=2, activation="relu"),
        layers.Conv1D(16, 3, activation="relu"),
        layers.GlobalMaxPooling1D(),
        layers.Dense(3, "softmax"),
    )
    return ready(
        model, "sparse_categorical_crossentropy", keras.optimizers.RMSprop(2e-3), *waves(rng), 48, validate=True
    )


@RUNS.healthy
def normalized_images(rng):
    model = net(
        (10, 10, 1),
        layers.Conv2D(8, 3, strides=2, use_bias=False),
        layers.BatchNormalization(momentum=0.95),
        layers.ReLU(),
        layers.Flatten(),
        layers.Dense(1, "sigmoid"),
    )
    return ready(model, "binary_crossentropy", keras.optimizers.Adam(5e-3), *bars(rng, 2432), 64)


@RUNS.healthy
def next_value(rng):
    t = np.arange(12) * 0.3
    x = np.sin(t + rng.uniform(0, 2 * np.pi, (1152, 1))) * rng.uniform(0.5, 1.5, (1152, 1))
    x = x + 0.02 * rng.normal(size=x.shape)
    model = net((11, 1), layers.LSTM(20), layers.Dense(1))
    return ready(model, "mse", keras.optimizers.Adam(5e-3), *split(x[:, :11, None], x[:, 11], rng, 128), 32)


@RUNS.healthy
def adam_with_layer_norm(rng):
    inputs = keras.Input((13,))
    h = layers.Dense(24, "relu")(inputs)
    h = layers.Add()([h, layers.Dense(24, "relu")(layers.LayerNormalization()(h))])
    model = keras.Model(inputs, layers.Dense(3, "softmax", kernel_regularizer="l2")(h))
    train, probe = table(datasets.load_wine, rng, 50)
    return ready(model, "sparse_categorical_crossentropy", optimizers.Adam(5e-4), tiled(train, 10), probe, 32)


@RUNS.healthy
def decaying_rate(rng):
    train, probe = table(datasets.load_breast_cancer, rng, 128)
    model = net((30,), layers.Dense(12, "silu"), layers.Dropout(0.1), layers.Dense(1, "sigmoid"))
    rate = schedules.CosineDecay(0.05)
    return ready(model, "binary_crossentropy", optimizers.Momentum(rate), tiled(train, 2), probe, 32)


@RUNS.healthy
def adamw_on_a_surface(rng):
    model = net((3,), layers.Dense(48, "gelu"), layers.Dense(48, "gelu"), layers.Dense(1))
    optimizer = keras.optimizers.AdamW(0.003, weight_decay=1e-3)
    return ready(model, losses.Huber(), optimizer, *surface(rng), 48, validate=True)


@RUNS.healthy
def gru_on_events(rng):
    x = (rng.random((1152, 10, 4)) < 0.2).astype(float)
    y = (np.cumsum(x[..., 0], axis=1)[:, -1] > np.cumsum(x[..., 1], axis=1)[:, -1]).astype(int)
    model = net((10, 4), layers.GRU(12), layers.Dense(1, "sigmoid"))
    return ready(model, "binary_crossentropy", keras.optimizers.Adam(5e-3), *split(x, y, rng, 128), 32)
