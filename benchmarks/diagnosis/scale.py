"""Inputs and initial weights of the wrong scale, and losses that are not finite."""

import keras
import numpy as np
from keras import initializers, layers, ops
from sklearn import datasets

from keras_ch8 import schedules

from .data import dials, digits_run, scikit_table, shapes
from .runs import LOGITS, net, ready, seed_of, sick, split, standardized, tiled


@sick("bad_scale", "Glorot's initial weights", group=1)
def large_weights(rng, cured=False):
    start = "glorot_uniform" if cured else initializers.RandomNormal(stddev=2.0)
    hidden = [layers.Dense(48, "relu", kernel_initializer=start) for _ in range(2)]
    return digits_run(rng, hidden, keras.optimizers.Adam(1e-3), 64)


@sick("bad_scale", "standardized inputs", group=2, also="bad_inputs")
def raw_inputs(rng, cured=False):
    train, probe = scikit_table(datasets.load_breast_cancer, rng, 128, scaled=cured)
    model = net((30,), layers.Dense(24, "tanh"), layers.Dense(12, "tanh"), layers.Dense(1, "sigmoid"))
    return ready(model, "binary_crossentropy", keras.optimizers.SGD(0.05, momentum=0.9), tiled(train, 2), probe, 32)


@sick("bad_scale", "He's initial weights", group=3)
def standard_normal_weights(rng, cured=False):
    how = {"kernel_initializer": "he_normal" if cured else initializers.RandomNormal(stddev=1.0)}
    model = net(
        (10, 10, 1),
        layers.Conv2D(12, 5, strides=2, activation="relu", **how),
        layers.Flatten(),
        layers.Dense(64, "relu", **how),
        layers.Dense(4, "softmax", **how),
    )
    return ready(model, "sparse_categorical_crossentropy", keras.optimizers.Adam(1e-3), *shapes(rng), 64)


@sick("bad_scale", "standardized columns", group=4, also="bad_inputs")
def houses_in_raw_units(rng, cured=False):
    area, year, income = rng.lognormal(4.6, 0.3, 2304), rng.uniform(1900, 2020, 2304), rng.lognormal(10.5, 0.4, 2304)
    price = np.log(area) + 0.01 * (year - 1960) + 0.5 * np.log(income) + 0.1 * rng.normal(size=2304)
    x = np.stack([area, year, income, rng.uniform(1, 6, 2304)], axis=1)
    train, probe = split(standardized(x) if cured else x, standardized(price)[:, None], rng, 256)
    model = net((4,), layers.Dense(32, "elu"), layers.Dense(16, "elu"), layers.Dense(1))
    return ready(model, "mae", keras.optimizers.Adam(0.002), train, probe, 32)


@sick("bad_scale", "inputs of mean 0 and variance 1", group=5, also="bad_inputs")
def weather_in_kelvin_and_hectopascal(rng, cured=False):
    z = rng.normal(size=(2256, 4))
    y = np.tanh(z[:, 0] * z[:, 1]) + np.sin(z[:, 2]) + 0.5 * z[:, 3]
    x = z if cured else z * [8, 7, 300, 8] + [288, 1013, 1500, 1990]
    train, probe = split(x, y[:, None], rng, 256)
    model = net((4,), layers.Dense(32, "relu"), layers.Dense(16, "relu"), layers.Dense(1))
    return ready(model, "mse", keras.optimizers.Adam(), train, probe, 32)


@sick("bad_scale", "microvolts in place of volts", group=6, also="bad_inputs")
def brain_waves_in_volts(rng, cured=False):
    y, time = rng.integers(0, 2, 2176), np.arange(32) / 32
    alpha = np.sin(2 * np.pi * (rng.uniform(3, 5, (2176, 1)) * time + rng.uniform(0, 1, (2176, 1))))
    x = rng.normal(size=(2176, 32)) * 0.7 + 1.5 * y[:, None] * alpha
    train, probe = split(x * (1 if cured else 1e-5), y, rng, 128)
    model = net((32,), layers.Dense(32, "relu"), layers.Dense(1, "sigmoid"))
    return ready(model, "binary_crossentropy", keras.optimizers.RMSprop(0.001), train, probe, 32)


@sick("bad_scale", "coordinates of mean 0 and variance 1", group=7, also="bad_inputs")
def rents_by_degrees_of_latitude_and_longitude(rng, cured=False):
    z = rng.normal(size=(4256, 2))
    y = np.exp(-(z**2).sum(axis=1) / 2) + np.tanh(z[:, 0] - z[:, 1]) + rng.normal(0, 0.1, 4256)
    x = z if cured else z * [0.03, 0.05] + [48.14, 11.58]
    train, probe = split(x, standardized(y)[:, None], rng, 256)
    model = net((2,), layers.Dense(32, "leaky_relu"), layers.Dense(16, "leaky_relu"), layers.Dense(1))
    return ready(model, "mse", keras.optimizers.Adam(), train, probe, 64)


@sick("bad_scale", "each content of mean 0 and variance 1", group=8, also="bad_inputs")
def alloys_by_contents_in_parts_per_million(rng, cured=False):
    x, y = datasets.make_classification(
        4256, 8, n_informative=6, n_redundant=0, n_classes=3, class_sep=1.5, random_state=seed_of(rng)
    )
    x = standardized(x)
    train, probe = split(x if cured else 2000 + x * [500, 300, 400, 200, 500, 300, 400, 200], y, rng, 256)
    model = net((8,), layers.Dense(32, "elu"), layers.Dense(16, "elu"), layers.Dense(3))
    return ready(model, LOGITS, keras.optimizers.Adam(), train, probe, 64)


