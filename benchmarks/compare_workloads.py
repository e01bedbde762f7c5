"""The six small workloads of `compare.py`: data, generated or from inside scikit-learn, and a model for each."""

import functools
import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
import sklearn
from keras import layers, ops
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


class Workload(NamedTuple):
    """What is trained, on what, and when it is done."""

    model: Callable[[], keras.Model]
    data: Callable[[], tuple[Any, Any]]  # (x, y) to train on, (x, y) to measure on
    target: float
    epochs: int
    batch_size: int
    solver: bool = False
    """Whether L-BFGS takes part, which sees all examples in each step."""


# --- the noisy quadratic of DeepOBS (Schneider, Balles, Hennig 2019) -------------------------------------------------


def rotation(draw, size):
    """Return a rotation drawn evenly: a turn of the plane, then a reflection for each further dimension."""
    angle = 2 * np.pi * draw.uniform()
    found = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    for dimensions in range(3, size + 1):
        v = draw.normal(size=dimensions)
        mirror = np.eye(dimensions)[0] - v / np.linalg.norm(v)
        mirror /= np.linalg.norm(mirror)
        larger = np.zeros((dimensions, dimensions))
        larger[0, 0], larger[1:, 1:] = 1, found
        found = larger - 2 * np.outer(mirror, mirror @ larger)
    return -found


@functools.cache
def root_of_hessian():
    """Return a root of Q, 90 of whose eigenvalues are in (0, 1) and 10 in (30, 60), drawn as DeepOBS draws them."""
    draw = np.random.RandomState(42)
    values = np.concatenate([draw.uniform(0, 1, 90), draw.uniform(30, 60, 10)])
    return (np.sqrt(values)[:, None] * rotation(draw, 100)).T.astype("float32")


class Quadratic(layers.Layer):
    """0.5 (theta - x)^T Q (theta - x) for each row x; theta begins at 1."""

    def build(self, shape):
        """Create theta."""
        self.theta = self.add_weight(shape=(shape[-1],), initializer="ones", name="theta")

    def call(self, x):
        """Return the losses."""
        return 0.5 * ops.sum(ops.matmul(self.theta - x, root_of_hessian()) ** 2, axis=-1, keepdims=True)


def itself(y_true, y_pred):
    """Return the output, which is the loss."""
    return ops.mean(y_pred, axis=-1)


def quadratic():
    """Return the model of `quadratic_deep`."""
    model = keras.Sequential([keras.Input((100,)), Quadratic()])
    model.compile(loss=itself)
    return model


def quadratic_data():
    """Return the points of DeepOBS: 1000 to train on, 1000 others to test on."""
    sets = [np.random.RandomState(seed).normal(0, 0.6, (1000, 100)).astype("float32") for seed in (42, 43)]
    return tuple((x, np.zeros((1000, 1), "float32")) for x in sets)


# --- images ----------------------------------------------------------------------------------------------------------


def classifier(shape, *inner):
    """Return a compiled classifier of ten classes."""
    model = keras.Sequential([keras.Input(shape), *inner, layers.Dense(10)])
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def digits_mlp():
    """Return a network of two hidden layers."""
    return classifier((8, 8, 1), layers.Flatten(), layers.Dense(64, "relu"), layers.Dense(64, "relu"))


def digits_cnn():
    """Return a network of two convolutions."""
    return classifier((8, 8, 1), layers.Conv2D(8, 3, activation="relu"), layers.MaxPooling2D(),
                      layers.Conv2D(16, 2, activation="relu"), layers.Flatten())  # fmt: skip


def digits_data():
    """Return the digits of UCI that come with scikit-learn: 1347 to train on, 450 to test on."""
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype("float32").reshape(-1, 8, 8, 1)
    x, x_test, y, y_test = train_test_split(x, y.astype("int32"), test_size=450, random_state=0, stratify=y)
    return (x, y), (x_test, y_test)


# --- MNIST-1D (Greydanus 2020), generated ----------------------------------------------------------------------------

STROKES = """
5 6 6.5 6.75 7 7 7 7 6.75 6.5 6 5
5 3 3 3.4 3.8 4.2 4.6 5 5.4 5.8 5 5
5 6 6.5 6.5 6 5.25 4.75 4 3.5 3.5 4 5
5 6 6.5 6.5 6 5 5 6 6.5 6.5 6 5
5 4.4 3.8 3.2 2.6 2.6 5 5 5 5 5 5
5 3 3 3 3 5 6 6.5 6.5 6 4.5 5
5 4 3.5 3.25 3 3 3 3 3.25 3.5 4 5
5 7 7 6.6 6.2 5.8 5.4 5 4.6 4.2 5 5
5 4 3.5 3.5 4 5 5 4 3.5 3.5 4 5
5 4 3.5 3.5 4 5 5 5 5 4.7 4.3 5
"""


