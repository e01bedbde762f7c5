"""What a clipping rule is. There are two kinds: one factor for the whole gradient, or tensor by tensor."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import keras

from .. import _checks
from .._settings import AbstractSettings
from .units import unit_axes


@dataclasses.dataclass(frozen=True)
class AbstractRule(AbstractSettings):
    """A rule without state of its own: two rules with equal arguments are equal, and Keras can save it."""

    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return what the rule remembers from step to step, by name; it starts at 0."""
        return {}


class AbstractGlobalRule(AbstractRule):
    """Multiplies the whole gradient by one factor, so that its direction stays."""

    coefficient: Callable[..., tuple[Any, dict[str, Any]]]
    """`coefficient(norm, **state)`: the factor for a gradient of this Euclidean norm, and the new state."""


class AbstractTensorRule(AbstractRule):
    """Clips each tensor by itself."""

    needs_theta = False
    """Whether the limit depends on the weights."""

    clip: Callable[..., Any]
    """`clip(g, theta, axes)`: one tensor's gradient, clipped; `axes` run over the weights of one unit."""

    def units(self, variables: Sequence[Any]) -> list[tuple[int, ...]]:
        """Return the axes that run over the weights of one unit, for each variable (see units)."""
        return [unit_axes(variable) for variable in variables]


def as_rule(value: Any) -> AbstractRule | None:
    """Return a rule that came as one or, from a saved optimizer, as its configuration; None passes."""
    if isinstance(value, dict):
        value = keras.saving.deserialize_keras_object(value)
    if value is not None and not isinstance(value, AbstractRule):
        raise TypeError(
            "`clip` must be a rule of `keras_ch8.clipping`, such as `keras_ch8.clipping.ByGlobalNorm(1.0)`. "
            f"Received: clip={value!r} of type {type(value).__name__}. For a plain number write `clipnorm`, "
            "`global_clipnorm` or `clipvalue`."
        )
    return value


def limit(name: str, value: Any) -> float:
    """Check the limit of a rule."""
    meaning, mend = "the limit to clip the gradient to", "Leave it out (None) for no clipping."
    return _checks.number(name, value, 0.0, float("inf"), open_low=True, meaning=meaning, mend=mend)
