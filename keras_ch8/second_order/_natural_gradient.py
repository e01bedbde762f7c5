"""The natural gradient of a sum of squares, damped, with a correction for the bend of the residuals."""

import dataclasses
from collections.abc import Callable
from typing import Annotated, cast, final

from keras import ops

from .._types import Tensor
from ._gauss_newton import damped_inverse, gram
from ._trust import BoundedMethod, GainRatio, Model, ProposedStep
from ._vector import dot, norm
from .contract import Limited, Point, Problem, State, limit

_PROBE = 0.1
"""The fraction of a step at which the bend of the residuals is measured (Transtrum and Sethna)."""


@final
@dataclasses.dataclass(frozen=True)
class NaturalGradient(Limited, BoundedMethod):
    """The natural gradient of sums of squares f(x) = r . r, as of physics-informed networks.

        J <- the Jacobian of r(x), a row for each residual
        v <- -J^T (J J^T + alpha I)^-1 r,   or   -(J^T J + alpha I)^-1 J^T r: the same, by the smaller matrix
        b <- 2 / h ((r(x + h v) - r) / h - J v),                    the second derivative of r along v, h = 0.1
        a <- -J^T (J J^T + alpha I)^-1 b / 2                        if 2 |a| <= 3/4 |v|, else 0
        x <- x + v + a                      if f falls by enough of what |r + J v|^2 promises

    J^T J is the metric that the weights inherit from the residuals: v is the change of the weights that changes the
    function that the network is as steepest descent in the space of functions would. `LevenbergMarquardt` has a metric
    that scales each weight by its largest slope so far, which in networks is soon out of date. a follows the bend of
    the residuals, and allows for longer steps. alpha is mu times the mean square of a residual's gradient, and mu
    follows Nielsen's rule.

    The equations are solved in float64. An iteration has one Jacobian, and for each trial a factorization and two
    evaluations. Memory: m n numbers for m residuals, and the square of the smaller. State: mu and nu. The numbers are
    `damping` (mu) and `trust_ratio`.

    Args:
        max_parameters: Integer: refuse more parameters than these. Defaults to `5000`.

    Raises:
        ValueError: If the problem has no residuals, `max_parameters` is below 1, or there are more parameters.

    Example:
        >>> residuals = lambda x: keras.ops.stack([10 * (x[1] - x[0] ** 2), 1 - x[0]])
        >>> problem = keras_ch8.extend.Problem.of_squares(residuals)
        >>> keras_ch8.second_order.minimize(problem, np.array([-1.2, 1.0]), "natural_gradient").x.round(4)
        array([1., 1.])

    References:
        Müller and Zeinhofer (2023), Achieving High Accuracy with PINNs via Energy Natural Gradient Descent; Jnini and
        Vella (2025), Dual Natural Gradient Descent; Transtrum and Sethna (2012), Improvements to the
        Levenberg-Marquardt algorithm.
    """

    max_parameters: Annotated[int, limit("Try 5000.")] = 5000
    matrix = "solves with a matrix of n^2 numbers"
    instead = "`TruncatedNewton()` or `LBFGS()`"
    numbers = ("damping", "trust_ratio")
    rule = GainRatio(least=2.0**-52)

    def init_memory(self, n: int, dtype: str) -> State:
        """Remember the damping only."""
        return {}

    def model(self, problem: Problem, point: Point) -> Model:
        """Compute J and the smaller of its two products with itself."""
        dtype = point.x.dtype
        r, J = problem.linear(type(self).__name__, point.x)
        residuals = cast(Callable[[Tensor], Tensor], problem.residuals)
        G, unit = gram(J), ops.sum(ops.square(J)) / min(J.shape)

        def step(mu: Tensor) -> ProposedStep:
            alpha = ops.cast(mu, "float64") * unit
            solve = damped_inverse(J, G, alpha)
            v = -solve(r)
            Jv = ops.matmul(J, v)
            ahead = ops.cast(residuals(point.x + _PROBE * ops.cast(v, dtype)), "float64")
            a = -solve(2 / _PROBE * ((ahead - r) / _PROBE - Jv)) / 2
            v_and_a = ops.where(2 * norm(a) <= 0.75 * norm(v), v + a, v)
            promise = dot(Jv, Jv) + 2 * alpha * dot(v, v)
            return ProposedStep(ops.cast(v_and_a, dtype), ops.cast(promise, dtype), {"damping": mu})

        return Model(step, {}, {})
