"""Steepest descent."""

import dataclasses
from typing import final

from keras import ops

from .._types import Tensor
from .contract import Point, Problem, State
from .descent import Descent, Move


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
