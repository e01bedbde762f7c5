"""Clipping the gradient as one vector."""

import dataclasses
from typing import Any, final

import keras

from .. import _numerics
from ._rule import AbstractGlobalRule, limit


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
@dataclasses.dataclass(frozen=True)
class ByGlobalNorm(AbstractGlobalRule):
    """Clip the norm of the whole gradient (section 8.2.4; equations 10.48 and 10.49).

        if |g| > limit:  g <- g * limit / |g|      where g is the gradient of all parameters, one vector

    The direction stays: at a cliff the step is short and still downhill. State: none.

    Args:
        limit: Number above 0: the largest Euclidean norm. `global_clipnorm=limit` is the same.

    Raises:
        ValueError: If `limit` is not above 0.

    Example:
        >>> variables = [keras.Variable([0.0, 0.0]), keras.Variable([0.0, 0.0])]
        >>> optimizer = keras_ch8.optimizers.SGD(1.0, clip=keras_ch8.clipping.ByGlobalNorm(6.5))
        >>> optimizer.apply([keras.ops.array([3.0, 4.0]), keras.ops.array([0.0, 12.0])], variables)
        >>> [[round(float(x), 4) for x in v.numpy()] for v in variables]
        [[-1.5, -2.0], [0.0, -6.0]]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 10.11.1; Pascanu, Mikolov, Bengio (2013).
    """

    section = "8.2.4"

    limit: float

    def __post_init__(self) -> None:
        limit("limit", self.limit)

    def coefficient(self, norm: Any, **state: Any) -> tuple[Any, dict[str, Any]]:
        """Return limit / |g| where the gradient is longer than the limit."""
        return _numerics.shrink_to(self.limit, norm), state
