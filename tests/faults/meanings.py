"""What the value of an argument means, and so which wild values it allows: judged here apart from the package's checks.

A meaning is a function of a value. `a | b` allows what either does.
"""

import inspect
import numbers
import os
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from keras_ch8._settings import Count, said_of

LARGEST = 2**63 - 1
"""The largest integer of TensorFlow and NumPy."""


@dataclass(frozen=True)
class Meaning:
    """What is allowed."""

    text: str
    allows: Callable[[object], bool]

    def __or__(self, other):
        return Meaning(f"{self.text}, or {other.text}", lambda value: self.allows(value) or other.allows(value))


def _is_number(value):
    is_one = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return is_one and -sys.float_info.max <= (value if isinstance(value, int) else float(value)) <= sys.float_info.max


def _is_integer(value):
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and abs(value) <= LARGEST


def number(low=-np.inf, high=np.inf, *, above=False, up_to=False):
    """A finite number in [low, high); `above` leaves out low, `up_to` takes in high."""

    def allows(value):
        return (
            _is_number(value)
            and (value > low if above else value >= low)
            and (value <= high if up_to else value < high)
        )

    return Meaning(f"a number from {low:g} to {high:g}", allows)


def count(low, high=LARGEST):
    """An integer from low to high."""
    return Meaning(f"an integer of at least {low}", lambda value: _is_integer(value) and low <= value <= high)


EXAMPLES = Meaning(
    "an array of numbers for each example",
    lambda value: isinstance(value, np.ndarray) and value.ndim > 0 and value.dtype.kind in "biuf",
)


TEXTS = Meaning(
    "a text for each example, which some models take",
    lambda value: isinstance(value, np.ndarray) and value.ndim > 0 and value.dtype.kind == "U",
)


def declared(annotation):
    """What the annotation of an argument says of it; None where it says nothing."""
    for said in said_of(annotation):
        if isinstance(said, Count):
            meaning = count(said.low)
        else:
            meaning = number(said.low, said.high, above=said.open_low, up_to=said.closed_high)
        return meaning | NONE if type(None) in typing.get_args(annotation) else meaning
    return None


def word(*words):
    """One of a few words."""
    return Meaning(f"one of {words}", lambda value: isinstance(value, str) and value in words)


def only(*values):
    """These values and no others, such as Keras's off value of a flag that the book's algorithm does not have."""

    def allows(value):
        return any(type(value) in (type(one), int, float, bool) and value == one for one in values)

    return Meaning(f"one of {values}", allows)


def of(*classes):
    """An object of a class."""
    return Meaning(" or ".join(cls.__name__ for cls in classes), lambda value: isinstance(value, classes))


def function(*arguments):
    """A function that can be called with so many arguments; a class and a layer are none."""

    def allows(value):
        if not callable(value) or isinstance(value, type | keras.Layer):
            return False
        try:
            inspect.signature(value).bind(*arguments)
        except (TypeError, ValueError):
            return False
        return True

    return Meaning(f"a function of {len(arguments)} arguments", allows)


def sequence(entry, length=None, *, empty=False, arrays=True):
    """A list, a tuple or, with `arrays`, a flat array of such entries."""

    def allows(value):
        is_one = isinstance(value, Sequence) and not isinstance(value, str | bytes)
        is_one = is_one or (arrays and isinstance(value, np.ndarray) and value.ndim == 1)
        if not is_one or (length is not None and len(value) != length):
            return False
        return (len(value) > 0 or empty) and all(entry.allows(one) for one in value)

    return Meaning(f"a list of {entry.text}", allows)


def mapping(entry):
    """A dictionary from names to such entries; an empty one says nothing, and is allowed."""

    def allows(value):
        return isinstance(value, Mapping) and all(isinstance(k, str) and entry.allows(v) for k, v in value.items())

    return Meaning(f"a dictionary of {entry.text}", allows)


NONE = Meaning("None", lambda value: value is None)
FLAG = Meaning(
    "True or False", lambda value: isinstance(value, bool | np.bool_) or (type(value) is int and value in (0, 1))
)
TEXT = Meaning("a name", lambda value: isinstance(value, str) and value not in ("", "\ud800"))
PATH = Meaning("a path", lambda value: isinstance(value, str | os.PathLike) and str(value) not in ("", "\ud800"))
NUMBER = number()
POSITIVE = number(0, above=True)
NOT_NEGATIVE = number(0)
FRACTION = number(0, 1, above=True, up_to=True)
DECAY_RATE = number(0, 1)
SEED = count(0)
VERBOSE = FLAG | count(0, 2)
MODE = word("auto", "min", "max")
LENGTH = number(0, 2.0**63, above=True)
"""A length of time: steps above 0, or a word such as "10ep", of which no wild value is one."""
SCHEDULE = of(keras.optimizers.schedules.LearningRateSchedule)
NAMES = Meaning("True or False", lambda value: isinstance(value, bool)) | sequence(TEXT, empty=True)
"""What joins Keras's logs: all, none, or some by name."""
LAYER = of(keras.layers.Layer)
NOTHING = Meaning("none of the wild values", lambda value: False)
"""For an argument that takes a model, data of a certain shape, or an object that no wild value is."""
NOT_READ = Meaning("anything: it is there for Keras's or a caller's sake, and is not read", lambda value: True)
