"""Newton's method by conjugate gradients."""

import dataclasses
from collections.abc import Callable
from typing import Annotated, NamedTuple, final

from keras import ops

from .._settings import Count
from .._types import Tensor
from . import _vector
from ._trust import BoundedMethod, Model, ProposedStep, TrustRadius
from .contract import Point, Problem, State

_LOOSEST = 0.5
"""The largest residual that the conjugate gradients may leave, as a fraction of |g|."""


@final
@dataclasses.dataclass(frozen=True)
class TruncatedNewton(BoundedMethod):
    """Newton's method by conjugate gradients in a trust region (section 8.6.1; Steihaug 1983).

        delta <- about argmin g . delta + delta . H delta / 2   with |delta| <= radius:
            delta <- 0,  r <- g,  p <- -g
            while |r| > eta |g|:
                if p . H p <= 0:               stop on the boundary along p: negative curvature leads out of a saddle
                t <- r . r / p . H p
                if |delta + t p| >= radius:    stop on the boundary along p
                delta <- delta + t p;  beta <- |r + t H p|^2 / |r|^2;  r <- r + t H p;  p <- -r + beta p
        x <- x + delta                         if f falls by enough of what the model promises

    eta is large far from the minimum and falls as the gradients do: eta <- 0.9 (|g| / |g_old|)^2, at most 0.5
    (Eisenstat and Walker). The radius follows the trust ratio; the first is 10 times the step along -g to the minimum
    of the model.

    There is no matrix: an iteration costs as many Hessian-vector products as conjugate gradients were run. State: the
    radius, |g_old| and eta. The numbers are `trust_ratio`, `radius`, `cg_iterations` of the last trial, and
    `negative_curvature`, which is 1 where that ended it. A direction of negative curvature in which the gradient is
    exactly 0 is not seen: see `SaddleFreeNewton`.

    Args:
        cg_iterations: Integer of at least 1: the most iterations of conjugate gradients in a step; there are at most
            3 n in any case. Defaults to `200`.

    Raises:
        ValueError: If `cg_iterations` is below 1.

    Example:
        >>> f = lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
        >>> keras_ch8.second_order.minimize(f, np.array([-1.2, 1.0]), "truncated_newton").success
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.6.1; Steihaug (1983); Eisenstat and Walker
        (1996); Nocedal and Wright (2006), algorithm 7.2.
    """

    cg_iterations: Annotated[int, Count("the most iterations of conjugate gradients in a step", "Try 200.", 1)] = 200

    step_numbers = ("radius", "cg_iterations", "negative_curvature")
    numbers = ("trust_ratio", *step_numbers)
    rule = TrustRadius()

    def init_memory(self, n: int, dtype: str) -> State:
        """Keep the last |g| and eta; there is none before the first iteration."""
        return {"g_old": ops.zeros((), dtype), "eta": ops.zeros((), dtype)}

    def model(self, problem: Problem, point: Point, g_old: Tensor, eta: Tensor) -> Model:
        """Choose how exact the conjugate gradients must be."""
        g, length = point.gradient, _vector.norm(point.gradient)
        least = 0.9 * eta**2
        eta = 0.9 * ops.square(length / ops.where(g_old > 0, g_old, length))
        eta = ops.clip(ops.where(least > 0.1, ops.maximum(eta, least), eta), 10 * _vector.epsilon(g), _LOOSEST)
        eta = ops.where(g_old > 0, eta, _LOOSEST)
        most = min(self.cg_iterations, 3 * g.shape[0])

        def step(radius: Tensor) -> ProposedStep:
            end = _steihaug(lambda p: problem.product(point.x, p), point, radius, eta * length, most)
            return ProposedStep(
                delta=end.delta,
                promise=-_vector.dot(end.delta, g + end.r) / 2,
                numbers={
                    "radius": end.radius,
                    "cg_iterations": ops.cast(end.count, g.dtype),
                    "negative_curvature": ops.cast(end.is_negative, g.dtype),
                },
                products=end.count,
                radius=end.radius,
                length=_vector.norm(end.delta),
            )

        return Model(step, {"g_old": length, "eta": eta}, {})


class _Path(NamedTuple):
    """Where the conjugate gradients are.

    Args:
        delta: The step so far.
        r: g + H delta.
        p: The next direction.
        radius: That of the trust region.
        count: How many were run.
        is_bounded: Whether the boundary was reached.
        is_negative: Whether the curvature was not positive.
    """

    delta: Tensor
    r: Tensor
    p: Tensor
    radius: Tensor
    count: Tensor
    is_bounded: Tensor
    is_negative: Tensor


def _steihaug(product: Callable[[Tensor], Tensor], point: Point, radius: Tensor, tolerance: Tensor, most: int) -> _Path:
    """Run conjugate gradients from 0 to the tolerance, to the boundary, or to negative curvature."""

    def goes_on(now: _Path) -> Tensor:
        return ~now.is_bounded & (now.count < most) & ~(_vector.norm(now.r) <= tolerance)

    def once(now: _Path) -> tuple[_Path]:
        delta, r, p, radius, count, _, _ = now
        Hp = product(p)
        curvature, rr = _vector.dot(p, Hp), _vector.dot(r, r)
        radius = ops.where(radius > 0, radius, _first_radius(point, p, curvature))
        is_negative = ~(curvature > _vector.epsilon(p) * _vector.norm(p) * _vector.norm(Hp))
        t = rr / ops.where(is_negative, 1, curvature)
        is_bounded = is_negative | ~(_vector.norm(delta + t * p) < radius)
        t = ops.where(is_bounded, _to_boundary(delta, p, radius), t)
        r = r + t * Hp
        beta = _vector.dot(r, r) / rr
        return (_Path(delta + t * p, r, beta * p - r, radius, count + 1, is_bounded, is_negative),)

    g, no = point.gradient, ops.zeros((), "bool")
    begin = _Path(ops.zeros_like(g), g, -g, radius, ops.zeros((), "int32"), no, no)
    (end,) = ops.while_loop(goes_on, once, (begin,))
    return end


def _first_radius(point: Point, p: Tensor, curvature: Tensor) -> Tensor:
    """Return 10 times the step along p = -g to where the slope is 0, or would be 0 upside down."""
    length, size = _vector.norm(p), _vector.norm(point.x)
    flat = ops.where(size > 0, size, 1)
    return ops.where(curvature == 0, flat, 10 * length * (_vector.dot(p, p) / ops.abs(curvature)))


def _to_boundary(delta: Tensor, p: Tensor, radius: Tensor) -> Tensor:
    """Return the t > 0 with |delta + t p| = radius."""
    a, b, c = _vector.dot(p, p), _vector.dot(delta, p), ops.square(radius) - _vector.dot(delta, delta)
    return c / (b + ops.sqrt(ops.square(b) + a * c))