def signals(count, draw):
    """Return digits as signals of 40 numbers: padded, stretched, shifted, sheared, with noise (not its own draws)."""
    strokes = np.array([line.split() for line in STROKES.split("\n")[1:-1]], float)
    strokes = (strokes - strokes.mean(1, keepdims=True)) / strokes.std(1, keepdims=True)
    strokes = (strokes - strokes[:, :1]) / 6
    smooth = np.exp(-(np.arange(-8, 9) ** 2) / 8)
    y, x = draw.integers(0, 10, count), np.zeros((count, 40))
    for i, digit in enumerate(y):
        padded = np.concatenate([strokes[digit] + 1e-8, np.zeros(draw.integers(36, 61))])
        long = np.interp(np.linspace(0, 1, 72), np.linspace(0, 1, len(padded)), padded)
        long = np.roll(long * (0.8 + 0.4 * draw.uniform()), draw.integers(48))
        noise = np.convolve(0.25 * draw.normal(size=88), smooth / smooth.sum(), "valid")
        long = np.where(long == 0, noise, long) + 0.02 * draw.normal(size=72)
        long -= 0.75 * (draw.uniform() - 0.5) * np.linspace(-0.5, 0.5, 72)
        x[i] = np.interp(np.linspace(0, 1, 40), np.linspace(0, 1, 72), long)
    return ((x - x.mean()) / x.std()).astype("float32")[..., None], y.astype("int32")


def mnist1d_data():
    """Return 4000 signals to train on, 1000 to test on."""
    draw = np.random.default_rng(42)
    return signals(4000, draw), signals(1000, draw)


def mnist1d_cnn():
    """Return a network of three convolutions, each of which halves the length."""
    inner = [layers.Conv1D(24, 5, strides=2, activation="relu") for _ in range(3)]
    return classifier((40, 1), *inner, layers.Flatten())


# --- sequences -------------------------------------------------------------------------------------------------------


def adding_data(length=50):
    """Return sequences of random numbers of which two are marked; their sum is to be found (Hochreiter 1997)."""
    draw, sets = np.random.default_rng(0), []
    for count in (2000, 500):
        marks = np.zeros((count, length))
        for row in marks:
            row[[draw.integers(length // 2), draw.integers(length // 2, length)]] = 1
        numbers = draw.uniform(size=(count, length))
        y = (numbers * marks).sum(1, keepdims=True).astype("float32")
        sets.append((np.stack([numbers, marks], -1).astype("float32"), y))
    return tuple(sets)


def adding():
    """Return a small GRU; a guess of 1 has a loss of 0.167."""
    model = keras.Sequential([keras.Input((50, 2)), layers.GRU(16), layers.Dense(1)])
    model.compile(loss="mse")
    return model


CONTEXT = 32


@functools.cache
def text():
    """Return the descriptions of the data sets of scikit-learn, as numbers of characters: 43 kB of English."""
    folder = pathlib.Path(sklearn.__file__).parent / "datasets" / "descr"
    whole = "".join(path.read_text("utf-8") for path in sorted(folder.glob("*.rst")))
    return np.array([min(ord(letter), 127) for letter in whole], "int32")


def text_data():
    """Return pieces of the text and the character behind each of theirs; the last tenth of the text is the test."""
    whole = text()
    pieces = np.lib.stride_tricks.sliding_window_view(whole, CONTEXT + 1)
    border = len(whole) * 9 // 10
    train, test = pieces[: border - CONTEXT : CONTEXT // 2], pieces[border::CONTEXT]
    return tuple((part[:, :-1].copy(), part[:, 1:].copy()) for part in (train, test))


class Places(layers.Layer):
    """Adds a vector to each place of a sequence."""

    def build(self, shape):
        """Create the vectors."""
        self.vectors = self.add_weight(shape=shape[1:], initializer="normal", name="places")

    def call(self, x):
        """Add them."""
        return x + self.vectors


def transformer(width=32):
    """Return one block of attention with a causal mask, normalized before each part, over 128 characters."""
    inputs = keras.Input((CONTEXT,), dtype="int32")
    x = Places()(layers.Embedding(128, width)(inputs))
    h = layers.LayerNormalization()(x)
    x = x + layers.MultiHeadAttention(2, width // 2)(h, h, use_causal_mask=True)
    h = layers.LayerNormalization()(x)
    x = x + layers.Dense(width)(layers.Dense(2 * width, "gelu")(h))
    model = keras.Model(inputs, layers.Dense(128)(layers.LayerNormalization()(x)))
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


WORKLOADS = {
    "quadratic_deep": Workload(quadratic, quadratic_data, 90.0, 30, 128, solver=True),
    "digits MLP": Workload(digits_mlp, digits_data, 0.2, 15, 64, solver=True),
    "digits CNN": Workload(digits_cnn, digits_data, 0.3, 10, 64),
    "MNIST-1D CNN": Workload(mnist1d_cnn, mnist1d_data, 0.8, 8, 100),
    "adding, T = 50": Workload(adding, adding_data, 0.15, 10, 100),
    "char transformer": Workload(transformer, text_data, 2.6, 6, 64),
}
