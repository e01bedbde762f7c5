"""Gradients that explode or vanish from layer to layer."""

import keras
import numpy as np
from keras import initializers, layers, losses, ops
from sklearn import datasets

import keras_ch8
from keras_ch8 import optimizers

from .data import damped, digits_run, gratings, mackey_glass, moons, pulses, residual, shapes, shells, sines, waves
from .runs import BINARY_LOGITS, LOGITS, net, normal, ready, sick, split, standardized


@sick("exploding", "Glorot's initial weights", group=1)
def deep_and_large(rng, cured=False):
    start = "glorot_normal" if cured else initializers.VarianceScaling(30.0, "fan_avg")
    hidden = [layers.Dense(32, "tanh", kernel_initializer=start) for _ in range(12)]
    return digits_run(rng, hidden, keras.optimizers.SGD(0.02), 64)


@sick("exploding", "Glorot's initial weights", group=2)
def deep_large_convolutions(rng, cured=False):
    start = "glorot_normal" if cured else initializers.VarianceScaling(100.0, "fan_avg")
    deep = [layers.Conv1D(12, 3, padding="same", activation="tanh", kernel_initializer=start) for _ in range(10)]
    first = layers.Conv1D(12, 5, strides=2, activation="tanh")
    model = net((32, 1), first, *deep, layers.GlobalAveragePooling1D(), layers.Dense(3, "softmax"))
    loss = "sparse_categorical_crossentropy"
    return ready(model, loss, keras.optimizers.SGD(0.02, momentum=0.9), *sines(rng), 32)


@sick("exploding", "branches that start at zero", group=3)
def unnormalized_residuals(rng, cured=False):
    """Every branch is as large as the sum before it."""
    end = "zeros" if cured else "he_normal"
    model = residual((4,), 24, 14, layers.Dense(3, "softmax"), start="he_normal", end=end)
    optimizer = keras.optimizers.SGD(0.005, momentum=0.9, global_clipnorm=1.0)
    return ready(model, "sparse_categorical_crossentropy", optimizer, *shells(rng), 48)


@sick("exploding", "weights of a seventh of the variance", group=4)
def sines_of_sines_of_sines(rng, cured=False):
    x = rng.uniform(-1.7, 1.7, (4352, 2))
    train, probe = split(x, np.sin(2 * x[:, :1] + x[:, 1:] ** 2), rng, 256)
    start = keras.initializers.VarianceScaling(2.0 if cured else 14.0, "fan_in", "untruncated_normal")
    hidden = [layers.Dense(32, keras.ops.sin, kernel_initializer=start.clone()) for _ in range(10)]
    model = net((2,), *hidden, layers.Dense(1))
    return ready(model, "mse", keras.optimizers.Adam(1e-3), train, probe, 64)


@sick("exploding", "hidden weights with a standard deviation of 0.25, not of 0.6", group=5)
def deep_sines_with_large_weights(rng, cured=False):
    x = rng.uniform(-1, 1, (2256, 2))
    y = np.sin(3 * x[:, :1]) * np.cos(2 * x[:, 1:])
    train, probe = split(x, y, rng, 256)
    start = keras.initializers.RandomNormal(stddev=0.25 if cured else 0.6)
    hidden = [layers.Dense(32, ops.sin, kernel_initializer=start.clone()) for _ in range(8)]
    model = net((2,), *hidden, layers.Dense(1))
    return ready(model, "mse", keras.optimizers.SGD(0.01), train, probe, 64)


@sick("exploding", "weights of the variance that sines want", group=6)
def deep_sine_net_of_too_large_weights(rng, cured=False):
    x = rng.uniform(-1, 1, (2176, 2))
    y = np.exp(-x[:, :1]) * np.cos(4 * x[:, 1:])
    train, probe = split(x, y, rng, 128)
    start = keras.initializers.VarianceScaling(1.5 if cured else 9.0)
    hidden = [layers.Dense(32, ops.sin, kernel_initializer=start) for _ in range(8)]
    return ready(net((2,), *hidden, layers.Dense(1)), "mse", keras.optimizers.SGD(0.005), train, probe, 32)


@sick("exploding", "an orthogonal recurrent kernel", group=7)
def recurrent_units_in_a_chaotic_regime(rng, cured=False):
    speed, phase = rng.uniform(0.2, 0.6, (2256, 1)), rng.uniform(0, 6.3, (2256, 1))
    x = np.sin(speed * np.arange(40) + phase)[..., None] + rng.normal(0, 0.05, (2256, 40, 1))
    train, probe = split(x, standardized(speed), rng, 256)
    start = keras_ch8.initializers.Orthogonal() if cured else normal(2.0 / np.sqrt(48))
    model = net((40, 1), layers.SimpleRNN(48, recurrent_initializer=start), layers.Dense(1))
    return ready(model, "mse", keras.optimizers.RMSprop(), train, probe, 32)


