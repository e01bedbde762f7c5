"""What the tests of `compare` train: a small model, and functions that a process of its own can be sent."""

import functools

import keras
import numpy as np

from keras_ch8 import choosing, optimizers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 3)).astype("float32")
Y = (X @ [[1.0], [2.0], [-1.0]]).astype("float32")


def model():
    """Return a linear model."""
    made = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    made.compile(loss="mse")
    return made


def momentum(learning_rate):
    """Return an optimizer with this rate."""
    return optimizers.Momentum(learning_rate)


def compare(candidates=None, data=(X, Y), factory=model, **options):
    """Compare with as few trainings as there can be."""
    candidates = candidates or {"momentum": choosing.Candidate(momentum, {"learning_rate": (1e-3, 0.1)})}
    return choosing.compare(candidates, factory, data, **{"epochs": 2, "seeds": 2, "trials": 2, "verbose": 0} | options)


@functools.cache
def whole():
    """Return a comparison that is not interrupted."""
    return compare()
