"""The argument `line_search` of the optimizers with a line search."""

from typing import Any

import keras

from .. import second_order


def search_of(value: Any, default: "second_order.AbstractSearch") -> "second_order.AbstractSearch":
    """Return a line search that came as one, as its saved form, or as None for the default."""
    value = keras.saving.deserialize_keras_object(value) if isinstance(value, dict) else value
    if value is None:
        return default
    if not isinstance(value, second_order.AbstractSearch):
        raise TypeError(
            "`line_search` must be one of `keras_ch8.second_order`, such as `StrongWolfe()` or `HagerZhang()`. "
            f"Received: line_search={value!r} of type {type(value).__name__}."
        )
    return value
