"""Steps that are too long, or too short."""

import keras
import numpy as np
from keras import layers, losses, ops
from sklearn import datasets

import keras_ch8
from keras_ch8 import optimizers

from .data import (
    articles,
    bearings,
    convolutions,
    damped,
    digits,
    digits_run,
    friedman_split,
    impedance,
    rentals,
    residual,
    shapes,
    sines,
    surface,
)
from .runs import LOGITS, net, normal, ready, seed_of, sick, split, standardized, tiled


@sick("step_too_long", "a rate of 0.2", group=1)
def rate_too_long(rng, cured=False):
    return digits_run(rng, [layers.Dense(32, "tanh")], keras.optimizers.SGD(0.2 if cured else 4.0), 128)


@sick("step_too_long", "a rate of 0.003", group=2)
def rmsprop_too_fast(rng, cured=False):
    model = net((3,), layers.Dense(64, "tanh"), layers.Dense(64, "tanh"), layers.Dense(1))
    return ready(model, losses.Huber(), keras.optimizers.RMSprop(0.003 if cured else 0.2), *surface(rng), 64)


@sick("step_too_long", "a rate of 0.003", group=3)
def adam_too_fast(rng, cured=False):
    model = net(
        (10, 10, 1),
        layers.Conv2D(8, 5, activation="leaky_relu"),
        layers.AveragePooling2D(2),
        layers.Flatten(),
        layers.Dense(24, "leaky_relu"),
        layers.Dense(4, "softmax"),
    )
    optimizer = keras.optimizers.Adam(0.003 if cured else 0.2)
    return ready(model, "sparse_categorical_crossentropy", optimizer, *shapes(rng), 64)


@sick("step_too_long", "a twenty-fifth of the rate", group=4)
def adam_hovers_over_digits(rng, cured=False):
    train, probe = digits(rng)
    hidden = [layers.Dense(64, "gelu") for _ in range(3)]
    model = net((64,), *hidden, layers.Dense(10))
    return ready(model, LOGITS, keras.optimizers.Adam(0.002 if cured else 0.05), train, probe, 32)


@sick("step_too_long", "a tenth of the rate", group=4)
def nesterov_bounces_from_side_to_side(rng, cured=False):
    train, probe = friedman_split(rng)
    model = net((10,), layers.Dense(32, "swish"), layers.Dense(32, "swish"), layers.Dense(1))
    optimizer = keras_ch8.optimizers.Nesterov(0.03 if cured else 0.3)
    return ready(model, "mae", optimizer, train, probe, 64)


@sick("step_too_long", "the learning rate that Keras takes by default, a hundredth of this one", group=5)
def autoencoder_at_a_hundred_times_the_rate(rng, cured=False):
    (x, _), (probe, _) = digits(rng)
    model = net((64,), layers.Dense(32, layers.LeakyReLU()), layers.Dense(64))
    optimizer = keras.optimizers.RMSprop(0.001 if cured else 0.1)
    return ready(model, "mse", optimizer, tiled((x, x), 5), (probe, probe), 256)


@sick("step_too_long", "a hundredth of the learning rate", group=6)
def spectral_fit_by_long_steps(rng, cured=False):
    x = rng.uniform(-1, 1, (2176, 2))
    y = np.sin(3 * x[:, :1]) * np.cos(2 * x[:, 1:]) + 0.02 * rng.normal(size=(2176, 1))
    train, probe = split(x, y, rng, 128)
    model = net((2,), layers.Dense(48, ops.sin, kernel_initializer=normal(2.0)), layers.Dense(1))
    return ready(model, "huber", keras.optimizers.SGD(0.06 if cured else 6.0), train, probe, 64)


def graphs(rng, size, nodes=8):
    """Return which pairs of nodes are joined, as -1 and 1, and the standardized logarithm of the triangles."""
    joined = np.triu(rng.random((size, nodes, nodes)) < rng.uniform(0.3, 0.8, (size, 1, 1)), 1).astype(float)
    both = joined + joined.transpose(0, 2, 1)
    triangles = np.trace(both @ both @ both, axis1=1, axis2=2) / 6
    return 2 * joined[:, *np.triu_indices(nodes, 1)] - 1, standardized(np.log1p(triangles))[:, None]


