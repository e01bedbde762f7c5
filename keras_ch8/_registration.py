"""Every class that can stand in a saved model is registered with Keras, so that `keras.models.load_model` finds it."""

from typing import TypeVar

import keras

_Class = TypeVar("_Class", bound=type)

IN_PARTS = ("jax", "torch")
"""The backends besides TensorFlow on which parts of the suite work (see `integration.backend`)."""


def registered(cls: _Class) -> _Class:
    """Register a class with Keras under `keras_ch8>` and its name."""
    keras.saving.register_keras_serializable(package="keras_ch8")(cls)
    return cls


def packages() -> list[str]:
    """Return the packages whose classes can stand in a file, as far as they work on this backend."""
    backend = keras.backend.backend()
    found = ["initializers", "layers", "losses", "metrics", "schedules"] if backend in ("tensorflow", *IN_PARTS) else []
    return found + (["continuation", "optimizers"] if backend == "tensorflow" else [])
