"""No search."""

import dataclasses
from typing import Any, final

import keras
from keras import ops

from ... import _checks
from .. import _vector
from ._line import AbstractSearch, Line, Look, Trial, first_look


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
@dataclasses.dataclass(frozen=True)
class Constant(AbstractSearch):
    """A step of constant length, whether or not the value falls (section 8.6).

        t <- length

    Only a step to an infinite value, or NaN, is not made.

    Args:
        length: Number above 0: the multiple of the direction. Defaults to `1.0`, the whole step of Newton's method.

    Raises:
        ValueError: If `length` is not above 0.

    Example:
        >>> method = keras_ch8.second_order.SteepestDescent(line_search=keras_ch8.second_order.Constant(0.25))
        >>> found = keras_ch8.second_order.minimize(lambda x: keras.ops.sum(x**2), np.array([8.0]), method)
        >>> found.success
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 4.3.
    """

    length: float = 1.0

    def __post_init__(self) -> None:
        _checks.positive("length", self.length, meaning="the multiple of the direction to go", mend="Try 1.0.")

    def begin(self, line: Line, first: Any) -> Look:
        """Propose the length."""
        del first
        return first_look(line, ops.full_like(line.slope, self.length))

    def take(self, line: Line, look: Look, trial: Trial) -> Look:
        """Take it if it is finite."""
        del line
        finite = ops.isfinite(trial.value)
        return look._replace(
            chosen=_vector.where(finite, trial, look.chosen), accepted=finite, is_over=ops.ones_like(finite)
        )
