"""A line through a point, trials on it, and the loop that makes them.

    look = search.begin(line, first)                  the step to try first
    look = search.take(line, look, trial)             what a trial says: the next step, or that it is over

A search is a frozen dataclass with these two pure functions. A trial carries value, slope and gradient, so the gradient
at the chosen step is never computed again; infinite and NaN are "too far" and come as the value infinity.
"""

import abc
import dataclasses
from typing import Any, NamedTuple

from keras import ops

from ..._settings import AbstractSettings
from .. import _vector
from .._problem import Point, Problem

MOST_TRIALS = 30
"""After so many the best is taken: each halving would have shrunk the step by 1e-9."""


class Trial(NamedTuple):
    """A step on a line.

    Args:
        step: t.
        value: f(x + t d), infinity if it, or the slope, is not finite.
        slope: nabla f(x + t d) . d.
        gradient: nabla f(x + t d).
    """

    step: Any
    value: Any
    slope: Any
    gradient: Any


class Look(NamedTuple):
    """What a search knows.

    Args:
        step: The step to try next.
        chosen: The best trial so far; that of step 0 if there is none.
        accepted: Whether the chosen one meets the conditions of the search.
        is_over: Whether there is nothing more to try; before the first trial, that the line bends the wrong way.
        own: What else this search remembers.
    """

    step: Any
    chosen: Trial
    accepted: Any
    is_over: Any
    own: Any = ()


@dataclasses.dataclass(frozen=True)
class Line:
    """The function along d from a point: phi(t) = f(x + t d)."""

    problem: Problem
    point: Point
    direction: Any
    slope: Any

    @property
    def start(self) -> Trial:
        """The trial of step 0."""
        return Trial(ops.zeros_like(self.slope), self.point.value, self.slope, self.point.gradient)

    @property
    def value(self) -> Any:
        """Return f at the start."""
        return self.point.value

    @property
    def rounding(self) -> Any:
        """The change of f that may be rounding alone."""
        return _vector.rounding(self.value)

    def at(self, step: Any) -> Any:
        """Return x + t d."""
        return self.point.x + step * self.direction

    def trial(self, step: Any) -> Trial:
        """Evaluate a step."""
        value, gradient = self.problem.value_and_gradient(self.at(step))
        slope = _vector.dot(gradient, self.direction)
        return Trial(step, ops.where(ops.isfinite(value) & ops.isfinite(slope), value, float("inf")), slope, gradient)


@dataclasses.dataclass(frozen=True)
class AbstractSearch(AbstractSettings, abc.ABC):
    """A rule for the step length."""

    products = 0
    """How many products with the Hessian a search takes."""

    @abc.abstractmethod
    def begin(self, line: Line, first: Any) -> Look:
        """Look at a line, and at the step that the method proposes."""

    @abc.abstractmethod
    def take(self, line: Line, look: Look, trial: Trial) -> Look:
        """Learn from a trial."""


def first_look(line: Line, step: Any, own: Any = ()) -> Look:
    """Return the look at a line before any trial."""
    no = ops.zeros((), "bool")
    return Look(step, line.start, no, no, own)


class Found(NamedTuple):
    """What a search has found.

    Args:
        chosen: The chosen trial; that of step 0 if nothing was found.
        accepted: Whether it meets the conditions of the search.
        evaluations: The number of trials.
        endless: Whether the value fell all along the line: no trial was higher than the start, and the last one was the
            longest, or longer ones were not finite.
        bent: Whether there was no trial, because the curvature along the line is not positive.
    """

    chosen: Trial
    accepted: Any
    evaluations: Any
    endless: Any
    bent: Any


class _Seen(NamedTuple):
    """What the trials so far have in common."""

    longest: Any
    grows: Any
    rose: Any
    is_cut: Any

    def after(self, line: Line, trial: Trial) -> "_Seen":
        is_cut = ~ops.isfinite(trial.value)
        rose = ~is_cut & (trial.value > line.value + line.rounding)
        return _Seen(trial.step, self.grows & (trial.step > self.longest), self.rose | rose, self.is_cut | is_cut)


def search_along(line: Line, search: AbstractSearch, first: Any) -> Found:
    """Try steps along a line until the search is over, or has made the most trials."""

    def goes_on(look: Look, count: Any, seen: _Seen) -> Any:
        is_new = ops.any(line.at(look.step) != line.at(look.chosen.step))
        return ~look.is_over & (count < MOST_TRIALS) & is_new

    def once(look: Look, count: Any, seen: _Seen) -> tuple[Look, Any, _Seen]:
        trial = line.trial(look.step)
        return search.take(line, look, trial), count + 1, seen.after(line, trial)

    begin, no = search.begin(line, first), ops.zeros((), "bool")
    seen = _Seen(ops.zeros_like(first), ~no, no, no)
    look, count, seen = ops.while_loop(goes_on, once, (begin, ops.zeros((), "int32"), seen))
    falls = ~look.accepted & ~seen.rose & (look.chosen.value < line.value - line.rounding)
    endless = falls & (seen.is_cut | (seen.grows & (count >= MOST_TRIALS)))
    return Found(look.chosen, look.accepted, count, endless, begin.is_over & ~ops.isnan(begin.step))
