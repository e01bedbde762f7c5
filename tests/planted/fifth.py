"""A fifth part of planted runs, written without sight of the rules."""

import keras
import numpy as np
from keras import layers, ops
from sklearn import datasets

import keras_ch8

from .runs import BINARY_LOGITS, LOGITS, Half, net, ready, seed_of, split, standardized, tiled

RUNS = Half()


def digits(rng, shape=(64,), held_out=256):
    """Return images of digits, from 0 to 1, and their classes."""
    x, y = datasets.load_digits(return_X_y=True)
    return split(x.reshape(-1, *shape) / 16, y, rng, held_out)


def texts(rng, size, noise=0.0, words=400, length=20):
    """Return sentences of which some words tell one of three topics; some labels are wrong."""
    topic = rng.integers(3, size=size)
    x = rng.integers(words, size=(size, length))
    telling = rng.random((size, length)) < 0.25
    x = np.where(telling, topic[:, None] * 40 + rng.integers(40, size=(size, length)), x)
    return x, np.where(rng.random(size) < noise, rng.integers(3, size=size), topic)


def bars(rng, size):
    """Return noisy images with a horizontal bar, a vertical one, or both."""
    y = rng.integers(3, size=size)
    x = rng.normal(0, 0.3, (size, 10, 10, 1))
    for image, row, column, kind in zip(x, rng.integers(10, size=size), rng.integers(10, size=size), y, strict=True):
        image[row] += kind != 1
        image[:, column] += kind != 0
    return x, y


@RUNS.sick("step_too_long", "the learning rate that Keras takes by default, a hundredth of this one")
def autoencoder_at_a_hundred_times_the_rate(rng, cured=False):
    (x, _), (probe, _) = digits(rng)
    model = net((64,), layers.Dense(32, layers.LeakyReLU()), layers.Dense(64))
    optimizer = keras.optimizers.RMSprop(0.001 if cured else 0.1)
    return ready(model, "mse", optimizer, tiled((x, x), 5), (probe, probe), 256)


@RUNS.sick("step_too_short", "the learning rate that Keras takes by default, a hundred times this one")
def image_classifier_at_a_rate_for_fine_tuning(rng, cured=False):
    train, probe = digits(rng, (8, 8, 1))
    convolution = layers.Conv2D(8, 3, activation="relu", kernel_initializer="he_normal")
    model = net((8, 8, 1), convolution, layers.MaxPooling2D(), layers.Flatten(), layers.Dense(10))
    return ready(model, LOGITS, keras.optimizers.Adam(0.001 if cured else 0.00001), train, probe, 64)


@RUNS.sick("ill_conditioned", "inputs without correlation: the principal components, each of variance 1")
def concentrations_from_overlapping_spectra(rng, cured=False):
    wavelengths, centers = np.linspace(0, 1, 40), np.linspace(0.3, 0.7, 5)
    bands = np.exp(-((wavelengths - centers[:, None]) ** 2) / 0.06)
    amounts = rng.normal(size=(8256, 5))
    x = standardized(amounts @ bands + rng.normal(0, 0.003, (8256, 40)))
    if cured:
        values, axes = np.linalg.eigh(np.cov(x.T))
        x = (x @ axes[:, -5:]) / np.sqrt(values[-5:])
    train, probe = split(x, amounts[:, 2:3], rng, 256)
    model = net((x.shape[1],), layers.Dense(1))
    return ready(model, "mse", keras.optimizers.SGD(0.3 if cured else 0.03), train, probe, 500)


@RUNS.sick("noise_dominated", "batches of 128 clicks, not of 2")
def clicks_in_batches_of_two(rng, cured=False):
    x, w = rng.normal(size=(2256, 20)), rng.normal(0, 0.3, 20)
    y = (rng.random(2256) < 1 / (1 + np.exp(-x @ w))).astype(int)
    train, probe = split(x, y[:, None], rng, 256)
    optimizer = keras.optimizers.SGD(0.03, momentum=0.9)
    return ready(net((20,), layers.Dense(1)), BINARY_LOGITS, optimizer, train, probe, 128 if cured else 2)


