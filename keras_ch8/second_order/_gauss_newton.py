"""Newton's method for sums of squares, with the curvature from first derivatives and a line search."""

import dataclasses
from collections.abc import Callable
from typing import Annotated, final

from keras import ops

from .._types import Tensor
from ..integration import backend
from ._vector import products_of_columns
from .contract import Limited, Point, Problem, State, limit
from .descent import Descent, Move

_LEAST = 2.0**-40
"""What keeps J^T J regular, as a fraction of its trace: well above what its rounding in float64 makes of a 0."""


def gram(J: Tensor) -> Tensor:
    """Return the smaller of J J^T and J^T J."""
    m, n = J.shape
    return products_of_columns(ops.transpose(J) if m < n else J)


def damped_inverse(J: Tensor, G: Tensor, alpha: Tensor) -> Callable[[Tensor], Tensor]:
    """Return w -> (J^T J + alpha I)^-1 J^T w = J^T (J J^T + alpha I)^-1 w (Woodbury), with one factorization."""
    W = backend.inverse_factor(G + alpha * ops.eye(G.shape[0], dtype=G.dtype))

    def solve(b: Tensor) -> Tensor:
        return ops.matmul(ops.matmul(W, b), W)

    if G.shape[0] < J.shape[1]:
        return lambda w: ops.matmul(solve(w), J)
    return lambda w: solve(ops.matmul(w, J))


@final
@dataclasses.dataclass(frozen=True)
class GaussNewton(Limited, Descent):
    """Newton's method for sums of squares f(x) = r . r, with first derivatives only (section 8.6.1).

        J <- the Jacobian of r(x), a row for each residual
        d <- -J^T (J J^T + alpha I)^-1 r,   or   -(J^T J + alpha I)^-1 J^T r: the same, by the smaller matrix
        x <- x + t d,                       t by line search, 1 tried first

    2 J^T J is the Hessian without the part that vanishes with the residuals. alpha = 2^-40 tr(J^T J) only keeps the
    equations regular: the line search says how far they hold. Few iterations from a good start, many from a bad one,
    where `LevenbergMarquardt` and `NaturalGradient` bound the step instead.

    The equations are solved in float64. Memory: m n numbers for m residuals, and the square of the smaller. State:
    what the line search remembers.

    Args:
        max_parameters: Integer: refuse more parameters than these. Defaults to `5000`.
        line_search: The `LineSearch` that says how far to go along d. Defaults to `StrongWolfe()`.

    Raises:
        TypeError: If `line_search` is not a `LineSearch`.
        ValueError: If the problem has no residuals, `max_parameters` is below 1, or there are more parameters.

    Example:
        >>> residuals = lambda x: keras.ops.stack([10 * (x[1] - x[0] ** 2), 1 - x[0]])
        >>> problem = keras_ch8.extend.Problem.of_squares(residuals)
        >>> keras_ch8.second_order.minimize(problem, np.array([-1.2, 1.0]), "gauss_newton").x.round(4)
        array([1., 1.])

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.6.1; Nocedal and Wright (2006), section 10.3.
    """

    max_parameters: Annotated[int, limit("Try 5000.")] = 5000
    matrix = "solves with a matrix of n^2 numbers"
    instead = "`TruncatedNewton()` or `LBFGS()`"
    takes_unit_steps = True

    def init_memory(self, n: int, dtype: str) -> State:
        """Remember nothing."""
        return {}

    def direction(self, problem: Problem, point: Point, known: Tensor) -> Tensor:
        """Solve the equations."""
        r, J = problem.linear(type(self).__name__, point.x)
        alpha = _LEAST * ops.sum(ops.square(J))
        return ops.cast(-damped_inverse(J, gram(J), alpha)(r), point.x.dtype)

    def learn(self, move: Move, known: Tensor) -> tuple[State, Tensor]:
        """Learn nothing."""
        return {}, ops.ones((), "bool")
