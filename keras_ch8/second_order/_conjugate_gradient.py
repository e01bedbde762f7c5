"""Nonlinear conjugate gradients."""

import dataclasses
from typing import Any, final

from keras import ops

from ._betas import BETAS
from ._descent import AbstractDescent, Move
from ._method import State
from ._problem import Point, Problem
from .line_search import AbstractSearch, StrongWolfe


@final
@dataclasses.dataclass(frozen=True)
class ConjugateGradient(AbstractDescent):
    """Nonlinear conjugate gradients (algorithm 8.9, section 8.6.2).

        beta <- as below, with y = g_k - g_k-1;  0 at the start
        d    <- -g_k + beta d
        t    <- argmin f(x + t d)
        x    <- x + t d

    beta                  formula
    `polak_ribiere`       max(0, g_k . y / g_k-1 . g_k-1)       equation 8.32
    `fletcher_reeves`     g_k . g_k / g_k-1 . g_k-1             equation 8.31
    `hestenes_stiefel`    max(0, g_k . y / d . y)
    `dai_yuan`            g_k . g_k / d . y

    On a quadratic with exact searches all four are the same: directions are conjugate (d_i H d_j = 0), and k different
    eigenvalues need k iterations. State: the last gradient and direction, 2 n numbers.

    Args:
        beta_rule: One of the names above. Defaults to `"polak_ribiere"`.
        line_search: How far to go along d; with c2 below a half `fletcher_reeves` and `dai_yuan` always lead downhill.
            On the problems of Moré, Garbow and Hillstrom 0.4 takes 0.4 times the evaluations of 0.1. Defaults to
            `StrongWolfe(c2=0.4)`.

    Raises:
        ValueError: If `beta_rule` is not one of the names.

    Example:
        >>> f = lambda x: keras.ops.sum(np.array([1.0, 10.0, 100.0]) * x**2)
        >>> exact = keras_ch8.second_order.Exact()
        >>> method = keras_ch8.second_order.ConjugateGradient(line_search=exact)
        >>> keras_ch8.second_order.minimize(f, np.ones(3), method).nit
        3

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, algorithm 8.9; Nocedal and Wright (2006), section 5.2.
    """

    beta_rule: str = "polak_ribiere"
    line_search: AbstractSearch = dataclasses.field(default_factory=lambda: StrongWolfe(c2=0.4), kw_only=True)

    def __post_init__(self) -> None:
        if self.beta_rule not in BETAS:
            raise ValueError(f"`beta_rule` must be one of {sorted(BETAS)}. Received: beta_rule={self.beta_rule!r}.")

    def init_memory(self, n: int, dtype: str) -> State:
        """Keep the last gradient and direction."""
        return {"g_old": ops.zeros((n,), dtype), "d_old": ops.zeros((n,), dtype)}

    def direction(self, problem: Problem, point: Point, known: Any, g_old: Any, d_old: Any) -> Any:
        """Return -g + beta d."""
        g = point.gradient
        beta = ops.where(known > 0, BETAS[self.beta_rule](g, g_old, d_old), 0)
        return -g + beta * d_old

    def learn(self, move: Move, known: Any, g_old: Any, d_old: Any) -> tuple[State, Any]:
        """Keep where it came from and how."""
        return {"g_old": move.before.gradient, "d_old": move.direction}, ops.ones((), "bool")
