"""Units that are dead or saturated."""

import keras
import numpy as np
from keras import initializers, layers
from sklearn import datasets

import keras_ch8
from keras_ch8 import optimizers

from .data import articles, boards, digits, digits_run, disks, friedman, friedman_split, reviews, shells, topics
from .runs import LOGITS, net, normal, ready, sick, split, standardized, tiled


@sick("dead_units", "biases that start at 0", group=1)
def negative_biases(rng, cured=False):
    bias = "zeros" if cured else initializers.Constant(-2.0)
    return digits_run(
        rng, [layers.Dense(48, "relu", bias_initializer=bias) for _ in range(2)], keras.optimizers.SGD(0.1), 64
    )


@sick("dead_units", "a rate of 0.01 from the start", group=2)
def killed_by_the_first_steps(rng, cured=False):
    x, y = datasets.load_wine(return_X_y=True)
    train, probe = split(x / x.std(axis=0), y, rng, 50)
    rate = 0.01 if cured else keras.optimizers.schedules.PiecewiseConstantDecay([2], [2.0, 0.01])
    model = net((13,), layers.Dense(48, "relu"), layers.Dense(32, "relu"), layers.Dense(3, "softmax"))
    return ready(model, "sparse_categorical_crossentropy", keras.optimizers.SGD(rate), tiled(train, 10), probe, 32)


@sick("dead_units", "He's initial weights", group=3)
def negative_weights_on_counts(rng, cured=False):
    start = "he_normal" if cured else initializers.RandomUniform(-0.4, 0.1)
    model = net((40,), layers.Dense(64, "relu", kernel_initializer=start), layers.Dense(5, "softmax"))
    optimizer = optimizers.RMSprop(5e-4)
    return ready(model, "sparse_categorical_crossentropy", optimizer, *topics(rng), 64)


@sick("dead_units", "biases that start at 0", group=4)
def thresholds_no_digit_reaches(rng, cured=False):
    train, probe = digits(rng)
    bias = keras.initializers.Constant(0.0 if cured else -2.0)
    hidden = layers.Dense(64, "relu", kernel_initializer="he_normal", bias_initializer=bias)
    return ready(net((64,), hidden, layers.Dense(10)), LOGITS, keras.optimizers.Nadam(0.002), train, probe, 32)


@sick("dead_units", "biases that start at 0", group=5)
def sparse_code_with_thresholds_too_high(rng, cured=False):
    (x, _), (probe, _) = digits(rng)
    bias = keras.initializers.Constant(0.0 if cured else -4.0)
    model = net((64,), layers.Dense(48, "relu", bias_initializer=bias), layers.Dense(64))
    return ready(model, "mse", keras.optimizers.Adam(), (x, x), (probe, probe), 64)


@sick("dead_units", "hidden biases that start at 0", group=6)
def sparse_counts_of_silent_units(rng, cured=False):
    x = rng.normal(size=(4352, 8))
    y = rng.poisson(np.exp(1.5 * np.sin(2 * x[:, :1]) + np.abs(x[:, 1:2]) - 1))
    train, probe = split(x, y, rng, 256)
    start = keras.initializers.Constant(0.0 if cured else -5.0)
    hidden = layers.Dense(48, "relu", kernel_initializer="he_normal", bias_initializer=start)
    model = net((8,), hidden, layers.Dense(1, "exponential"))
    return ready(model, "poisson", keras.optimizers.Nadam(0.002), train, probe, 32)


@sick("dead_units", "a shift that starts at 0", group=7)
def radii_by_filters_shifted_out_of_reach(rng, cured=False):
    x, mask = disks(rng, 2256)
    train, probe = split(x, standardized(np.sqrt(mask.sum(axis=(1, 2)))), rng, 256)
    shift = keras.initializers.Constant(0.0 if cured else -6.0)
    normalize = layers.BatchNormalization(momentum=0.9, beta_initializer=shift)
    model = net(
        (8, 8, 1), layers.Conv2D(12, 3, use_bias=False), normalize, layers.ReLU(), layers.Flatten(), layers.Dense(1)
    )
    return ready(model, "mse", keras.optimizers.Adam(), train, probe, 32)


