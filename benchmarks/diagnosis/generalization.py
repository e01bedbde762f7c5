"""Overfitting and underfitting, and nothing to learn."""

import keras
import numpy as np
from keras import layers
from sklearn import datasets

import keras_ch8
from keras_ch8 import optimizers, schedules

from .data import digits_run, documents, friedman, rater, relabeled_digits, sentences, stars, texts
from .runs import BINARY_LOGITS, LOGITS, STEPS, net, normal, ready, seed_of, sick, split, standardized, tiled


@sick("learns_nothing", "true labels", group=1)
def labels_at_random(rng, cured=False):
    data = relabeled_digits(rng, flipped=0.0 if cured else 1.0)
    return digits_run(rng, [layers.Dense(16, "tanh")], keras.optimizers.Adam(0.003), data=data, steps=200)


@sick("overfitting", "true labels", group=1)
def few_noisy_labels(rng, cured=False):
    train, probe = relabeled_digits(rng, flipped=0.0 if cured else 0.3)
    few = tiled([part[:160] for part in train], 5)
    return digits_run(rng, [layers.Dense(128, "relu")], keras.optimizers.Adam(3e-3), 16, (few, probe), validate=True)


@sick("overfitting", "a penalty on the weights, and more examples", group=2)
def few_patients(rng, cured=False):
    x, y = datasets.load_diabetes(return_X_y=True)
    train, probe = split(standardized(x), standardized(y), rng, 128)
    penalty = {"kernel_regularizer": keras.regularizers.L2(0.05)} if cured else {}
    model = net((10,), layers.Dense(64, "relu", **penalty), layers.Dense(64, "relu", **penalty), layers.Dense(1))
    few = tiled([part[: None if cured else 80] for part in train], 4 if cured else 10)
    return ready(model, "mse", optimizers.Adam(0.003), few, probe, 20, validate=True)


@sick("overfitting", "three hundred times the sentences", group=3)
def few_sentences(rng, cured=False):
    train, probe = sentences(rng, 32256, 300, 12, 0.7)
    if not cured:
        train = tiled([part[:96] for part in train], 32)
    model = net(
        (12,),
        layers.Embedding(300, 16),
        layers.GlobalAveragePooling1D(),
        layers.Dense(32, "relu"),
        layers.Dense(3, "softmax"),
    )
    optimizer = keras.optimizers.Adam(5e-3)
    return ready(model, "sparse_categorical_crossentropy", optimizer, train, probe, 32, validate=True)


@sick("overfitting", "a fifteenth of the steps", group=4)
def patients_for_a_wide_net(rng, cured=False):
    x, y = datasets.load_diabetes(return_X_y=True)
    train, probe = split(standardized(x), standardized(y)[:, None], rng, 192)
    model = net((10,), layers.Dense(128, "relu"), layers.Dense(128, "relu"), layers.Dense(1))
    steps, optimizer, options = 64 if cured else STEPS, keras.optimizers.Adam(0.002), {"validation_batch_size": 192}
    return ready(model, "mse", optimizer, train, probe, 8, steps=steps, validate=True, **options)


@sick("overfitting", "ten times the documents", group=4)
def a_few_documents_by_heart(rng, cured=False):
    train, probe = documents(rng, 5376 if cured else 768, clear=0.2)
    model = net((20,), layers.Embedding(300, 32), layers.GlobalAveragePooling1D(), layers.Dense(4))
    optimizer, options = keras.optimizers.Adam(0.01), {"validation_batch_size": 256}
    return ready(model, LOGITS, optimizer, train, probe, 16, validate=True, **options)


@sick("overfitting", "forty times the sentences", group=5)
def topics_from_a_hundred_sentences(rng, cured=False):
    train, probe = split(*texts(rng, 4256, noise=0.2), rng, 256)
    train = train if cured else tiled([part[:100] for part in train], 10)
    model = net((20,), layers.Embedding(400, 16), layers.GlobalAveragePooling1D(), layers.Dense(32, "relu"))
    model.add(layers.Dense(3))
    return ready(model, LOGITS, keras.optimizers.Adam(0.003), train, probe, 32, validate=True)


@sick("overfitting", "13 times the data", group=6)
def noisy_friedman_by_heart(rng, cured=False):
    train, probe = split(*friedman(rng, 256 + (4160 if cured else 320), noise=5.0), rng, 256)
    model = net((10,), *[layers.Dense(96, "relu", kernel_initializer="he_normal") for _ in range(2)], layers.Dense(1))
    return ready(model, "mse", keras_ch8.optimizers.Adam(0.002), train, probe, 10, validate=True)


