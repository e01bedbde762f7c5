"""Recurrent networks that do not learn what lies many steps back."""

import keras
import numpy as np
from keras import initializers, layers, ops
from sklearn import datasets

import keras_ch8

from .runs import BINARY_LOGITS, LOGITS, net, normal, ready, sick, split


@sick("short_horizon", "a recurrent matrix that keeps lengths", group=1)
def first_of_45(rng, cured=False):
    y = rng.integers(0, 2, 1152)
    x = rng.normal(size=(1152, 45, 1))
    x[:, 0, 0] = 2 * y - 1
    start = initializers.Orthogonal(1.2) if cured else initializers.RandomNormal(stddev=0.1)
    model = net((45, 1), layers.SimpleRNN(16, recurrent_initializer=start), layers.Dense(1, "sigmoid"))
    return ready(model, "binary_crossentropy", keras.optimizers.Adam(0.005), *split(x, y, rng, 128), 32)


@sick("short_horizon", "an LSTM", group=2)
def sign_of_the_start(rng, cured=False):
    y = rng.integers(0, 2, 1152)
    x = 0.3 * rng.normal(size=(1152, 42, 1))
    x[:, 0, 0] = 2 * y - 1
    cell = layers.LSTM(16) if cured else layers.SimpleRNN(16, recurrent_initializer="zeros", unroll=True)
    model = net((42, 1), cell, layers.Dense(2, "softmax"))
    loss = "sparse_categorical_crossentropy"
    return ready(model, loss, keras.optimizers.RMSprop(0.005), *split(x, y, rng, 128), 32)


@sick("short_horizon", "forget gates that start open", group=3)
def forgetful_lstm(rng, cured=False):
    y = rng.integers(0, 3, 4352)
    x = 0.3 * rng.normal(size=(4352, 30, 3))
    x[:, 0] += 2 * np.eye(3)[y]
    lstm = layers.LSTM(16, unroll=True)
    model = net((30, 3), lstm, layers.Dense(3, "softmax"))
    bias = lstm.cell.bias.numpy()
    bias[16:32] = 3.0 if cured else -5.0
    lstm.cell.bias.assign(bias)
    optimizer = keras.optimizers.AdamW(2e-3, weight_decay=1e-4)
    return ready(model, "sparse_categorical_crossentropy", optimizer, *split(x, y, rng, 256), 64)


@sick("short_horizon", "an orthogonal recurrent kernel", group=4)
def first_symbol_decides(rng, cured=False):
    symbols = rng.integers(8, size=(4352, 24))
    train, probe = split(symbols, symbols[:, 0] // 2, rng, 256)
    start = "orthogonal" if cured else "random_normal"
    memory = layers.SimpleRNN(16, recurrent_initializer=start)
    model = net((24,), layers.Embedding(8, 8), memory, layers.Dense(4))
    return ready(model, LOGITS, keras.optimizers.Adam(0.001), train, probe, 32)


@sick("short_horizon", "an orthogonal recurrent kernel", group=6)
def pulse_of_long_ago(rng, cured=False):
    x, y = 0.2 * rng.normal(size=(2176, 30, 2)), rng.integers(0, 2, 2176)
    x[:, 0, 0] += 2 * y - 1.0
    train, probe = split(x, y, rng, 128)
    start = keras_ch8.initializers.Orthogonal() if cured else normal(0.1)
    model = net((30, 2), layers.SimpleRNN(16, recurrent_initializer=start), layers.Dense(2, "softmax"))
    return ready(model, "sparse_categorical_crossentropy", keras_ch8.optimizers.Nesterov(0.02), train, probe, 32)


@sick("short_horizon", "a recurrent kernel that starts as the identity", group=7)
def theme_told_by_the_first_word(rng, cured=False):
    x, y = rng.integers(4, 20, size=(4256, 50)), rng.integers(4, size=4256)
    x[:, 0] = y
    train, probe = split(x, y, rng, 256)
    start = keras.initializers.Identity() if cured else normal(0.05)
    model = net((50,), layers.Embedding(20, 8), layers.SimpleRNN(24, recurrent_initializer=start), layers.Dense(4))
    return ready(model, LOGITS, keras.optimizers.Adam(global_clipnorm=1.0), train, probe, 32)


@sick("short_horizon", "an orthogonal recurrent kernel", group=8)
def deposits_made_long_before_the_end(rng, cured=False):
    x = rng.normal(size=(4256, 30, 2)) * [0.5, 0]
    x[:, :2] = x[:, :2] * 2 + [0, 1]
    train, probe = split(x, x[:, :2, 0].sum(axis=1, keepdims=True) / np.sqrt(2), rng, 256)
    start = keras_ch8.initializers.Orthogonal() if cured else normal(0.1)
    model = net((30, 2), layers.SimpleRNN(16, recurrent_initializer=start), layers.Dense(1))
    return ready(model, "mse", keras.optimizers.Adam(0.005), train, probe, 32)


@sick("short_horizon", "an orthogonal recurrent kernel", group=9)
def digits_shown_long_before_they_are_named(rng, cured=False):
    images, y = datasets.load_digits(return_X_y=True)
    x = np.concatenate([images.reshape(-1, 8, 8) / 8 - 1, rng.normal(0, 0.1, (1797, 40, 8))], axis=1)
    train, probe = split(x, y, rng, 256)
    start = "orthogonal" if cured else "random_normal"
    model = net((48, 8), layers.SimpleRNN(40, recurrent_initializer=start), layers.Dense(10))
    return ready(model, LOGITS, keras.optimizers.Adam(0.001), train, probe, 32)


@sick("short_horizon", "an orthogonal recurrent kernel", group=10)
def polarity_of_an_earthquake_under_its_coda(rng, cured=False):
    y, time = rng.integers(2, size=3256), np.arange(30)
    coda = np.exp(-time / 15) * np.cos(rng.uniform(0.8, 1.5, (3256, 1)) * time + rng.uniform(0, 6.3, (3256, 1)))
    x = 0.5 * coda + rng.normal(0, 0.2, coda.shape)
    x[:, :3] = (2 * y[:, None] - 1) * [0.7, 1.5, 0.7] + rng.normal(0, 0.2, (3256, 3))
    train, probe = split(x[..., None], y[:, None], rng, 256)
    start = keras_ch8.initializers.Orthogonal() if cured else normal(0.05)
    model = net((30, 1), layers.SimpleRNN(20, "softsign", recurrent_initializer=start), layers.Dense(1))
    return ready(model, BINARY_LOGITS, keras.optimizers.Adam(0.001), train, probe, 32)


@sick("short_horizon", "forget gates that start open", group=11)
def key_of_a_tune_from_its_first_notes(rng, cured=False):
    def start(shape, dtype=None):
        return ops.convert_to_tensor(np.repeat([0.0, 4.0 if cured else 0.0, 0.0, 0.0], 12), dtype)

    y, notes = rng.integers(3, size=4256), rng.integers(7, size=(4256, 30))
    notes[:, :3] = (y[:, None] * 2 + [0, 1, 0]) % 7
    train, probe = split(np.eye(7)[notes], y, rng, 256)
    lstm = layers.LSTM(12, bias_initializer=start, unit_forget_bias=False)
    return ready(net((30, 7), lstm, layers.Dense(3)), LOGITS, keras.optimizers.Adam(0.003), train, probe, 32)
