"""The one loop around all methods: one XLA program, whatever the number of iterations."""

from collections.abc import Callable
from typing import Any, NamedTuple

from keras import ops

from . import _vector
from ._method import AbstractMethod, Info, State
from ._problem import Point, Problem
from ._status import Status

PATIENCE = 20
"""Iterations without a lower value or gradient after which a run has stalled."""


class Stop(NamedTuple):
    """When to stop, each a scalar tensor; 0 is never, but for a gradient that is exactly 0.

    Args:
        gtol: For the largest entry of the gradient.
        ftol: For the fall of the value in one iteration, relative to the value.
        xtol: For the largest entry of the step, relative to the largest of x.
        max_iterations: int32.
    """

    gtol: Any
    ftol: Any
    xtol: Any
    max_iterations: Any


class Totals(NamedTuple):
    """What a run has cost, int32 each."""

    iterations: Any
    evaluations: Any
    products: Any
    restarts: Any
    skipped_pairs: Any

    def plus(self, info: Info) -> "Totals":
        """Add one iteration."""
        counts = (1, info.evaluations, info.products, info.restarted, info.skipped)
        return Totals(*(total + ops.cast(count, "int32") for total, count in zip(self, counts, strict=True)))


class Run(NamedTuple):
    """Where a run is.

    Args:
        point: The point that it goes on from.
        best: The best point so far.
        state: What the method remembers.
        totals: What it has cost.
        gradient: The smallest "largest entry of the gradient" so far.
        fall: By how much the last step lowered the value.
        quiet: Iterations since value or gradient have last become smaller, int32.
        endless: Whether the value was still falling at the longest step of the last move that lowered it.
        status: A `Status`, int32.
    """

    point: Point
    best: Point
    state: State
    totals: Totals
    gradient: Any
    fall: Any
    quiet: Any
    endless: Any
    status: Any


def solve(problem: Problem, method: AbstractMethod, start: Point, state: State, stop: Stop) -> Run:
    """Iterate from `start`, whose value and gradient are there, until a reason to stop; a pure function of tensors."""
    return iterate(problem, method, begin(start, state, stop), stop, (), lambda log, *_: log)[0]


def iterate(
    problem: Problem, method: AbstractMethod, run: Run, stop: Stop, log: Any, record: Callable[..., Any]
) -> tuple[Run, Any]:
    """Go on until a reason to stop; `record(log, before, after, info)` returns the log after each iteration."""

    def goes_on(run: Run, log: Any) -> Any:
        return run.status == Status.RUNNING

    def once(run: Run, log: Any) -> tuple[Run, Any]:
        point, state, info = method.iterate(problem, run.point, run.state)
        return _judge(run, point, state, info, stop), record(log, run.point, point, info)

    return ops.while_loop(goes_on, once, (run, log))


def begin(start: Point, state: State, stop: Stop) -> Run:
    """Return the run before the first iteration, which may be over."""
    zero, gradient = ops.zeros((), "int32"), _vector.largest(start.gradient)
    reasons = [
        (~ops.isfinite(start.value) | ~ops.isfinite(gradient), Status.NOT_FINITE_AT_START),
        (gradient <= stop.gtol, Status.CONVERGED_AT_START),
        (stop.max_iterations <= 0, Status.ITERATION_LIMIT),
    ]
    fall = ops.full_like(gradient, float("inf"))
    return Run(
        start, start, state, Totals(*[zero] * 5), gradient, fall, zero, ops.zeros((), "bool"), _first_of(reasons)
    )


def _judge(run: Run, point: Point, state: State, info: Info, stop: Stop) -> Run:
    """Count an iteration, keep the best point, and say whether to stop."""
    before, totals = run.point, run.totals.plus(info)
    fall, size = before.value - point.value, ops.abs(before.value)
    rounding = _vector.rounding(size)
    gradient = _vector.largest(point.gradient)
    length = _vector.largest(point.x - before.x)
    better = info.moved & ((fall > rounding) | (gradient < run.gradient))
    quiet = ops.where(better, 0, run.quiet + 1)
    at_a_loss = ~info.moved & info.steepest
    endless = ops.where(info.moved & (fall > rounding), info.endless, run.endless)
    has_halted = at_a_loss | (quiet >= PATIENCE)
    step_counts = info.moved & info.accepted
    reasons = [
        (info.moved & (gradient <= stop.gtol), Status.CONVERGED_GRADIENT),
        (step_counts & (stop.ftol > 0) & (ops.abs(fall) <= stop.ftol * size), Status.CONVERGED_VALUE),
        (step_counts & (stop.xtol > 0) & (length <= stop.xtol * _vector.largest(point.x)), Status.CONVERGED_STEP),
        (has_halted & endless, Status.UNBOUNDED),
        (at_a_loss & info.bent, Status.NEGATIVE_CURVATURE),
        (at_a_loss & (run.fall > _vector.epsilon(size) ** 0.5 * size), Status.LINE_SEARCH_FAILED),
        (has_halted, Status.STALLED),
        (totals.iterations >= stop.max_iterations, Status.ITERATION_LIMIT),
    ]
    best = _vector.where(point.value <= run.best.value + rounding, point, run.best)
    fall = ops.where(info.moved, fall, run.fall)
    lowest = ops.minimum(gradient, run.gradient)
    return Run(point, best, state, totals, lowest, fall, quiet, endless, _first_of(reasons))


def _first_of(reasons: list[tuple[Any, Status]]) -> Any:
    """Return the status of the first reason that holds, else RUNNING."""
    status = ops.convert_to_tensor(int(Status.RUNNING), "int32")
    for holds, reason in reversed(reasons):
        status = ops.where(holds, int(reason), status)
    return status
