"""A rule at work on the variables of one optimizer."""

from collections.abc import Callable, Sequence
from typing import Any

from keras import ops

from .. import _numerics
from ..integration import backend
from ._rule import AbstractGlobalRule, AbstractRule, AbstractTensorRule


class Clipper:
    """Holds a rule's state variables and the units of each variable.

    Args:
        rule: The rule, or None to clip nothing.
        variables: All variables of the optimizer.
        create: Makes a state variable: `create(shape, name)`.
    """

    def __init__(self, rule: AbstractRule | None, variables: Sequence[Any], create: Callable[..., Any]) -> None:
        self.rule = rule
        shapes = {} if rule is None else rule.state_shapes()
        self.state = {name: create(shape, f"clip_{name}") for name, shape in shapes.items()}
        self.axes = rule.units(variables) if isinstance(rule, AbstractTensorRule) else []

    def tensors(self, grads: list[Any], variables: Sequence[Any], indices: Sequence[int]) -> tuple[list[Any], Any, Any]:
        """Apply a rule that acts tensor by tensor; `indices` are the variables' places among all.

        Also returns the norm of the whole gradient and its non-finite entries before; -1 and 0 without such a rule.
        """
        if not isinstance(self.rule, AbstractTensorRule):
            return grads, -1.0, 0.0
        clipped = [self._clip(self.rule, *each) for each in zip(grads, variables, indices, strict=True)]
        return clipped, *_numerics.total_norm(grads, _numerics.half_squares(grads))

    def _clip(self, rule: AbstractTensorRule, g: Any, variable: Any, index: int) -> Any:
        axes = self.axes[index]
        if not backend.is_sparse(g):
            return rule.clip(g, self._theta(rule, backend.as_tensor(variable), g), axes)
        if rule.needs_theta and 0 in axes:  # a unit spans rows that this gradient does not have
            return self._clip(rule, backend.densify(g, variable.shape), variable, index)
        theta = self._theta(rule, backend.rows(backend.native(variable), g.indices), g.values)
        return backend.with_values(g, rule.clip(g.values, theta, axes))

    @staticmethod
    def _theta(rule: AbstractTensorRule, theta: Any, g: Any) -> Any:
        return ops.cast(theta, g.dtype) if rule.needs_theta else None

    def factor(self, tensors: Sequence[Any], halves: Sequence[Any], active: Any) -> Any:
        """Return the factor of a rule that acts on the whole gradient, None without such a rule.

        `halves` are half the sums of squares of the tensors. What the rule remembers changes where the step counts.
        """
        if not isinstance(self.rule, AbstractGlobalRule):
            return None
        norm, _ = _numerics.total_norm(tensors, halves)
        old = {name: backend.as_tensor(variable) for name, variable in self.state.items()}
        factor, new = self.rule.coefficient(norm, **old)
        if old:
            kept = [_numerics.choose(active, new[name], old[name]) for name in old]
            backend.write(list(self.state.values()), kept)
        return factor
