"""Trainings of strangers with nothing to be cured, and the data of group 15; by another author with fresh eyes.

Nobody who knew the rules wrote these runs; they were committed before they were judged. Each docstring says how well
the training ends, measured at seed 0 without `Diagnosis`.
"""

import keras
import numpy as np
from keras import layers, ops
from sklearn import datasets

import keras_ch8

from .data import digits, scikit_table
from .runs import BINARY_LOGITS, LOGITS, healthy, net, normal, ready, seed_of, split, standardized

CosineDecay = keras.optimizers.schedules.CosineDecay
Likelihood = keras_ch8.losses.NegativeLogLikelihood


def solar_power(rng, size):
    """Return weather and time of day, and the power of a solar panel: nothing at night."""
    hour, day = rng.uniform(0, 24, size), rng.uniform(0, 2 * np.pi, size)
    cloud, warm = rng.beta(2, 2, size), rng.normal(size=size)
    height = np.sin(np.pi * (hour - 6) / 12) - 0.3 * np.cos(day)
    power = 2 * np.maximum(height, 0) * (1 - 0.8 * cloud**2) * (1 - 0.1 * warm)
    clock = [part(angle) for angle in (np.pi * hour / 12, day) for part in (np.sin, np.cos)]
    return standardized(np.column_stack([*clock, cloud, warm])), power[:, None]


def markov_text(rng, size, letters=20, length=8):
    """Return so many letters of a text in which each depends on the two before, and the letter after them."""
    likely = rng.dirichlet(np.full(letters, 0.08), (letters, letters))
    text = list(rng.integers(letters, size=2))
    for draw in rng.random(size + length):
        text.append(min(int(likely[text[-2], text[-1]].cumsum().searchsorted(draw)), letters - 1))
    windows = np.lib.stride_tricks.sliding_window_view(np.array(text), length + 1)[:size]
    return windows[:, :-1], windows[:, -1]


def spectra(rng, size, places=40):
    """Return standardized infrared spectra of milk, of broad bands that overlap, and how much fat is in it."""
    parts = rng.gamma(4, 0.25, (size, 5))
    bands = np.exp(-(((np.arange(places) - np.array([[8], [14], [20], [27], [33]])) / 11) ** 2))
    x = parts @ bands + rng.normal(0, 0.003, (size, places)) + 0.3 * rng.normal(size=(size, 1))
    return standardized(x), standardized(parts[:, 1:2] - 0.5 * parts[:, 3:4])


def principal(x, count=12):
    """Return the first principal components, each of variance 1."""
    values, vectors = np.linalg.eigh(np.cov(x.T))
    return (x @ vectors / np.sqrt(values))[:, -count:]


def photograph(rng, size):
    """Return places in a part of a photograph, and how bright it is there."""
    flower = datasets.load_sample_image("flower.jpg").mean(axis=2)[100:356:4, 200:456:4]
    places = rng.permutation(64 * 64)[:size]
    grey = standardized(flower.reshape(-1, 1))[places]
    return np.stack([places // 64, places % 64], axis=1) / 32 - 1, grey


def activities(rng, size, noise=0.5, length=32):
    """Return three axes of an accelerometer, and which of four activities it felt."""
    y, t = rng.integers(4, size=size), np.arange(length)
    pace = np.array([0.0, 0.5, 0.9, 0.7])[y, None, None] * rng.uniform(0.9, 1.1, (size, 1, 1))
    strength = np.array([0.2, 1.0, 1.3, 0.6])[y, None, None] * rng.uniform(0.7, 1.3, (size, 1, 3))
    swing = strength * np.sin(pace * t[:, None] + rng.uniform(0, 2 * np.pi, (size, 1, 3)))
    return swing + rng.normal(0, noise, swing.shape) + 0.3 * rng.normal(size=(size, 1, 3)), y


def bookings(rng, size):
    """Return hour, whether it is a weekend, price and weather, and how many tables are booked."""
    hour, weekend = rng.uniform(0, 24, size), rng.integers(2, size=size)
    price, sun = rng.normal(size=(2, size))
    rush = 2.5 * np.exp(-(((hour - 12.5) / 1.5) ** 2)) + 3 * np.exp(-(((hour - 19.5) / 2) ** 2))
    rate = np.exp(-0.5 + rush + 0.4 * weekend - 0.3 * price + 0.2 * sun * weekend)
    return standardized(np.column_stack([hour, weekend, price, sun])), rng.poisson(rate)[:, None].astype(float)


def chords(rng, size, places=48):
    """Return spectra of chords of two to four notes with overtones, and which of twelve notes each has."""
    notes = np.zeros((size, 12))
    for row, count in zip(notes, rng.integers(2, 5, size), strict=True):
        row[rng.choice(12, count, replace=False)] = 1
    tones = np.zeros((12, places))
    for note in range(12):
        for overtone, strength in ((0, 1.0), (12, 0.7), (19, 0.5), (24, 0.3)):
            tones[note, note + overtone] = strength
    x = (notes * rng.uniform(0.5, 1.5, notes.shape)) @ tones + np.abs(rng.normal(0, 0.25, (size, places)))
    return standardized(x), notes


def blemishes(rng, size, share):
    """Return noisy images of tiles, and which of them have a small dark cross."""
    y = (rng.random(size) < share).astype(float)
    x = rng.normal(0, 0.4, (size, 8, 8, 1))
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])
    for place, (row, column) in zip(np.flatnonzero(y), rng.integers(0, 6, (int(y.sum()), 2)), strict=True):
        x[place, row : row + 3, column : column + 3, 0] -= 1.2 * cross
    return x, y[:, None]


