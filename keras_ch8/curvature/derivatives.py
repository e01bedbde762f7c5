"""Gradient, Hessian times a vector, and the Hessian itself."""

from typing import Any

import keras
import numpy as np

from .. import _checks, _objects
from .._section import section
from .._types import Data
from .objective import Objective

LARGEST = 5000
"""Weights of the largest model whose whole Hessian is computed."""


@section("8.2.6")
def gradient(model: keras.Model, x: Data, y: Data = None, **options: Any) -> np.ndarray:
    r"""Return the gradient of the loss (section 8.2.6).

    .. math::

        g \leftarrow \frac{dJ}{d\theta}

    Args:
        model: A compiled model.
        x: Inputs, as for `fit`.
        y: Targets.
        **options: `sample_weight`, by default `None`: weights of the examples. `loss`, by default `None`: a Keras loss,
            or a function of (y, y_pred), to use instead of the compiled one. `training`, by default `True`: whether the
            model runs as in training (batch statistics, Dropout with one mask).

    Returns:
        A flat vector in float64.

    Raises:
        TypeError: If `model` is not a `keras.Model`, or an option is unknown.
        ValueError: If the model is not compiled and `loss` is not given, if targets that the loss reads are missing, or
            if `x`, `y` and `sample_weight` do not have one entry for each example.

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
    r"""Return the Hessian of the loss times a vector, without the Hessian (section 8.2.1; Pearlmutter 1994).

    .. math::

        H v \leftarrow \frac{d (g \cdot v)}{d\theta}

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
    _checks.length("vector", _objects.numbers("vector", vector), objective.size, of="the trainable weights")
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
        ValueError: If the model has more than 5000 trainable weights.

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
