"""What checks of parts require, how they say what is wrong, and the small training that they run."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from .._types import Data

Make = Callable[..., Any]
"""A function that makes the object to be checked: the class, or `functools.partial(TheClass, its, arguments)`."""


def require(condition: Any, message: str) -> None:
    """Raise the message as an AssertionError if the condition does not hold."""
    if not condition:
        raise AssertionError(message)


def require_close(found: Any, expected: Any, message: str, **tolerances: float) -> None:
    """Compare arrays; the message is followed by how far they are apart."""
    found, expected = np.asarray(found), np.asarray(expected)
    require(found.shape == expected.shape, f"{message} Shapes: {found.shape} instead of {expected.shape}.")
    if not np.allclose(found, expected, equal_nan=True, **tolerances):
        far = np.max(np.abs(found.astype("float64") - expected.astype("float64")))
        raise AssertionError(f"{message} Largest difference: {far:.3g}.")


@contextlib.contextmanager
def explained(message: str) -> Iterator[None]:
    """Turn an error of the checked code into one that says which promise it breaks; the error itself is its cause."""
    try:
        yield
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(f"{message} It raised {type(error).__name__}: {error}") from error


def name_of(thing: Any) -> str:
    """Return the name of a class, or of the class of an object."""
    return thing.__name__ if isinstance(thing, type) else type(thing).__name__


def require_that_keras_saves(thing: Any) -> None:
    """Make it again from its configuration, in Python and as Keras does when it loads a model."""
    name = name_of(thing)
    with explained(f"`{name}` cannot be recreated from `get_config`: return every argument of `__init__` by name."):
        again = type(thing).from_config(thing.get_config())
        require(
            again.get_config() == thing.get_config(),
            f"`{name}` loses an argument: `from_config(get_config())` has another configuration. Keep each argument "
            f"as it was passed. {again.get_config()} instead of {thing.get_config()}.",
        )
    with explained(
        f"Keras cannot load a `{name}`. Decorate the class with "
        '`@keras.saving.register_keras_serializable(package="my_package")`.'
    ):
        revived = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(thing))
        require(type(revived) is type(thing), f"Keras loads a `{name}` as a `{name_of(revived)}`: register the class.")


# --- the small training that checks run ------------------------------------------------------------------------------


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
