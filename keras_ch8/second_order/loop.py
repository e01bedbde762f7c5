"""The one loop around all methods, one XLA program whatever the number of iterations; why it ends, and going on."""

import enum
from collections.abc import Callable
from typing import NamedTuple, Self

from keras import ops

from .._types import Tensor, Tree
from . import _vector
from .contract import Info, Method, Point, Problem, State

PATIENCE = 20
"""Iterations without a lower value or gradient after which a run has stalled."""


class Status(enum.IntEnum):
    """Why a run ended; a run that only came to a halt is not converged."""

    RUNNING = 0
    CONVERGED_GRADIENT = 1
    CONVERGED_VALUE = 2
    CONVERGED_STEP = 3
    CONVERGED_AT_START = 4
    ITERATION_LIMIT = 5
    WRONG_GRADIENT = 6
    STALLED = 7
    NOT_FINITE_AT_START = 8
    FLAT = 9
    UNBOUNDED = 10
    NEGATIVE_CURVATURE = 11
    DIVERGED = 12

    @property
    def converged(self) -> bool:
        """Whether a criterion for a minimum was met."""
        return self in _CONVERGED

    @property
    def is_end(self) -> bool:
        """Whether more iterations would not help."""
        return self not in (Status.RUNNING, Status.ITERATION_LIMIT)

    @property
    def blames_function(self) -> bool:
        """Whether the function or its gradient is to blame, and no method could do better."""
        return self in _BLAMED

    def message(self, dtype: str) -> str:
        """Return what it means and what to do, for numbers of this type."""
        words = _WORDS[self]
        if self == Status.STALLED:
            words += _MORE_DIGITS[dtype]
        return words


_CONVERGED = {Status.CONVERGED_GRADIENT, Status.CONVERGED_VALUE, Status.CONVERGED_STEP, Status.CONVERGED_AT_START}
_BLAMED = {Status.WRONG_GRADIENT, Status.NOT_FINITE_AT_START, Status.FLAT, Status.UNBOUNDED}
_MORE_DIGITS = {
    "float32": " float32 holds 7 digits: a smaller gradient needs float64, unless it is a kink, as of `relu` or `abs`.",
    "float64": " Accept a larger `gtol`. At a kink, as of `relu` or `abs`, the gradient stays large.",
}
_WORDS = {
    Status.RUNNING: "Not converged: the run is not over. Train for more `epochs`.",
    Status.CONVERGED_GRADIENT: "Converged: no entry of the gradient is above `gtol`.",
    Status.CONVERGED_VALUE: "Converged: the value fell by less than the fraction `ftol`.",
    Status.CONVERGED_STEP: "Converged: the step was shorter than `xtol` of the point.",
    Status.CONVERGED_AT_START: (
        "Converged at the start: no entry of the gradient is above `gtol` there. That is so at a saddle point or "
        "a maximum, too: begin beside it to leave it."
    ),
    Status.ITERATION_LIMIT: "Not converged: `max_iterations` was reached. Raise it, or continue from `x`.",
    Status.WRONG_GRADIENT: (
        "Not converged: the value rises where the gradient says that it falls, by more than its rounding. Check "
        "`custom_gradient` and `stop_gradient`: it is not the gradient of the function. Or the value is random, or a "
        "small difference of large numbers."
    ),
    Status.DIVERGED: (
        f"Not converged: for {PATIENCE} iterations the value has been above the lowest that was found, which is kept. "
        "The steps are too long: use a search such as `StrongWolfe`, or damping."
    ),
    Status.UNBOUNDED: (
        "Not converged: the value was still falling at the longest possible step. Check the sign of the function, or "
        "bound it with a penalty: it is unbounded below in that direction, or becomes infinite there."
    ),
    Status.NEGATIVE_CURVATURE: (
        "Not converged: the curvature along -gradient is 0 or negative, and there a quadratic has no minimum to step "
        "to. Use a search that asks for no curvature, such as `StrongWolfe`, or `TruncatedNewton`."
    ),
    Status.STALLED: "Not converged: the value no longer falls by more than its rounding.",
    Status.NOT_FINITE_AT_START: (
        "Not started: value or gradient is infinite or NaN at the start. Check the data, and start where the function "
        "is finite. If only the gradient is not, look for a `sqrt` or `norm` at 0, also in what a `where` leaves out."
    ),
    Status.FLAT: (
        "Not started: the gradient is exactly 0, and so it is nearby, with the same value. Look for saturated units, a "
        "constant, or a part through which no gradient flows: the function does not depend on x there."
    ),
}


class Stop(NamedTuple):
    """When to stop, each a scalar tensor; 0 is never, but for a gradient that is exactly 0.

    Args:
        gtol: For the largest entry of the gradient.
        ftol: For the fall of the value in one iteration, relative to the value.
        xtol: For the largest entry of the step, relative to the largest of x.
        max_iterations: int32.
    """

    gtol: Tensor
    ftol: Tensor
    xtol: Tensor
    max_iterations: Tensor


