"""The contract between a method, the line searches below it and the loop above it.

    state = method.init(n, dtype)                                   a dict of tensors of fixed shapes and dtypes
    point, state, info = method.iterate(problem, point, state)      one iteration, with its evaluations

A method is a frozen dataclass of settings; what it remembers from iteration to iteration is in `state` alone, so a
caller may keep that in variables, save it, and continue bit for bit. An iteration runs inside a compiled loop:
no Python on values, no slice at an index that is a tensor (it recompiles for every index; gather and scatter do not).

An iteration that finds nothing better returns the same point with `info.moved` False. It then forgets what it knows,
and the next one goes along -g. If that one does not move either (`info.steepest`), the loop ends.

Two families stand on this: `AbstractDescent` (a direction, then a line search; `_descent.py`), and `AbstractBounded`
(a model of f, then steps under an ever tighter bound; `_damping.py`).
"""

import abc
import dataclasses
from typing import Any, NamedTuple

from ._problem import Point, Problem

State = dict[str, Any]


class Info(NamedTuple):
    """One iteration in numbers, each a scalar tensor.

    Args:
        step: Step length: of a line search, the multiple of the direction; 0 if there was no step.
        slope: g . d, the slope along the direction at its start.
        evaluations: How often f and its gradient were computed, int32.
        products: How many products with the Hessian, int32.
        moved: Whether the point is another one, boolean.
        accepted: Whether the step meets the conditions of the search, and is not just the best that was found.
        steepest: Whether the direction was -g.
        restarted: Whether a direction that did not lead downhill, or failed, was given up for -g.
        skipped: Whether a pair (s, y) was not learned from.
        endless: Whether the value was still falling at the longest step that could be made.
        bent: Whether no step was tried because the curvature along the direction is not positive.
        numbers: More scalars of the method's own, by the names in `method.numbers`.
    """

    step: Any
    slope: Any
    evaluations: Any
    products: Any
    moved: Any
    accepted: Any
    steepest: Any
    restarted: Any
    skipped: Any
    endless: Any
    bent: Any
    numbers: dict[str, Any]


@dataclasses.dataclass(frozen=True)
class AbstractMethod(abc.ABC):
    """A method of section 8.6."""

    @property
    def numbers(self) -> tuple[str, ...]:
        """The names of `info.numbers`."""
        return ()

    @abc.abstractmethod
    def init(self, n: int, dtype: str) -> State:
        """Return the state before the first iteration, for n parameters."""

    @abc.abstractmethod
    def iterate(self, problem: Problem, point: Point, state: State) -> tuple[Point, State, Info]:
        """Make one iteration from a point."""