@keras.saving.register_keras_serializable("planted")
class Bells(layers.Layer):
    """Gives one bell of a certain width around each of some learned places: radial basis functions."""

    def __init__(self, units, width, **kwargs):
        super().__init__(**kwargs)
        self.units, self.width = units, width

    def build(self, shape):
        self.places = self.add_weight(shape=(self.units, shape[-1]), initializer=normal(1.0))

    def call(self, x):
        return ops.exp(-ops.sum(((x[:, None] - self.places) / self.width) ** 2, axis=-1) / 2)


@healthy(group=15)
def wrong_labels_and_an_early_end(rng):
    """Accuracy on new examples, with right labels: 0.96, though one label in five of the training is random."""
    (x, y), probe = digits(rng, (8, 8, 1))
    y = np.where(rng.random(len(y)) < 0.2, rng.integers(0, 10, len(y)), y).astype("int32")
    hidden = layers.Conv2D(16, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten(), layers.Dropout(0.5)
    model = net((8, 8, 1), *hidden, layers.Dense(10))
    optimizer = keras.optimizers.Adam(CosineDecay(0.01, 392))
    return ready(model, LOGITS, optimizer, (x, y), probe, 32, steps=392, validate=True)


@healthy(group=15)
def wines_by_two_at_a_time(rng):
    """Loss on new examples: 0.035; accuracy 0.97."""
    train, probe = scikit_table(datasets.load_wine, rng, 40)
    model = net((13,), layers.Dense(12, "tanh"), layers.Dense(3, "softmax"))
    optimizer = keras_ch8.optimizers.Momentum(CosineDecay(0.01, 966))
    return ready(model, "sparse_categorical_crossentropy", optimizer, train, probe, 2, steps=966)


@healthy(group=15)
def blemishes_weighted_by_class(rng):
    """Mean of both classes' accuracies, new examples: 1.00."""
    train, probe = split(*blemishes(rng, 5120, 0.06), rng, 1024)
    hidden = layers.Conv2D(12, 3, activation="relu"), layers.GlobalMaxPooling2D(), layers.Dense(12, "relu")
    model = net((8, 8, 1), *hidden, layers.Dense(1))
    optimizer = keras.optimizers.Adam(CosineDecay(0.01, 384))
    weights = {"class_weight": {0: 0.53, 1: 8.3}}
    return ready(model, BINARY_LOGITS, optimizer, train, probe, 64, steps=384, **weights)


@healthy(group=15)
def concentrations_long_trained_with_decay(rng):
    """Loss on new examples: 0.012; the noise alone has 0.010."""
    x, y = spectra(rng, 2304)
    train, probe = split(principal(x), np.tanh(y) + rng.normal(0, 0.1, y.shape), rng, 256)
    model = net((12,), layers.Dense(24, "tanh"), layers.Dense(1))
    rate = keras.optimizers.schedules.ExponentialDecay(0.02, 200, 0.6)
    return ready(model, "mse", keras_ch8.optimizers.AdamW(rate, 0.001), train, probe, 64, steps=1008)


@healthy(group=15)
def activities_by_filters_that_are_not_trained(rng):
    """Accuracy on new examples: 1.00."""
    train, probe = split(*activities(rng, 2304), rng, 256)
    filters = layers.Conv1D(32, 16, use_bias=False, trainable=False)
    hidden = layers.Activation("relu"), layers.GlobalAveragePooling1D(), layers.Dense(32, "relu")
    model = net((32, 3), filters, *hidden, layers.Dense(4))
    t, frequency = np.arange(16), np.tile([0.0, 0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 1.2], 4)
    shift = np.repeat([0.0, np.pi / 2, np.pi, 1.5 * np.pi], 8)
    waves = np.cos(frequency * t[:, None] + shift) / 4
    filters.set_weights([np.stack([waves * (np.arange(32) % 3 == axis) for axis in range(3)], axis=1)])
    optimizer = keras_ch8.optimizers.Nesterov(CosineDecay(0.1, 512))
    return ready(model, LOGITS, optimizer, train, probe, 32, steps=512)


@healthy(group=15)
def few_of_many_columns_by_an_l1_penalty(rng):
    """Mean squared error over variance, new examples: 0.053."""
    x, y = datasets.make_regression(1280, 60, n_informative=6, noise=20.0, random_state=seed_of(rng))
    train, probe = split(standardized(x), standardized(y)[:, None], rng, 256)
    model = net((60,), layers.Dense(1, kernel_regularizer=keras.regularizers.L1(0.02)))
    optimizer = keras.optimizers.Adam(CosineDecay(0.02, 512))
    return ready(model, "mse", optimizer, train, probe, 32, steps=512, validate=True)


def on_the_circle(y_true, y_pred):
    """Return one minus the cosine of the angle between a direction and the one that was forecast."""
    return 1 - ops.sum(y_true * y_pred / ops.norm(y_pred, axis=-1, keepdims=True), axis=-1)


@healthy(group=15)
def direction_of_the_wind(rng):
    """Loss on new examples: 0.071; in the long run the true law has 0.051."""
    x = rng.normal(size=(4352, 5))
    angle = x[:, 0] + 1.5 * np.sin(x[:, 1]) + 0.5 * np.abs(x[:, 2]) + rng.vonmises(0, 10, 4352)
    train, probe = split(x, np.stack([np.sin(angle), np.cos(angle)], axis=1), rng, 256)
    model = net((5,), layers.Dense(48, "swish"), layers.Dense(32, "swish"), layers.Dense(2))
    return ready(model, on_the_circle, keras.optimizers.Adam(CosineDecay(0.01, 640)), train, probe, 64, steps=640)


@healthy(group=15)
def hidden_half_of_digits_filled_in(rng):
    """Mean squared error over variance, new examples: 0.20, half of the pixels being given."""
    (x, _), (new, _) = digits(rng, (8, 8, 1))
    sides = rng.integers(2, size=(2, 1541))

    def hidden(images, side):
        left = (np.arange(8) < 4)[:, None]
        return images * np.where(side[: len(images), None, None, None], left, ~left)

    train, probe = (hidden(x, sides[0]), x), (hidden(new, sides[1]), new)
    encoder = layers.Flatten(), layers.Dense(128, "elu"), layers.Dropout(0.2), layers.Dense(96, "elu")
    model = net((8, 8, 1), *encoder, layers.Dense(64), layers.Reshape((8, 8, 1)))
    optimizer = keras.optimizers.AdamW(CosineDecay(0.003, 784), weight_decay=0.02)
    return ready(model, "mse", optimizer, train, probe, 32, steps=784, validate=True)


def brackets(rng, size, length=8):
    """Return rows of brackets of two kinds, of which half are well nested, and which are."""
    x = np.zeros((size, length), int)
    for row in x:
        opened, place = [], 0
        while place < length:
            left = length - place
            if opened and (len(opened) == left or rng.random() < 0.5):
                row[place] = 2 + opened.pop()
            else:
                opened.append(int(rng.integers(2)))
                row[place] = opened[-1]
            place += 1
    spoilt = rng.random(size) < 0.5
    place = rng.integers(length, size=size)
    x[spoilt, place[spoilt]] = (x[spoilt, place[spoilt]] + rng.integers(1, 4, spoilt.sum())) % 4
    return x, 1 - spoilt[:, None].astype(int)


@healthy(group=15)
def brackets_by_a_recurrent_net_of_both_directions(rng):
    """Loss on new examples: 0.019; accuracy 1.00."""
    train, probe = split(*brackets(rng, 8448), rng, 256)
    model = net((8,), layers.Embedding(4, 8), layers.Bidirectional(layers.GRU(24)), layers.Dense(1))
    optimizer = keras.optimizers.Adam(CosineDecay(0.02, 640), global_clipnorm=1.0)
    return ready(model, BINARY_LOGITS, optimizer, train, probe, 128, steps=640)


@healthy(group=15)
def next_letter_by_a_transformer(rng):
    """Loss on new examples: 0.76; the true law has 0.67."""
    train, probe = split(*markov_text(rng, 16640, letters=8), rng, 256)
    places = layers.Embedding(8, 24)(ops.arange(8))
    inputs = keras.Input((8,))
    h = layers.Embedding(8, 24)(inputs) + places
    normed = layers.LayerNormalization()(h)
    h = h + layers.MultiHeadAttention(2, 12)(normed, normed)
    h = h + layers.Dense(24)(layers.Dense(64, "gelu")(layers.LayerNormalization()(h)))
    model = keras.Model(inputs, layers.Dense(8)(layers.LayerNormalization()(h[:, -1])))
    rate = CosineDecay(0.0, 460, warmup_target=0.005, warmup_steps=50)
    return ready(model, LOGITS, keras.optimizers.AdamW(rate, weight_decay=0.01), train, probe, 128, steps=512)


@healthy(group=15)
def notes_of_chords(rng):
    """Loss on new examples: 0.030; accuracy of the notes: 0.99."""
    train, probe = split(*chords(rng, 6400), rng, 256)
    model = net((48,), layers.Dense(64, "relu"), layers.LayerNormalization(), layers.Dense(12, "sigmoid"))
    optimizer = keras.optimizers.Nadam(CosineDecay(0.005, 576))
    return ready(model, "binary_crossentropy", optimizer, train, probe, 64, steps=576, validate=True)


def first_of_the_list(y_true, scores):
    """Return the negative log-probability that a list's best offer comes first."""
    return -ops.sum(y_true * ops.log_softmax(scores, axis=-1), axis=-1)


@healthy(group=15)
def lists_of_six_ranked_by_one_net_for_all(rng):
    """Loss on new examples: 0.68; the true law has 0.63, a guess 1.79."""
    x = rng.normal(size=(6400, 6, 8))
    worth = x[..., 0] + 2 * np.tanh(x[..., 1] * x[..., 2]) - x[..., 3] + 0.5 * rng.gumbel(size=(6400, 6))
    train, probe = split(x, np.eye(6)[worth.argmax(axis=1)], rng, 256)
    model = net((6, 8), layers.Dense(32, "gelu"), layers.Dense(32, "gelu"), layers.Dense(1), layers.Flatten())
    optimizer = keras_ch8.optimizers.RMSprop(CosineDecay(0.005, 576))
    return ready(model, first_of_the_list, optimizer, train, probe, 64, steps=576)


@healthy(group=15)
def blemishes_by_residual_filters_with_group_normalization(rng):
    """Loss on new examples: 0.005; accuracy 1.00."""
    train, probe = split(*blemishes(rng, 4352, 0.5), rng, 256)
    inputs = keras.Input((8, 8, 1))
    h = layers.Conv2D(16, 3, padding="same")(inputs)
    for _ in range(2):
        branch = layers.ReLU()(layers.GroupNormalization(4)(h))
        h = layers.Add()([h, layers.Conv2D(16, 3, padding="same")(branch)])
    model = keras.Model(inputs, layers.Dense(1)(layers.GlobalMaxPooling2D()(layers.ReLU()(h))))
    optimizer = keras.optimizers.SGD(CosineDecay(0.02, 512), momentum=0.9, nesterov=True)
    return ready(model, BINARY_LOGITS, optimizer, train, probe, 32, steps=512)


@healthy(group=15)
def noise_that_grows_with_the_signal(rng):
    """Loss on new examples: -0.01; the true law has -0.08 in the long run."""
    x = rng.uniform(-1, 1, (4352, 3))
    deviation = np.exp(x[:, 1:2] - 1.5)
    train, probe = split(x, np.sin(3 * x[:, :1]) + x[:, 2:] ** 2 + deviation * rng.normal(size=(4352, 1)), rng, 512)
    model = net((3,), layers.Dense(32, "tanh"), layers.Dense(32, "tanh"), layers.Dense(2))
    loss = Likelihood(keras_ch8.losses.likelihoods.HeteroscedasticGaussianLikelihood())
    return ready(model, loss, keras_ch8.optimizers.Adam(CosineDecay(0.01, 660)), train, probe, 64, steps=660)