class Totals(NamedTuple):
    """What a run has cost, int32 each."""

    iterations: Tensor
    evaluations: Tensor
    products: Tensor
    restarts: Tensor
    skipped_pairs: Tensor

    def plus(self, info: Info) -> "Totals":
        """Add one iteration."""
        counts = (1, info.evaluations, info.products, info.restarted, info.skipped)
        return Totals(*(total + ops.cast(count, "int32") for total, count in zip(self, counts, strict=True)))


class LoopState(NamedTuple):
    """Where a run is.

    Args:
        point: The point that it goes on from.
        best: The best point so far.
        state: What the method remembers.
        totals: What it has cost.
        gradient: The smallest "largest entry of the gradient" so far.
        step: The largest entry of the last step.
        quiet: Iterations since value or gradient have last become smaller, int32.
        endless: Whether the value was still falling at the longest step of the last move that lowered it.
        status: A `Status`, int32.
    """

    point: Point
    best: Point
    state: State
    totals: Totals
    gradient: Tensor
    step: Tensor
    quiet: Tensor
    endless: Tensor
    status: Tensor


class Recording(NamedTuple):
    """A log that is carried through the loop, and how an iteration is written into it.

    Args:
        log: Tensors in any structure.
        add: `add(log, before, after, info)`: the log after an iteration between two points.
    """

    log: Tree = ()
    add: Callable[[Tree, Point, Point, Info], Tree] = lambda log, *_: log


def solve(problem: Problem, method: Method, start: Point, state: State, stop: Stop) -> LoopState:
    """Iterate from `start` until there is a reason to stop; a pure function of tensors.

    Args:
        problem: The function, a `Problem`.
        method: The `Method` that makes the iterations.
        start: The `Point` to begin at, as from `problem.at(x)`.
        state: What the method remembers, as from `method.init(n, dtype)`.
        stop: When to stop, a `Stop`.

    Returns:
        A `LoopState`; `run.best` is the best point, `run.status` the number of the `Status` with which it ended.
    """
    return iterate(problem, method, begin(start, state, stop), stop, Recording())[0]


def iterate(
    problem: Problem, method: Method, run: LoopState, stop: Stop, recording: Recording, pause: Tensor | None = None
) -> tuple[LoopState, Tree]:
    """Go on until a reason to stop, or to a pause after so many iterations; return the log too."""

    def goes_on(run: LoopState, log: Tree) -> Tensor:
        is_running = run.status == Status.RUNNING
        return is_running if pause is None else is_running & (run.totals.iterations < pause)

    def once(run: LoopState, log: Tree) -> tuple[LoopState, Tree]:
        point, state, info = method.iterate(problem, run.point, run.state)
        return _judge(run, point, state, info, stop), recording.add(log, run.point, point, info)

    end: tuple[LoopState, Tree] = ops.while_loop(goes_on, once, (run, recording.log))
    return end


def begin(start: Point, state: State, stop: Stop) -> LoopState:
    """Return the run before the first iteration, which may be over."""
    zero, gradient = ops.zeros((), "int32"), start.gradient_norm
    reasons = [
        (~ops.isfinite(start.value) | ~ops.isfinite(gradient), Status.NOT_FINITE_AT_START),
        (gradient <= stop.gtol, Status.CONVERGED_AT_START),
        (stop.max_iterations <= 0, Status.ITERATION_LIMIT),
    ]
    return LoopState(
        point=start,
        best=start,
        state=state,
        totals=Totals(*[zero] * 5),
        gradient=gradient,
        step=ops.zeros_like(gradient),
        quiet=zero,
        endless=ops.zeros((), "bool"),
        status=_first_of(reasons),
    )


def _judge(run: LoopState, point: Point, state: State, info: Info, stop: Stop) -> LoopState:
    """Count an iteration, keep the best point, and say whether to stop."""
    before, totals = run.point, run.totals.plus(info)
    fall, size = before.value - point.value, ops.abs(before.value)
    rounding = _vector.rounding(size)
    gradient = point.gradient_norm
    length = _vector.largest(point.x - before.x)
    better = info.moved & ((fall > rounding) | (gradient < run.gradient))
    quiet = ops.where(better, 0, run.quiet + 1)
    at_a_loss = ~info.moved & info.steepest
    endless = ops.where(info.moved, ops.where(fall > rounding, info.endless, run.endless), run.endless | info.endless)
    has_halted = at_a_loss | (quiet >= PATIENCE)
    step_counts = info.moved & info.accepted
    reasons = [
        (info.moved & (gradient <= stop.gtol), Status.CONVERGED_GRADIENT),
        (step_counts & (stop.ftol > 0) & (ops.abs(fall) <= stop.ftol * size), Status.CONVERGED_VALUE),
        (step_counts & (stop.xtol > 0) & (length <= stop.xtol * _vector.largest(point.x)), Status.CONVERGED_STEP),
        (has_halted & endless, Status.UNBOUNDED),
        (at_a_loss & info.bent, Status.NEGATIVE_CURVATURE),
        (at_a_loss & info.contradicted, Status.WRONG_GRADIENT),
        (has_halted & (point.value > run.best.value + rounding), Status.DIVERGED),
        (has_halted, Status.STALLED),
        (totals.iterations >= stop.max_iterations, Status.ITERATION_LIMIT),
    ]
    best = _vector.where(point.value <= run.best.value + rounding, point, run.best)
    lowest = ops.minimum(gradient, run.gradient)
    return LoopState(point, best, state, totals, lowest, length, quiet, endless, _first_of(reasons))


