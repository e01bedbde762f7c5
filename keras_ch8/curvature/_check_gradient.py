"""Whether the gradient is the gradient."""

import dataclasses
import itertools
from typing import Any

import numpy as np

from .. import _checks
from .._section import section
from .objective import Objective

NOISE = 10.0
"""How many times the error of the finite difference a deviation must be to count."""


@dataclasses.dataclass(frozen=True)
class GradientCheck:
    """What `check_gradient` has found, for each trainable variable.

    Args:
        paths: Path of the variable.
        expected: Slope of the loss along a random direction of that variable, by finite differences.
        found: The same by the gradient.
        errors: How far `expected` itself may be off.
    """

    paths: tuple[str, ...]
    expected: np.ndarray
    found: np.ndarray
    errors: np.ndarray

    @property
    def wrong(self) -> list[str]:
        """Paths of the variables whose gradient is wrong."""
        off = ~(np.abs(self.found - self.expected) <= NOISE * self.errors)  # a NaN is wrong too
        return [path for path, is_off in zip(self.paths, off, strict=True) if is_off]

    def __str__(self) -> str:
        if not self.wrong:
            return f"The gradients of all {len(self.paths)} variables agree with finite differences."
        lines = [
            f"{path}: {found:.4g} by the gradient, {expected:.4g} +- {error:.1g} by finite differences"
            for path, found, expected, error in zip(self.paths, self.found, self.expected, self.errors, strict=True)
            if path in self.wrong
        ]
        return "\n".join(lines)


@section("8.2.6")
def check_gradient(model: Any, x: Any, y: Any = None, *, seed: int = 0, **options: Any) -> GradientCheck:
    """Compare the gradient with finite differences, variable by variable (section 8.2.6).

        g . u   against   (J(theta + h u) - J(theta - h u)) / 2h    along a random direction u of one variable

    with two sizes of h, whose difference tells the error of the finite difference itself: in float32 it is seldom below
    0.1 %. A layer with a gradient of its own (`tf.custom_gradient`, `stop_gradient`) shows up here.

    Args:
        model: A compiled model.
        x: Inputs, as for `fit`.
        y: Targets.
        seed: Seed of the directions. Defaults to `0`.
        **options: As for `gradient`.

    Returns:
        A `GradientCheck`; its `wrong` lists the variables whose gradient is wrong.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, "tanh"), keras.layers.Dense(1)])
        >>> model.compile(loss="mse")
        >>> print(keras_ch8.curvature.check_gradient(model, np.ones((4, 2)), np.ones((4, 1))))
        The gradients of all 4 variables agree with finite differences.

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 11.5.
    """
    seed = _checks.count("seed", seed, 0, meaning="the seed of the directions", mend="Try 0.")
    objective, rng = Objective(model, x, y, **options), np.random.default_rng(seed)
    theta = objective.theta()
    g, loss = objective.gradient(theta), abs(objective.value(theta))
    rows = []
    for start, end in itertools.pairwise(objective.ends):
        u = np.zeros_like(theta)
        u[start:end] = rng.normal(size=end - start)
        u /= np.linalg.norm(u)
        h = 5e-3 * max(1.0, float(np.linalg.norm(theta[start:end])))
        wide, narrow = (_slope(objective, theta, u, step) for step in (2 * h, h))
        rounding = np.finfo("float32").eps * max(loss, 1e-30) / h
        rows.append((narrow + (narrow - wide) / 3, float(g @ u), abs(narrow - wide) / 3 + rounding))
    expected, found, errors = np.array(rows).reshape(-1, 3).T
    return GradientCheck(tuple(v.path for v in objective.variables), expected, found, errors)


def _slope(objective: Objective, theta: np.ndarray, u: np.ndarray, h: float) -> float:
    return (objective.value(theta + h * u) - objective.value(theta - h * u)) / (2 * h)
