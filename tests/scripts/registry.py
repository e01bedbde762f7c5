"""What a kind of training is; `KINDS` has all that the files `kinds_*.py` have written down."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

EPOCHS, BATCH = 2, 12

NEVER_BUILT = {"has_call": False, "is_built": False}
"""Traits of a model that only holds others and has no `call`: Keras cannot build it."""


def first_rows(arguments):
    """Return the first examples that `fit` is given, as a batch."""
    batch = arguments["x"], arguments.get("y"), arguments.get("sample_weight")
    rows = keras.tree.map_structure(lambda a: None if a is None else a[:BATCH], batch)
    return tuple(part for part in rows if part is not None)


def first_item(arguments):
    """Return the first batch of a `PyDataset`."""
    return arguments["x"][0]


@dataclasses.dataclass(frozen=True)
class Kind:
    """One way in which people train with Keras.

    Args:
        name: Its name.
        make: Function of `optimizer`, itself a function without arguments that is called for each optimizer that the
            model needs; returns a fresh model and the arguments of its `fit`, data included.
        monitor: A quantity of the training that is reported for each epoch; smaller is better.
        pair: Name of the target metric, name of the loss that is minimized, and "min" or "max" for the first; `None`
            where the kind reports one quantity only.
        probe: Function of the arguments of `fit` that returns a batch to look at.
        optimizers: Attributes of the model that hold the optimizers that train it.
        has_loss: Whether Keras's `compile` is told a loss.
        has_call: Whether the model can be called with the x of a batch.
        is_built: Whether the model is built when it is trained; one that only holds others never is.
        is_compiled: Whether XLA compiles the training step.
        fits: How often `fit` is called, with the same arguments.
        keras_warns: What a warning of Keras's own says in such a training.
        needs: A class of `keras.optimizers` that old versions of Keras do not have.
    """

    name: str
    make: Callable[[Callable[[], Any]], tuple[Any, dict[str, Any]]]
    monitor: str = "loss"
    pair: tuple[str, str, str] | None = None
    probe: Callable[[dict[str, Any]], Any] = first_rows
    optimizers: tuple[str, ...] = ("optimizer",)
    has_loss: bool = True
    has_call: bool = True
    is_built: bool = True
    is_compiled: bool = False
    fits: int = 1
    keras_warns: str = ""
    needs: str = ""

    @property
    def is_ordinary(self):
        """Whether nothing is missing that a callback could ask for: weights, a loss, a `call`."""
        return bool(self.optimizers) and self.has_loss and self.has_call

    @property
    def is_available(self):
        """Whether this Keras has what the kind needs."""
        return not self.needs or hasattr(keras.optimizers, self.needs)


KINDS: dict[str, Kind] = {}


def kind(**traits):
    """Register a function as the kind of its name."""

    def register(make):
        name = make.__name__
        assert name not in KINDS, name
        KINDS[name] = Kind(name, make, **traits)
        return make

    return register


# --- data -------------------------------------------------------------------------------------------------------------


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def blobs(count=60, axes=6, classes=3):
    """Return points around a center for each class, and their classes."""
    y = np.arange(count) % classes
    return 2 * normal(classes, axes, seed=1)[y] + normal(count, axes), y


def regression(count=60, axes=6):
    """Return points, and a smooth function of them."""
    x = normal(count, axes)
    return x, np.tanh(x @ normal(axes, 1, seed=1)) + 0.1 * normal(count, 1, seed=2)
