"""The step of limited-memory BFGS within bounds: along the bent path of -g, then on among what is free there.

    B = (I - W^T M W) / gamma,    W = [Y; S],    M^-1 = [[-D, L^T], [L, S S^T]],    D + L = the lower part of S Y^T

This is the Hessian that the pairs explain (Byrd, Nocedal and Schnabel 1994), here with each s of length 1 and y in
units of 1 / gamma, so that nothing depends on the units of f and x. All stretches of the path are computed side by
side: a loop over n of them would cost more than the sums.
"""

from typing import NamedTuple

from keras import ops

from .._types import Tensor
from ..integration import backend
from ._vector import dot, epsilon

ROUNDS = 10
"""How often entries go on without those that have met a bound."""


class Compact(NamedTuple):
    """The matrix B in units of 1 / gamma, as I - W^T M W with W = [Y; S] and M^-1 = [[-D, L^T], [L, SS]].

    Args:
        Y: A row for each y.
        S: A row for each s.
        D: The diagonal of S Y^T.
        L: What of it is below, with the oldest pair first.
        SS: S S^T. For a pair that is not known, 1 stands on the diagonals of both, and 0 in the rows.
    """

    Y: Tensor
    S: Tensor
    D: Tensor
    L: Tensor
    SS: Tensor


def compact(S: Tensor, Y: Tensor, gamma: Tensor, known: Tensor) -> Compact:
    """Return B from pairs in rows that are written in a circle."""
    m = S.shape[0]
    age = (known - 1 - ops.arange(m, dtype="int32")) % m
    held = ops.cast(age < known, S.dtype)
    lengths = ops.sqrt(ops.sum(ops.square(S), axis=1))
    scale = (held / ops.where(lengths > 0, lengths, 1))[:, None]
    S, Y = S * scale, gamma * Y * scale
    SY, absent = ops.matmul(S, ops.transpose(Y)), ops.diag(1 - held)
    return Compact(
        Y=Y,
        S=S,
        D=ops.diag(ops.diagonal(SY)) + absent,
        L=ops.where(age[:, None] < age[None, :], SY, 0),
        SS=ops.matmul(S, ops.transpose(S)) + absent,
    )


def step(x: Tensor, g: Tensor, B: Compact, low: Tensor, high: Tensor) -> Tensor:
    """Return where the quadratic model with the gradient g leads from x; both in units of 1 / gamma.

    It goes from the Cauchy point to the minimum over the entries that are within their bounds there, and back within
    the bounds (Morales and Nocedal 2011). That stops some entries short, and what was the minimum for the others with
    them is none without: in a curved valley it lies high above. So the others go on to their own, until none leaves its
    bounds. It is the Cauchy point alone, if the other is not downhill.
    """
    W, m = ops.concatenate([B.Y, B.S]), B.Y.shape[0]
    M = _solve(B.D, B.L, B.SS, ops.eye(2 * m, dtype=g.dtype))
    ends = ops.where(g < 0, (x - high) / ops.where(g < 0, g, 1), (x - low) / ops.where(g > 0, g, 1))
    ends = ops.where(g == 0, float("inf"), ends)
    t = _along_the_path(g, W, M, ends)
    free = ends > t
    cauchy = ops.where(free, x - t * g, ops.where(g < 0, high, low))
    absent = B.SS - ops.matmul(B.S, ops.transpose(B.S))

    def once(place: Tensor, free: Tensor, leaves: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        z = place - x
        r = -ops.where(free, g + z - ops.matmul(ops.matmul(M, ops.matmul(W, z)), W), 0)
        # The inverse of M, less W W^T over what is free: of S S^T what is not free is left, and no difference is taken.
        Y, S, rest = ops.where(free, B.Y, 0), ops.where(free, B.S, 0), ops.where(free, 0, B.S)
        pull = _solve(
            B.D + ops.matmul(Y, ops.transpose(Y)),
            B.L - ops.matmul(S, ops.transpose(Y)),
            absent + ops.matmul(rest, ops.transpose(rest)),
            ops.matmul(W, r)[:, None],
        )
        place = place + r + ops.where(free, ops.matmul(pull[:, 0], W), 0)
        leaves = free & ((place < low) | (place > high))
        return ops.clip(place, low, high), free & ~leaves, ops.any(leaves)

    begin = cauchy, free, ops.ones((), "bool")
    place, *_ = ops.while_loop(lambda place, free, leaves: leaves, once, begin, maximum_iterations=ROUNDS)
    d = ops.where(dot(g, place - x) < 0, place, cauchy) - x
    return (1 + 4 * epsilon(x)) * d  # beyond a bound by rounding, not short of it: the line ends at the bound itself


def _solve(P: Tensor, Q: Tensor, R: Tensor, b: Tensor) -> Tensor:
    """Return the solutions of [[-P, Q^T], [Q, R]] v = b; P and R + Q P^-1 Q^T are positive definite, else it is NaN."""
    top, bottom = b[: P.shape[0]], b[P.shape[0] :]
    from_top, across = backend.solve_positive(P, top), backend.solve_positive(P, ops.transpose(Q))
    second = backend.solve_positive(R + ops.matmul(Q, across), bottom + ops.matmul(Q, from_top))
    return ops.concatenate([ops.matmul(across, second) - from_top, second])


def _along_the_path(g: Tensor, W: Tensor, M: Tensor, ends: Tensor) -> Tensor:
    """Return where the model is first smallest on the path x - t g, on which each entry stops at its end (its bound).

    Between two ends the model is a parabola. p = W d and c = W z belong to what still moves, and to the way so far.
    """
    order = ops.argsort(ends)
    ends, d = ops.take(ends, order), ops.take(ops.where(ends > 0, -g, 0), order)
    starts = ops.concatenate([ops.zeros_like(ends[:1]), ends[:-1]])
    dd = _from_here(ops.square(d))
    p = _from_here(ops.take(W, order, axis=1) * d)
    ways = ops.where(ops.isfinite(ends), ends - starts, 0) * p
    c, Mp = ops.cumsum(ways, axis=1) - ways, ops.matmul(M, p)
    slope = -dd * (1 - starts) - ops.sum(c * Mp, axis=0)
    bend = dd - ops.sum(p * Mp, axis=0)
    best = ops.where(slope < 0, starts - slope / bend, starts)
    is_it = best <= ends
    return ops.where(ops.any(is_it), ops.take(best, ops.argmax(is_it)), ends[-1])


def _from_here(a: Tensor) -> Tensor:
    """Return the sum of each entry and all after it, along the last axis."""
    return ops.flip(ops.cumsum(ops.flip(a, axis=-1), axis=-1), axis=-1)
