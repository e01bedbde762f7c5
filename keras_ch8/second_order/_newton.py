"""Newton's method with a damping: as printed, without its attraction to saddle points, and for sums of squares."""

import dataclasses
from collections.abc import Callable
from typing import Annotated, NamedTuple, final

from keras import ops

from .. import _checks
from .._settings import Count
from .._types import Tensor
from ..integration import backend
from . import _vector
from ._trust import FIRST_DAMPING, BoundedMethod, BoundRule, GainRatio, Model, ProposedStep, Unbound
from .contract import Limited, Point, Problem, State, limit

# --- eigenvalues in a small space, inside the compiled program ------------------------------------------------------


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


# --- the methods ----------------------------------------------------------------------------------------------------

_DIMENSION = 40
"""Of the space in which the ends of the spectrum are found; up to so many parameters they are exact."""
_LEAST = 2.0**-52
"""The smallest alpha for sums of squares: the rounding of float64, in which the equations are solved."""


@final
@dataclasses.dataclass(frozen=True)
class Newton(Limited, BoundedMethod):
    """Newton's method, with damping (algorithm 8.8, section 8.6.1).

        g <- nabla f(x)
        H <- nabla^2 f(x)
        x <- x - (H + alpha I)^-1 g                              equation 8.28; alpha = 0: equation 8.27

    damping        alpha
    0.0            0: the algorithm as printed. One step to the critical point of a quadratic, and from everywhere to
                   the nearest critical point, be it a saddle point or a maximum (section 8.2.3).
    a number       constant, as in equation 8.28.
    `"adaptive"`   max(0, -lambda_min) + mu lambda_max. mu is 0 until H is not positive definite or a step does not
                   bring what it promises, and follows Nielsen's rule from then on: large where the quadratic model of
                   f does not hold. H + alpha I is positive definite, so that f falls; a saddle point is left.

    With a number each step is made, whatever the value; it is halved only where that is infinite or NaN.

    An iteration costs n Hessian-vector products, side by side, and O(n^3). State: mu and nu, and the direction of the
    smallest eigenvalue, n numbers. The numbers are `damping` (alpha), `trust_ratio`, `eigenvalue_smallest` and
    `eigenvalue_largest` of H, from Lanczos: exact up to 40 parameters, and above that the ends of the spectrum as a
    space of 40 dimensions shows them. Where that misses a negative one, the Cholesky factorization does not exist, and
    alpha is raised.

    Args:
        damping: alpha: a number of at least 0, or `"adaptive"`. Defaults to `"adaptive"`.
        max_parameters: Integer: refuse more parameters than these. Defaults to `2000`, where H takes 32 MB in float64
            and a step some seconds.

    Raises:
        ValueError: If `damping` is negative or another word, `max_parameters` below 1, or there are more parameters.

    Example:
        >>> f = lambda x: (x[0] - x[1]) ** 2 + 0.1 * keras.ops.sum(x**2)
        >>> keras_ch8.second_order.minimize(f, np.array([3.0, -2.0]), keras_ch8.second_order.methods.Newton()).nit
        1

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, algorithm 8.8; Levenberg (1944); Nielsen (1999).
    """

    damping: float | str = "adaptive"
    max_parameters: Annotated[int, limit("Try 2000.")] = 2000
    matrix = "computes all n^2 second derivatives"
    instead = "`TruncatedNewton()` or `LBFGS()`"
    numbers = ("damping", "trust_ratio", "eigenvalue_smallest", "eigenvalue_largest")

    def __post_init__(self) -> None:
        if not isinstance(self.damping, str) or self.damping != "adaptive":
            _checks.number(
                "damping",
                self.damping,
                0.0,
                meaning="what is added to each eigenvalue of the Hessian (alpha in the book)",
                fix='Try 0.0 for the algorithm as printed, or "adaptive".',
            )
        super().__post_init__()

    @property
    def rule(self) -> BoundRule:
        """How mu follows from the trials."""
        return GainRatio(start=0.0) if self.damping == "adaptive" else Unbound()

    def init_memory(self, n: int, dtype: str) -> State:
        """Keep the direction of the smallest eigenvalue, where the next search for it begins."""
        return {"v": start_direction(n, dtype)}

    def model(self, problem: Problem, point: Point, v: Tensor) -> Model:
        """Compute H and the ends of its spectrum."""
        g, H = point.gradient, problem.hessian(point.x)
        spectrum = ritz(lambda w: ops.matmul(H, w), g, v, _DIMENSION)
        step = _adaptive if self.damping == "adaptive" else _constant(self.damping)
        smallest, largest = spectrum.values[0], spectrum.values[-1]
        return Model(
            step=lambda size: step(g, H, spectrum, size),
            memory={"v": spectrum.vectors[0]},
            numbers={"eigenvalue_smallest": smallest, "eigenvalue_largest": largest},
            products=g.shape[0],
        )


