"""Newton's method, with damping."""

import dataclasses
from collections.abc import Callable
from typing import Annotated, final

from keras import ops

from .. import _checks
from .._types import Tensor
from ..integration import backend
from . import _vector
from ._spectrum import Ritz, ritz, start_direction
from ._trust import BoundedMethod, BoundRule, Model, ProposedStep, TrustRadius, Unbound, within_radius
from .contract import Limited, Point, Problem, State, limit

_DIMENSION = 40
"""Of the space in which the ends of the spectrum are found; up to so many parameters they are exact."""


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
    `"adaptive"`   the smallest with which H + alpha I is positive definite and the step no longer than a radius:
                   0 where Newton's step is, whose length then is the radius. That follows the trust ratio: small where
                   the quadratic model of f does not hold. The first is the length of Newton's step, or, if H is not
                   positive definite, of the step along -g to where its slope is 0. A saddle point is left.

    With a number each step is made, whatever the value; it is halved only where that is infinite or NaN.

    An iteration costs n Hessian-vector products, side by side, and O(n^3). State: the radius, and the direction of the
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
        Goodfellow, Bengio, Courville (2016), Deep Learning, algorithm 8.8; Levenberg (1944);
        Moré and Sorensen (1983).
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
        """How the radius, or the fraction, follows from the trials."""
        return TrustRadius() if self.damping == "adaptive" else Unbound()

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


def _adaptive(g: Tensor, H: Tensor, spectrum: Ritz, radius: Tensor) -> ProposedStep:
    """Return the lowest point of the model within a radius; the first radius is the step of Newton, or of the gradient.

    If the gradient has nothing along the direction of a negative eigenvalue, that direction leads on to the boundary.
    """
    smallest, v, length = spectrum.values[0], spectrum.vectors[0], _vector.norm(g)
    digits = H.shape[0] * _vector.epsilon(g) * spectrum.largest
    is_definite, is_negative = smallest > digits, smallest < -digits
    below = ops.where(is_negative, -smallest, 0)
    bend = ops.abs(_vector.dot(g, ops.matmul(H, g)))
    downhill = ops.where(bend > 0, length * (ops.square(length) / ops.where(bend > 0, bend, 1)), 1)
    first = ops.where(is_definite, length / ops.where(is_definite, smallest, 1), downhill)  # |H^-1 g| is not longer
    bound = ops.where(radius > 0, radius, first)
    least = ops.where(is_negative, ops.maximum(1e-3 * length / bound, digits), 0)
    delta, alpha = within_radius(_plus(H, below), g, bound, least)
    left = ops.sqrt(ops.maximum(ops.square(bound) - _vector.dot(delta, delta), 0))
    is_hidden = is_negative & (_vector.norm(delta) < 0.9 * bound)
    delta = delta + ops.where(is_hidden, ops.where(_vector.dot(v, g) > 0, -left, left), 0) * v
    size = _vector.norm(delta)
    step = _promised(g, H, delta, below + alpha)
    is_held = (radius > 0) & (below + alpha > 0)
    return step._replace(radius=ops.where(is_held, radius, size), length=size)


def _plus(H: Tensor, alpha: Tensor) -> Tensor:
    return H + alpha * ops.eye(H.shape[0], dtype=H.dtype)


def _promised(g: Tensor, H: Tensor, delta: Tensor, alpha: Tensor) -> ProposedStep:
    promise = -_vector.dot(g, delta) - _vector.dot(delta, ops.matmul(H, delta)) / 2
    return ProposedStep(delta, promise, {"damping": alpha})
