"""The small training that checks run, and where a variable begins in those that take steps without one."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from .._types import Data

START = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)
"""Where a variable of the checks begins."""

_RNG = np.random.default_rng(0)
X = _RNG.normal(size=(24, 6)).astype("float32")
Y = np.tanh(X[:, :2] + 0.5).astype("float32")


Training = Callable[[], tuple[keras.Model, Data, Data]]
"""A function that makes a compiled model and data for it, the same at each call."""


def small_training() -> tuple[keras.Model, Data, Data]:
    """Return a small network with Adam, and data for it."""
    return small_model("adam"), X, Y


def small_model(optimizer: Any, **options: Any) -> keras.Model:
    """Return a small network, compiled with an optimizer; always with the same weights."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5, "tanh"), keras.layers.Dense(2)])
    model.compile(optimizer, "mse", **options)
    return model


def fit(model: keras.Model, x: Data, y: Data, callbacks: Sequence[Any] = (), **options: Any) -> dict[str, list[float]]:
    """Train a model as all checks do, and return what `fit` says of each epoch."""
    options = {"epochs": 2, "batch_size": 8, "shuffle": False, "verbose": 0, "validation_data": (x, y)} | options
    keras.utils.set_random_seed(0)
    history: dict[str, list[float]] = model.fit(x, y, callbacks=list(callbacks), **options).history
    return history