def _constant(alpha: float | str) -> Callable[..., ProposedStep]:
    """Return the steps of a constant alpha: all of -(H + alpha I)^-1 g, or a fraction."""

    def step(g: Tensor, H: Tensor, spectrum: Ritz, fraction: Tensor) -> ProposedStep:
        damping = ops.convert_to_tensor(alpha, g.dtype)
        return _promised(g, H, -fraction * backend.solve(_plus(H, damping), g), damping)

    return step


def _adaptive(g: Tensor, H: Tensor, spectrum: Ritz, mu: Tensor) -> ProposedStep:
    """Return the step under a damping that makes H + alpha I positive definite, with a way out of a saddle point."""
    smallest, v, largest = spectrum.values[0], spectrum.vectors[0], spectrum.largest
    unit = ops.where(largest > 0, largest, _vector.norm(g))
    is_definite = smallest > H.shape[0] * _vector.epsilon(mu) * largest
    mu = ops.where((mu == 0) & ~is_definite, FIRST_DAMPING, mu)
    alpha = ops.maximum(-smallest, 0) + mu * unit
    delta = -backend.solve_positive(_plus(H, alpha), g)
    along = _vector.dot(v, delta)
    way = revealed(along, _vector.dot(v, g), smallest, largest, _vector.norm(delta))
    return _promised(g, H, delta + (way - along) * v, alpha)


def _plus(H: Tensor, alpha: Tensor) -> Tensor:
    return H + alpha * ops.eye(H.shape[0], dtype=H.dtype)


def _promised(g: Tensor, H: Tensor, delta: Tensor, alpha: Tensor) -> ProposedStep:
    promise = -_vector.dot(g, delta) - _vector.dot(delta, ops.matmul(H, delta)) / 2
    return ProposedStep(delta, promise, {"damping": alpha})


@final
@dataclasses.dataclass(frozen=True)
class SaddleFreeNewton(BoundedMethod):
    """Newton's method with |H| instead of H, in a small subspace (section 8.2.3; Dauphin et al. 2014).

        lambda_i, u_i <- eigenvalues and eigenvectors of H in a space of k dimensions
        c_i  <- u_i . g
        rest <- g - sum c_i u_i
        x    <- x - sum c_i / (|lambda_i| + alpha) u_i - rest / (L + alpha),         L = max |lambda_i|

    Newton's step goes uphill along an eigenvector with a negative eigenvalue, to the saddle point; here it goes
    downhill there, as far. alpha = mu L, mu by Nielsen's rule.

    The space is spanned by g, the direction of the smallest eigenvalue of the last iteration, and products of H with
    them; at the start that direction is a fixed vector without symmetries, so that a symmetric start hides nothing.
    What of g lies outside takes a step of gradient descent, of 1 / L: no curvature that was seen is larger, so it does
    not overshoot, and with it no direction stands still. Up to k parameters nothing is outside.

    An iteration costs k Hessian-vector products; memory: 2 k n numbers. State: mu and nu, and the direction of the
    smallest eigenvalue, n numbers. The numbers are `damping` (alpha),
    `trust_ratio`, `eigenvalue_smallest` and `eigenvalue_largest`.

    Args:
        dimension: Integer of at least 2: k, the dimension of the space in which eigenvalues are computed. Defaults to
            `20`.

    Raises:
        ValueError: If `dimension` is below 2.

    Example:
        >>> f = lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4
        >>> found = keras_ch8.second_order.minimize(f, np.array([1.0, 0.0]), "saddle_free_newton")
        >>> round(found.fun, 6)
        -0.25

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.3; Dauphin et al. (2014), Identifying and
        attacking the saddle point problem in high-dimensional non-convex optimization.
    """

    dimension: Annotated[int, Count("the dimension of the Lanczos space", "Try 20.", 2)] = 20
    numbers = Newton.numbers
    rule = GainRatio()

    def init_memory(self, n: int, dtype: str) -> State:
        """Keep the direction of the smallest eigenvalue."""
        return {"v": start_direction(n, dtype)}

    def model(self, problem: Problem, point: Point, v: Tensor) -> Model:
        """Find the small space, and H in it."""
        g = point.gradient
        values, vectors = spectrum = ritz(lambda w: problem.product(point.x, w), g, v, self.dimension)
        c = ops.matmul(vectors, g)
        rest = g - ops.matmul(c, vectors)
        L = ops.where(spectrum.largest > 0, spectrum.largest, _vector.norm(g))

        def step(mu: Tensor) -> ProposedStep:
            alpha = mu * L
            p, r = -c / (ops.abs(values) + alpha), -rest / (L + alpha)
            length = ops.sqrt(_vector.dot(p, p) + _vector.dot(r, r))
            first = revealed(p[0], c[0], values[0], spectrum.largest, length)
            p = ops.concatenate([first[None], p[1:]])
            promise = -_vector.dot(p, c + values * p / 2) - _vector.dot(r, rest + L * r / 2)
            return ProposedStep(ops.matmul(p, vectors) + r, promise, {"damping": alpha})

        return Model(
            step=step,
            memory={"v": vectors[0]},
            numbers={"eigenvalue_smallest": values[0], "eigenvalue_largest": values[-1]},
            products=values.shape[0],
        )