@RUNS.sick("batch_wasteful", "an eighth of the batch")
def robot_arm_in_batches_of_two_thousand(rng, cured=False):
    angles = rng.uniform(-1.5, 1.5, (33024, 3))
    sums = np.cumsum(angles, axis=1)
    hand = np.stack([np.cos(sums).sum(axis=1), np.sin(sums).sum(axis=1)], axis=1)
    train, probe = split(angles, hand, rng, 256)
    model = net((3,), layers.Dense(32, "gelu"), layers.Dense(32, "gelu"), layers.Dense(2))
    return ready(model, "mse", keras.optimizers.Adam(0.0005), train, probe, 256 if cured else 2048)


def welsch(y, predicted):
    """A robust loss, flat where the error is large."""
    return 1 - ops.exp(-ops.square(y - predicted) / 2)


@RUNS.sick("plateau", "a bias of the output that starts at the mean of the targets")
def robust_regression_that_starts_far_away(rng, cured=False):
    x, y = datasets.make_friedman1(2256, 6, random_state=seed_of(rng))
    train, probe = split(standardized(x), 9 + 0.6 * standardized(y)[:, None], rng, 256)
    output = layers.Dense(1, bias_initializer=keras.initializers.Constant(9.0 if cured else 0.0))
    model = net((6,), layers.Dense(24, "relu", kernel_initializer="he_normal"), output)
    return ready(model, welsch, keras_ch8.optimizers.Momentum(0.02), train, probe, 32)


@RUNS.sick("saddle", "embeddings that start at random, not next to 0")
def recommender_with_embeddings_next_to_zero(rng, cured=False):
    users, items = rng.normal(size=(20, 2)), rng.normal(size=(15, 2))
    x = np.stack([rng.integers(20, size=2256), rng.integers(15, size=2256)], axis=1)
    y = (users[x[:, 0]] * items[x[:, 1]]).sum(axis=1, keepdims=True)
    train, probe = split(x, y + rng.normal(0, 0.2, y.shape), rng, 256)
    inputs, start = keras.Input((2,)), keras.initializers.RandomNormal(stddev=0.5 if cured else 1e-7)
    user = layers.Embedding(20, 4, embeddings_initializer=start)(inputs[:, 0])
    item = layers.Embedding(15, 4, embeddings_initializer=start.clone())(inputs[:, 1])
    model = keras.Model(inputs, ops.sum(user * item, axis=1, keepdims=True))
    return ready(model, "mse", keras.optimizers.SGD(0.1), train, probe, 64)


@RUNS.sick("exploding", "hidden weights with a standard deviation of 0.25, not of 0.6")
def deep_sines_with_large_weights(rng, cured=False):
    x = rng.uniform(-1, 1, (2256, 2))
    y = np.sin(3 * x[:, :1]) * np.cos(2 * x[:, 1:])
    train, probe = split(x, y, rng, 256)
    start = keras.initializers.RandomNormal(stddev=0.25 if cured else 0.6)
    hidden = [layers.Dense(32, ops.sin, kernel_initializer=start.clone()) for _ in range(8)]
    model = net((2,), *hidden, layers.Dense(1))
    return ready(model, "mse", keras.optimizers.SGD(0.01), train, probe, 64)


@RUNS.sick("vanishing", "ReLU, from weights that suit it")
def deep_sigmoids_over_a_signal(rng, cured=False):
    y = rng.integers(3, size=2256)
    phases, times = rng.uniform(0, 6.3, (2256, 1)), np.arange(24)
    x = np.sin(phases + times * np.array([0.3, 0.8, 1.6])[y, None])[..., None] + rng.normal(0, 0.3, (2256, 24, 1))
    train, probe = split(x, y, rng, 256)
    shape = {"activation": "relu", "kernel_initializer": "he_normal"} if cured else {"activation": "sigmoid"}
    hidden = [layers.Conv1D(8, 3, padding="same", **shape) for _ in range(6)]
    model = net((24, 1), *hidden, layers.GlobalAveragePooling1D(), layers.Dense(3))
    return ready(model, LOGITS, keras.optimizers.SGD(0.02, momentum=0.9), train, probe, 32)


