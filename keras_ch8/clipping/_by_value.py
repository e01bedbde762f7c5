"""Clipping entry by entry."""

import dataclasses
from typing import Any, final

import keras
from keras import ops

from ._rule import AbstractTensorRule, limit


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
@dataclasses.dataclass(frozen=True)
class ByValue(AbstractTensorRule):
    """Clip every entry to [-limit, limit] (section 8.2.4; Mikolov 2012).

        g_i <- max(-limit, min(limit, g_i))

    The direction of the gradient changes. Infinite entries come down to the limit; NaN stays NaN. State: none.

    Args:
        limit: Number above 0, in units of the gradient. `clipvalue=limit` is the same.

    Raises:
        ValueError: If `limit` is not above 0.

    Example:
        >>> variable = keras.Variable([0.0, 0.0])
        >>> optimizer = keras_ch8.optimizers.SGD(1.0, clip=keras_ch8.clipping.ByValue(0.5))
        >>> optimizer.apply([keras.ops.array([4.0, -0.25])], [variable])
        >>> [float(x) for x in variable.numpy()]
        [-0.5, 0.25]

    References:
        Mikolov (2012), Statistical Language Models Based on Neural Networks.
    """

    section = "8.2.4"

    limit: float

    def __post_init__(self) -> None:
        limit("limit", self.limit)

    def clip(self, g: Any, theta: Any, axes: tuple[int, ...]) -> Any:
        """Clip the entries."""
        del theta, axes
        return ops.clip(g, -self.limit, self.limit)