@sick("bad_scale", "pixels of mean 0 and variance 1", group=9, also="bad_inputs")
def dials_read_from_pixels_of_up_to_255(rng, cured=False):
    x, y = dials(rng, 3256)
    train, probe = split((x - x.mean()) / x.std() if cured else x, y, rng, 256)
    hidden = [layers.Conv2D(8, 3, activation="elu"), layers.Flatten(), layers.Dense(32, "elu")]
    return ready(net((9, 9, 1), *hidden, layers.Dense(2)), "mse", keras.optimizers.Adam(), train, probe, 64)


def showers(rng, size, side=8):
    """Return the energy that particles leave in the cells of a calorimeter, and where each of them came in."""
    place, energy = rng.uniform(2, side - 3, (2, size, 1, 1)), rng.gamma(4.0, 0.25, (size, 1, 1))
    grid = np.arange(side)
    cells = energy * np.exp(-np.hypot(grid[:, None] - place[0], grid - place[1]) / 1.2)
    return cells[..., None], np.stack([place[0].ravel(), place[1].ravel()], axis=1)


@sick("bad_scale", "cells of mean 0 and variance 1", group=10, also="bad_inputs")
def places_of_showers_in_counts_of_a_converter(rng, cured=False):
    cells, place = showers(rng, 3256)
    counts = np.round(400 * cells + 300 + rng.normal(0, 8, cells.shape)).clip(0, 4095)
    train, probe = split(standardized(counts) if cured else counts, standardized(place), rng, 256)
    convolution = layers.Conv2D(8, 3, activation="relu", kernel_initializer="he_normal")
    model = net(
        (8, 8, 1),
        convolution,
        layers.Flatten(),
        layers.Dense(32, "relu", kernel_initializer="he_normal"),
        layers.Dense(2),
    )
    return ready(model, "mse", keras.optimizers.Adam(), train, probe, 32)


@sick("bad_scale", "each value of the blood of mean 0 and variance 1", group=11, also="bad_inputs")
def patients_by_values_of_blood_as_the_laboratory_prints_them(rng, cured=False):
    x = rng.normal(size=(4256, 7))
    illness = x[:, 0] + np.abs(x[:, 1]) - x[:, 2] * x[:, 3] + 0.5 * x[:, 4]
    y = np.digitize(illness + rng.normal(0, 0.2, 4256), [0.2, 1.6])
    values = x * [1.5, 60, 1.5, 30, 4, 0.2, 25] + [7, 250, 14, 90, 140, 1.0, 200]
    train, probe = split(standardized(values) if cured else values, y, rng, 256)
    model = net((7,), layers.Dense(32, "relu"), layers.Dense(32, "relu"), layers.Dense(3))
    return ready(model, LOGITS, keras.optimizers.Adam(0.003), train, probe, 64)


@sick("nonfinite", "probabilities kept off 0 and 1", group=4)
def logarithm_of_a_certain_no(rng, cured=False):
    x, y = datasets.make_blobs(2304, 6, centers=2, cluster_std=2.0, random_state=int(rng.integers(1 << 31)))
    train, probe = split(standardized(x), y[:, None].astype(float), rng, 256)

    def handwritten(y, p):
        p = keras.ops.clip(p, 1e-6, 1 - 1e-6) if cured else p
        return -keras.ops.mean(y * keras.ops.log(p) + (1 - y) * keras.ops.log(1 - p))

    model = net((6,), layers.Dense(16, "relu"), layers.Dense(1, "sigmoid"))
    return ready(model, handwritten, keras.optimizers.RMSprop(0.005), train, probe, 32)


def logarithmic_error(y, predicted):
    """The error of the logarithm, which is infinite where the prediction is 0."""
    return ops.square(ops.log(y) - ops.log(predicted))


@sick("nonfinite", "Keras's loss, which adds 1 before it takes the logarithm", group=5)
def logarithm_of_a_prediction_of_zero(rng, cured=False):
    x, y = datasets.load_diabetes(return_X_y=True)
    train, probe = split(standardized(x), y[:, None] / 100, rng, 128)
    model = net((10,), layers.Dense(16, "relu"), layers.Dense(1, "relu"))
    loss = "mean_squared_logarithmic_error" if cured else logarithmic_error
    return ready(model, loss, keras.optimizers.Adam(), tiled(train, 4), probe, 32)


@sick("nonfinite", "a small number under the root", group=6)
def distances_of_pairs_some_of_them_equal(rng, cured=False):
    x = rng.normal(size=(2176, 2, 5))
    x[::50, 1] = x[::50, 0]
    y = np.linalg.norm(np.tanh(x[:, 0]) - np.tanh(x[:, 1]), axis=1, keepdims=True) + 0.05 * rng.normal(size=(2176, 1))
    train, probe = split(x, y, rng, 128)
    pair = keras.Input((2, 5))
    place = layers.Dense(8)(layers.Dense(32, "tanh")(pair))
    square = ops.sum((place[:, 0] - place[:, 1]) ** 2, axis=1, keepdims=True)
    model = keras.Model(pair, ops.sqrt(square + (1e-6 if cured else 0.0)))
    return ready(model, "mae", keras.optimizers.Adam(schedules.CosineDecay(0.003)), train, probe, 32)
