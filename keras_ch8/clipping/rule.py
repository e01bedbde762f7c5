"""What a clipping rule is: one factor for the whole gradient, or a limit for each tensor. And a rule at work."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras

from .. import _checks, _numerics
from .._describe import short
from .._settings import Settings, positive
from .._types import Tensor
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
            "A clipping rule is a frozen dataclass, so that its settings are saved and compared. Received: "
            f"{short(value)} of the plain class {cls.__name__}. Write `@dataclasses.dataclass(frozen=True)` above the "
            "class."
        )
    return value


LIMIT = positive("the limit to clip the gradient to", "Leave it out (None) for no clipping.")
"""What the limit of a rule may be."""


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
