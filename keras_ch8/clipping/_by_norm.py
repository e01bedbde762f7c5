"""Clipping tensor by tensor."""

import dataclasses
from typing import Any, final

import keras

from .. import _numerics
from ._rule import AbstractTensorRule, limit


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
@dataclasses.dataclass(frozen=True)
class ByNorm(AbstractTensorRule):
    """Clip the norm of each tensor's gradient (section 8.2.4; equations 10.48 and 10.49).

        if |g| > limit:  g <- g * limit / |g|      where g is the gradient of one parameter tensor

    Each tensor keeps its own direction; the direction of the whole gradient changes. State: none.

    Args:
        limit: Number above 0: the largest Euclidean norm of one tensor's gradient. `clipnorm=limit` is the same.

    Raises:
        ValueError: If `limit` is not above 0.

    Example:
        >>> variables = [keras.Variable([0.0, 0.0]), keras.Variable([0.0, 0.0])]
        >>> optimizer = keras_ch8.optimizers.SGD(1.0, clip=keras_ch8.clipping.ByNorm(1.0))
        >>> optimizer.apply([keras.ops.array([3.0, 4.0]), keras.ops.array([0.0, 12.0])], variables)
        >>> [[round(float(x), 4) for x in v.numpy()] for v in variables]
        [[-0.6, -0.8], [0.0, -1.0]]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 10.11.1; Pascanu, Mikolov, Bengio (2013).
    """

    section = "8.2.4"

    limit: float

    def __post_init__(self) -> None:
        limit("limit", self.limit)

    def clip(self, g: Any, theta: Any, axes: tuple[int, ...]) -> Any:
        """Clip the norm."""
        del theta, axes
        return g * _numerics.shrink_to(self.limit, _numerics.norm(g))
