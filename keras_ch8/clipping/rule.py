"""What a clipping rule is: one factor for the whole gradient, or for each tensor, or a limit. And a rule at work."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

from .. import _checks, _numerics
from .._describe import short
from .._settings import Settings, positive
from .._types import Tensor
from ..integration import backend
from .units import unit_axes

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

    A subclass is a frozen dataclass of its settings and writes `clip(g, theta, axes) -> g`: the gradient of one
    variable, clipped. theta is the variable's value if the class says `needs_theta = True`, else None; `axes` run over
    the weights of one unit (see `clipping.Adaptive`).

    Raises:
        TypeError: When it is given to an optimizer, if it is no dataclass, or has no `clip`.

    Example:
        The mean of the gradient taken away, as gradient centralization does (Yong et al. 2020):

        >>> import dataclasses
        >>> @keras.saving.register_keras_serializable(package="mine")
        ... @dataclasses.dataclass(frozen=True)
        ... class Centralize(keras_ch8.extend.TensorRule):
        ...     def clip(self, g, theta, axes):
        ...         return g - keras.ops.mean(g, axis=axes, keepdims=True)
        >>> variable = keras.Variable([[0.0], [0.0]])
        >>> optimizer = keras_ch8.optimizers.SGD(1.0, clip=Centralize())
        >>> optimizer.apply([keras.ops.array([[3.0], [1.0]])], [variable])
        >>> variable.numpy().tolist()
        [[-1.0], [1.0]]
    """

    needs_theta = False
    """Whether the limit depends on the weights."""

    clip: Callable[[Tensor, Tensor | None, tuple[int, ...]], Tensor]
    """`clip(g, theta, axes)`: one tensor's gradient, clipped; `axes` run over the weights of one unit."""

    def units(self, variables: Sequence[keras.Variable]) -> list[tuple[int, ...]]:
        """Return the axes that run over the weights of one unit, for each variable (see units)."""
        return [unit_axes(variable) for variable in variables]


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
        _checks.written(cls, "clip", "clip(self, g, theta, axes) -> g")
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
    """Holds a rule's state variables and the units of each variable.

    Args:
        rule: The rule, or None to clip nothing.
        variables: All variables of the optimizer.
        create: Makes a state variable: `create(shape, name)`.
    """

    def __init__(
        self, rule: ClippingRule | None, variables: Sequence[keras.Variable], create: Callable[..., keras.Variable]
    ) -> None:
        self.rule = rule
        shapes = {} if rule is None else rule.state_shapes()
        self.state = {name: create(shape, f"clip_{name}") for name, shape in shapes.items()}
        self.axes = rule.units(variables) if isinstance(rule, TensorRule) else []

    def clip(
        self,
        grads: Mapping[int, Tensor],
        known: Sequence[keras.Variable],
        lay_out: Callable[[Mapping[int, Tensor]], Sequence[Tensor]],
        active: Tensor | None = None,
    ) -> Clipped:
        """Clip the gradient of some of the `known` variables, by their places, and lay it out for the update.

        What the rule remembers changes where the step counts (`active` of None: it does).
        """
        clipped, *before = self.tensors(list(grads.values()), [known[i] for i in grads], list(grads))
        after = dict(zip(grads, clipped, strict=True))
        laid_out = lay_out(after)
        halves = _numerics.half_squares(laid_out)
        return Clipped(grads, after, laid_out, halves, self.factor(laid_out, halves, active), *before)

    def tensors(
        self,
        grads: list[Tensor],
        variables: Sequence[keras.Variable],
        indices: Sequence[int],
    ) -> tuple[list[Tensor], Tensor, Tensor]:
        """Apply a rule that acts tensor by tensor; `indices` are the variables' places among all.

        Also returns the norm of the whole gradient and its non-finite entries before; -1 and 0 without such a rule.
        """
        if not isinstance(self.rule, TensorRule):
            return grads, -1.0, 0.0
        clipped = [self._clip(self.rule, *each) for each in zip(grads, variables, indices, strict=True)]
        return clipped, *_numerics.total_norm(grads, _numerics.half_squares(grads))

    def _clip(self, rule: TensorRule, g: Tensor, variable: keras.Variable, index: int) -> Tensor:
        axes = self.axes[index]
        if not backend.is_sparse(g):
            return rule.clip(g, self._theta(rule, backend.as_tensor(variable), g), axes)
        if rule.needs_theta and 0 in axes:  # a unit spans rows that this gradient does not have
            return self._clip(rule, backend.densify(g, variable.shape), variable, index)
        theta = self._theta(rule, backend.rows(backend.native(variable), g.indices), g.values)
        return backend.with_values(g, rule.clip(g.values, theta, axes))

    @staticmethod
    def _theta(rule: TensorRule, theta: Tensor, g: Tensor) -> Tensor | None:
        return ops.cast(theta, g.dtype) if rule.needs_theta else None

    def factor(self, tensors: Sequence[Tensor], halves: Sequence[Tensor], active: Tensor | None) -> Tensor | None:
        """Return the factor of a rule that acts on the whole gradient, None without such a rule.

        `halves` are half the sums of squares of the tensors. What the rule remembers changes where the step counts.
        """
        if not isinstance(self.rule, GlobalRule):
            return None
        norm, _ = _numerics.total_norm(tensors, halves)
        old = {name: backend.as_tensor(variable) for name, variable in self.state.items()}
        factor, new = self.rule.coefficient(norm, **old)
        if new.keys() != old.keys():
            raise ValueError(
                f"`{type(self.rule).__name__}.coefficient` must return the new state under the names of "
                f"`state_shapes()`, {sorted(old)}. Received: {sorted(new)}."
            )
        if old:
            kept = [_numerics.where(active, new[name], old[name]) for name in old]
            backend.write(list(self.state.values()), kept)
        return factor
