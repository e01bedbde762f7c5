"""What the trainings are made of: their data and their models."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import layers
from sklearn import datasets

CLASSES, TWO_CLASSES = "sparse_categorical_crossentropy", "binary_crossentropy"


@dataclasses.dataclass
class Training:
    """What the script of a user has: how the compiled model is made, the data, and the arguments of `fit`."""

    make: Callable[[], keras.Model]
    train: tuple[Any, Any]
    val: tuple[Any, Any]
    epochs: int
    batch_size: int = 32
    callbacks: Callable[[], list] = list
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)


# --- data ------------------------------------------------------------------------------------------------------------


def split(x, y, seed):
    """Return three quarters of the examples, and one quarter."""
    order, count = np.random.default_rng(seed).permutation(len(x)), int(len(x) * 0.75)
    return (x[order[:count]], y[order[:count]]), (x[order[count:]], y[order[count:]])


def digits(seed, image=False, scale=1 / 16):
    """Return pictures of digits, or their pixels, and which they are."""
    data = datasets.load_digits()
    x = (data.data * scale).astype("float32")
    return split(x.reshape(-1, 8, 8, 1) if image else x, data.target.astype("int32"), seed)


def breast_cancer(seed, scale=True):
    """Return 30 measures of cells, and which of two kinds they are."""
    data = datasets.load_breast_cancer()
    x = data.data.astype("float32")
    return split((x - x.mean(0)) / x.std(0) if scale else x, data.target.astype("int32"), seed)


def wine(seed):
    """Return 13 measures of wines, and which of three kinds they are."""
    data = datasets.load_wine()
    x = data.data.astype("float32")
    return split((x - x.mean(0)) / x.std(0), data.target.astype("int32"), seed)


def diabetes(seed):
    """Return 10 measures of patients, and a noisy number."""
    data = datasets.load_diabetes(scaled=False)
    x, y = data.data.astype("float32"), data.target.astype("float32")
    return split((x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std(), seed)


def houses(seed, scale_x=True, scale_y=True):
    """Return eight facts about houses, and their prices."""
    r, n = np.random.default_rng(seed + 10), 2400
    income, age, rooms = r.lognormal(10.6, 0.45, n), r.uniform(1, 52, n), r.normal(5.4, 1.2, n).clip(1)
    people, occupancy = r.lognormal(7, 0.8, n), r.normal(3, 0.6, n).clip(1)
    latitude, longitude, distance = r.uniform(32.5, 42, n), r.uniform(-124, -114, n), r.exponential(40, n)
    y = 40e3 + 3.2 * income + 18e3 * np.sqrt(rooms) + 900 * age - 25e3 * np.log1p(distance / 10)
    y = y + 20e3 * np.sin(latitude) + r.normal(0, 25e3, n)
    x = np.stack([income, age, rooms, people, occupancy, latitude, longitude, distance], 1)
    if scale_x:
        x = (x - x.mean(0)) / x.std(0)
    if scale_y:
        y = (y - y.mean()) / y.std()
    return split(x.astype("float32"), y.astype("float32"), seed)


def shapes(seed, n=1600):
    """Return pictures of a square, a ring, a cross or a line, with noise, and which it is."""
    r = np.random.default_rng(seed + 20)
    y, x, (rows, columns) = r.integers(0, 4, n), r.normal(0, 0.25, (n, 16, 16)), np.mgrid[:16, :16]
    for i in range(n):
        (row, column), size = r.uniform(4, 12, 2), r.uniform(2.5, 4)
        down, right = abs(rows - row), abs(columns - column)
        inside, away = np.maximum(down, right) < size, down**2 + right**2
        drawn = (
            inside,
            (away < size * size) & (away > (size - 1.5) ** 2),
            ((down < 1) | (right < 1)) & inside,
            (abs(rows - row - columns + column) < 1.5) & inside,
        )
        x[i] += drawn[y[i]] * r.uniform(0.6, 1)
    return split(x[..., None].clip(0, 1).astype("float32"), y.astype("int32"), seed)


def blobs(seed, n=400, classes=2):
    """Return pictures with a disc of each class but one, and the class of each pixel."""
    r = np.random.default_rng(seed + 30)
    x, mask, (rows, columns) = r.normal(0, 0.3, (n, 16, 16)), np.zeros((n, 16, 16)), np.mgrid[:16, :16]
    for one in range(1, classes):
        for i in range(n):
            row, column = r.uniform(3, 13, 2)
            disc = (rows - row) ** 2 + (columns - column) ** 2 < r.uniform(2, 4) ** 2
            mask[i][disc] = one
            x[i][disc] += one
    return split(x[..., None].astype("float32"), mask[..., None].astype("float32"), seed)


def texts(seed, n=2400, shortest=8, longest=30, length=30, padded_behind=False):
    """Return numbers of words, padded by zeros, and which of two moods they are of."""
    r = np.random.default_rng(seed + 40)
    x, y = np.zeros((n, length), "int32"), np.zeros(n, "int32")
    for i in range(n):
        count = r.integers(shortest, longest + 1)
        words = r.integers(81, 400, count)
        y[i] = r.integers(0, 2)
        telling = max(2, count // 4)
        words[r.permutation(count)[:telling]] = r.integers(1, 41, telling) + 40 * y[i]
        x[i, slice(count) if padded_behind else slice(length - count, None)] = words
    return split(x, y, seed)


def markov(seed, n=1500, words=40, length=16, next_words=3):
    """Return sequences in which each word is one of a few that follow the one before, and the same a step later."""
    r = np.random.default_rng(seed + 50)
    follows, p = r.integers(0, words, (words, next_words)), np.array([0.7, 0.2, 0.1])[:next_words]
    p = p / p.sum()
    said = np.zeros((n, length + 1), "int32")
    said[:, 0] = r.integers(0, words, n)
    for j in range(length):
        said[:, j + 1] = follows[said[:, j], r.choice(next_words, n, p=p)]
    return split(said[:, :-1], said[:, 1:], seed)


def series(seed):
    """Return windows of a wave with noise, in their order, and the value that follows each."""
    r, n, length = np.random.default_rng(seed + 60), 1500, 24
    time, part = np.arange(n + length), int(n * 0.75)
    wave = np.sin(time / 6) + 0.5 * np.sin(time / 17) + r.normal(0, 0.15, n + length)
    x = np.stack([wave[i : i + length] for i in range(n)])[..., None].astype("float32")
    y = wave[length:].astype("float32")
    return (x[:part], y[:part]), (x[part:], y[part:])


def points(seed, n, features, count, informative, **options):
    """Return points of some classes, made by scikit-learn."""
    x, y = datasets.make_classification(
        n, features, n_informative=informative, n_redundant=0, n_classes=count, random_state=seed, **options
    )
    return split(((x - x.mean(0)) / x.std(0)).astype("float32"), y.astype("int32"), seed)


def multilabel(seed, n=1600):
    """Return points, and eight labels that are true or not of each."""
    r = np.random.default_rng(seed + 80)
    x, w = r.normal(0, 1, (n, 20)), r.normal(0, 1, (20, 8))
    return split(x.astype("float32"), ((x @ w + r.normal(0, 0.5, (n, 8))) > 1).astype("float32"), seed)


# --- models ----------------------------------------------------------------------------------------------------------


def compiled(model, optimizer, loss, **options):
    """Return the model, compiled."""
    model.compile(optimizer=optimizer, loss=loss, **options)
    return model


def mlp(inputs, units, outputs, activation="relu", last=None, **options):
    """Return a network of dense layers."""
    hidden = [layers.Dense(count, activation=activation, **options) for count in units]
    return keras.Sequential([layers.Input((inputs,)), *hidden, layers.Dense(outputs, activation=last)])


def convnet(size, outputs, batch_norm=False, filters=(8, 16), momentum=0.99):
    """Return a network of some convolutions."""
    inputs = h = layers.Input((size, size, 1))
    for count in filters:
        h = layers.Conv2D(count, 3, padding="same", use_bias=not batch_norm)(h)
        if batch_norm:
            h = layers.BatchNormalization(momentum=momentum)(h)
        h = layers.MaxPooling2D()(layers.ReLU()(h))
    return keras.Model(inputs, layers.Dense(outputs, activation="softmax")(layers.Flatten()(h)))


def transformer(norm_behind=False, blocks=1):
    """Return a transformer that tells two classes of texts of 30 of 400 words."""
    inputs = layers.Input((30,), dtype="int32")
    h = layers.Embedding(400, 32)(inputs) + layers.Embedding(30, 32)(keras.ops.arange(30)[None])
    for _ in range(blocks):
        if norm_behind:
            h = layers.LayerNormalization()(h + layers.MultiHeadAttention(2, 16)(h, h))
            h = layers.LayerNormalization()(h + layers.Dense(32)(layers.Dense(64, "relu")(h)))
        else:
            q = layers.LayerNormalization()(h)
            h = h + layers.MultiHeadAttention(2, 16)(q, q)
            q = layers.LayerNormalization()(h)
            h = h + layers.Dense(32)(layers.Dense(64, "relu")(q))
    return keras.Model(inputs, layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling1D()(h)))


def two_heads(last):
    """Return a network that gives whether, by a unit with this activation, and how large."""
    inputs = layers.Input((30,))
    h = layers.Dense(32, "relu")(inputs)
    outputs = {"flag": layers.Dense(1, activation=last, name="flag")(h), "size": layers.Dense(1, name="size")(h)}
    return compiled(keras.Model(inputs, outputs), "adam", {"flag": TWO_CLASSES, "size": "mse"})


def with_size(examples):
    """Return the examples with a size as a second target."""
    x, y = examples
    return x, {"flag": y.astype("float32"), "size": x[:, 0] * 0.5 + x[:, 3] * 0.2}


class Sample(layers.Layer):
    """Draws from a normal distribution, and adds how far that is from the standard one to the loss."""

    def build(self, shape):
        """Make what draws."""
        self.seeds = keras.random.SeedGenerator(7)

    def call(self, parts):
        """Return a sample."""
        mean, log_var = parts
        self.add_loss(-0.5 * keras.ops.mean(keras.ops.sum(1 + log_var - mean * mean - keras.ops.exp(log_var), -1)))
        return mean + keras.ops.exp(0.5 * log_var) * keras.random.normal(keras.ops.shape(mean), seed=self.seeds)


def sum_of_squares(y, y_pred):
    """Return the sum of the squared differences."""
    return keras.ops.sum(keras.ops.square(y - y_pred), -1)


def vae(rate):
    """Return a variational autoencoder of digits."""
    inputs = layers.Input((64,))
    h = layers.Dense(64, "relu")(inputs)
    z = Sample()([layers.Dense(4)(h), layers.Dense(4)(h)])
    h = layers.Dense(64, "relu")(z)
    return compiled(keras.Model(inputs, layers.Dense(64)(h)), keras.optimizers.Adam(rate), sum_of_squares)


# --- what is said of them --------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Sick:
    """A training with a fault: how it is made, and what is right of it."""

    made: Callable[[int], Training]
    truth: list[str]
    also: list[str]
    source: str


def sick(group, truth, also="", source=""):
    """Return what puts a training with a fault into a group, by its name."""

    def put(made):
        group[made.__name__] = Sick(made, truth.split(), also.split(), source)
        return made

    return put