@sick("dead_units", "a bias of the output that starts at the mean of the fares", group=8)
def fares_by_units_that_the_first_steps_kill(rng, cured=False):
    x = rng.uniform(0, 1, (3256, 6))
    y = 12 + 3 * np.sin(3 * x[:, :1]) + 4 * x[:, 1:2] * x[:, 2:3] + 2 * x[:, 3:4]
    train, probe = split(x, y, rng, 256)
    start = keras.initializers.Constant(y.mean() if cured else 0.0)
    model = net((6,), layers.Dense(32, "relu"), layers.Dense(32, "relu"), layers.Dense(1, bias_initializer=start))
    return ready(model, "mse", keras_ch8.optimizers.Momentum(0.025), train, probe, 32)


@sick("dead_units", "biases that start at 0", group=9)
def articles_of_unit_length_under_high_thresholds(rng, cured=False):
    x, y = articles(rng, 4256)
    train, probe = split(x / np.linalg.norm(x, axis=1, keepdims=True), y, rng, 256)
    start = "zeros" if cured else keras.initializers.RandomUniform(-6, 0)
    hidden = layers.Dense(64, "relu", kernel_initializer="he_normal", bias_initializer=start)
    return ready(
        net((150,), hidden, layers.Dense(6)), LOGITS, keras.optimizers.SGD(0.05, momentum=0.9), train, probe, 32
    )


@sick("dead_units", "units that answer from 0 on", group=10)
def orbits_by_units_of_too_high_a_threshold(rng, cured=False):
    place, speed = rng.normal(size=(2, 3256, 2))
    energy = (speed**2).sum(axis=1) / 2 - 1.5 / np.linalg.norm(place, axis=1)
    spin = place[:, 0] * speed[:, 1] - place[:, 1] * speed[:, 0]
    y = np.where(energy > 0, 2, spin > 0)
    train, probe = split(np.hstack([place, speed]), y, rng, 256)
    hidden = [layers.Dense(48), layers.ReLU(threshold=0.0 if cured else 6.0), layers.Dense(24, "relu")]
    return ready(net((4,), *hidden, layers.Dense(3)), LOGITS, keras.optimizers.Adam(0.003), train, probe, 32)


@sick("dead_units", "weights as often above 0 as below", group=11)
def subjects_of_books_by_units_that_only_subtract(rng, cured=False):
    y, shares = rng.integers(5, size=4256), rng.dirichlet(np.full(60, 0.5), 5)
    words = np.stack([rng.multinomial(25, 0.4 * shares[subject] + 0.6 / 60) for subject in y])
    train, probe = split(words, y, rng, 256)
    start = keras.initializers.RandomUniform(-0.2, 0.2 if cured else 0.07)
    model = net((60,), layers.Dense(48, "relu", kernel_initializer=start), layers.Dense(5))
    return ready(model, LOGITS, keras.optimizers.SGD(0.01, momentum=0.9), train, probe, 64)


@sick("saturated_units", "Glorot's initial weights", group=2)
def large_first_weights(rng, cured=False):
    start = "glorot_uniform" if cured else initializers.RandomNormal(stddev=20.0)
    model = net((2,), layers.Dense(12, "tanh", kernel_initializer=start), layers.Dense(12, "tanh"), layers.Dense(1))
    x = rng.uniform(-1, 1, (1152, 2))
    y = np.sin(3 * x[:, 0]) * np.cos(2 * x[:, 1])
    return ready(model, "mse", keras.optimizers.Adam(0.005), *split(x, y, rng, 128), 32)


@sick("saturated_units", "biases that start at 0", group=3)
def large_biases(rng, cured=False):
    bias = "zeros" if cured else initializers.RandomNormal(stddev=25.0)
    model = net((4,), layers.Dense(40, "tanh", bias_initializer=bias), layers.Dense(3, "softmax"))
    return ready(model, "sparse_categorical_crossentropy", keras.optimizers.Adam(0.01), *shells(rng), 64)


@sick("saturated_units", "weights of a fifteenth of the size", group=4)
def tanh_driven_into_its_corners(rng, cured=False):
    train, probe = friedman_split(rng)
    start = keras.initializers.RandomNormal(stddev=0.3 if cured else 4.5)
    model = net((10,), layers.Dense(48, "tanh", kernel_initializer=start), layers.Dense(1))
    return ready(model, "huber", keras_ch8.optimizers.Momentum(0.02), train, probe, 32)


@sick("saturated_units", "initial weights with a standard deviation of 0.1, not of 1.5", group=5)
def tanh_units_with_large_weights(rng, cured=False):
    train, probe = digits(rng)
    start = keras.initializers.RandomNormal(stddev=0.1 if cured else 1.5)
    hidden = [layers.Dense(32, "tanh", kernel_initializer=start.clone()) for _ in range(2)]
    return ready(net((64,), *hidden, layers.Dense(10)), LOGITS, keras.optimizers.RMSprop(), train, probe, 32)


