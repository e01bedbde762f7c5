"""Methods that choose a direction, and search along it."""

import dataclasses
from collections.abc import Callable
from typing import ClassVar, NamedTuple

from keras import ops

from .. import _checks
from .._describe import short
from .._types import Tensor
from . import _vector
from .contract import Info, Method, Point, Problem, State
from .line_search import StrongWolfe
from .line_search.line import Line, LineSearch, search_along

_OWN = ("known", "promise")

_CONTRACT = {
    "init_memory": "init_memory(self, n, dtype) -> memory",
    "direction": "direction(self, problem, point, known, **memory) -> d",
    "learn": "learn(self, move, known, **memory) -> (memory, was_of_use)",
}


class Move(NamedTuple):
    """An iteration that was made.

    Args:
        before: The point it came from.
        after: The point it went to.
        direction: d; the step is a multiple of it.
    """

    before: Point
    after: Point
    direction: Tensor

    @property
    def s(self) -> Tensor:
        """The step."""
        return self.after.x - self.before.x

    @property
    def y(self) -> Tensor:
        """The change of the gradient."""
        return self.after.gradient - self.before.gradient

    @property
    def y_at_end(self) -> Tensor:
        """The same, of the length with which s . y is the curvature along s at the end of the step.

            s . y <- s . (g' - g) + 6 (f - f') + 3 (g + g') . s

        That is the second derivative of the cubic through both values and slopes; the change itself has the mean of the
        step. For a quadratic, and where the values differ by rounding alone, it is the same (Zhang, Deng, Chen 1999).
        """
        fall, mean = self.before.value - self.after.value, _vector.dot(self.s, self.y)
        bend = 6 * fall + 3 * _vector.dot(self.s, self.before.gradient + self.after.gradient)
        is_known = (ops.abs(fall) > _vector.rounding(self.before.value)) & (mean > 0)
        return self.y * ops.where(is_known, ops.clip(1 + bend / mean, 0.1, 10), 1)

    @property
    def is_curved_up(self) -> Tensor:
        """Whether s and y show positive curvature, in any units."""
        return _vector.is_positive_dot(self.s, self.y)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Descent(Method):
    """The base of every method that chooses a direction and searches along it (section 8.6).

    A subclass is a frozen dataclass of its settings. It writes `init_memory`, `direction` and `learn`; the rest of an
    iteration is here, once for all. `extend.ClosureOptimizer` has an example, and brings the method into `fit`.

    `known` counts the moves that were learned from since the start, or since the last restart: where it is 0, what is
    in the memory is of no use. (To forget, one number is set to 0, instead of a table.) `promise` is the slope times t
    of a parabola that falls as the last step did. After a restart it does not count: the last step of what was given up
    may be too short to change x.

    The direction is given up for -g, and what is known forgotten, where it does not lead downhill (or is NaN), and
    after a search along it that found nothing.

    Args:
        line_search: The `LineSearch` that says how far to go along the direction. Defaults to `StrongWolfe()`.

    Raises:
        TypeError: If `line_search` is not a `LineSearch`.
    """

    line_search: LineSearch = dataclasses.field(default_factory=StrongWolfe)

    takes_unit_steps = False
    """Whether a step of 1 is the natural first trial, as in Newton's method."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.line_search, LineSearch):
            raise TypeError(
                "`line_search` must be one of the line searches of `keras_ch8.second_order`, such as `Exact()`. "
                f"Received: line_search={short(self.line_search)} of type {type(self.line_search).__name__}. Try "
                "`StrongWolfe()`."
            )

    init_memory: ClassVar[Callable[..., State]]
    """`init_memory(n, dtype)`: what is remembered besides, before the first iteration."""

    direction: ClassVar[Callable[..., Tensor]]
    """`direction(problem, point, known, **memory)`: d."""

    learn: ClassVar[Callable[..., tuple[State, Tensor]]]
    """`learn(move, known, **memory)`: the memory after a move, and whether the move was of use. It must be the old one
    where it was not."""

    def init(self, n: int, dtype: str) -> State:
        """Return the state before the first iteration, for n parameters."""
        for name, contract in _CONTRACT.items():
            _checks.written(type(self), name, contract)
        self.check(n)
        return {
            "known": ops.zeros((), "int32"),
            "promise": ops.zeros((), dtype),
            **self.init_memory(n, dtype),
        }

    def iterate(self, problem: Problem, point: Point, state: State) -> tuple[Point, State, Info]:
        """Choose a direction, search along it, and learn from the move."""
        known, promise = (state[name] for name in _OWN)
        memory = {name: state[name] for name in state.keys() - set(_OWN)}
        g, steepest_d = point.gradient, point.downhill

        d = self.direction(problem, point, known, **memory)
        slope = _vector.dot(g, d)
        downhill = _vector.is_positive_dot(-g, d)
        d = ops.where(downhill, d, steepest_d)
        known = ops.where(downhill, known, 0)
        slope = ops.where(downhill, slope, _vector.dot(g, steepest_d))
        steepest = ops.all(d == steepest_d)

        line = Line(problem, point, d, slope)
        first = _first_step(line, ops.where(known > 0, promise, 0))
        if self.takes_unit_steps:
            first = ops.where(steepest, first, 1)
        chosen, accepted, evaluations, marks = search_along(line, self.line_search, first)
        found = accepted | (chosen.value < point.value - line.rounding)
        chosen = _vector.where(found, chosen, line.start)
        after = point._replace(x=line.at(chosen.step), value=chosen.value, gradient=chosen.gradient)
        moved = ops.any(after.x != point.x)
        change = after.value - point.value
        change = ops.where(ops.abs(change) > line.rounding, 2 * change, chosen.step * slope)

        learned, useful = self.learn(Move(point, after, d), known, **memory)
        useful = moved & useful
        state = {
            "known": ops.where(moved, known + ops.cast(useful, "int32"), 0),
            "promise": ops.where(moved, change, promise),
            **learned,
        }
        info = Info(
            step=chosen.step,
            slope=slope,
            evaluations=evaluations,
            products=self.line_search.products,
            moved=moved,
            accepted=accepted,
            steepest=steepest,
            restarted=~downhill | (~moved & ~steepest),
            skipped=moved & ~useful,
            **marks,
        )
        return after, state, info

    def on_new(self, state: State, start: Point) -> State:
        """Forget a fall that is below the rounding of the new f: no search could begin with it."""
        is_lost = ops.abs(state["promise"]) <= _vector.rounding(start.value)
        return state | {"promise": ops.where(is_lost, 0, state["promise"])}


def _first_step(line: Line, promise: Tensor) -> Tensor:
    """Return the step to try first along -g, or along another direction without a length of its own.

        t <- 2 (the last change of f) / phi'(0),        at the start  t <- 1 / |g|_1

    That is the minimum of a parabola that falls as much as the last step did (Nocedal and Wright, equation 3.60); where
    rounding hides how much that was, its slope says it. At the start the step is no longer than 1. Neither depends on
    the unit of f.
    """
    at_start = 1 / ops.sum(ops.abs(line.point.gradient))
    return ops.where(promise < 0, promise / line.slope, at_start)
