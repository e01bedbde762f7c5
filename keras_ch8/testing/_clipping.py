"""The contract of a clipping rule."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

import keras_ch8

from ._require import explained, name_of, require, require_a_value, require_that_keras_saves
from ._training import START


def check_clipping_rule(rule: Any) -> None:
    """Check a clipping rule: a saved value that shortens gradients of any size, and never lengthens one.

    Args:
        rule: One, with its arguments.

    Raises:
        AssertionError: Where the contract is broken; the message says what is wrong and how to fix it.

    Example:
        >>> keras_ch8.testing.check_clipping_rule(keras_ch8.clipping.ByNorm(1.0))
    """
    name, base = name_of(rule), keras_ch8.clipping.Rule
    require(isinstance(rule, base), f"`{name}` must inherit from `clipping.GlobalRule` or `clipping.TensorRule`.")
    require_a_value(rule)
    require_that_keras_saves(rule)
    is_global = hasattr(rule, "coefficient")
    require(
        is_global or hasattr(rule, "clip"),
        f"`{name}` must define `coefficient(norm, **state)`, one factor for the whole gradient, or "
        "`clip(g, theta, axes)`, which clips one tensor.",
    )
    grads = [np.array([3.0, 4.0], "float32"), START]
    for size in (0.0, 1e-20, 1.0, 1e4, 1e20):
        variables = [keras.Variable(np.ones_like(g)) for g in grads]
        scaled = [np.float32(size) * g for g in grads]
        with explained(f"`{name}` cannot clip. Write it in `keras.ops`, and return what the base class says."):
            kept = _clipped(rule, variables, scaled)
        require(
            all(np.isfinite(c).all() for c in kept),
            f"`{name}` must give finite numbers for a finite gradient. Received: {kept} for one of size {size:g}. "
            "Divide with `keras_ch8.clipping.shrink_to`, and take norms that do not overflow.",
        )
        longer = [
            np.linalg.norm(c) > np.linalg.norm(g.astype("float64")) * (1 + 1e-5)
            for c, g in zip(kept, scaled, strict=True)
        ]
        require(
            not any(longer),
            f"`{name}` makes a gradient of size {size:g} longer: a factor must be at most 1.",
        )
        turned = [bool((c * g < 0).any()) for c, g in zip(kept, scaled, strict=True)]
        require(not any(turned), f"`{name}` changes the sign of an entry: a factor must be at least 0.")


def _clipped(rule: Any, variables: list[keras.Variable], grads: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return what is left of gradients: the step of gradient descent with rate 1 from 0, backwards."""
    kept = [keras.Variable(np.zeros_like(g)) for g in grads] if not getattr(rule, "needs_theta", False) else variables
    before = [v.numpy().astype("float64") for v in kept]
    keras_ch8.optimizers.SGD(1.0, clip=rule).apply([ops.convert_to_tensor(g) for g in grads], kept)
    return [b - v.numpy() for b, v in zip(before, kept, strict=True)]
