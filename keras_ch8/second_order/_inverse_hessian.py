"""What methods share that keep the inverse of the Hessian as a matrix, and learn it from the gradients."""

import dataclasses
from typing import Annotated

from keras import ops

from .._types import Tensor
from .contract import Limited, Point, Problem, State, limit
from .descent import Descent


@dataclasses.dataclass(frozen=True)
class InverseHessian(Limited, Descent):
    """A search along -M g; a subclass says how M learns from a move. Before the first pair M stands for I."""

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
