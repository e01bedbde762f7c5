"""What the solvers of section 8.6 ask of TensorFlow: derivatives of a function of one flat vector, linear systems."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def value_and_gradient(function: Callable[[Any], Any], x: Any) -> tuple[tf.Tensor, tf.Tensor]:
    """Return a scalar function of a vector and its gradient, 0 where it does not depend on an entry."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = function(x)
    return value, tape.gradient(value, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def hessian_product(gradient: Callable[[Any], Any], x: Any, v: Any) -> tf.Tensor:
    """Return the Hessian times a vector, as the gradient of g . v: reverse over reverse is faster than forward."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        along = tf.reduce_sum(gradient(x) * tf.stop_gradient(v))
    return tape.gradient(along, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def rows_of(function: Callable[[Any], Any], matrix: Any) -> tf.Tensor:
    """Return `function` of each row, all rows in one vectorized computation."""
    return tf.vectorized_map(function, matrix)


def value_and_jacobian(function: Callable[[Any], Any], x: Any) -> tuple[tf.Tensor, tf.Tensor]:
    """Return a vector r of a vector x, and dr / dx, by as many derivatives side by side as the smaller has entries.

    A column is the derivative of u -> nabla (r . u) . v, which is linear in u: reverse over reverse, as in a product
    with the Hessian. A row for each residual instead (`tape.jacobian`) takes 100 times longer for 1000 residuals of 61
    parameters.
    """
    r = function(x)

    def row(u: Any) -> tf.Tensor:
        return value_and_gradient(lambda x: tf.reduce_sum(function(x) * u), x)[1]

    def column(v: Any) -> tf.Tensor:
        return value_and_gradient(lambda u: tf.reduce_sum(row(u) * v), tf.zeros_like(r))[1]

    if r.shape[0] is not None and r.shape[0] < x.shape[0]:
        return r, rows_of(row, tf.eye(r.shape[0], dtype=x.dtype))
    return r, tf.transpose(rows_of(column, tf.eye(x.shape[0], dtype=x.dtype)))


def solve(matrix: Any, b: Any) -> tf.Tensor:
    """Return the solution of a square system."""
    return tf.linalg.solve(matrix, b[:, None])[:, 0]


def solve_positive(matrix: Any, b: Any) -> tf.Tensor:
    """Return the solution of a positive definite system; NaN where it is not positive definite."""
    return tf.linalg.cholesky_solve(tf.linalg.cholesky(matrix), b[:, None])[:, 0]


def traces(program: Any) -> int:
    """Return how often a compiled function has been traced."""
    return int(program.experimental_get_tracing_count())


def trace_each(function: Callable[..., Any]) -> Any:
    """Turn a function into a graph for each set of shapes, without XLA."""
    return tf.function(function, autograph=False)


def eagerly(function: Callable[[], Any]) -> Any:
    """Run a function op by op, also where a graph is being traced, and return its tensors as arrays."""
    with tf.init_scope():
        return tf.nest.map_structure(lambda tensor: tensor.numpy(), function())