@sick("exploding", "a quarter of the recurrent weights", group=8)
def chaotic_series_by_chaotic_units(rng, cured=False):
    train, probe = split(*mackey_glass(rng, 3256, 30, 6), rng, 256)
    start = normal((1.0 if cured else 4.0) / np.sqrt(32))
    model = net((30, 1), layers.SimpleRNN(32, "softsign", recurrent_initializer=start), layers.Dense(1))
    return ready(model, "mse", keras.optimizers.Adam(0.0003), train, probe, 32)


@sick("exploding", "a recurrent kernel that keeps lengths", group=9)
def month_of_sales_by_units_that_amplify(rng, cured=False):
    x = rng.normal(size=(3256, 24, 1))
    y = np.tanh(x[:, -6:, 0].sum(axis=1, keepdims=True) / 2) + 0.3 * x[:, -1]
    train, probe = split(x, y, rng, 256)
    start = keras.initializers.Orthogonal(1.0 if cured else 1.55)
    model = net((24, 1), layers.SimpleRNN(32, layers.LeakyReLU(0.5), recurrent_initializer=start), layers.Dense(1))
    return ready(model, "mse", keras.optimizers.Adam(), train, probe, 32)


@sick("exploding", "phases half as large", group=10)
def wells_told_by_ten_interferometers(rng, cured=False):
    x = rng.uniform(-2, 2, (4256, 2))
    place, speed = x.T
    for _ in range(300):
        speed = speed + 0.05 * (place - place**3 - 0.4 * speed)
        place = place + 0.05 * speed
    train, probe = split(x, (place > 0).astype(int)[:, None], rng, 256)
    start = normal((1.5 if cured else 3.0) / np.sqrt(24))
    hidden = [layers.Dense(24, ops.cos, kernel_initializer=start) for _ in range(10)]
    return ready(net((2,), *hidden, layers.Dense(1)), BINARY_LOGITS, keras.optimizers.SGD(0.01), train, probe, 32)


@sick("exploding", "recurrent weights of two sevenths", group=11)
def melodies_continued_by_units_at_odds(rng, cured=False):
    x = rng.integers(8, size=(3256, 30))
    y = np.where(x[:, -1] > x[:, -2], x[:, -1] // 2, 3 - x[:, -3] // 2)
    train, probe = split(x, y, rng, 256)
    start = normal((1.0 if cured else 3.5) / np.sqrt(32))
    model = net((30,), layers.Embedding(8, 16), layers.SimpleRNN(32, recurrent_initializer=start), layers.Dense(4))
    return ready(model, LOGITS, keras.optimizers.Adam(0.0005), train, probe, 32)


@sick("vanishing", "ReLUs and He's initial weights", group=1)
def deep_sigmoids(rng, cured=False):
    how = {"activation": "relu", "kernel_initializer": "he_normal"} if cured else {"activation": "sigmoid"}
    return digits_run(rng, [layers.Dense(32, **how) for _ in range(6)], optimizers.Momentum(0.02), 64)


@sick("vanishing", "Glorot's initial weights", group=2)
def deep_and_small(rng, cured=False):
    start = "glorot_uniform" if cured else initializers.VarianceScaling(0.05)
    hidden = [layers.Dense(20, "tanh", kernel_initializer=start) for _ in range(8)]
    model = net((2,), *hidden, layers.Dense(2))
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    return ready(model, loss, keras.optimizers.SGD(0.03, momentum=0.9, nesterov=True), *moons(rng), 32)


@sick("vanishing", "ReLUs and He's initial weights", group=3)
def deep_sigmoid_images(rng, cured=False):
    how = {"activation": "relu", "kernel_initializer": "he_normal"} if cured else {"activation": "sigmoid"}
    deep = [layers.Conv2D(8, 3, padding="same", **how) for _ in range(5)]
    first = layers.Conv2D(8, 3, strides=2, **how)
    model = net((10, 10, 1), first, *deep, layers.Flatten(), layers.Dense(4, "softmax"))
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
    return ready(model, "sparse_categorical_crossentropy", optimizer, *shapes(rng), 32)


@sick("vanishing", "ReLU and HeNormal", group=4)
def eight_sigmoids_deep_over_waves(rng, cured=False):
    train, probe = waves(rng)
    activation, start = ("relu", "he_normal") if cured else ("sigmoid", "glorot_uniform")
    hidden = [layers.Dense(24, activation, kernel_initializer=start) for _ in range(8)]
    model = net((32, 1), layers.Flatten(), *hidden, layers.Dense(3))
    return ready(model, LOGITS, keras_ch8.optimizers.Momentum(0.02), train, probe, 32)


@sick("vanishing", "ReLU, from weights that suit it", group=5)
def deep_sigmoids_over_a_signal(rng, cured=False):
    y = rng.integers(3, size=2256)
    phases, times = rng.uniform(0, 6.3, (2256, 1)), np.arange(24)
    x = np.sin(phases + times * np.array([0.3, 0.8, 1.6])[y, None])[..., None] + rng.normal(0, 0.3, (2256, 24, 1))
    train, probe = split(x, y, rng, 256)
    shape = {"activation": "relu", "kernel_initializer": "he_normal"} if cured else {"activation": "sigmoid"}
    hidden = [layers.Conv1D(8, 3, padding="same", **shape) for _ in range(6)]
    model = net((24, 1), *hidden, layers.GlobalAveragePooling1D(), layers.Dense(3))
    return ready(model, LOGITS, keras.optimizers.SGD(0.02, momentum=0.9), train, probe, 32)


@sick("vanishing", "ReLU, and weights as it wants them", group=6)
def damping_through_many_sigmoids(rng, cured=False):
    signal, damping, _ = damped(rng, 2176, 32)
    train, probe = split(signal, standardized(damping), rng, 128)
    kind = {"activation": "relu", "kernel_initializer": "he_normal"} if cured else {"activation": "sigmoid"}
    model = net((32,), *[layers.Dense(32, **kind) for _ in range(7)], layers.Dense(1))
    return ready(model, "mse", keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True), train, probe, 32)