@sick("overfitting", "forty times the patients", group=7)
def genes_of_eighty_patients(rng, cured=False):
    x = rng.normal(size=(256 + (3200 if cured else 80), 100))
    y = (x[:, :4].sum(axis=1) + rng.normal(0, 1.5, len(x)) > 0).astype(int)
    train, probe = split(x, y[:, None], rng, 256)
    train = tiled(train, 1 if cured else 10)
    model = net((100,), layers.Dense(32, "relu"), layers.Dense(1))
    return ready(model, BINARY_LOGITS, keras.optimizers.Adam(), train, probe, 16, validate=True)


@sick("overfitting", "weights that decay", group=8)
def diabetes_learned_by_heart(rng, cured=False):
    x, y = datasets.load_diabetes(return_X_y=True)
    train, probe = split(standardized(x), standardized(y)[:, None], rng, 256)
    model = net((10,), layers.Dense(96, "relu"), layers.Dense(48, "relu"), layers.Dense(1))
    optimizer = keras.optimizers.AdamW(0.002, weight_decay=4.0 if cured else 0.0)
    return ready(model, "mse", optimizer, tiled(train, 4), probe, 31, validate=True)


@sick("overfitting", "twelve times the films seen", group=9)
def likes_of_few_films_by_heart(rng, cured=False):
    x, y = stars(rng, 6256, people=40, films=30, noise=0.7)
    train, probe = split(x, (y > 0).astype(float), rng, 256)
    train = train if cured else tiled([part[:500] for part in train], 5)
    return ready(rater(24, normal(0.3)), BINARY_LOGITS, keras.optimizers.Adam(0.003), train, probe, 50, validate=True)


@sick("overfitting", "forty times the stars", group=10)
def planets_of_a_hundred_stars(rng, cured=False):
    size = 256 + (4000 if cured else 100)
    y, time = rng.integers(2, size=size), np.arange(48)
    middle, half = rng.uniform(12, 36, (size, 1)), rng.uniform(3, 6, (size, 1))
    x = rng.normal(size=(size, 48)) - 1.2 * y[:, None] * (np.abs(time - middle) < half)
    train, probe = split(x[..., None], y[:, None], rng, 256)
    model = net(
        (48, 1), layers.Conv1D(16, 7, activation="relu"), layers.Flatten(), layers.Dense(32, "relu"), layers.Dense(1)
    )
    train = train if cured else tiled(train, 8)
    return ready(model, BINARY_LOGITS, keras.optimizers.Adam(0.0005), train, probe, 25, validate=True)


@sick("overfitting", "forty times the pages", group=11)
def authors_of_ninety_pages_by_their_small_words(rng, cured=False):
    size = 256 + (3600 if cured else 90)
    y, habit = rng.integers(3, size=size), rng.normal(0, 0.3, (3, 40))
    x = habit[y] + rng.normal(size=(size, 40))
    train, probe = split(x, y, rng, 256)
    model = net((40,), layers.Dense(64, "relu"), layers.Dense(32, "relu"), layers.Dense(3))
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9)
    return ready(model, LOGITS, optimizer, train if cured else tiled(train, 10), probe, 30, validate=True)


@sick("underfitting", "a hidden layer", group=1)
def line_for_circles(rng, cured=False):
    x, y = datasets.make_circles(1152, noise=0.08, factor=0.5, random_state=int(rng.integers(1000)))
    hidden = [layers.Dense(16, "tanh")] if cured else []
    model = net((2,), *hidden, layers.Dense(1, "sigmoid"))
    return ready(model, "binary_crossentropy", keras.optimizers.Adam(0.03), *split(x, y, rng, 128), 64)


@sick("underfitting", "24 units", group=2)
def one_unit(rng, cured=False):
    x = rng.uniform(-3, 3, (1152, 1))
    model = net((1,), layers.Dense(24 if cured else 1, "tanh"), layers.Dense(1))
    data = split(x, np.sin(3 * x[:, 0]), rng, 128)
    return ready(model, "mse", keras.optimizers.Adam(0.02), *data, 64, validate=True)


@sick("underfitting", "6 units at the neck", group=3)
def narrow_neck(rng, cured=False):
    x = rng.normal(size=(2304, 6))
    y = np.tanh(x @ rng.normal(size=(6, 6))) + 0.05 * rng.normal(size=(2304, 6))
    neck = layers.Dense(6 if cured else 1)
    model = net((6,), layers.Dense(32, "tanh"), neck, layers.Dense(6))
    data = split(x, standardized(y), rng, 256)
    return ready(model, "mse", keras.optimizers.Adam(5e-3), *data, 128, validate=True)


def spirals(rng, number=2304):
    """Return points on three spiral arms."""
    arms, radius = rng.integers(3, size=number), rng.uniform(0.1, 1, number)
    angle = 5 * radius + 2 * np.pi / 3 * arms + 0.1 * rng.normal(size=number)
    return split(2 * np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), arms, rng, 256)