@RUNS.sick("dead_units", "biases that start at 0")
def sparse_code_with_thresholds_too_high(rng, cured=False):
    (x, _), (probe, _) = digits(rng)
    bias = keras.initializers.Constant(0.0 if cured else -4.0)
    model = net((64,), layers.Dense(48, "relu", bias_initializer=bias), layers.Dense(64))
    return ready(model, "mse", keras.optimizers.Adam(), (x, x), (probe, probe), 64)


@RUNS.sick("saturated_units", "initial weights with a standard deviation of 0.1, not of 1.5")
def tanh_units_with_large_weights(rng, cured=False):
    train, probe = digits(rng)
    start = keras.initializers.RandomNormal(stddev=0.1 if cured else 1.5)
    hidden = [layers.Dense(32, "tanh", kernel_initializer=start.clone()) for _ in range(2)]
    return ready(net((64,), *hidden, layers.Dense(10)), LOGITS, keras.optimizers.RMSprop(), train, probe, 32)


@RUNS.sick("batch_norm_gap", "batches that mix the hospitals")
def batches_of_one_hospital_each(rng, cured=False):
    site, y = np.arange(2304) // 32 % 2, rng.integers(2, size=2304)
    x = rng.normal(size=(2304, 8))
    x[:, :3] += 1.5 * y[:, None] + 4.0 * site[:, None]
    x[:, 3] += 6.0 * site
    train, probe = ((x[part].astype("float32"), y[part]) for part in (slice(256, None), slice(256)))
    model = net((8,), layers.BatchNormalization(), layers.Dense(24, "relu"), layers.Dense(2))
    return ready(model, LOGITS, keras.optimizers.Adam(), train, probe, 32, shuffle=cured)


@RUNS.sick("bad_scale", "inputs of mean 0 and variance 1")
def weather_in_kelvin_and_hectopascal(rng, cured=False):
    z = rng.normal(size=(2256, 4))
    y = np.tanh(z[:, 0] * z[:, 1]) + np.sin(z[:, 2]) + 0.5 * z[:, 3]
    x = z if cured else z * [8, 7, 300, 8] + [288, 1013, 1500, 1990]
    train, probe = split(x, y[:, None], rng, 256)
    model = net((4,), layers.Dense(32, "relu"), layers.Dense(16, "relu"), layers.Dense(1))
    return ready(model, "mse", keras.optimizers.Adam(), train, probe, 32)


@RUNS.sick("overfitting", "forty times the sentences")
def topics_from_a_hundred_sentences(rng, cured=False):
    train, probe = split(*texts(rng, 4256, noise=0.2), rng, 256)
    train = train if cured else tiled([part[:100] for part in train], 10)
    model = net((20,), layers.Embedding(400, 16), layers.GlobalAveragePooling1D(), layers.Dense(32, "relu"))
    model.add(layers.Dense(3))
    return ready(model, LOGITS, keras.optimizers.Adam(0.003), train, probe, 32, validate=True)


@RUNS.sick("underfitting", "32 units, not 2")
def two_units_for_a_rolled_sheet(rng, cured=False):
    x, y = datasets.make_swiss_roll(2256, random_state=seed_of(rng))
    train, probe = split(standardized(x), standardized(y)[:, None], rng, 256)
    model = net((3,), layers.Dense(32 if cured else 2, "gelu"), layers.Dense(1))
    return ready(model, "mse", keras_ch8.optimizers.Adam(0.01), train, probe, 64, validate=True)


def logarithmic_error(y, predicted):
    """The error of the logarithm, which is infinite where the prediction is 0."""
    return ops.square(ops.log(y) - ops.log(predicted))


@RUNS.sick("nonfinite", "Keras's loss, which adds 1 before it takes the logarithm")
def logarithm_of_a_prediction_of_zero(rng, cured=False):
    x, y = datasets.load_diabetes(return_X_y=True)
    train, probe = split(standardized(x), y[:, None] / 100, rng, 128)
    model = net((10,), layers.Dense(16, "relu"), layers.Dense(1, "relu"))
    loss = "mean_squared_logarithmic_error" if cured else logarithmic_error
    return ready(model, loss, keras.optimizers.Adam(), tiled(train, 4), probe, 32)