def _first_of(reasons: list[tuple[Tensor, Status]]) -> Tensor:
    """Return the status of the first reason that holds, else RUNNING."""
    status = ops.convert_to_tensor(int(Status.RUNNING), "int32")
    for holds, reason in reversed(reasons):
        status = ops.where(holds, int(reason), status)
    return status


class SolverState(NamedTuple):
    """What a run leaves for the next, in tensors of fixed shapes and types.

    Args:
        state: What the method remembers.
        value: f where the run ended; NaN before the first.
        gradient: The smallest "largest entry of the gradient" so far.
        quiet: Iterations since value or gradient have last become smaller.
        norm: The largest entry of the gradient where it ended.
        step: As in `LoopState`.
        endless: As in `LoopState`.
        totals: What it and all runs before it have cost, the numbers of `Totals`; each begins with an evaluation.
        status: The `Status` that it ended with.
        is_new: Whether it began with another value than the one before it had ended with: f is another function. Also
            where there is none before it, and where a value is NaN.
    """

    state: State
    value: Tensor
    gradient: Tensor
    quiet: Tensor
    norm: Tensor
    step: Tensor
    endless: Tensor
    totals: Tensor
    status: Tensor
    is_new: Tensor

    def as_dict(self) -> dict[str, Tensor]:
        """Return all by name."""
        return self.state | {name: value for name, value in self._asdict().items() if name != "state"}

    @classmethod
    def of(cls, values: dict[str, Tensor]) -> Self:
        """Undo `as_dict`."""
        own = {name: values[name] for name in cls._fields if name != "state"}
        return cls({name: value for name, value in values.items() if name not in own}, **own)


def init_state(method: Method, n: int, dtype: str) -> SolverState:
    """Return the memory before the first run.

    Args:
        method: The `Method` that will make the iterations.
        n: Number of parameters.
        dtype: Their type, `"float32"` or `"float64"`.

    Returns:
        A `SolverState`, for `resume`.
    """
    return SolverState(
        state=method.init(n, dtype),
        value=ops.full((), float("nan"), dtype),
        gradient=ops.full((), float("inf"), dtype),
        quiet=ops.zeros((), "int32"),
        norm=ops.full((), float("nan"), dtype),
        step=ops.zeros((), dtype),
        endless=ops.zeros((), "bool"),
        totals=ops.zeros((len(Totals._fields),), "int32"),
        status=ops.full((), int(Status.RUNNING), "int32"),
        is_new=ops.zeros((), "bool"),
    )


def resume(
    problem: Problem,
    method: Method,
    start: Point,
    memory: SolverState,
    stop: Stop,
    recording: Recording = Recording(),  # noqa: B008  it cannot change
) -> tuple[Point, SolverState, Tree]:
    """Iterate from `start` with what an earlier run remembers.

    If f has changed since that run, the values that it saw are forgotten; what the method has learned of the curvature
    is kept.

    Args:
        problem: The function, a `Problem`.
        method: The `Method` that makes the iterations.
        start: The `Point` to begin at, as from `problem.at(x)`.
        memory: The memory of the run before it, or `init_state(method, n, dtype)`.
        stop: When to stop, a `Stop`.
        recording: A log that is carried along, a `Recording`. Defaults to one that keeps nothing.

    Returns:
        The point to go on from, the memory and the log. The point is the best one only if the run is over: with a
        single iteration in each run, a method that may go uphill would never get away.
    """
    is_new = ~(ops.abs(start.value - memory.value) <= _vector.epsilon(start.value) ** 0.5 * ops.abs(memory.value))
    state = _vector.where(is_new, method.on_new(memory.state, start), memory.state)
    first = begin(start, state, stop)
    first = first._replace(
        quiet=ops.where(is_new, 0, memory.quiet),
        endless=~is_new & memory.endless,
        gradient=ops.where(is_new, first.gradient, ops.minimum(first.gradient, memory.gradient)),
    )
    run, log = iterate(problem, method, first, stop, recording)
    end = _vector.where(run.status == Status.ITERATION_LIMIT, run.point, run.best)
    totals = run.totals._replace(evaluations=run.totals.evaluations + 1)
    memory = SolverState(
        state=run.state,
        value=end.value,
        gradient=run.gradient,
        quiet=run.quiet,
        norm=end.gradient_norm,
        step=run.step,
        endless=run.endless,
        totals=memory.totals + ops.stack(totals),
        status=run.status,
        is_new=is_new,
    )
    return end, memory, log
