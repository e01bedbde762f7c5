"""BFGS without its matrix."""

import dataclasses
from typing import Annotated, NamedTuple, final

from keras import ops

from .._settings import Count
from .._types import Tensor
from ._bounded_step import compact, step
from ._vector import dot, row, with_row
from .contract import Point, Problem, State
from .descent import Descent, Move


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

        s <- x_k+1 - x_k,  y <- c (g_k+1 - g_k),  rho <- 1 / (s . y)

        q <- g;   for each pair, the last first:   alpha <- rho s . q,   q <- q - alpha y
        r <- (s . y / y . y) q, of the last pair
        for each pair, the first first:            r <- r + (alpha - rho y . r) s
        d <- -r

    Within bounds each entry of x goes along -g as far as its bound, up to the first minimum of the quadratic that the
    pairs explain (the Cauchy point); then on to the minimum over the entries that are still free, and back within the
    bounds; the entries that met none go on without the others. The line search ends at the first bound beyond.

    c, 1 on a quadratic, makes s . y the curvature along s at x_k+1: that of the cubic through both values and slopes. A
    pair without positive curvature (s . y <= eps |s| . |y|) is not kept. State: m pairs, 2 m n numbers,
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
        algorithm 7.4; Byrd, Lu, Nocedal and Zhu (1995), A limited memory algorithm for bound constrained optimization;
        Morales and Nocedal (2011); Zhang, Deng and Chen (1999), New quasi-Newton equation and related methods.
    """

    history_size: Annotated[int, Count("the number of pairs that are kept", "Try 10.", 1)] = 10

    takes_unit_steps = True
    takes_bounds = True

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
        """Run the two loops; within bounds, step by the same matrix as far as they let it."""
        S, Y, rho, gamma = Pairs(**memory)
        if point.bounds:
            d = step(point.x, gamma * point.gradient, compact(S, Y, gamma, known), *point.bounds)
            return ops.where(known > 0, d, point.downhill)
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
        s, y = move.s, move.y_at_end
        useful, i = move.is_curved_up, known % self.history_size

        def write(matrix: Tensor, new: Tensor) -> Tensor:
            return with_row(matrix, i, ops.where(useful, new, row(matrix, i)))

        curvature = dot(s, y)
        gamma = ops.where(useful, curvature / dot(y, y), gamma)
        return Pairs(write(S, s), write(Y, y), write(rho, 1 / curvature), gamma)._asdict(), useful