@sick("step_too_long", "a hundredth of the learning rate", group=7)
def triangles_of_graphs_by_leaps(rng, cured=False):
    x, triangles = graphs(rng, 2256)
    train, probe = split(x, np.digitize(triangles[:, 0], [-0.8, 0, 0.8]), rng, 256)
    model = net((28,), layers.Dense(32, "leaky_relu"), layers.Dense(4))
    return ready(model, LOGITS, keras.optimizers.SGD(0.03 if cured else 3.0), train, probe, 64)


@sick("step_too_long", "a hundredth of the learning rate", group=8)
def seven_segment_digits_by_wild_steps(rng, cured=False):
    lit = np.array([[int(bit) for bit in f"{code:07b}"] for code in (126, 48, 109, 121, 51, 91, 95, 112, 127, 123)])
    y = rng.integers(10, size=3256)
    train, probe = split(2 * lit[y] - 1 + rng.normal(0, 0.6, (3256, 7)), y, rng, 256)
    model = net((7,), layers.Dense(24, "softplus"), layers.Dense(10))
    optimizer = keras.optimizers.SGD(0.02 if cured else 2.0, momentum=0.9, nesterov=True)
    return ready(model, LOGITS, optimizer, train, probe, 64)


@sick("step_too_long", "a thirtieth of the learning rate", group=9)
def bicycle_rentals_by_steps_that_overshoot(rng, cured=False):
    train, probe = split(*rentals(rng, 3256), rng, 256)
    model = net((12,), layers.Dense(32, "tanh"), layers.Dense(1))
    optimizer = keras.optimizers.SGD(0.1 if cured else 3.0)
    return ready(model, keras.losses.Huber(0.5), optimizer, train, probe, 64)


def spectra(rng, size, channels=32, noise=0.02):
    """Return the absorbance of three substances at each wavelength, and their concentrations."""
    at, concentrations = np.linspace(0, 1, channels), rng.uniform(0, 1, (size, 3))
    bands = np.exp(-(((at - np.array([[0.3], [0.5], [0.65]])) / 0.12) ** 2))
    seen = -np.log10(10 ** (-concentrations @ bands) + 0.02)
    return standardized(seen + rng.normal(0, noise, seen.shape)), standardized(concentrations)


@sick("step_too_long", "a twentieth of the learning rate", group=10)
def concentrations_from_absorbance_by_leaps(rng, cured=False):
    train, probe = split(*spectra(rng, 3256), rng, 256)
    model = net((32,), layers.Dense(32, "tanh"), layers.Dense(3))
    return ready(model, "log_cosh", keras.optimizers.SGD(0.1 if cured else 2.0), train, probe, 64)


@sick("step_too_long", "a fifteenth of the learning rate", group=11)
def length_of_days_by_strides(rng, cured=False):
    latitude, season = rng.uniform(-1.1, 1.1, (4256, 1)), rng.uniform(0, 2 * np.pi, (4256, 1))
    tilt = 0.41 * np.sin(season)
    hours = np.arccos((-np.tan(latitude) * np.tan(tilt)).clip(-1, 1))
    x = np.hstack([latitude, np.sin(season), np.cos(season)])
    train, probe = split(standardized(x), standardized(hours), rng, 256)
    model = net((3,), layers.Dense(32, "tanh"), layers.Dense(1))
    return ready(model, "huber", keras.optimizers.SGD(0.2 if cured else 1.5), train, probe, 128)


@sick("step_too_short", "a rate of 0.1", group=1)
def rate_too_short(rng, cured=False):
    return digits_run(rng, [layers.Dense(32, "relu")], keras.optimizers.SGD(0.1 if cured else 1e-5), 32)


@sick("step_too_short", "a rate of 0.003", group=2)
def adam_too_slow(rng, cured=False):
    model = convolutions(12, layers.GlobalAveragePooling1D())
    optimizer = keras.optimizers.Adam(0.003 if cured else 1e-6)
    return ready(model, "sparse_categorical_crossentropy", optimizer, *sines(rng), 48)


@sick("step_too_short", "a rate of 0.01", group=3)
def momentum_too_slow(rng, cured=False):
    model = residual((4,), 24, 2, layers.Dense(1))
    return ready(model, "mse", optimizers.Momentum(0.01 if cured else 4e-7), *impedance(rng), 96)


@sick("step_too_short", "a thousand times the rate", group=4)
def denoiser_that_hardly_moves(rng, cured=False):
    (x, _), (probe, _) = digits(rng)
    noisy, noisy_probe = (part + 0.3 * rng.normal(size=part.shape).astype("float32") for part in (x, probe))
    model = net((64,), layers.Dense(48, "elu"), layers.Dense(24, "elu"), layers.Dense(64, "sigmoid"))
    optimizer = keras.optimizers.AdamW(2e-3 if cured else 2e-6)
    return ready(model, "mse", optimizer, (noisy, x), (noisy_probe, probe), 32)


