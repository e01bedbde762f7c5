"""A ninth part of planted runs, written without sight of the rules."""

import keras
import numpy as np
from keras import layers, ops
from sklearn import datasets, decomposition

import keras_ch8
from keras_ch8 import schedules

from .runs import BINARY_LOGITS, LOGITS, Half, net, normal, ready, seed_of, split, standardized, tiled

RUNS = Half()
Dense = layers.Dense


def articles(rng, size, words=150, topics=6, length=60):
    """Return how often each word is in each article, and the article's topic."""
    common, special = rng.dirichlet(np.full(words, 0.3)), rng.dirichlet(np.full(words, 0.1), size=topics)
    y, share = rng.integers(topics, size=size), rng.uniform(0.3, 0.6, (size, 1))
    return rng.multinomial(length, (1 - share) * common + share * special[y]), y


def reviews(rng, size, words=200, length=12):
    """Return the words of short reviews, and the standardized sum of what they are worth."""
    worth, x = rng.normal(size=words), rng.integers(words, size=(size, length))
    return x, standardized(worth[x].sum(axis=1))[:, None]


def dials(rng, size, side=9):
    """Return images, of pixels from 0 to 255, of a needle; and the sine and the cosine of its angle."""
    angle, grid = rng.uniform(0, 2 * np.pi, size), np.arange(side) - side // 2
    sine, cosine = np.sin(angle)[:, None, None], np.cos(angle)[:, None, None]
    along, off = cosine * grid + sine * grid[:, None], cosine * grid[:, None] - sine * grid
    needle = np.exp(-(off**2)) * (along > 0) * (np.abs(along) < side / 2)
    x = (255 * (0.15 + 0.7 * needle) + rng.normal(0, 8, needle.shape)).clip(0, 255)
    return x[..., None], np.stack([np.sin(angle), np.cos(angle)], axis=1)


def letters(rng, size, side=8, noise=0.3):
    """Return noisy images of one of four letters somewhere, and which it is."""
    shapes = ["#..#..###", "###.#..#.", "#.#.#.#.#", "####.####"]
    shapes = np.array([[mark == "#" for mark in shape] for shape in shapes]).reshape(4, 3, 3)
    y, places = rng.integers(4, size=size), rng.integers(side - 2, size=(size, 2))
    x = rng.normal(0, noise, (size, side, side, 1))
    for image, letter, (row, column) in zip(x, y, places, strict=True):
        image[row : row + 3, column : column + 3, 0] += shapes[letter]
    return x, y


def stars(rng, size, people=60, films=40, noise=0.3):
    """Return who saw which film, numbered after the people, and the stars that they gave."""
    tastes, styles = rng.normal(size=(people, 3)), rng.normal(size=(films, 3))
    kindness, fame = rng.normal(0, 0.7, people), rng.normal(0, 0.7, films)
    who, what = rng.integers(people, size=size), rng.integers(films, size=size)
    y = (tastes[who] * styles[what]).sum(axis=1) / 2 + kindness[who] + fame[what] + rng.normal(0, noise, size)
    return np.stack([who, people + what], axis=1), y[:, None]


def rentals(rng, size):
    """Return hour, weekday and weather of bicycle rentals, and how many there were."""
    hour, day, weather = rng.integers(24, size=size), rng.integers(7, size=size), rng.normal(size=(size, 3))
    rush = np.exp(-((hour - 8) ** 2) / 4) + 1.2 * np.exp(-((hour - 17.5) ** 2) / 6)
    leisure = np.exp(-((hour - 14) ** 2) / 20)
    y = np.where(day < 5, rush, leisure) * (1 + 0.3 * np.tanh(weather[:, 0])) - 0.2 * (weather[:, 1] > 1)
    waves = [part(2 * np.pi * times * hour / 24) for times in (1, 2, 3, 4) for part in (np.sin, np.cos)]
    x = np.hstack([np.stack(waves, axis=1) * np.sqrt(2), 2 * (day[:, None] < 5) - 1, weather])
    return x, standardized(y)[:, None]


@RUNS.sick("step_too_long", "a thirtieth of the learning rate")
def bicycle_rentals_by_steps_that_overshoot(rng, cured=False):
    train, probe = split(*rentals(rng, 3256), rng, 256)
    model = net((12,), Dense(32, "tanh"), Dense(1))
    optimizer = keras.optimizers.SGD(0.1 if cured else 3.0)
    return ready(model, keras.losses.Huber(0.5), optimizer, train, probe, 64)


