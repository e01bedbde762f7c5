"""What Python keeps while we call a model or a loss of the user's once more: afterwards it is as it was before."""

import contextlib
import random
import types
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import keras
import numpy as np

from . import backend, keras_private

OURS = ("keras", "keras_ch8")
OF_OTHERS = (*OURS, "tensorflow", "numpy", "functools", "contextlib")
"""Packages whose functions keep nothing of a training around them."""


@contextlib.contextmanager
def untouched(*parts: Any) -> Iterator[Any]:
    """Put back what the code of models, losses and functions has changed inside.

    That is: the attributes of each layer, of each loss and of what is held in an attribute, what their lists, dicts and
    sets hold, the variables around a function, and where the generators of random numbers are, those of Python, NumPy
    and TensorFlow and those held in an attribute. Variables of Keras are left to `keras.StatelessScope`.

    Args:
        *parts: Models, losses or functions; None for none.

    Yields:
        The generator of unseeded calls of `keras.random`, which a graph that is traced inside needs while it lives.
    """
    met: set[int] = set()
    ways_back = [way for owner in _owners(parts) for way in _ways_back_of(owner, met)]
    shared = keras_private.global_seed_generator()
    try:
        with backend.generators_kept():
            if backend.in_eager_loop():  # the first unseeded call of `keras.random` makes it, and in a graph that fails
                keras_private.make_global_seed_generator()
            yield keras_private.global_seed_generator()
    finally:
        if shared is None:
            keras_private.forget_global_seed_generator()
        for way in ways_back:
            way()


def _owners(parts: Iterable[Any]) -> list[Any]:
    """Return models with all that is in them, losses and functions."""
    is_layer = keras.layers.Layer
    return [
        one for part in parts for one in (part, *(keras_private.parts_of(part) if isinstance(part, is_layer) else ()))
    ]


def _ways_back_of(owner: Any, met: set[int]) -> Iterator[Callable[[], None]]:
    """Yield what puts back an object that is not met yet: its attributes, the variables around it, what these hold."""
    if id(owner) in met:
        return
    met.add(id(owner))
    own = getattr(owner, "__dict__", {})
    cells = [cell for cell in getattr(owner, "__closure__", None) or () if _is_filled(cell)]
    for value in [own, *own.values(), *keras_private.tracked_in(owner), *(cell.cell_contents for cell in cells)]:
        if isinstance(value, types.FunctionType) and _is_of(value, *OF_OTHERS):
            continue
        if isinstance(value, types.FunctionType):
            yield from _ways_back_of(value, met)
        else:
            yield from _ways_back_to(value)
    for cell in cells:
        yield partial(setattr, cell, "cell_contents", cell.cell_contents)


def _ways_back_to(value: Any) -> Iterator[Callable[[], None]]:
    """Yield what puts back what a list, a dict, a set or a generator of random numbers holds."""
    value = getattr(value, "__wrapped__", value)  # TensorFlow's stand-in for a dict
    if isinstance(value, dict | set | list) and not isinstance(value, OrderedDict):
        kind = next(kind for kind in (dict, set, list) if isinstance(value, kind))
        yield partial(_put_back, kind, value, kind(value))
    elif isinstance(value, random.Random):
        yield partial(value.setstate, value.getstate())
    elif isinstance(value, np.random.RandomState):
        yield partial(value.set_state, value.get_state())
    elif isinstance(value, np.random.Generator):
        yield partial(setattr, value.bit_generator, "state", value.bit_generator.state)


def _put_back(kind: Any, now: Any, before: Any) -> None:
    """Let a list, a dict or a set hold what it held; Keras's own kinds of them would track what comes and goes."""
    if kind is dict:
        for name in now.keys() - before.keys():
            dict.__delitem__(now, name)
        dict.update(now, before)
    elif kind is set:
        set.intersection_update(now, before)
        set.update(now, before)
    elif list(map(id, now)) != list(map(id, before)):
        list.__setitem__(now, slice(None), before)


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018
    except ValueError:
        return False
    return True


def has_own_code(*parts: Any) -> bool:
    """Whether models, losses or functions have code of the user's, not only of Keras's and ours.

    Args:
        *parts: As for `untouched`.
    """
    owners = _owners(parts)
    held = [value for owner in owners for value in getattr(owner, "__dict__", {}).values() if callable(value)]
    return not all(_is_of(part, *OURS) for part in [*filter(None, owners), *held])


def _is_of(thing: Any, *packages: str) -> bool:
    return (getattr(thing, "__module__", None) or "").partition(".")[0] in packages
