"""What a family of distributions is: minus the log of its density, as a value that Keras can save."""

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

import keras

from .._settings import AbstractSettings


@dataclasses.dataclass(frozen=True)
class AbstractFamily(AbstractSettings):
    """A family p(y | eta): two families with equal arguments are equal."""

    nll: ClassVar[Callable[..., Any]]
    """`nll(y, eta)`: -log p of each output in nats, with the outputs along the last axis; a class is one output."""


def as_family(value: Any) -> AbstractFamily:
    """Return a family that came as one or, from a saved loss, as its configuration."""
    if isinstance(value, dict):
        value = keras.saving.deserialize_keras_object(value)
    if not isinstance(value, AbstractFamily):
        raise TypeError(
            "`family` must be a family of `keras_ch8.losses`: `bernoulli()`, `categorical()`, `gaussian()`, "
            "`gaussian_with_variance()`, `laplace()` or `poisson()`. "
            f"Received: family={value!r} of type {type(value).__name__}. Call the name to get one: `gaussian()`."
        )
    return value
