"""Models of every kind that second derivatives have gone wrong for, small and in float64."""

import functools

import keras
import numpy as np
from keras import layers

from keras_ch8 import curvature

RNG = np.random.default_rng(0)
SIX, ROWS, IMAGES = RNG.normal(size=(12, 6)), RNG.normal(size=(12, 5, 3)), RNG.normal(size=(6, 6, 6, 2))
WORDS, Y = RNG.integers(0, 7, (12, 5)), RNG.normal(size=(12, 2))


def tanh():
    return layers.Activation("tanh")


class Penalty(layers.Layer):
    """Adds a loss of its own."""

    def call(self, x):
        self.add_loss(0.1 * keras.ops.mean(x**4))
        return x


def sequential(x, *parts, dtype="float64"):
    first = keras.Input(x.shape[1:], dtype=dtype)
    model = keras.Sequential([first, *parts, layers.Dense(2)])
    model.compile(loss="mse")
    return model, x, Y[: len(x)]


def two_inputs():
    a, b = keras.Input((6,), name="a"), keras.Input((6,), name="b")
    hidden = layers.Dense(4, "tanh")(layers.concatenate([a, b]))
    outputs = {"c": layers.Dense(2, name="c")(hidden), "d": layers.Dense(1, "sigmoid", name="d")(hidden)}
    model = keras.Model({"a": a, "b": b}, outputs)
    model.compile(loss={"c": "mse", "d": "binary_crossentropy"}, loss_weights={"c": 1.0, "d": 0.3})
    return model, {"a": SIX, "b": SIX[::-1].copy()}, {"c": Y, "d": (Y[:, :1] > 0).astype("float64")}


def regularized():
    l2 = keras.regularizers.L2(0.1)
    return sequential(SIX, layers.Dense(4, "tanh", kernel_regularizer=l2), Penalty())


MODELS = {
    "dense": lambda: sequential(SIX, layers.Dense(4, "tanh")),
    "batch normalization": lambda: sequential(SIX, layers.Dense(4), layers.BatchNormalization(), tanh()),
    "layer normalization": lambda: sequential(SIX, layers.Dense(4), layers.LayerNormalization(), tanh()),
    "group normalization": lambda: sequential(SIX, layers.Dense(4), layers.GroupNormalization(2), tanh()),
    "dropout": lambda: sequential(SIX, layers.Dense(4, "tanh"), layers.Dropout(0.5, seed=3)),
    "convolution, max-pooling": lambda: sequential(
        IMAGES, layers.Conv2D(3, 3), layers.BatchNormalization(), layers.MaxPooling2D(), layers.Flatten()
    ),
    "embedding": lambda: sequential(WORDS, layers.Embedding(7, 3), layers.Flatten(), tanh(), dtype="int32"),
    "SimpleRNN": lambda: sequential(ROWS, layers.SimpleRNN(4)),
    "LSTM": lambda: sequential(ROWS, layers.LSTM(3)),
    "GRU": lambda: sequential(ROWS, layers.GRU(3)),
    "regularization, add_loss": regularized,
    "two inputs, two outputs": two_inputs,
}  # fmt: skip


@functools.cache
def with_693_weights(epochs):
    """Return a small network after some epochs, its data, and all eigenvalues of the Hessian there."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(64, 20)).astype("float32"), rng.normal(size=(64, 5)).astype("float32")
    model = keras.Sequential([keras.Input((20,)), layers.Dense(16, "tanh"), layers.Dense(16, "tanh"), layers.Dense(5)])
    model.compile(keras.optimizers.Adam(0.01), "mse", jit_compile=False)
    if epochs:
        model.fit(x, y, epochs=epochs, verbose=0)
    truth = np.linalg.eigvalsh(curvature.hessian(model, x, y))
    assert len(truth) == 693
    return model, x, y, truth
