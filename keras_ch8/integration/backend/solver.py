"""Derivatives, and linear systems for the solvers of section 8.6."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from ..._types import Tensor


def gradients(function: Callable[[list[Any]], Any], values: list[Any]) -> list[Any]:
    """Return the dense gradient of a scalar function with respect to each tensor; 0 where it depends on it not."""
    return value_and_gradients(lambda values, watch: (function(values), []), values)[1]


def value_and_gradients(function: Callable[..., tuple[Any, list[Any]]], values: list[Any]) -> tuple[Any, list[Any]]:
    """Return a scalar function and its dense gradients with respect to each tensor, and to some on the way.

    `function(values, watch)` returns its value and tensors that it met on the way; one that it was given, such as the
    data, it hands to `watch` first.
    """
    with tf.GradientTape() as tape:
        tape.watch(values)
        value, met = function(values, tape.watch)
    sources = [*values, *met]
    # Where two sources have one gradient, as a tensor and its copy do, a tape never lets go of its graph (TF 2.21).
    gradients_of = tf.gradients if met and not tf.executing_eagerly() else tape.gradient
    found = gradients_of(value, sources, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    dense = [tf.convert_to_tensor(g) for g in found]
    for gradient, source in zip(dense, sources, strict=True):
        gradient.set_shape(source.shape)  # that of an embedding has lost its own
    return value, dense


def value_and_gradient(function: Callable[[Any], Any], x: Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return a scalar function of a vector and its gradient, 0 where it does not depend on an entry."""
    value, (gradient,) = value_and_gradients(lambda values, watch: (function(*values), []), [x])
    return value, gradient


def hessian_product(gradient: Callable[[Any], Any], x: Tensor, v: Tensor) -> tf.Tensor:
    """Return the Hessian times a vector, as the gradient of g . v: reverse over reverse is faster than forward."""
    return gradients(lambda values: tf.reduce_sum(gradient(*values) * tf.stop_gradient(v)), [x])[0]


def rows_of(function: Callable[[Any], Any], matrix: Tensor) -> tf.Tensor:
    """Return `function` of each row, all rows in one vectorized computation."""
    return tf.vectorized_map(function, matrix)


def value_and_jacobian(function: Callable[[Any], Any], x: Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return a vector r of a vector x, and dr / dx, by as many derivatives side by side as the smaller has entries.

    A column is the derivative of u -> nabla (r . u) . v, which is linear in u: reverse over reverse, as in a product
    with the Hessian. A row for each residual instead (`tape.jacobian`) takes 100 times longer for 1000 residuals of 61
    parameters.
    """
    r = function(x)

    def row(u: Tensor) -> tf.Tensor:
        return value_and_gradient(lambda x: tf.reduce_sum(function(x) * u), x)[1]

    def column(v: Tensor) -> tf.Tensor:
        return value_and_gradient(lambda u: tf.reduce_sum(row(u) * v), tf.zeros_like(r))[1]

    if r.shape[0] is not None and r.shape[0] < x.shape[0]:
        return r, rows_of(row, tf.eye(r.shape[0], dtype=x.dtype))
    return r, tf.transpose(rows_of(column, tf.eye(x.shape[0], dtype=x.dtype)))


def solve(matrix: Tensor, b: Tensor) -> tf.Tensor:
    """Return the solution of a square system."""
    return tf.linalg.solve(matrix, b[:, None])[:, 0]


def solve_positive(matrix: Tensor, b: Tensor) -> tf.Tensor:
    """Return the solution of a positive definite system; NaN where it is not positive definite."""
    return tf.linalg.cholesky_solve(tf.linalg.cholesky(matrix), b[:, None])[:, 0]
