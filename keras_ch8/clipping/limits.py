"""The rules: with a fixed limit, for which Keras has words, and by what the gradients were."""

import dataclasses
from typing import Annotated, final

from keras import ops

from .. import _numerics
from .._describe import short
from .._registration import registered
from .._settings import Count, Number
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

    def clip(self, g: Tensor) -> Tensor:
        """Clip the norm."""
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

    def clip(self, g: Tensor) -> Tensor:
        """Clip the entries."""
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


PERCENTILE = Number(
    "the percentile of past gradient norms to clip to", "10 is AutoClip's; a larger one clips less.",
    0.0, 100.0, closed_high=True,
)  # fmt: skip


@final
@registered
@dataclasses.dataclass(frozen=True)
class ByPercentile(GlobalRule):
    """Clip the norm of the whole gradient to a percentile of its past norms (8.2.4; AutoClip, 2020).

        add |g| to the norms remembered
        limit <- the p-th percentile of them
        if |g| > limit:  g <- g * limit / |g|

    No limit needs tuning; with p = 10 about nine steps of ten are clipped. Differs from the paper: the last `memory`
    norms are remembered, not all; and an infinite or NaN norm is not remembered.

    State: `norms`, a ring of `memory` float32 numbers, and `count`, among the optimizer's variables.

    Args:
        p: Number in [0, 100]: the percentile of the norms that is the limit. Defaults to `10`.
        memory: Number of norms to remember, an integer of at least 2. Defaults to `1000`.

    Raises:
        ValueError: If an argument lies outside its range.

    Example:
        >>> variable = keras.Variable([0.0])
        >>> optimizer = keras_ch8.optimizers.SGD(1.0, clip=keras_ch8.clipping.ByPercentile(50))
        >>> for g in (1.0, 3.0, 100.0):
        ...     optimizer.apply([keras.ops.array([g])], [variable])
        >>> float(variable[0])  # 1, then (1 + 3) / 2, then 3, the median of 1, 3 and 100
        -6.0

    References:
        Seetharaman, Wichern, Pardo, Le Roux (2020), AutoClip: Adaptive Gradient Clipping for Source
        Separation Networks.
    """

    section = "8.2.4"

    p: Annotated[float, PERCENTILE] = 10
    memory: Annotated[int, Count("how many gradient norms to remember", "Try 1000.", 2)] = 1000

    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the ring of norms and the number of norms that it has seen."""
        return {"norms": (self.memory,), "count": ()}

    def coefficient(self, norm: Tensor, **state: Tensor) -> tuple[Tensor, State]:
        """Return limit / |g|, with the limit from the norms so far and this one."""
        norm, finite = ops.cast(norm, "float32"), ops.isfinite(norm)
        place = ops.arange(self.memory)
        here = place == ops.cast(state["count"] % self.memory, "int32")
        norms = ops.where(here & finite, norm, state["norms"])
        count = state["count"] + ops.cast(finite, "float32")
        count = ops.where(count < 2 * self.memory, count, self.memory)  # stays a small number, for the same place
        remembered = ops.cast(ops.minimum(count, self.memory), "int32")
        limit = self._percentile(ops.where(place < remembered, norms, float("inf")), remembered)
        return _numerics.shrink_to(limit, norm), {"norms": norms, "count": count}

    def _percentile(self, norms: Tensor, filled: Tensor) -> Tensor:
        """Return the percentile of the `filled` smallest, between two neighbours by linear interpolation."""
        ascending = ops.sort(norms)
        place = self.p / 100 * ops.cast(ops.maximum(filled - 1, 0), "float32")
        below = ops.cast(ops.floor(place), "int32")
        above = ops.minimum(below + 1, ops.maximum(filled - 1, 0))
        low, high = ops.take(ascending, below), ops.take(ascending, above)
        return low + (high - low) * (place - ops.floor(place))
