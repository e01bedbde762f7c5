"""The method for sums of squares, with a damping."""

import dataclasses
from typing import Annotated, final

from keras import ops

from .._types import Tensor
from . import _vector
from ._trust import BoundedMethod, Model, ProposedStep, TrustRadius, within_radius
from .contract import Limited, Point, Problem, State, limit

_LEAST = 2.0**-52
"""The smallest alpha: the rounding of float64, in which the equations are solved."""


@final
@dataclasses.dataclass(frozen=True)
class LevenbergMarquardt(Limited, BoundedMethod):
    """The method for sums of squares f(x) = r . r: the second derivatives of f from first ones (section 8.6.1).

        J <- the Jacobian of r(x), a row for each residual
        D <- max(D, |J_1|, .., |J_n|), the lengths of its columns, entry by entry
        (J^T J + alpha D^2) delta = -J^T r
        x <- x + delta                                  if f falls by enough of what the model |r + J delta|^2 promises

    2 J^T J is the Hessian without the part that vanishes with the residuals (the Gauss-Newton matrix); it has no
    negative eigenvalues, so there is no attraction to saddle points. alpha, without a unit, is the smallest with which
    |D delta| is no longer than a radius, which follows the trust ratio: near 0 the step is that of Newton, large it is
    a short one along -g / D^2. The first radius is 10 times the way to the minimum of the model along it; that of a
    step within it is its length. D makes the path the same in all units of the single parameters, as in MINPACK.

    The equations are solved by Cholesky, of float64 sums also for float32: forming J^T J takes half of the digits, and
    float64 has twice those of float32. (A QR of J keeps them without float64, at 4 to 10 times the cost.) A Jacobian
    costs as much as min(m, n) gradients, side by side, for m residuals; memory: m n numbers. State: the radius, and
    D, n numbers. The numbers are `damping` (alpha) and `trust_ratio`.

    Args:
        max_parameters: Integer: refuse more parameters than these. Defaults to `5000`, where J^T J takes 200 MB and a
            step some seconds.

    Raises:
        ValueError: If the problem has no residuals, `max_parameters` is below 1, or there are more parameters.

    Example:
        >>> residuals = lambda x: keras.ops.stack([10 * (x[1] - x[0] ** 2), 1 - x[0]])
        >>> problem = keras_ch8.extend.Problem.of_squares(residuals)
        >>> found = keras_ch8.second_order.minimize(problem, np.array([-1.2, 1.0]), "levenberg_marquardt")
        >>> found.x.round(4)
        array([1., 1.])

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.6.1; Levenberg (1944); Marquardt (1963);
        Moré (1978).
    """

    max_parameters: Annotated[int, limit("Try 5000.")] = 5000
    matrix = "solves with a matrix of n^2 numbers"
    instead = "`TruncatedNewton()` or `LBFGS()`"
    numbers = ("damping", "trust_ratio")
    rule = TrustRadius()

    def init_memory(self, n: int, dtype: str) -> State:
        """Keep the scales of the parameters."""
        return {"D": ops.zeros((n,), "float64")}

    def model(self, problem: Problem, point: Point, D: Tensor) -> Model:
        """Compute J, in units in which its columns are of length 1 or less."""
        dtype = point.x.dtype
        r, J = problem.linear(type(self).__name__, point.x)
        D = ops.maximum(D, ops.sqrt(ops.sum(ops.square(J), axis=0)))
        scale = ops.where(D > 0, D, 1)
        J = J / scale
        A, b = _vector.products_of_columns(J), ops.matmul(r, J)
        fall, bend = _vector.norm(b), _vector.dot(b, ops.matmul(A, b))
        first = 10 * fall * (ops.square(fall) / ops.where(bend > 0, bend, 1))

        def step(radius: Tensor) -> ProposedStep:
            radius64 = ops.where(radius > 0, ops.cast(radius, "float64"), first)
            y, alpha = within_radius(A, b, radius64, ops.full_like(bend, _LEAST))
            promise = _vector.dot(y, ops.matmul(A, y)) + 2 * alpha * _vector.dot(y, y)
            length = _vector.norm(y)
            found = (y / scale, promise, alpha, ops.where(alpha > _LEAST, radius64, length), length)
            delta, promise, alpha, radius, length = (ops.cast(t, dtype) for t in found)
            return ProposedStep(delta, promise, {"damping": alpha}, radius=radius, length=length)

        return Model(step, {"D": D}, {})
