"""Which objects of TensorFlow have a state: variables, what holds some, and what has one of another kind."""

from typing import Any

import keras
import tensorflow as tf

from .tensorflow import native

_HOLDERS = (tf.Module, tf.random.Generator, tf.train.ExponentialMovingAverage, tf.train.Checkpoint)
_OTHERS = (tf.data.Iterator, tf.lookup.experimental.MutableHashTable, tf.lookup.experimental.DenseHashTable)


def is_variable(value: Any) -> bool:
    """Whether this is a variable, of Keras or of TensorFlow."""
    return isinstance(value, keras.Variable | tf.Variable)


def can_be_saved(variable: Any) -> bool:
    """Whether a variable has numbers."""
    dtype = native(variable).dtype
    return bool(dtype.is_floating or dtype.is_integer or dtype.is_bool or dtype.is_complex)


def holds(value: Any) -> bool:
    """Whether this is an object of TensorFlow in whose attributes variables are."""
    return isinstance(value, _HOLDERS)


def has_state_without_variable(value: Any) -> bool:
    """Whether this changes while it is used, and has no variable that could be read and written."""
    return isinstance(value, _OTHERS)


def fits(variable: Any, shape: tuple[int, ...]) -> bool:
    """Whether a variable takes values of a shape."""
    return bool(native(variable).shape.is_compatible_with(shape))
