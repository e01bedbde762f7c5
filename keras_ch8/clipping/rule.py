"""Rules that clip: one factor for the whole gradient, or a limit for each tensor. And a rule at work."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, final

import keras
from keras import ops

from .. import _checks, _numerics
from .._describe import short
from .._registration import registered
from .._settings import Count, Number, Settings, positive
from .._types import Config, Tensor
from ..integration import backend

State = dict[str, Tensor]
"""What a rule remembers, by name."""


@dataclasses.dataclass(frozen=True)
class ClippingRule(Settings):
    """A rule without state of its own: two rules with equal arguments are equal, and Keras can save it."""

    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of what the rule remembers from step to step, by name; it starts at 0, in float32."""
        return {}


class GlobalRule(ClippingRule):
    """The base of every rule that multiplies the whole gradient by one factor, so that its direction stays.

    A subclass is a frozen dataclass of its settings and writes
    `coefficient(norm, **state) -> (factor, new_state)`: the factor for a gradient of this Euclidean norm. What it
    remembers has the names and shapes of `state_shapes()`; it changes only where the step counts.

    Raises:
        TypeError: When it is given to an optimizer, if it is no dataclass, or has no `coefficient`.

    Example:
        A step that is left out where the gradient is too long:

        >>> import dataclasses
        >>> @keras.saving.register_keras_serializable(package="mine")
        ... @dataclasses.dataclass(frozen=True)
        ... class LeaveOut(keras_ch8.extend.GlobalRule):
        ...     longest: float = 1.0
        ...
        ...     def coefficient(self, norm):
        ...         return keras.ops.where(norm > self.longest, 0.0, 1.0), {}
        >>> variable = keras.Variable([0.0])
        >>> optimizer = keras_ch8.optimizers.SGD(1.0, clip=LeaveOut(2.0))
        >>> for g in (1.0, 3.0):
        ...     optimizer.apply([keras.ops.array([g])], [variable])
        >>> float(variable[0])
        -1.0
    """

    coefficient: Callable[..., tuple[Tensor, State]]
    """`coefficient(norm, **state)`: the factor for a gradient of this Euclidean norm, and the new state."""


class TensorRule(ClippingRule):
    """The base of every rule that clips each tensor by itself.

    A subclass is a frozen dataclass of its settings and writes `clip(g) -> g`: the gradient of one variable, clipped.
    Of a sparse gradient it is given the rows.

    Raises:
        TypeError: When it is given to an optimizer, if it is no dataclass, or has no `clip`.

    Example:
        The mean of the gradient taken away, as gradient centralization does (Yong et al. 2020):

        >>> import dataclasses
        >>> @keras.saving.register_keras_serializable(package="mine")
        ... @dataclasses.dataclass(frozen=True)
        ... class Centralize(keras_ch8.extend.TensorRule):
        ...     def clip(self, g):
        ...         return g - keras.ops.mean(g, axis=0)
        >>> variable = keras.Variable([[0.0], [0.0]])
        >>> optimizer = keras_ch8.optimizers.SGD(1.0, clip=Centralize())
        >>> optimizer.apply([keras.ops.array([[3.0], [1.0]])], [variable])
        >>> variable.numpy().tolist()
        [[-1.0], [1.0]]
    """

    clip: Callable[[Tensor], Tensor]
    """`clip(g)`: one tensor's gradient, clipped."""


def as_rule(value: Any) -> ClippingRule | None:
    """Return a rule that came as one or, from a saved optimizer, as its configuration; None passes."""
    if isinstance(value, dict):
        value = keras.saving.deserialize_keras_object(value)
    if value is None:
        return None
    if not isinstance(value, GlobalRule | TensorRule):
        raise TypeError(
            "`clip` must be a rule of `keras_ch8.clipping`, such as `keras_ch8.clipping.ByGlobalNorm(1.0)`. "
            f"Received: clip={short(value)} of type {type(value).__name__}. For a plain number write `clipnorm`, "
            "`global_clipnorm` or `clipvalue`."
        )
    cls = type(value)
    if isinstance(value, GlobalRule):
        _checks.written(cls, "coefficient", "coefficient(self, norm, **state) -> (factor, new_state)")
    elif isinstance(value, TensorRule):
        _checks.written(cls, "clip", "clip(self, g) -> g")
    if "__dataclass_fields__" not in vars(cls):
        raise TypeError(
            "A clipping rule must be a frozen dataclass, so that its settings can be saved and compared. Received: "
            f"{short(value)} of the plain class {cls.__name__}. Write `@dataclasses.dataclass(frozen=True)` above the "
            "class."
        )
    return value


