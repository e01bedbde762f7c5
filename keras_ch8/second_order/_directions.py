"""Methods that search along a direction: the gradient, conjugate directions, and those of quasi-Newton."""

import dataclasses
from collections.abc import Callable
from typing import Annotated, NamedTuple, final

from keras import ops

from .. import _checks, _numerics
from .._settings import Count
from .._types import Tensor
from ._vector import dot, epsilon, norm, row, with_row
from .contract import Limited, Point, Problem, State, limit
from .descent import Descent, Move
from .line_search import StrongWolfe
from .line_search.line import LineSearch

# --- descent along the gradient, and along directions that are conjugate to those before ------------------------------


@final
@dataclasses.dataclass(frozen=True)
class SteepestDescent(Descent):
    """Steepest descent (section 8.6.2; algorithm 4.1).

        d <- -g
        x <- x + t d        t from the line search

    With exact searches successive directions are orthogonal: figure 8.6, the zigzag. On a quadratic of condition number
    k an iteration multiplies the distance of the value from the minimum by ((k - 1) / (k + 1))^2 at worst. State: the
    expected fall of the value, one number.

    Args:
        line_search: The `LineSearch` that says how far to go along d. Defaults to `StrongWolfe()`.

    Raises:
        TypeError: If `line_search` is not a `LineSearch`.

    Example:
        >>> second_order = keras_ch8.second_order
        >>> found = second_order.minimize(lambda x: keras.ops.sum((x - 1) ** 2), np.zeros(2), "steepest_descent")
        >>> found.x.round(6)
        array([1., 1.])

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, sections 4.3 and 8.6.2.
    """

    def init_memory(self, n: int, dtype: str) -> State:
        """Remember nothing."""
        return {}

    def direction(self, problem: Problem, point: Point, known: Tensor, **memory: Tensor) -> Tensor:
        """Return -g."""
        return -point.gradient

    def learn(self, move: Move, known: Tensor, **memory: Tensor) -> tuple[State, Tensor]:
        """Learn nothing."""
        return {}, ops.ones((), "bool")


# How much of the last direction the next one keeps: d <- -g + beta d_old, with y = g - g_old.


def fletcher_reeves(g: Tensor, g_old: Tensor, d_old: Tensor) -> Tensor:
    """Return beta = g . g / g_old . g_old (equation 8.31)."""
    return _numerics.safe_ratio(dot(g, g), dot(g_old, g_old), 0)


