"""A number that a training moves, and how it gets from its start to its end."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, final

import keras
import numpy as np
from keras import ops

from .. import _checks
from .._describe import short
from .._types import Tensor
from ..integration import backend, keras_private

FIX = "The easy problem is at `start`, the real one at `end`."


@final
class Annealed:
    """A number that makes a problem easy at `start` and leaves the real one at `end` (section 8.7.6).

    A layer, or a loss, keeps it as an attribute and asks for it in every call:

        value   in training     it is moved from `start` to `end`, by `callbacks.Continuation` or by hand
        end     at inference    so that a model always predicts, validates and is exported as the real problem

    State: one float32 scalar, which a compiled step reads: setting it traces nothing anew. It is no weight. So files of
    weights fit the model without the part, and putting back earlier weights does not put back an easier problem. A part
    saves `start` and `value` in its configuration.

    Args:
        start: Number: the value that the training begins with.
        end: Number: the value of the real problem. Defaults to `0`.
        value: The value now. Defaults to `start`.
        low: The smallest value that makes sense. Defaults to minus infinity.
        high: The largest. Defaults to infinity.

    Raises:
        ValueError: If a value lies outside its range.

    Example:
        >>> class Steep(keras.layers.Layer):
        ...     def __init__(self, **kwargs):
        ...         super().__init__(**kwargs)
        ...         self.steepness = keras_ch8.extend.Annealed(1.0, end=20.0)
        ...
        ...     def call(self, x, training=None):
        ...         return keras.ops.tanh(self.steepness.read(training) * x)
        >>> layer, x = Steep(), np.array([0.1])
        >>> print(layer(x, training=True).numpy().round(3), layer(x).numpy().round(3))
        [0.1] [0.964]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.6.
    """

    section = "8.7.6"

    def __init__(
        self,
        start: float,
        end: float = 0.0,
        value: float | None = None,
        *,
        low: float = -math.inf,
        high: float = math.inf,
    ) -> None:
        self._low, self._high = (
            float(limit) if isinstance(limit, float) and math.isinf(limit) else self._finite(name, limit)
            for name, limit in (("low", low), ("high", high))
        )
        self.start, self.end = self._checked("start", start), self._checked("end", end)
        self._value = self._checked("value", start if value is None else value)
        self._variable = backend.scalar(self._value, "float32")

    def _finite(self, name: str, value: Any) -> float:
        return _checks.finite(name, value, meaning="an annealed number", fix=FIX)

    def _checked(self, name: str, value: Any) -> float:
        return _checks.number(
            name,
            self._finite(name, value),
            self._low,
            self._high,
            closed_high=True,
            meaning="an annealed number",
            fix=f"{FIX} The range is from low={self._low:g} to high={self._high:g}.",
        )

    @property
    def value(self) -> float:
        """The number in training; may be set at any time."""
        return self._value

    @value.setter
    def value(self, value: float) -> None:
        value = self._checked("value", value)
        if np.float32(value) != np.float32(self._value):
            self._variable.assign(value)
        self._value = value

    def read(self, training: bool | None = True, dtype: str = "float32") -> Tensor:
        """Return the number as a tensor: as it is in training, `end` at inference."""
        return ops.cast(backend.as_tensor(self._variable) if training else self.end, dtype)


def annealed_in(model: keras.Model) -> dict[str, Annealed]:
    """Return the annealed numbers of a model's layers and of its compiled loss, by name: `"<owner>.<attribute>"`."""
    owners = [part for part, _ in keras_private.flags_of(model)] + keras.tree.flatten(getattr(model, "loss", None))
    found: dict[str, Annealed] = {}
    for owner in owners:
        for attribute, value in getattr(owner, "__dict__", {}).items():
            if isinstance(value, Annealed) and all(value is not known for known in found.values()):
                name = f"{owner.name}.{attribute}"
                while name in found:
                    name += "'"
                found[name] = value
    return found


Schedule = Callable[[float, Annealed], float]
"""(u, number) -> value, where u in [0, 1) is the fraction of the continuation that is over."""

LEFT = 0.01
"""Fraction of the way that `"exponential"` leaves for its end."""
WAYS: dict[str, Callable[[float], float]] = {
    "linear": lambda u: 1 - u,
    "cosine": lambda u: (1 + math.cos(math.pi * u)) / 2,
    "exponential": lambda u: LEFT**u,
}
"""What fraction of the way is left at u."""


def as_schedule(schedule: Any) -> Schedule:
    """Return the schedule that came as a word, a function of u, or the values of stages of equal length."""
    if isinstance(schedule, str):
        word = _checks.word("schedule", schedule, tuple(WAYS), meaning="how to get from the start to the end")
        return partial(_along, word)
    if _checks.takes(schedule, 1):
        return partial(_by_function, schedule)
    if isinstance(schedule, Sequence) and len(schedule) and not isinstance(schedule, bytes):
        fix = "Write the values of the stages, such as [1.0, 0.5, 0.0]."
        for value in schedule:
            _checks.finite("schedule", value, meaning="values of stages", fix=fix)
        return partial(_in_stages, schedule)
    raise TypeError(
        f"`schedule` must be one of {', '.join(map(repr, WAYS))}, a function of the fraction of the continuation that "
        f"is done, or a list of values. Received: schedule={short(schedule)}."
    )


def _along(word: str, u: float, number: Annealed) -> float:
    """Return the value at u; no rounding takes it out of the range."""
    low, high = sorted((number.start, number.end))
    return min(max(number.end + WAYS[word](u) * (number.start - number.end), low), high)


def _by_function(function: Callable[[float], float], u: float, number: Annealed) -> float:
    return float(function(u))


def _in_stages(values: Sequence[float], u: float, number: Annealed) -> float:
    return float(values[int(u * len(values))])