@sick("saturated_units", "weights of the variance that the inputs ask for", group=6)
def friedman_of_saturated_units(rng, cured=False):
    train, probe = split(*friedman(rng, 2176, noise=0.2), rng, 128)
    start = keras.initializers.GlorotUniform() if cured else normal(8.0)
    model = net((10,), layers.Dense(48, "tanh", kernel_initializer=start), layers.Dense(1))
    return ready(model, "huber", keras.optimizers.Adam(0.003), train, probe, 32)


@sick("saturated_units", "the weights that Keras starts with, not some forty times as large", group=7)
def heartbeats_through_filters_of_large_weights(rng, cured=False):
    times, y = np.arange(40), rng.integers(3, size=2256)
    place, width = rng.uniform(10, 30, (2256, 1)), np.array([1.0, 2.0, 3.5])[y, None]
    x = np.exp(-(((times - place) / width) ** 2)) - np.exp(-(((times - place - 2 * width) / width) ** 2))
    x = standardized(x + rng.normal(0, 0.1, x.shape))[..., None]
    train, probe = split(x, y, rng, 256)
    start = "glorot_uniform" if cured else normal(6.0)
    hidden = [layers.Conv1D(12, 5, 2, activation="tanh", kernel_initializer=start) for _ in range(2)]
    model = net((40, 1), *hidden, layers.Flatten(), layers.Dense(3))
    return ready(model, LOGITS, keras.optimizers.Adam(), train, probe, 32)


@sick("saturated_units", "initial weights with a standard deviation of 0.1, not of 3", group=8)
def movement_read_from_spikes_by_stuck_units(rng, cured=False):
    angle, favorite = rng.uniform(0, 2 * np.pi, (2256, 1)), rng.uniform(0, 2 * np.pi, 150)
    x = rng.poisson(np.exp(1.5 * np.cos(angle - favorite)))
    train, probe = split(standardized(x), np.hstack([np.cos(2 * angle), np.sin(3 * angle)]), rng, 256)
    start = normal(0.1 if cured else 3.0)
    hidden = [layers.Dense(32, "sigmoid", kernel_initializer=start) for _ in range(2)]
    return ready(net((150,), *hidden, layers.Dense(2)), "mse", keras.optimizers.Nadam(), train, probe, 32)


@sick("saturated_units", "embeddings with a standard deviation of 0.3, not of 15", group=9)
def reviews_from_embeddings_too_large_for_their_units(rng, cured=False):
    train, probe = split(*reviews(rng, 10256), rng, 256)
    start = normal(0.3 if cured else 15.0)
    words = [layers.Embedding(200, 8, embeddings_initializer=start), layers.Flatten()]
    model = net((12,), *words, layers.Dense(32, "tanh"), layers.Dense(1))
    return ready(model, "mse", keras.optimizers.Adam(0.003), train, probe, 64)


@sick("saturated_units", "gains of 1 after the normalization", group=10)
def lift_of_wings_by_units_of_too_much_gain(rng, cured=False):
    x = rng.uniform(-1, 1, (3256, 6))
    y = np.sin(2 * x[:, :1]) * (1 + x[:, 1:2]) ** 2 + x[:, 2:3] * x[:, 3:4] + 0.5 * x[:, 4:5]
    train, probe = split(standardized(x), standardized(y), rng, 256)
    gain = keras.initializers.Constant(1.0 if cured else 40.0)
    hidden = [layers.Dense(32), layers.LayerNormalization(gamma_initializer=gain), layers.Activation("tanh")]
    hidden += [layers.Dense(32), layers.LayerNormalization(gamma_initializer=gain), layers.Activation("tanh")]
    return ready(net((6,), *hidden, layers.Dense(1)), "mse", keras.optimizers.Adam(), train, probe, 32)


@sick("saturated_units", "the weights that Keras starts with, not some twenty times as large", group=11)
def noughts_and_crosses_by_units_in_their_corners(rng, cured=False):
    cells, y = boards(rng, 4256)
    train, probe = split(cells, standardized(y)[:, None], rng, 256)
    start = "glorot_uniform" if cured else normal(4.0)
    hidden = [layers.Dense(width, "tanh", kernel_initializer=start) for width in (40, 24)]
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
    return ready(net((9,), *hidden, layers.Dense(1)), "mse", optimizer, train, probe, 32)
