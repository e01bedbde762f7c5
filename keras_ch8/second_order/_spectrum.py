"""Eigenvalues in a small space, inside the compiled program; and the way out of a saddle point."""

from collections.abc import Callable
from typing import NamedTuple

from keras import ops

from .._types import Tensor
from . import _vector


class Ritz(NamedTuple):
    """What a small space says of the eigenvalues.

    Args:
        values: Ritz values, rising: none is below the smallest eigenvalue, none above the largest.
        vectors: Their directions, one for each row.
    """

    values: Tensor
    vectors: Tensor

    @property
    def largest(self) -> Tensor:
        """The largest |lambda|."""
        return _vector.largest(self.values)


def ritz(product: Callable[[Tensor], Tensor], first: Tensor, second: Tensor, dimension: int) -> Ritz:
    """Return the Ritz values of a symmetric matrix in the space that two vectors and its powers span: block Lanczos.

        q_1 <- first,  q_2 <- second,  q_j+2 <- H q_j       each made orthogonal to those before, of length 1
        values <- eigenvalues of Q H Q^T

    Two starts find what one hides: a direction that is orthogonal to the gradient by symmetry. Where a vector brings
    nothing new (also 0) the coordinate axis that is covered least takes its place, so the space has `dimension`
    dimensions in any case, and is the whole space where there are no more. Full orthogonalization, twice. Under XLA the
    vectors have 8 digits, in float64 also.
    """
    n, tiny = first.shape[0], 100 * _vector.epsilon(first)
    k = min(dimension, n)

    def orthogonal(Q: Tensor, w: Tensor) -> Tensor:
        for _ in range(2):
            w = w - ops.matmul(ops.matmul(Q, w), Q)
        return w

    def once(j: Tensor, space: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        Q, HQ = space
        w = ops.where(j < 2, ops.where(j == 0, first, second), _vector.row(HQ, ops.maximum(j - 2, 0)))
        left = orthogonal(Q, w)
        least = ops.cast(ops.argmin(ops.sum(ops.square(Q), axis=0)), "int32")
        axis = ops.cast(ops.arange(n, dtype="int32") == least, w.dtype)
        is_new = _vector.norm(left) > tiny * _vector.norm(w)
        q = ops.where(is_new, left, orthogonal(Q, axis))
        q = orthogonal(Q, q / _vector.norm(q))
        q = q / _vector.norm(q)
        return _vector.with_row(Q, j, q), _vector.with_row(HQ, j, product(q))

    zeros = ops.zeros((k, n), first.dtype)
    Q, HQ = ops.fori_loop(0, k, once, (zeros, zeros))
    small = ops.matmul(HQ, ops.transpose(Q))
    values, vectors = ops.linalg.eigh(ops.where(ops.isfinite(small), small, 0))  # outside XLA, NaN raises there
    return Ritz(values, ops.matmul(ops.transpose(vectors), Q))


def start_direction(n: int, dtype: str) -> Tensor:
    """Return a vector without symmetries, the same each time."""
    return ops.cos(ops.square(ops.arange(1, n + 1, dtype=dtype)))


def revealed(along: Tensor, slope: Tensor, smallest: Tensor, largest: Tensor, length: Tensor) -> Tensor:
    """Return how far to go along the direction of the smallest eigenvalue: out of a saddle point, if it is negative.

    At a saddle point the gradient does not show that direction, and without it no method leaves. So the step along it
    is at least a tenth of the rest of the step, downhill; there f has no slope to lose and falls by its curvature.
    """
    negative = smallest < -100 * _vector.epsilon(smallest) * largest
    way = 0.1 * ops.where(slope > 0, -length, length)
    return ops.where(negative & (ops.abs(along) < ops.abs(way)), way, along)