@RUNS.healthy
def regression_with_momentum(rng):
    x, y = datasets.make_friedman1(3256, 8, noise=1.0, random_state=seed_of(rng))
    train, probe = split(standardized(x), standardized(y)[:, None], rng, 256)
    model = net((8,), layers.Dense(24, "relu"), layers.Dense(1))
    return ready(model, "mse", keras.optimizers.SGD(0.01, momentum=0.9), train, probe, 64)


@RUNS.healthy
def topics_with_adam(rng):
    train, probe = split(*texts(rng, 12256), rng, 256)
    model = net((20,), layers.Embedding(400, 16), layers.GlobalAveragePooling1D(), layers.Dense(3))
    return ready(model, LOGITS, keras.optimizers.Adam(0.003), train, probe, 32)


@RUNS.healthy
def autoencoder_with_adamw(rng):
    (x, _), (probe, _) = digits(rng)
    model = net((64,), layers.Dense(32, "gelu"), layers.Dense(16), layers.Dense(32, "gelu"), layers.Dense(64))
    return ready(model, "mse", keras.optimizers.AdamW(), (x, x), (probe, probe), 64)


@RUNS.healthy
def images_of_bars_with_batch_normalization(rng):
    train, probe = split(*bars(rng, 4256), rng, 256)
    model = net((10, 10, 1), layers.Conv2D(8, 3, use_bias=False), layers.BatchNormalization(), layers.ReLU())
    for layer in (layers.Conv2D(8, 3, activation="relu"), layers.Flatten(), layers.Dense(3)):
        model.add(layer)
    return ready(model, LOGITS, keras.optimizers.Adam(), train, probe, 32)


@RUNS.healthy
def next_value_of_a_wave_with_lstm(rng):
    times = np.arange(17) * rng.uniform(0.3, 0.9, (3256, 1)) + rng.uniform(0, 6.3, (3256, 1))
    waves = np.sin(times)[..., None] + rng.normal(0, 0.05, (3256, 17, 1))
    train, probe = split(waves[:, :16], waves[:, 16], rng, 256)
    return ready(net((16, 1), layers.LSTM(16), layers.Dense(1)), "mse", keras.optimizers.Adam(0.003), train, probe, 32)


@RUNS.healthy
def table_with_dropout(rng):
    x, y = datasets.make_classification(5256, 16, n_informative=8, class_sep=1.5, random_state=seed_of(rng))
    train, probe = split(standardized(x), y, rng, 256)
    model = net((16,), layers.Dense(48, "relu"), layers.Dropout(0.3), layers.Dense(2))
    return ready(model, LOGITS, keras.optimizers.RMSprop(), train, probe, 32)


@RUNS.healthy
def place_and_size_from_an_image(rng):
    place, size = rng.uniform(-1, 1, (3256, 2)), rng.uniform(0.2, 0.6, (3256, 1))
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, 8)] * 2), axis=-1).reshape(-1, 2)
    x = np.exp(-((place[:, None] - grid) ** 2).sum(axis=2) / size**2) + rng.normal(0, 0.05, (3256, 64))
    train, probe = split(x, np.concatenate([place, 5 * size - 2], axis=1), rng, 256)
    inputs = keras.Input((64,))
    trunk = layers.Dense(32, "relu")(inputs)
    heads = [layers.Dense(units)(layers.Dense(16, "relu")(trunk)) for units in (2, 1)]
    model = keras.Model(inputs, layers.Concatenate()(heads))
    return ready(model, "mse", keras_ch8.optimizers.Adam(), train, probe, 64)


@RUNS.healthy
def blobs_with_cosine_decay(rng):
    x, y = datasets.make_blobs(4256, 10, centers=6, cluster_std=5.0, random_state=seed_of(rng))
    train, probe = split(standardized(x), y, rng, 256)
    rate = keras.optimizers.schedules.CosineDecay(0.05, 1000)
    model = net((10,), layers.Dense(24, "elu"), layers.Dense(6))
    return ready(model, LOGITS, keras.optimizers.SGD(rate, momentum=0.9, nesterov=True), train, probe, 64)
