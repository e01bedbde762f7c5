"""Newton's method without its attraction to saddle points."""

import dataclasses
from typing import Annotated, final

from keras import ops

from .._settings import Count
from .._types import Tensor
from . import _vector
from ._spectrum import revealed, ritz, start_direction
from ._trust import BoundedMethod, GainRatio, Model, ProposedStep
from .contract import Point, Problem, State


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
    numbers = ("damping", "trust_ratio", "eigenvalue_smallest", "eigenvalue_largest")
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