@RUNS.sick("step_too_short", "a hundred times the learning rate")
def articles_at_a_rate_to_fine_tune_with(rng, cured=False):
    x, y = articles(rng, 4256)
    train, probe = split(np.log1p(x), y, rng, 256)
    model = net((150,), Dense(32, "relu", kernel_initializer="he_normal"), Dense(6))
    return ready(model, LOGITS, keras.optimizers.AdamW(0.001 if cured else 0.00001), train, probe, 64)


@RUNS.sick("ill_conditioned", "principal components of variance 1 in place of the measurements")
def sizes_of_a_body_that_go_together(rng, cured=False):
    proportions = rng.normal(size=(6256, 16))
    x = standardized(rng.normal(size=(6256, 1)) + 0.08 * proportions)
    y = (proportions @ rng.choice([-1, 1], 16) / 4 + rng.normal(0, 0.2, 6256) > 0).astype(int)
    x = decomposition.PCA(whiten=True).fit_transform(x) if cured else x
    train, probe = split(x, y[:, None], rng, 256)
    return ready(net((16,), Dense(1)), BINARY_LOGITS, keras.optimizers.SGD(0.4), train, probe, 200)


@RUNS.sick("noise_dominated", "a learning rate that falls to 0")
def doubtful_stars_of_two_reviews_at_a_time(rng, cured=False):
    x = standardized(rng.poisson(2.0, (1256, 40)))
    y = x @ rng.normal(0, 0.15, 40) + rng.normal(0, 1.5, 1256)
    train, probe = split(x, y[:, None], rng, 256)
    rate = schedules.LinearDecay(0.008, "100%") if cured else 0.008
    return ready(net((40,), Dense(1)), "mse", keras.optimizers.SGD(rate), train, probe, 2, steps=2000)


@RUNS.sick("batch_wasteful", "a sixteenth of the batch")
def totals_of_receipts_two_thousand_at_a_time(rng, cured=False):
    x = standardized(rng.poisson(rng.uniform(0.5, 3, 24), (20736, 24)))
    y = standardized(x @ rng.lognormal(0, 0.6, 24))
    train, probe = split(x, y[:, None], rng, 256)
    return ready(net((24,), Dense(1)), "mse", keras.optimizers.SGD(0.004), train, probe, 128 if cured else 2048)


def chance_of_mistake(y, predicted):
    """How likely the label is missed if it is drawn by the softmax of the logits."""
    return 1 - ops.sum(ops.one_hot(ops.squeeze(y, -1), 3) * ops.softmax(predicted), axis=-1)


@RUNS.sick("plateau", "biases of the output that start at 0")
def customers_all_taken_for_the_same_kind(rng, cured=False):
    x, y = datasets.make_classification(
        3256, 10, n_informative=6, n_classes=3, class_sep=2.0, flip_y=0, random_state=seed_of(rng)
    )
    train, probe = split(standardized(x), y[:, None], rng, 256)

    def sure(shape, dtype=None):
        return ops.convert_to_tensor([0.0 if cured else 12.0, 0.0, 0.0], dtype)

    model = net((10,), Dense(24, "relu"), Dense(3, bias_initializer=sure))
    return ready(model, chance_of_mistake, keras.optimizers.SGD(0.05, momentum=0.9), train, probe, 64)


@RUNS.sick("saddle", "weights that Keras starts with, not almost 0")
def digits_through_units_that_start_at_almost_nothing(rng, cured=False):
    x, y = datasets.load_digits(return_X_y=True)
    train, probe = split((x - x.mean(axis=0)) / x.std(), y, rng, 256)
    start = "glorot_uniform" if cured else normal(1e-6)
    model = net((64,), Dense(32, "tanh", kernel_initializer=start), Dense(10, kernel_initializer=start))
    return ready(model, LOGITS, keras.optimizers.SGD(0.02), train, probe, 64)


def gamma_deviance(y, predicted):
    """The loss of a logarithm of the mean of costs that are distributed as a gamma."""
    return y * ops.exp(-predicted) + predicted


@RUNS.sick("cliff", "gradients clipped to a norm of 0.5")
def costs_of_repairs_by_their_logarithms(rng, cured=False):
    x = rng.uniform(0, 1, (4256, 3)) * np.where(rng.random((4256, 1)) < 0.01, 18, 1)
    y = rng.gamma(3.0, np.exp(1.5 + x @ [[0.2], [-0.12], [0.1]]) / 3)
    train, probe = split(x, y, rng, 256)
    optimizer = keras.optimizers.SGD(0.3, global_clipnorm=0.5 if cured else None)
    model = net((3,), Dense(1, kernel_initializer="zeros"))
    return ready(model, gamma_deviance, optimizer, train, probe, 32)