@sick("vanishing", "batch normalization before each activation", group=7)
def tumors_through_eight_sigmoids(rng, cured=False):
    x, y = datasets.load_breast_cancer(return_X_y=True)
    train, probe = split(standardized(x), y[:, None], rng, 256)
    between = [keras_ch8.layers.BatchNormalization] * cured
    block = [lambda: layers.Dense(24), *between, lambda: layers.Activation("sigmoid")]
    model = net((30,), *[make() for make in block * 8], layers.Dense(1))
    return ready(model, BINARY_LOGITS, keras.optimizers.SGD(0.05, momentum=0.9), train, probe, 32)


@sick("vanishing", "connections that skip the layers", group=8)
def directions_of_stripes_through_seven_sigmoids(rng, cured=False):
    train, probe = split(*gratings(rng, 2256), rng, 256)
    model = net((8, 8, 1), layers.Conv2D(8, 3, padding="same"))
    for _ in range(7):
        layer = layers.Conv2D(8, 3, padding="same", activation="sigmoid")
        model.add(keras_ch8.layers.Residual(layer) if cured else layer)
    for layer in (layers.Flatten(), layers.Dense(4)):
        model.add(layer)
    return ready(model, LOGITS, keras_ch8.optimizers.Momentum(0.01), train, probe, 32)


@sick("vanishing", "batch normalization before each activation", group=9)
def bursts_through_seven_hard_sigmoids(rng, cured=False):
    y, at = rng.integers(3, size=2256), rng.integers(4, 16, 2256)
    burst = np.array([[1, 1, 1, 1, 1], [1, -1, 1, -1, 1], [1, 1, 0, -1, -1]])
    x = rng.normal(0, 0.4, (2256, 24))
    x[np.arange(2256)[:, None], at[:, None] + np.arange(5)] += burst[y]
    train, probe = split(x[..., None], y, rng, 256)
    model = net((24, 1))
    for _ in range(7):
        model.add(layers.Conv1D(12, 5, padding="same"))
        if cured:
            model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.Activation("hard_sigmoid"))
    for layer in (layers.Flatten(), layers.Dense(3)):
        model.add(layer)
    return ready(model, LOGITS, keras.optimizers.SGD(0.01, momentum=0.9), train, probe, 32)


@sick("vanishing", "SELU, and weights as it wants them", group=10)
def pulses_cleaned_by_eight_sigmoids(rng, cured=False):
    clean = pulses(rng, 3256)
    train, probe = split(clean + rng.normal(0, 0.3, clean.shape), clean, rng, 256)
    kind = {"activation": "selu", "kernel_initializer": "lecun_normal"} if cured else {"activation": "sigmoid"}
    model = net((40,), *[layers.Dense(32, **kind) for _ in range(8)], layers.Dense(40))
    return ready(model, "mse", keras.optimizers.SGD(0.03, momentum=0.9), train, probe, 32)


@sick("vanishing", "tanh in place of sigmoids", group=11)
def rainfall_of_places_through_eight_sigmoids(rng, cured=False):
    x = rng.uniform(-1, 1, (3256, 4))
    y = np.cos(3 * x[:, :1]) + x[:, 1:2] * np.exp(-x[:, 2:3]) + 0.5 * np.abs(x[:, 3:4])
    train, probe = split(standardized(x), standardized(y), rng, 256)
    hidden = [layers.Dense(24, "tanh" if cured else "sigmoid") for _ in range(8)]
    return ready(net((4,), *hidden, layers.Dense(1)), "mse", keras.optimizers.SGD(0.05), train, probe, 64)
