"""Quasi-Newton methods that scale their matrix before each update, so that it forgets curvature that has gone."""

import abc
import dataclasses
from typing import final

from keras import ops

from .._types import Tensor
from ._inverse_hessian import InverseHessian
from ._vector import dot
from .contract import State
from .descent import Move


@dataclasses.dataclass(frozen=True)
class SelfScaled(InverseHessian):
    """The update of Broyden's family with a scale tau; a subclass says which member (theta), and tau.

        M <- (M - M y y^T M / (y . M y) + phi (y . M y) v v^T) / tau + s s^T / (s . y)
        phi <- (1 - theta) / (1 + a theta),        v <- s / (s . y) - M y / (y . M y)

    With B = M^-1:    b = s . B s / s . y,    h = y . M y / s . y,    a = b h - 1 >= 0.

    The first pair meets M = I, and scales it by tau = h / (1 + a theta).
    """

    @abc.abstractmethod
    def theta(self, b: Tensor, a: Tensor) -> Tensor:
        """Return which member of the family makes the update: 0 is BFGS, 1 is DFP."""

    @abc.abstractmethod
    def tau(self, b: Tensor, a: Tensor, theta: Tensor, n: int) -> Tensor:
        """Return the scale of n parameters."""

    def learn(self, move: Move, known: Tensor, M: Tensor) -> tuple[State, Tensor]:
        """Scale and update M; its three products are written out, for BFGS takes but two of them."""
        s, y, d = move.s, move.y, move.direction
        M = ops.where(known > 0, M, ops.eye(s.shape[0], dtype=s.dtype))
        My = ops.matmul(M, y)
        curvature, yMy = dot(s, y), dot(y, My)
        step = dot(s, d) / dot(d, d)
        b, h = -step * dot(s, move.before.gradient) / curvature, yMy / curvature  # B s = -step g
        a = ops.maximum(b * h - 1, 0)
        theta = self.theta(b, a)
        tau = ops.where(known > 0, self.tau(b, a, theta, s.shape[0]), h / (1 + a * theta))
        phi = (1 - theta) / (1 + a * theta)
        crossed = ops.outer(s, My)
        new = (
            M
            + (phi - 1) / yMy * ops.outer(My, My)
            - phi / curvature * (crossed + ops.transpose(crossed))
            + phi * h / curvature * ops.outer(s, s)
        ) / tau + ops.outer(s, s) / curvature
        useful = move.is_curved_up
        return {"M": ops.where(useful, new, M)}, useful


@final
@dataclasses.dataclass(frozen=True)
class SSBFGS(SelfScaled):
    """BFGS that scales its matrix up before an update where the step was too short for it (Al-Baali 1998).

        d <- -M g
        s <- x_k+1 - x_k,  y <- g_k+1 - g_k,  rho <- 1 / (s . y)
        tau <- min(1, s . y / (s . B s)),   B = M^-1:   B s = -t g_k, for a step of t d
        M <- (I - rho s y^T) (M / tau) (I - rho y s^T) + rho s s^T

    Curvature that M has overrated is forgotten at once, which BFGS takes many updates for. The first pair starts from
    M = (s . y / y . y) I. A pair without positive curvature (s . y <= eps |s| . |y|) is skipped. State: `M`, n^2
    numbers.

    Args:
        max_parameters: Integer: refuse more parameters than these. Defaults to `10000`, where M takes 400 MB in
            float32.
        line_search: The `LineSearch` that says how far to go along d. Defaults to `StrongWolfe()`.

    Raises:
        TypeError: If `line_search` is not a `LineSearch`.
        ValueError: If `max_parameters` is below 1, or there are more parameters.

    Example:
        >>> f = lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
        >>> keras_ch8.second_order.minimize(f, np.array([-1.2, 1.0]), "ssbfgs").success
        True

    References:
        Al-Baali (1998), Numerical experience with a class of self-scaling quasi-Newton algorithms; Urbán, Stefanou and
        Pons (2025), Unveiling the optimization process of physics informed neural networks, equation 11; Kiyani et al.
        (2025), arXiv 2501.16371.
    """

    def theta(self, b: Tensor, a: Tensor) -> Tensor:
        """Return 0: BFGS."""
        return ops.zeros_like(b)

    def tau(self, b: Tensor, a: Tensor, theta: Tensor, n: int) -> Tensor:
        """Return min(1, 1 / b)."""
        return ops.minimum(1, 1 / b)


@final
@dataclasses.dataclass(frozen=True)
class SSBroyden(SelfScaled):
    """The self-scaled method of Broyden's family that physics-informed networks are trained by (Al-Baali and Khalfan).

        d <- -M g
        s <- x_k+1 - x_k,  y <- g_k+1 - g_k
        b <- s . B s / s . y,  h <- y . M y / s . y,  a <- b h - 1      B = M^-1:  B s = -t g_k, for a step of t d

        r     <- min(1, h (1 - c)),                                     c = sqrt(a / (1 + a))
        theta <- max((r - 1) / a, min(1 / r, (1 - b) / b))
        sigma <- (1 + a theta)^(-1 / (n - 1))
        tau   <- min(1, 1 / b) min(sigma, 1 / theta)                    theta > 0
                 min(min(1, 1 / b) sigma, 1 + a theta)                  theta <= 0
        phi   <- (1 - theta) / (1 + a theta),  v <- s / s . y - M y / y . M y
        M     <- (M - M y y^T M / y . M y + phi (y . M y) v v^T) / tau + s s^T / s . y

    It goes between BFGS (theta 0), DFP (1) and beyond both by what a step has shown, within the interval in which M
    stays positive definite and its eigenvalues bounded. The first pair meets M = I with tau = h / (1 + a theta). A pair
    without positive curvature (s . y <= eps |s| . |y|) is skipped. State: `M`, n^2 numbers.

    Args:
        max_parameters: Integer: refuse more parameters than these. Defaults to `10000`, where M takes 400 MB in
            float32.
        line_search: The `LineSearch` that says how far to go along d. Defaults to `StrongWolfe()`.

    Raises:
        TypeError: If `line_search` is not a `LineSearch`.
        ValueError: If `max_parameters` is below 1, or there are more parameters.

    Example:
        >>> f = lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
        >>> keras_ch8.second_order.minimize(f, np.array([-1.2, 1.0]), "ssbroyden").success
        True

    References:
        Al-Baali and Khalfan (2005), Wide interval for efficient self-scaling quasi-Newton algorithms; Urbán, Stefanou
        and Pons (2025), Unveiling the optimization process of physics informed neural networks, equations 13 to 23;
        Kiyani et al. (2025), arXiv 2501.16371.
    """

    def theta(self, b: Tensor, a: Tensor) -> Tensor:
        """Return (1 - b) / b, within the interval. h (1 - c) = 1 / (b (1 + c)), which does not cancel."""
        r = ops.minimum(1, 1 / (b * (1 + ops.sqrt(a / (1 + a)))))
        lowest = ops.where(a > 0, (r - 1) / a, -1)
        return ops.maximum(lowest, ops.minimum(1 / r, (1 - b) / b))

    def tau(self, b: Tensor, a: Tensor, theta: Tensor, n: int) -> Tensor:
        """Return the scale that keeps the product of the eigenvalues where theta changes it."""
        size, changed = ops.minimum(1, 1 / b), 1 + a * theta
        kept = changed ** (-1 / max(n - 1, 1))
        positive = theta > 0
        above = size * ops.minimum(kept, 1 / ops.where(positive, theta, 1))
        return ops.where(positive, above, ops.minimum(size * kept, changed))