LIMIT = positive("the limit to clip the gradient to", "Leave it out (None) for no clipping.")
"""What the limit of a rule may be."""


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
            "Only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set, or `clip` instead. Received: "
            f"{', '.join(f'{k}={short(v)}' for k, v in given.items())}. Keep one."
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


class Clipped(NamedTuple):
    """A gradient before and after clipping.

    Args:
        before: The gradient of each variable that has one, by the place of the variable among all.
        after: The same once a rule has clipped it tensor by tensor.
        laid_out: That again, as it is laid out for the update.
        halves: Half the sum of squares of each of these.
        factor: What the whole gradient is still to be multiplied by, or `None`.
        norm: The norm of the whole gradient before a rule has clipped it tensor by tensor; without such a rule -1.
        nonfinite: How many entries of it were infinite or NaN; without such a rule 0.
    """

    before: Mapping[int, Tensor]
    after: Mapping[int, Tensor]
    laid_out: Sequence[Tensor]
    halves: Sequence[Tensor]
    factor: Tensor | None
    norm: Tensor
    nonfinite: Tensor


class Clipper:
    """A rule and what it remembers.

    Args:
        rule: The rule, or None to clip nothing.
        create: Makes a state variable: `create(shape, name)`.
    """

    def __init__(self, rule: ClippingRule | None, create: Callable[..., keras.Variable]) -> None:
        self.rule = rule
        shapes = {} if rule is None else rule.state_shapes()
        self.state = {name: create(shape, f"clip_{name}") for name, shape in shapes.items()}

    def clip(
        self,
        grads: Mapping[int, Tensor],
        lay_out: Callable[[Mapping[int, Tensor]], Sequence[Tensor]],
        active: Tensor | None = None,
    ) -> Clipped:
        """Clip the gradients of some variables, by their places among all, and lay them out for the update.

        What the rule remembers changes where the step counts (`active` of None: it does).
        """
        after, norm, nonfinite = grads, -1.0, 0.0
        if isinstance(self.rule, TensorRule):
            after = {i: _clipped(self.rule, g) for i, g in grads.items()}
            before = list(grads.values())
            norm, nonfinite = _numerics.total_norm(before, _numerics.half_squares(before))
        laid_out = lay_out(after)
        halves = _numerics.half_squares(laid_out)
        factor = None
        if isinstance(self.rule, GlobalRule):
            factor = self._factor(self.rule, _numerics.total_norm(laid_out, halves)[0], active)
        return Clipped(grads, after, laid_out, halves, factor, norm, nonfinite)

    def _factor(self, rule: GlobalRule, norm: Tensor, active: Tensor | None) -> Tensor:
        """Return the factor for a gradient of this norm, and remember what the rule does, where the step counts."""
        old = {name: backend.as_tensor(variable) for name, variable in self.state.items()}
        factor, new = rule.coefficient(norm, **old)
        if new.keys() != old.keys():
            raise ValueError(
                f"`{type(rule).__name__}.coefficient` must return the new state under the names of "
                f"`state_shapes()`, {sorted(old)}. Received: {sorted(new)}."
            )
        if old:
            kept = [_numerics.where(active, new[name], old[name]) for name in old]
            backend.write(list(self.state.values()), kept)
        return factor


def _clipped(rule: TensorRule, g: Tensor) -> Tensor:
    return backend.with_values(g, rule.clip(g.values)) if backend.is_sparse(g) else rule.clip(g)
