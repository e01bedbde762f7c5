"""BFGS with limited history_size."""

import dataclasses
from typing import Any, final

from keras import ops

from .. import _checks
from . import _vector
from ._descent import AbstractDescent, Move
from ._method import State
from ._problem import Point, Problem


@final
@dataclasses.dataclass(frozen=True)
class LBFGS(AbstractDescent):
    """BFGS without its matrix: the last pairs of steps and changes of the gradient (section 8.6.3).

        s <- x_k+1 - x_k,  y <- g_k+1 - g_k,  rho <- 1 / (s . y)

        q <- g;   for each pair, the last first:   alpha <- rho s . q,   q <- q - alpha y
        r <- (s . y / y . y) q, of the last pair
        for each pair, the first first:            r <- r + (alpha - rho y . r) s
        d <- -r

    A pair without positive curvature (s . y <= eps |s| |y|) is not kept. State: m pairs, 2 m n numbers,
    for a `history_size` of m.

    Args:
        history_size: Integer of at least 1: how many are kept. Defaults to `10`.
        line_search: How far to go along d. Defaults to `StrongWolfe()`.

    Raises:
        ValueError: If `history_size` is below 1.

    Example:
        >>> f = lambda x: keras.ops.sum((x - 1) ** 4 + x**2)
        >>> keras_ch8.second_order.minimize(f, np.zeros(100), keras_ch8.second_order.LBFGS(5)).success
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.6.3; Nocedal (1980); Nocedal and Wright (2006),
        algorithm 7.4.
    """

    history_size: int = 10

    takes_unit_steps = True

    def __post_init__(self) -> None:
        _checks.count("history_size", self.history_size, 1, meaning="the number of pairs that are kept", mend="Try 10.")

    def init_memory(self, n: int, dtype: str) -> State:
        """Keep the pairs in rows that are written in a circle."""
        m = self.history_size
        return {
            "S": ops.zeros((m, n), dtype),
            "Y": ops.zeros((m, n), dtype),
            "rho": ops.zeros((m,), dtype),
            "gamma": ops.ones((), dtype),
        }

    def direction(self, problem: Problem, point: Point, known: Any, S: Any, Y: Any, rho: Any, gamma: Any) -> Any:
        """Run the two loops."""
        held = ops.minimum(known, self.history_size)

        def pair(age: Any) -> tuple[Any, Any, Any, Any]:
            i = (known - 1 - age) % self.history_size
            return i, _vector.row(S, i), _vector.row(Y, i), _vector.row(rho, i)

        def newest_first(age: Any, loop: Any) -> Any:
            q, alphas = loop
            i, s, y, rho = pair(age)
            alpha = rho * _vector.dot(s, q)
            return q - alpha * y, _vector.with_row(alphas, i, alpha)

        def oldest_first(step: Any, r: Any) -> Any:
            i, s, y, rho = pair(held - 1 - step)
            beta = rho * _vector.dot(y, r)
            return r + (_vector.row(alphas, i) - beta) * s

        q, alphas = ops.fori_loop(0, held, newest_first, (point.gradient, ops.zeros_like(rho)))
        r = ops.where(known > 0, gamma, 1) * q
        return -ops.fori_loop(0, held, oldest_first, r)

    def learn(self, move: Move, known: Any, S: Any, Y: Any, rho: Any, gamma: Any) -> tuple[State, Any]:
        """Write the pair over the oldest one."""
        s, y = move.s, move.y
        useful, i = _vector.is_curved_up(s, y), known % self.history_size

        def write(matrix: Any, new: Any) -> Any:
            return _vector.with_row(matrix, i, ops.where(useful, new, _vector.row(matrix, i)))

        curvature = _vector.dot(s, y)
        gamma = ops.where(useful, curvature / _vector.dot(y, y), gamma)
        return {"S": write(S, s), "Y": write(Y, y), "rho": write(rho, 1 / curvature), "gamma": gamma}, useful