@sick("step_too_short", "the learning rate that Keras takes by default, a hundred times this one", group=5)
def image_classifier_at_a_rate_for_fine_tuning(rng, cured=False):
    train, probe = digits(rng, (8, 8, 1))
    convolution = layers.Conv2D(8, 3, activation="relu", kernel_initializer="he_normal")
    model = net((8, 8, 1), convolution, layers.MaxPooling2D(), layers.Flatten(), layers.Dense(10))
    return ready(model, LOGITS, keras.optimizers.Adam(0.001 if cured else 0.00001), train, probe, 64)


@sick("step_too_short", "50 times the learning rate", group=6)
def forecast_by_adagrad_as_it_comes(rng, cured=False):
    signal, _, _ = damped(rng, 2176, 30)
    train, probe = split(signal[:, :24], signal[:, 27:28], rng, 128)
    model = net((24,), layers.Dense(32, "tanh"), layers.Dense(1))
    return ready(model, "mse", keras.optimizers.Adagrad(0.05 if cured else 0.001), train, probe, 32)


@sick("step_too_short", "a hundred times the learning rate", group=7)
def symbols_of_a_chain_by_tiny_steps(rng, cured=False):
    chances = np.cumsum(rng.dirichlet(np.full(12, 0.1), size=12), axis=1)
    pairs = rng.integers(12, size=(4256, 2))
    y = (rng.random((4256, 1)) > chances[pairs[:, 1]]).sum(axis=1).clip(max=11)
    train, probe = split(pairs, y, rng, 256)
    model = net((2,), layers.Embedding(12, 8), layers.Flatten(), layers.Dense(48, "gelu"), layers.Dense(12))
    return ready(model, LOGITS, keras_ch8.optimizers.RMSprop(0.003 if cured else 0.00003), train, probe, 64)


@sick("step_too_short", "a hundred times the learning rate", group=8)
def place_along_a_curved_sheet_by_tiny_steps(rng, cured=False):
    x, along = datasets.make_s_curve(3256, noise=0.05, random_state=seed_of(rng))
    train, probe = split(standardized(x), standardized(along)[:, None], rng, 256)
    model = net((3,), layers.Dense(32, "tanh"), layers.Dense(32, "tanh"), layers.Dense(1))
    optimizer = keras_ch8.optimizers.Momentum(0.003 if cured else 0.00003, 0.5)
    return ready(model, "mse", optimizer, train, probe, 64)


@sick("step_too_short", "a hundred times the learning rate", group=9)
def articles_at_a_rate_to_fine_tune_with(rng, cured=False):
    x, y = articles(rng, 4256)
    train, probe = split(np.log1p(x), y, rng, 256)
    model = net((150,), layers.Dense(32, "relu", kernel_initializer="he_normal"), layers.Dense(6))
    return ready(model, LOGITS, keras.optimizers.AdamW(0.001 if cured else 0.00001), train, probe, 64)


@sick("step_too_short", "a learning rate of 1, for which Adadelta is made", group=10)
def faults_of_bearings_by_adadelta_as_it_comes(rng, cured=False):
    train, probe = split(*bearings(rng, 2256), rng, 256)
    convolution = layers.Conv1D(12, 9, 2, activation="relu", kernel_initializer="he_normal")
    model = net((64, 1), convolution, layers.Flatten(), layers.Dense(24, "relu"), layers.Dense(3))
    return ready(model, LOGITS, keras.optimizers.Adadelta(1.0 if cured else 0.001), train, probe, 32)


@sick("step_too_short", "three hundred times the learning rate", group=11)
def loans_sorted_by_steps_of_almost_nothing(rng, cured=False):
    x = rng.normal(size=(4256, 10))
    debt = x[:, :4] @ [1.5, -1.2, 1.0, 0.8] + 1.5 * x[:, 4] * x[:, 5] - 0.8 * np.abs(x[:, 6])
    train, probe = split(x, np.digitize(debt + rng.normal(0, 0.3, 4256), [-1.5, 1.0]), rng, 256)
    model = net((10,), layers.Dense(48, "relu"), layers.Dense(24, "relu"), layers.Dense(3))
    return ready(model, LOGITS, keras.optimizers.Adam(0.006 if cured else 0.00002), train, probe, 64)
