"""Gradient, Hessian times a vector, the Hessian itself, and a check of the gradient by finite differences."""

import dataclasses
import itertools
from typing import Any

import keras
import numpy as np

from .. import _checks
from .._section import section
from .._types import Data
from .objective import Objective

LARGEST = 5000
"""Weights of the largest model whose whole Hessian is computed."""


@section("8.2.6")
def gradient(model: keras.Model, x: Data, y: Data = None, **options: Any) -> np.ndarray:
    """Return the gradient of the loss (section 8.2.6).

        g <- dJ / dtheta

    Args:
        model: A compiled model.
        x: Inputs, as for `fit`.
        y: Targets.
        **options: `sample_weight`; `loss`, to use instead of the compiled one; `training`, by default `True`, whether
            the model runs as in training (batch statistics, Dropout with one mask).

    Returns:
        A flat vector in float64.

    Example:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile(loss="mse")
        >>> keras_ch8.curvature.gradient(model, np.array([[1.0], [2.0]]), np.array([[0.0], [0.0]]))
        array([5., 3.])

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 4.3.
    """
    objective = Objective(model, x, y, **options)
    return objective.gradient(objective.theta())


@section("8.2.1")
def hessian_vector_product(model: keras.Model, x: Data, y: Data, vector: np.ndarray, **options: Any) -> np.ndarray:
    """Return the Hessian of the loss times a vector, without the Hessian (section 8.2.1; Pearlmutter 1994).

        H v <- d(g . v) / dtheta

    It costs about two gradients. Right for batch, layer and group normalization too, where second derivatives through
    TensorFlow's `tf.nn.moments` are silently wrong. Wrong where a product over an axis (`keras.ops.prod`) has a factor
    of 0: TensorFlow computes its second derivatives as 0; write a product of two factors with `*`. In a network of
    ReLUs it is the curvature between the kinks, which a finite step often finds larger.

    Args:
        model: A compiled model.
        x: Inputs, as for `fit`.
        y: Targets.
        vector: Flat vector with as many entries as the model has trainable weights.
        **options: As for `gradient`.

    Returns:
        A flat vector in float64.

    Raises:
        ValueError: If `vector` has another length.

    Example:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile(loss="mse")
        >>> x, y = np.array([[1.0], [2.0]]), np.array([[0.0], [0.0]])
        >>> keras_ch8.curvature.hessian_vector_product(model, x, y, np.array([1.0, 0.0]))
        array([5., 3.])

    References:
        Pearlmutter (1994), Fast Exact Multiplication by the Hessian.
    """
    objective = Objective(model, x, y, **options)
    _checks.length("vector", vector, objective.size, of="the trainable weights")
    return objective.product(objective.theta(), vector)


@section("8.2.1")
def hessian(model: keras.Model, x: Data, y: Data = None, **options: Any) -> np.ndarray:
    """Return the whole Hessian of the loss of a small model (section 8.2.1).

        H_ij <- d^2 J / dtheta_i dtheta_j

    Args:
        model: A compiled model of at most 5000 trainable weights.
        x: Inputs, as for `fit`.
        y: Targets.
        **options: As for `gradient`.

    Returns:
        A symmetric matrix in float64, a row and a column for each weight.

    Raises:
        ValueError: If the model has more weights.

    Example:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        >>> model.compile(loss="mse")
        >>> keras_ch8.curvature.hessian(model, np.array([[1.0], [2.0]]), np.array([[0.0], [0.0]]))
        array([[5., 3.],
               [3., 2.]])

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 4.3.1.
    """
    objective = Objective(model, x, y, **options)
    if objective.size > LARGEST:
        raise ValueError(
            f"A whole Hessian is computed for at most {LARGEST} weights. Received: a model of {objective.size}. Use "
            "`hessian_vector_product`, or `lanczos` for its extreme eigenvalues."
        )
    theta = objective.theta()
    rows = np.stack([objective.product(theta, unit) for unit in np.eye(objective.size)])
    return (rows + rows.T) / 2


NOISE = 10.0
"""A deviation counts if it is larger than this multiple of the error of the finite difference."""


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
def check_gradient(model: keras.Model, x: Data, y: Data = None, *, seed: int = 0, **options: Any) -> GradientCheck:
    """Compare the gradient with finite differences, variable by variable (section 8.2.6).

        g . u   against   (J(theta + h u) - J(theta - h u)) / 2h    along a random direction u of one variable

    with two sizes of h, whose difference estimates the error of the finite difference itself: in float32 it is seldom
    below 0.1 %. A layer with a gradient of its own (`tf.custom_gradient`, `stop_gradient`) shows up here.

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
    seed = _checks.count("seed", seed, 0, meaning="the seed of the directions", fix="Try 0.")
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
