"""Runs that go on where the last one has ended: some iterations for each training step."""

from collections.abc import Callable
from typing import Any, NamedTuple, Self

from keras import ops

from . import _vector
from ._method import AbstractMethod, State
from ._problem import Point, Problem
from ._solve import Stop, begin, iterate
from ._status import Status


class SolverState(NamedTuple):
    """What a run leaves for the next, in tensors of fixed shapes and types.

    Args:
        state: What the method remembers.
        value: f where the run ended; NaN before the first.
        gradient: The smallest "largest entry of the gradient" so far.
        fall: By how much the last step lowered the value.
        quiet: Iterations since value or gradient have last become smaller.
        status: The `Status` that it ended with.
        is_new: Whether it began with another value than the one before it had ended with: f is another function. Also
            where there is none before it, and where a value is NaN.
    """

    state: State
    value: Any
    gradient: Any
    fall: Any
    quiet: Any
    status: Any
    is_new: Any

    def as_dict(self) -> dict[str, Any]:
        """Return all by name."""
        return self.state | {name: value for name, value in self._asdict().items() if name != "state"}

    @classmethod
    def of(cls, values: dict[str, Any]) -> Self:
        """Undo `as_dict`."""
        own = {name: values[name] for name in cls._fields if name != "state"}
        return cls({name: value for name, value in values.items() if name not in own}, **own)


def init_state(method: AbstractMethod, n: int, dtype: str) -> SolverState:
    """Return the memory before the first run, for n parameters."""
    return SolverState(
        state=method.init(n, dtype),
        value=ops.full((), float("nan"), dtype),
        gradient=ops.full((), float("inf"), dtype),
        fall=ops.full((), float("inf"), dtype),
        quiet=ops.zeros((), "int32"),
        status=ops.full((), int(Status.RUNNING), "int32"),
        is_new=ops.zeros((), "bool"),
    )


def resume(
    problem: Problem,
    method: AbstractMethod,
    start: Point,
    memory: SolverState,
    stop: Stop,
    log: Any = (),
    record: Callable[..., Any] = lambda log, *_: log,
) -> tuple[Point, Any, SolverState, Any]:
    """Iterate from `start` with what an earlier run remembers; see `iterate` for `log` and `record`.

    Returns the point to go on from, the number of iterations, the memory and the log. The point is the best one only if
    the run is over: with a single iteration in each run, a method that may go uphill would never get away.

    If f has changed in between, what was seen of its values counts no more; what the method has learned of its
    curvature does.
    """
    is_new = ~(ops.abs(start.value - memory.value) <= _vector.epsilon(start.value) ** 0.5 * ops.abs(memory.value))
    first = begin(start, _on_new(is_new, memory.state, start), stop)
    first = first._replace(
        fall=ops.where(is_new, first.fall, memory.fall),
        quiet=ops.where(is_new, 0, memory.quiet),
        gradient=ops.where(is_new, first.gradient, ops.minimum(first.gradient, memory.gradient)),
    )
    run, log = iterate(problem, method, first, stop, log, record)
    end = _vector.where(run.status == Status.ITERATION_LIMIT, run.point, run.best)
    memory = SolverState(run.state, end.value, run.gradient, run.fall, run.quiet, run.status, is_new)
    return end, run.totals.iterations, memory, log


def _on_new(is_new: Any, state: State, start: Point) -> State:
    """Forget, where f is new, an expected fall that is below the rounding of f: no line search could begin with it."""
    if "promise" not in state:
        return state
    is_lost = is_new & (ops.abs(state["promise"]) <= _vector.rounding(start.value))
    return state | {"promise": ops.where(is_lost, 0, state["promise"])}