@RUNS.sick("exploding", "a recurrent kernel that keeps lengths")
def month_of_sales_by_units_that_amplify(rng, cured=False):
    x = rng.normal(size=(3256, 24, 1))
    y = np.tanh(x[:, -6:, 0].sum(axis=1, keepdims=True) / 2) + 0.3 * x[:, -1]
    train, probe = split(x, y, rng, 256)
    start = keras.initializers.Orthogonal(1.0 if cured else 1.55)
    model = net((24, 1), layers.SimpleRNN(32, layers.LeakyReLU(0.5), recurrent_initializer=start), Dense(1))
    return ready(model, "mse", keras.optimizers.Adam(), train, probe, 32)


@RUNS.sick("vanishing", "batch normalization before each activation")
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
    for layer in (layers.Flatten(), Dense(3)):
        model.add(layer)
    return ready(model, LOGITS, keras.optimizers.SGD(0.01, momentum=0.9), train, probe, 32)


@RUNS.sick("short_horizon", "an orthogonal recurrent kernel")
def digits_shown_long_before_they_are_named(rng, cured=False):
    images, y = datasets.load_digits(return_X_y=True)
    x = np.concatenate([images.reshape(-1, 8, 8) / 8 - 1, rng.normal(0, 0.1, (1797, 40, 8))], axis=1)
    train, probe = split(x, y, rng, 256)
    start = "orthogonal" if cured else "random_normal"
    model = net((48, 8), layers.SimpleRNN(40, recurrent_initializer=start), Dense(10))
    return ready(model, LOGITS, keras.optimizers.Adam(0.001), train, probe, 32)


@RUNS.sick("dead_units", "biases that start at 0")
def articles_of_unit_length_under_high_thresholds(rng, cured=False):
    x, y = articles(rng, 4256)
    train, probe = split(x / np.linalg.norm(x, axis=1, keepdims=True), y, rng, 256)
    start = "zeros" if cured else keras.initializers.RandomUniform(-6, 0)
    hidden = Dense(64, "relu", kernel_initializer="he_normal", bias_initializer=start)
    return ready(net((150,), hidden, Dense(6)), LOGITS, keras.optimizers.SGD(0.05, momentum=0.9), train, probe, 32)


@RUNS.sick("saturated_units", "embeddings with a standard deviation of 0.3, not of 15")
def reviews_from_embeddings_too_large_for_their_units(rng, cured=False):
    train, probe = split(*reviews(rng, 10256), rng, 256)
    start = normal(0.3 if cured else 15.0)
    words = [layers.Embedding(200, 8, embeddings_initializer=start), layers.Flatten()]
    model = net((12,), *words, Dense(32, "tanh"), Dense(1))
    return ready(model, "mse", keras.optimizers.Adam(0.003), train, probe, 64)


@RUNS.sick("batch_norm_gap", "a momentum of 0.9")
def letters_with_the_momentum_of_a_training_of_weeks(rng, cured=False):
    train, probe = split(*letters(rng, 4256), rng, 256)
    model = net((8, 8, 1))
    for layer in (layers.Conv2D(12, 3, use_bias=False), layers.Conv2D(12, 3, use_bias=False)):
        model.add(layer)
        model.add(layers.BatchNormalization(momentum=0.9 if cured else 0.9997))
        model.add(layers.ReLU())
    for layer in (layers.Flatten(), Dense(4)):
        model.add(layer)
    return ready(model, LOGITS, keras.optimizers.Adam(), train, probe, 64)


@RUNS.sick("bad_scale", "pixels of mean 0 and variance 1")
def dials_read_from_pixels_of_up_to_255(rng, cured=False):
    x, y = dials(rng, 3256)
    train, probe = split((x - x.mean()) / x.std() if cured else x, y, rng, 256)
    hidden = [layers.Conv2D(8, 3, activation="elu"), layers.Flatten(), Dense(32, "elu")]
    return ready(net((9, 9, 1), *hidden, Dense(2)), "mse", keras.optimizers.Adam(), train, probe, 64)


def rater(size, embeddings):
    """Return a model of stars from embeddings of the person and of the film."""
    return net((2,), layers.Embedding(100, size, embeddings), layers.Flatten(), Dense(32, "relu"), Dense(1))


@RUNS.sick("overfitting", "twelve times the films seen")
def likes_of_few_films_by_heart(rng, cured=False):
    x, y = stars(rng, 6256, people=40, films=30, noise=0.7)
    train, probe = split(x, (y > 0).astype(float), rng, 256)
    train = train if cured else tiled([part[:500] for part in train], 5)
    return ready(rater(24, normal(0.3)), BINARY_LOGITS, keras.optimizers.Adam(0.003), train, probe, 50, validate=True)


