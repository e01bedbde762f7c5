"""Newton's method with an inverse Hessian that is learned from the gradients."""

import dataclasses
from typing import final

from keras import ops

from .._types import Tensor
from ._inverse_hessian import InverseHessian
from ._vector import dot
from .contract import State
from .descent import Move


@final
@dataclasses.dataclass(frozen=True)
class BFGS(InverseHessian):
    """Newton's method with an inverse Hessian that is learned from the gradients (section 8.6.3).

        d <- -M g
        s <- x_k+1 - x_k,  y <- c (g_k+1 - g_k),  rho <- 1 / (s . y)
        M <- (I - rho s y^T) M (I - rho y s^T) + rho s s^T

    c, 1 on a quadratic, makes s . y the curvature along s at x_k+1: that of the cubic through both values and slopes.
    The first pair starts from M = (s . y / y . y) I, so that the unit of f does not matter. A pair without positive
    curvature (s . y <= eps |s| . |y|) is skipped. State: `M`, n^2 numbers; for more parameters there is `LBFGS`.

    Args:
        max_parameters: Integer: refuse more parameters than these. Defaults to `10000`, where M takes 400 MB in
            float32.
        line_search: The `LineSearch` that says how far to go along d. Defaults to `StrongWolfe()`.

    Raises:
        TypeError: If `line_search` is not a `LineSearch`.
        ValueError: If `max_parameters` is below 1, or there are more parameters.

    Example:
        >>> f = lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
        >>> keras_ch8.second_order.minimize(f, np.array([-1.2, 1.0]), "bfgs").success
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.6.3; Nocedal and Wright (2006), algorithm 6.1;
        Zhang, Deng and Chen (1999), New quasi-Newton equation and related methods.
    """

    def learn(self, move: Move, known: Tensor, M: Tensor) -> tuple[State, Tensor]:
        """Update M, in the form that takes one product with it."""
        s, y = move.s, move.y_at_end
        useful = move.is_curved_up
        curvature = dot(s, y)
        identity = ops.eye(s.shape[0], dtype=s.dtype)
        M = ops.where(known > 0, M, ops.where(useful, identity * (curvature / dot(y, y)), M))
        rho, My = 1 / curvature, ops.matmul(M, y)
        crossed = ops.outer(s, My)
        new = M - rho * (crossed + ops.transpose(crossed)) + rho * (1 + rho * dot(y, My)) * ops.outer(s, s)
        return {"M": ops.where(useful, new, M)}, useful
