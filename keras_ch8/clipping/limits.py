"""The rules with a fixed limit: for the whole gradient, for each tensor, for each entry. Keras has words for them."""

import dataclasses
from typing import Annotated, final

from keras import ops

from .. import _numerics
from .._describe import short
from .._registration import registered
from .._types import Config, Tensor
from .rule import LIMIT, ClippingRule, GlobalRule, State, TensorRule, as_rule


@final
@registered
@dataclasses.dataclass(frozen=True)
class ByGlobalNorm(GlobalRule):
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

    limit: Annotated[float, LIMIT]

    def coefficient(self, norm: Tensor, **state: Tensor) -> tuple[Tensor, State]:
        """Return limit / |g| where the gradient is longer than the limit."""
        return _numerics.shrink_to(self.limit, norm), state


@final
@registered
@dataclasses.dataclass(frozen=True)
class ByNorm(TensorRule):
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

    limit: Annotated[float, LIMIT]

    def clip(self, g: Tensor, theta: Tensor | None, axes: tuple[int, ...]) -> Tensor:
        """Clip the norm."""
        del theta, axes
        return g * _numerics.shrink_to(self.limit, _numerics.norm(g))


@final
@registered
@dataclasses.dataclass(frozen=True)
class ByValue(TensorRule):
    r"""Clip every entry to [-limit, limit] (section 8.2.4; Mikolov 2012).

    .. math::

        g_i \leftarrow \max(-\text{limit}, \min(\text{limit}, g_i))

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

    limit: Annotated[float, LIMIT]

    def clip(self, g: Tensor, theta: Tensor | None, axes: tuple[int, ...]) -> Tensor:
        """Clip the entries."""
        del theta, axes
        return ops.clip(g, -self.limit, self.limit)


_RULES = {"clipnorm": ByNorm, "clipvalue": ByValue, "global_clipnorm": ByGlobalNorm}


def rule_of(clip: ClippingRule | Config | None, **numbers: float | None) -> ClippingRule | None:
    """Return the rule that `clip`, `clipnorm`, `clipvalue` or `global_clipnorm` stands for, of which one may be given.

    Raises:
        ValueError: If more than one is given, or a limit is not above 0.
        TypeError: If `clip` is not a rule.
    """
    rule = as_rule(clip)
    given = {name: value for name, value in {"clip": rule, **numbers}.items() if value is not None}
    if len(given) > 1:
        raise ValueError(
            "Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set, or `clip` instead: each is a rule "
            f"for the same gradient. Received: {', '.join(f'{k}={short(v)}' for k, v in given.items())}. Keep one."
        )
    for name, value in numbers.items():
        if value is not None:
            rule = _RULES[name](LIMIT.check(name, value))
    return rule
