"""Steepest descent."""

import dataclasses
from typing import Any, final

from keras import ops

from ._descent import AbstractDescent, Move
from ._method import State
from ._problem import Point, Problem


@final
@dataclasses.dataclass(frozen=True)
class SteepestDescent(AbstractDescent):
    """Steepest descent (section 8.6.2; algorithm 4.1).

        d <- -g
        x <- x + t d        t from the line search

    With exact searches successive directions are orthogonal: figure 8.6, the zigzag. On a quadratic of condition number
    k an iteration takes the factor ((k - 1) / (k + 1))^2 off the value, at worst.

    Args:
        line_search: How far to go along d. Defaults to `StrongWolfe()`.

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

    def direction(self, problem: Problem, point: Point, known: Any, **memory: Any) -> Any:
        """Return -g."""
        return -point.gradient

    def learn(self, move: Move, known: Any, **memory: Any) -> tuple[State, Any]:
        """Learn nothing."""
        return {}, ops.ones((), "bool")