@RUNS.sick("underfitting", "embeddings of 8 numbers, and a hidden layer")
def ratings_by_kindness_and_fame_alone(rng, cured=False):
    train, probe = split(*stars(rng, 12256), rng, 256)
    alone = net((2,), layers.Embedding(100, 1), layers.Flatten(), Dense(1))
    model = rater(8, normal(0.3)) if cured else alone
    return ready(model, "mse", keras.optimizers.Adam(0.01), train, probe, 64, validate=True)


@RUNS.healthy
def ratings_from_embeddings(rng):
    train, probe = split(*stars(rng, 12256, people=40, films=60, noise=0.2), rng, 256)
    optimizer = keras.optimizers.Adam(schedules.CosineDecay(0.01))
    return ready(rater(8, normal(0.3)), "mse", optimizer, train, probe, 64)


@RUNS.healthy
def topics_of_articles_with_adamw(rng):
    x, y = articles(rng, 8256)
    train, probe = split(standardized(np.log1p(x)), y, rng, 256)
    model = net((150,), Dense(24, "relu", kernel_initializer="he_normal"), Dense(6))
    optimizer = keras.optimizers.AdamW(schedules.CosineDecay(0.003), weight_decay=0.01)
    return ready(model, LOGITS, optimizer, train, probe, 64)


@RUNS.healthy
def bicycle_rentals_with_momentum(rng):
    train, probe = split(*rentals(rng, 6256), rng, 256)
    model = net((12,), Dense(32, "tanh"), Dense(32, "tanh"), Dense(1))
    optimizer = keras_ch8.optimizers.Momentum(schedules.LinearDecay(0.03, "100%"), 0.9)
    return ready(model, keras.losses.Huber(), optimizer, train, probe, 64)


@RUNS.healthy
def letters_by_convolutions_with_rmsprop(rng):
    train, probe = split(*letters(rng, 6256, noise=0.2), rng, 256)
    hidden = [layers.Conv2D(16, 3, activation="relu", kernel_initializer="he_normal"), layers.GlobalMaxPooling2D()]
    optimizer = keras.optimizers.RMSprop(schedules.CosineDecay(0.005))
    return ready(net((8, 8, 1), *hidden, Dense(16, "relu"), Dense(4)), LOGITS, optimizer, train, probe, 64)


@RUNS.healthy
def dials_with_batch_normalization(rng):
    x, y = dials(rng, 4256)
    train, probe = split(x / 128 - 1, y, rng, 256)
    model = net((9, 9, 1))
    for layer in (layers.Conv2D(8, 3, use_bias=False), layers.Conv2D(8, 3, strides=2, use_bias=False)):
        for part in (layer, layers.BatchNormalization(momentum=0.95), layers.ReLU()):
            model.add(part)
    for layer in (layers.Flatten(), Dense(2)):
        model.add(layer)
    return ready(model, "mse", keras.optimizers.Adam(schedules.CosineDecay(0.003)), train, probe, 64)


@RUNS.healthy
def average_of_recent_days_by_a_gru(rng):
    x = rng.normal(size=(6256, 10, 2))
    y = np.zeros(6256)
    for day in range(10):
        y = 0.7 * y + x[:, day, 0] / (1 + np.exp(-x[:, day, 1]))
    train, probe = split(x, standardized(y)[:, None], rng, 256)
    optimizer = keras_ch8.optimizers.Adam(schedules.CosineDecay(0.01))
    return ready(net((10, 2), layers.GRU(16), Dense(1)), "mse", optimizer, train, probe, 64)


@RUNS.healthy
def quantiles_of_a_cloud_with_nesterov(rng):
    x, y = datasets.make_gaussian_quantiles(n_samples=6256, n_features=3, n_classes=3, random_state=seed_of(rng))
    train, probe = split(x, y, rng, 256)
    model = net((3,), Dense(32, "silu"), Dense(32, "silu"), Dense(3))
    optimizer = keras.optimizers.SGD(schedules.CosineDecay(0.1), momentum=0.9, nesterov=True)
    return ready(model, LOGITS, optimizer, train, probe, 64)


@RUNS.healthy
def worth_of_reviews_with_nadam(rng):
    train, probe = split(*reviews(rng, 8256), rng, 256)
    words = [layers.Embedding(200, 8, normal(0.3)), layers.GlobalAveragePooling1D()]
    optimizer = keras.optimizers.Nadam(schedules.CosineDecay(0.01))
    return ready(net((12,), *words, Dense(16, "gelu"), Dense(1)), "mse", optimizer, train, probe, 64)
