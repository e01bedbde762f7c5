"""Products and lengths of flat vectors, as scalars."""

import keras
import numpy as np
from keras import ops

from .._types import Tensor, Tree
from ..integration import backend


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Return a . b."""
    return backend.total(a * b)


def norm(a: Tensor) -> Tensor:
    """Return |a|."""
    return ops.sqrt(dot(a, a))


def is_positive_dot(a: Tensor, b: Tensor) -> Tensor:
    """Whether a . b is above its own rounding, whatever the units of the single entries: a . b > eps |a| . |b|."""
    return dot(a, b) > epsilon(a) * dot(ops.abs(a), ops.abs(b))


def largest(a: Tensor) -> Tensor:
    """Return the largest |a_i|, infinity if an entry is NaN: XLA leaves those out of a maximum."""
    return ops.max(ops.where(ops.isnan(a), float("inf"), ops.abs(a)))


_FEW_COLUMNS = 256


def products_of_columns(J: Tensor) -> Tensor:
    """Return J^T J by halves, of which the one above the diagonal is that below it."""
    n = J.shape[1]
    if n <= _FEW_COLUMNS:
        return ops.matmul(ops.transpose(J), J)
    A, B = J[:, : n // 2], J[:, n // 2 :]
    below = ops.matmul(ops.transpose(B), A)
    left = ops.concatenate([products_of_columns(A), below])
    return ops.concatenate([left, ops.concatenate([ops.transpose(below), products_of_columns(B)])], axis=1)


def epsilon(a: Tensor) -> float:
    """Return the distance from 1 to the next number of a tensor's type."""
    return float(np.finfo(a.dtype.name).eps)


def rounding(value: Tensor) -> Tensor:
    """Return a change of f that may be rounding alone: f is a sum, and its terms are often larger than it is."""
    return epsilon(value) ** 0.75 * ops.abs(value)


def where(condition: Tensor, new: Tree, old: Tree) -> Tree:
    """Choose between two tensors, or, entry by entry, between two structures of them."""
    return keras.tree.map_structure(lambda a, b: ops.where(condition, a, b), new, old)


def row(matrix: Tensor, i: Tensor) -> Tensor:
    """Return a row by an index from 0 on that is a tensor: a slice would be compiled anew for each index.

    `keras.ops.take` allows negative indices too, which takes ten operations in place of one.
    """
    return backend.rows(matrix, i)


def with_row(matrix: Tensor, i: Tensor, new: Tensor) -> Tensor:
    """Return a matrix, or a vector, with another row."""
    return ops.scatter_update(matrix, ops.reshape(i, (1, 1)), ops.expand_dims(new, 0))