@sick("underfitting", "64 units instead of 2", group=4)
def two_units_for_three_spirals(rng, cured=False):
    train, probe = spirals(rng)
    model = net((2,), layers.Dense(64 if cured else 2, "tanh"), layers.Dense(3))
    return ready(model, LOGITS, keras.optimizers.Adam(0.01), train, probe, 64)


@sick("underfitting", "32 units, not 2", group=5)
def two_units_for_a_rolled_sheet(rng, cured=False):
    x, y = datasets.make_swiss_roll(2256, random_state=seed_of(rng))
    train, probe = split(standardized(x), standardized(y)[:, None], rng, 256)
    model = net((3,), layers.Dense(32 if cured else 2, "gelu"), layers.Dense(1))
    return ready(model, "mse", keras_ch8.optimizers.Adam(0.01), train, probe, 64, validate=True)


@sick("underfitting", "a hidden layer", group=6)
def rugged_surface_by_a_plane(rng, cured=False):
    x = rng.uniform(-1, 1, (4352, 4))
    y = x[:, :1] + np.sin(4 * x[:, 1:2]) + 2 * x[:, 2:3] * x[:, 3:] + 0.05 * rng.normal(size=(4352, 1))
    train, probe = split(x, y, rng, 256)
    model = net((4,), *([layers.Dense(48, "tanh")] if cured else []), layers.Dense(1))
    optimizer = keras_ch8.optimizers.Momentum(schedules.LinearDecay(0.05, "100%"))
    return ready(model, "mse", optimizer, train, probe, 64, validate=True)


@sick("underfitting", "the embeddings side by side, not their average", group=7)
def codes_of_which_the_order_is_lost(rng, cured=False):
    x, worth = rng.integers(16, size=(4256, 8)), rng.normal(size=16)
    y = worth[x] @ np.linspace(-0.5, 1.5, 8)
    train, probe = split(x, standardized(y)[:, None], rng, 256)
    gather = layers.Flatten() if cured else layers.GlobalAveragePooling1D()
    model = net((8,), layers.Embedding(16, 6), gather, layers.Dense(16, "gelu"), layers.Dense(1))
    return ready(model, "mse", keras.optimizers.Adam(schedules.CosineDecay(0.01)), train, probe, 128, validate=True)


@sick("underfitting", "a thousandth of the penalty on weights", group=8)
def phase_angles_under_a_heavy_penalty(rng, cured=False):
    x, y = datasets.make_friedman3(4256, noise=0.05, random_state=seed_of(rng))
    train, probe = split(standardized(x), standardized(y)[:, None], rng, 256)
    penalty = keras.regularizers.L2(0.0001 if cured else 0.1)
    model = net((4,), layers.Dense(48, "gelu", kernel_regularizer=penalty), layers.Dense(1, kernel_regularizer=penalty))
    return ready(model, "mse", keras_ch8.optimizers.Adam(0.01), train, probe, 64, validate=True)


@sick("underfitting", "embeddings of 8 numbers, and a hidden layer", group=9)
def ratings_by_kindness_and_fame_alone(rng, cured=False):
    train, probe = split(*stars(rng, 12256), rng, 256)
    alone = net((2,), layers.Embedding(100, 1), layers.Flatten(), layers.Dense(1))
    model = rater(8, normal(0.3)) if cured else alone
    return ready(model, "mse", keras.optimizers.Adam(0.01), train, probe, 64, validate=True)


@sick("underfitting", "a network of all three together", group=10)
def torque_as_a_sum_of_what_each_part_does(rng, cured=False):
    x = rng.uniform(-1, 1, (4256, 3))
    y = (0.7 + x[:, :1]) * (0.7 + x[:, 1:2]) * np.sin(1.5 * x[:, 2:]) + rng.normal(0, 0.01, (4256, 1))
    train, probe = split(standardized(x), standardized(y), rng, 256)
    inputs = keras.Input((3,))
    parts = [inputs] if cured else [inputs[:, at : at + 1] for at in range(3)]
    effects = [layers.Dense(1)(layers.Dense(32, "tanh")(layers.Dense(32, "tanh")(part))) for part in parts]
    model = keras.Model(inputs, sum(effects))
    return ready(model, "mse", keras.optimizers.Adam(schedules.CosineDecay(0.01)), train, probe, 64, validate=True)


@sick("underfitting", "five numbers, not one", group=11)
def timbres_told_in_a_single_number(rng, cured=False):
    loudness = np.tanh(rng.normal(size=(4256, 5)) @ rng.normal(size=(5, 24)))
    train, probe = split(standardized(loudness), standardized(loudness), rng, 256)
    model = net(
        (24,), layers.Dense(32, "tanh"), layers.Dense(5 if cured else 1), layers.Dense(32, "tanh"), layers.Dense(24)
    )
    return ready(model, "mse", keras.optimizers.Adam(schedules.CosineDecay(0.01)), train, probe, 64, validate=True)
