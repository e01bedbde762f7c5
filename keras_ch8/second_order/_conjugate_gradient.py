"""Nonlinear conjugate gradients."""

import dataclasses
from collections.abc import Callable
from typing import final

from keras import ops

from .. import _checks, _numerics
from .._types import Tensor
from ._vector import dot
from .contract import Point, Problem, State
from .descent import Descent, Move
from .line_search import StrongWolfe
from .line_search.line import LineSearch

NOT_ORTHOGONAL = 0.5
"""|g . g_old| / g . g from which on `polak_ribiere` starts anew: gradients of a quadratic are orthogonal. With
the 0.2 of Powell (1977) the problems of Moré, Garbow and Hillstrom take 8 % more evaluations."""

# How much of the last direction the next one keeps: d <- -g + beta d_old, with y = g - g_old.


def fletcher_reeves(g: Tensor, g_old: Tensor, d_old: Tensor) -> Tensor:
    """Return beta = g . g / g_old . g_old (equation 8.31)."""
    return _numerics.safe_ratio(dot(g, g), dot(g_old, g_old), 0)


def polak_ribiere(g: Tensor, g_old: Tensor, d_old: Tensor) -> Tensor:
    """Return beta = max(0, g . y / g_old . g_old) (equation 8.32), and 0, a restart along -g, far from a quadratic."""
    is_far = ops.abs(dot(g, g_old)) >= NOT_ORTHOGONAL * dot(g, g)
    return ops.where(is_far, 0, ops.maximum(_numerics.safe_ratio(dot(g, g - g_old), dot(g_old, g_old), 0), 0))


BETAS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    function.__name__: function for function in (polak_ribiere, fletcher_reeves)
}
"""The formulae by name."""


@final
@dataclasses.dataclass(frozen=True)
class ConjugateGradient(Descent):
    """Nonlinear conjugate gradients (algorithm 8.9, section 8.6.2).

        beta <- as below, with y = g_k - g_k-1;  0 at the start
        d    <- -g_k + beta d
        t    <- argmin f(x + t d)
        x    <- x + t d

    beta                  formula
    `polak_ribiere`       max(0, g_k . y / g_k-1 . g_k-1)       equation 8.32
    `fletcher_reeves`     g_k . g_k / g_k-1 . g_k-1             equation 8.31

    `polak_ribiere` restarts along -g_k, with beta = 0, where |g_k . g_k-1| >= 0.5 g_k . g_k.

    On a quadratic with exact searches both are the same: directions are conjugate (d_i H d_j = 0), and k different
    eigenvalues need k iterations. State: the last gradient and direction, 2 n numbers.

    Args:
        beta_rule: One of the names above. Defaults to `"polak_ribiere"`.
        line_search: How far to go along d; with c2 below a half `fletcher_reeves` always leads downhill. Defaults to
            `StrongWolfe(c2=0.2)`.

    Raises:
        TypeError: If `line_search` is not a `LineSearch`.
        ValueError: If `beta_rule` is not one of the names.

    Example:
        >>> f = lambda x: keras.ops.sum(np.array([1.0, 10.0, 100.0]) * x**2)
        >>> exact = keras_ch8.second_order.line_search.Exact()
        >>> method = keras_ch8.second_order.methods.ConjugateGradient(line_search=exact)
        >>> keras_ch8.second_order.minimize(f, np.ones(3), method).nit
        3

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, algorithm 8.9; Nocedal and Wright (2006), section 5.2,
        with the restart of equation 5.52 (Powell 1977).
    """

    beta_rule: str = "polak_ribiere"
    line_search: LineSearch = dataclasses.field(default_factory=lambda: StrongWolfe(c2=0.2), kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        _checks.word(
            "beta_rule", self.beta_rule, tuple(sorted(BETAS)), meaning="how much of the last direction is kept"
        )

    def init_memory(self, n: int, dtype: str) -> State:
        """Keep the last gradient and direction."""
        return {"g_old": ops.zeros((n,), dtype), "d_old": ops.zeros((n,), dtype)}

    def direction(self, problem: Problem, point: Point, known: Tensor, g_old: Tensor, d_old: Tensor) -> Tensor:
        """Return -g + beta d."""
        g = point.gradient
        beta = ops.where(known > 0, BETAS[self.beta_rule](g, g_old, d_old), 0)
        return -g + beta * d_old

    def learn(self, move: Move, known: Tensor, g_old: Tensor, d_old: Tensor) -> tuple[State, Tensor]:
        """Keep where it came from and how."""
        return {"g_old": move.before.gradient, "d_old": move.direction}, ops.ones((), "bool")