def polak_ribiere(g: Tensor, g_old: Tensor, d_old: Tensor) -> Tensor:
    """Return beta = max(0, g . y / g_old . g_old) (equation 8.32); the 0 is a restart along -g."""
    return ops.maximum(_numerics.safe_ratio(dot(g, g - g_old), dot(g_old, g_old), 0), 0)


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

    On a quadratic with exact searches both are the same: directions are conjugate (d_i H d_j = 0), and k different
    eigenvalues need k iterations. State: the last gradient and direction, 2 n numbers.

    Args:
        beta_rule: One of the names above. Defaults to `"polak_ribiere"`.
        line_search: How far to go along d; with c2 below a half `fletcher_reeves` always lead downhill.
            On the problems of Moré, Garbow and Hillstrom 0.4 takes 0.4 times the evaluations of 0.1. Defaults to
            `StrongWolfe(c2=0.4)`.

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
        Goodfellow, Bengio, Courville (2016), Deep Learning, algorithm 8.9; Nocedal and Wright (2006), section 5.2.
    """

    beta_rule: str = "polak_ribiere"
    line_search: LineSearch = dataclasses.field(default_factory=lambda: StrongWolfe(c2=0.4), kw_only=True)

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


# --- Newton's method without second derivatives: the inverse of the Hessian is learned from the gradients -------------


def is_curved_up(s: Tensor, y: Tensor) -> Tensor:
    """Whether a step and the change of the gradient show positive curvature, in any units: s . y > eps |s| |y|."""
    return dot(s, y) > epsilon(s) * norm(s) * norm(y)


@final
@dataclasses.dataclass(frozen=True)
class BFGS(Limited, Descent):
    """Newton's method with an inverse Hessian that is learned from the gradients (section 8.6.3).

        d <- -M g
        s <- x_k+1 - x_k,  y <- g_k+1 - g_k,  rho <- 1 / (s . y)
        M <- (I - rho s y^T) M (I - rho y s^T) + rho s s^T

    The first pair starts from M = (s . y / y . y) I, so that the unit of f does not matter. A pair without positive
    curvature (s . y <= eps |s| |y|) is skipped. State: `M`, n^2 numbers; for more parameters there is `LBFGS`.

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
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.6.3; Nocedal and Wright (2006), algorithm 6.1.
    """

    max_parameters: Annotated[int, limit("Try 10000.")] = 10_000
    matrix = "keeps a matrix of n^2 numbers"
    instead = "`LBFGS()`"

    takes_unit_steps = True

    def init_memory(self, n: int, dtype: str) -> State:
        """Keep the approximate inverse of the Hessian."""
        return {"M": ops.zeros((n, n), dtype)}

    def direction(self, problem: Problem, point: Point, known: Tensor, M: Tensor) -> Tensor:
        """Return -M g."""
        g = point.gradient
        return -ops.where(known > 0, ops.matmul(M, g), g)

    def learn(self, move: Move, known: Tensor, M: Tensor) -> tuple[State, Tensor]:
        """Update M, in the form that takes one product with it."""
        s, y = move.s, move.y
        useful = is_curved_up(s, y)
        curvature = dot(s, y)
        identity = ops.eye(s.shape[0], dtype=s.dtype)
        M = ops.where(known > 0, M, ops.where(useful, identity * (curvature / dot(y, y)), M))
        rho, My = 1 / curvature, ops.matmul(M, y)
        crossed = ops.outer(s, My)
        new = M - rho * (crossed + ops.transpose(crossed)) + rho * (1 + rho * dot(y, My)) * ops.outer(s, s)
        return {"M": ops.where(useful, new, M)}, useful


class Pairs(NamedTuple):
    """The last pairs of steps and changes of the gradient.

    Args:
        S: The steps s, a row for each, written in a circle.
        Y: The changes y of the gradient, likewise.
        rho: 1 / (s . y) of each.
        gamma: s . y / y . y of the last pair.
    """

    S: Tensor
    Y: Tensor
    rho: Tensor
    gamma: Tensor


@final
@dataclasses.dataclass(frozen=True)
class LBFGS(Descent):
    """BFGS without its matrix: the last pairs of steps and changes of the gradient (section 8.6.3).

        s <- x_k+1 - x_k,  y <- g_k+1 - g_k,  rho <- 1 / (s . y)

        q <- g;   for each pair, the last first:   alpha <- rho s . q,   q <- q - alpha y
        r <- (s . y / y . y) q, of the last pair
        for each pair, the first first:            r <- r + (alpha - rho y . r) s
        d <- -r

    A pair without positive curvature (s . y <= eps |s| |y|) is not kept. State: m pairs, 2 m n numbers,
    for a `history_size` of m.

    Args:
        history_size: Integer of at least 1: how many pairs (s, y) are kept. Defaults to `10`.
        line_search: The `LineSearch` that says how far to go along d. Defaults to `StrongWolfe()`.

    Raises:
        TypeError: If `line_search` is not a `LineSearch`.
        ValueError: If `history_size` is below 1.

    Example:
        >>> f = lambda x: keras.ops.sum((x - 1) ** 4 + x**2)
        >>> keras_ch8.second_order.minimize(f, np.zeros(100), keras_ch8.second_order.methods.LBFGS(5)).success
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.6.3; Nocedal (1980); Nocedal and Wright (2006),
        algorithm 7.4.
    """

    history_size: Annotated[int, Count("the number of pairs that are kept", "Try 10.", 1)] = 10

    takes_unit_steps = True

    def init_memory(self, n: int, dtype: str) -> State:
        """Keep the pairs in rows that are written in a circle."""
        m = self.history_size
        pairs = Pairs(
            S=ops.zeros((m, n), dtype),
            Y=ops.zeros((m, n), dtype),
            rho=ops.zeros((m,), dtype),
            gamma=ops.ones((), dtype),
        )
        return pairs._asdict()

    def direction(self, problem: Problem, point: Point, known: Tensor, **memory: Tensor) -> Tensor:
        """Run the two loops."""
        S, Y, rho, gamma = Pairs(**memory)
        held = ops.minimum(known, self.history_size)

        def pair(age: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
            i = (known - 1 - age) % self.history_size
            return i, row(S, i), row(Y, i), row(rho, i)

        def newest_first(age: Tensor, loop: Tensor) -> Tensor:
            q, alphas = loop
            i, s, y, rho = pair(age)
            alpha = rho * dot(s, q)
            return q - alpha * y, with_row(alphas, i, alpha)

        def oldest_first(step: Tensor, r: Tensor) -> Tensor:
            i, s, y, rho = pair(held - 1 - step)
            beta = rho * dot(y, r)
            return r + (row(alphas, i) - beta) * s

        q, alphas = ops.fori_loop(0, held, newest_first, (point.gradient, ops.zeros_like(rho)))
        r = ops.where(known > 0, gamma, 1) * q
        return -ops.fori_loop(0, held, oldest_first, r)

    def learn(self, move: Move, known: Tensor, **memory: Tensor) -> tuple[State, Tensor]:
        """Write the pair over the oldest one."""
        S, Y, rho, gamma = Pairs(**memory)
        s, y = move.s, move.y
        useful, i = is_curved_up(s, y), known % self.history_size

        def write(matrix: Tensor, new: Tensor) -> Tensor:
            return with_row(matrix, i, ops.where(useful, new, row(matrix, i)))

        curvature = dot(s, y)
        gamma = ops.where(useful, curvature / dot(y, y), gamma)
        return Pairs(write(S, s), write(Y, y), write(rho, 1 / curvature), gamma)._asdict(), useful