@final
@dataclasses.dataclass(frozen=True)
class LevenbergMarquardt(Limited, BoundedMethod):
    """The method for sums of squares f(x) = r . r: the second derivatives of f from first ones (section 8.6.1).

        J <- the Jacobian of r(x), a row for each residual
        D <- max(D, |J_1|, .., |J_n|), the lengths of its columns, entry by entry
        (J^T J + alpha D^2) delta = -J^T r
        x <- x + delta                                  if f falls by enough of what the model |r + J delta|^2 promises

    2 J^T J is the Hessian without the part that vanishes with the residuals (the Gauss-Newton matrix); it has no
    negative eigenvalues, so there is no attraction to saddle points. alpha, without a unit, follows Nielsen's rule:
    near 0 the step is that of Newton, large it is a short one along -g / D^2. D makes the path the same in all units of
    the single parameters, as in MINPACK.

    The equations are solved by Cholesky, of float64 sums also for float32: forming J^T J takes half of the digits, and
    float64 has twice those of float32. (A QR of J keeps them without float64, at 4 to 10 times the cost.) A Jacobian
    costs as much as min(m, n) gradients, side by side, for m residuals; memory: m n numbers. State: alpha and nu, and
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
        Moré (1978); Nielsen (1999).
    """

    max_parameters: Annotated[int, limit("Try 5000.")] = 5000
    matrix = "solves with a matrix of n^2 numbers"
    instead = "`TruncatedNewton()` or `LBFGS()`"
    numbers = ("damping", "trust_ratio")
    rule = GainRatio(least=_LEAST)

    def init_memory(self, n: int, dtype: str) -> State:
        """Keep the scales of the parameters."""
        return {"D": ops.zeros((n,), "float64")}

    def model(self, problem: Problem, point: Point, D: Tensor) -> Model:
        """Compute J, in units in which its columns are of length 1 or less."""
        if problem.residuals is None:
            raise ValueError(
                "`LevenbergMarquardt` is for sums of squares, f(x) = r . r, and needs the residuals r. Received: a "
                "problem without. Make it with `Problem.of_squares(residuals)`, or use `Newton()` or `LBFGS()`."
            )
        dtype = point.x.dtype
        r, J = (ops.cast(t, "float64") for t in backend.value_and_jacobian(problem.residuals, point.x))
        D = ops.maximum(D, ops.sqrt(ops.sum(ops.square(J), axis=0)))
        scale = ops.where(D > 0, D, 1)
        J = J / scale
        A, b = ops.matmul(ops.transpose(J), J), ops.matmul(r, J)
        identity = ops.eye(A.shape[0], dtype="float64")

        def step(alpha: Tensor) -> ProposedStep:
            alpha64 = ops.cast(alpha, "float64")
            y = -backend.solve_positive(A + alpha64 * identity, b)
            promise = _vector.dot(y, ops.matmul(A, y)) + 2 * alpha64 * _vector.dot(y, y)
            return ProposedStep(ops.cast(y / scale, dtype), ops.cast(promise, dtype), {"damping": alpha})

        return Model(step, {"D": D}, {})
