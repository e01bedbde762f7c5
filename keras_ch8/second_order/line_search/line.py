"""A line through a point, trials on it, and the loop that makes them.

    state = search.init(line, first)                 the step to try first
    state = search.update(line, state, trial)        what a trial says: the next step, or that it is over

A search is a frozen dataclass with these two pure functions. A trial carries value, slope and gradient, so the gradient
at the chosen step is never computed again; infinite and NaN are "too far" and come as the value infinity.
"""

import abc
import dataclasses
import functools
from typing import NamedTuple, Self

from keras import ops

from ..._settings import Settings
from ..._types import Tensor, Tree
from .. import _vector
from ..contract import RISE, Point, Problem

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

    step: Tensor
    value: Tensor
    slope: Tensor
    gradient: Tensor


@dataclasses.dataclass(frozen=True)
class Line:
    """The function along d from a point: phi(t) = f(x + t d). It ends at the first bound, but not before t = 1."""

    problem: Problem
    point: Point
    direction: Tensor
    slope: Tensor

    @property
    def start(self) -> Trial:
        """The trial of step 0."""
        return Trial(ops.zeros_like(self.slope), self.point.value, self.slope, self.point.gradient)

    @property
    def value(self) -> Tensor:
        """Return f at the start."""
        return self.point.value

    @property
    def rounding(self) -> Tensor:
        """The change of f that may be rounding alone."""
        return _vector.rounding(self.value)

    @functools.cached_property
    def longest(self) -> Tensor | float:
        """The step to the first bound, or 1: a method's own step, which is within the bounds but for rounding."""
        if not self.point.bounds:
            return float("inf")
        (low, high), x, d = self.point.bounds, self.point.x, self.direction
        room = ops.where(d > 0, high - x, low - x) / ops.where(d == 0, 1, d)
        return ops.maximum(ops.min(ops.where(d == 0, float("inf"), room)), 1)

    def at(self, step: Tensor) -> Tensor:
        """Return x + t d, within the bounds."""
        return self.point.within(self.point.x + ops.minimum(step, self.longest) * self.direction)

    def trial(self, step: Tensor) -> Trial:
        """Evaluate a step."""
        step = ops.minimum(step, self.longest)
        value, gradient = self.problem.value_and_gradient(self.at(step))
        slope = _vector.dot(gradient, self.direction)
        return Trial(step, ops.where(ops.isfinite(value) & ops.isfinite(slope), value, float("inf")), slope, gradient)


class SearchState(NamedTuple):
    """What a search knows.

    Args:
        step: The step to try next.
        chosen: The best trial so far; that of step 0 if there is none.
        accepted: Whether the chosen one meets the conditions of the search.
        is_over: Whether there is nothing more to try; before the first trial, that the line bends the wrong way.
        own: What else this search remembers.
    """

    step: Tensor
    chosen: Trial
    accepted: Tensor
    is_over: Tensor
    own: Tree = ()

    @classmethod
    def before_any_trial(cls, line: Line, step: Tensor, own: Tree = ()) -> Self:
        """Return the state in which `step` will be tried first."""
        no = ops.zeros((), "bool")
        return cls(step, line.start, no, no, own)

    def chosen_if(self, condition: Tensor, trial: Trial) -> Trial:
        """Return a trial where a condition holds, else the one that is chosen so far."""
        chosen: Trial = _vector.where(condition, trial, self.chosen)
        return chosen


@dataclasses.dataclass(frozen=True)
class LineSearch(Settings, abc.ABC):
    """The base of every line search (section 8.6): a rule for the step length.

    A subclass is a frozen dataclass of its settings and writes two pure functions of tensors: `init(line, first)`
    returns the state in which the first step will be tried, `first` being what the method proposes, and
    `update(line, state, trial)` what a trial says: the next step, the best trial so far, whether it is accepted, and
    whether the search is over. Registered with Keras, it is saved with the optimizer that has it.

    Example:
        A tenth of the step, as long as the value does not fall:

        >>> import dataclasses
        >>> from keras_ch8.extend import LineSearch, SearchState
        >>> from keras_ch8.second_order import minimize
        >>> from keras_ch8.second_order.methods import SteepestDescent
        >>> @keras.saving.register_keras_serializable(package="mine")
        ... @dataclasses.dataclass(frozen=True)
        ... class Tenths(LineSearch):
        ...     factor: float = 0.1
        ...
        ...     def init(self, line, first):
        ...         return SearchState.before_any_trial(line, first)
        ...
        ...     def update(self, line, state, trial):
        ...         falls = trial.value < line.value
        ...         chosen = state.chosen_if(falls, trial)
        ...         return SearchState(self.factor * trial.step, chosen, accepted=falls, is_over=falls)
        >>> f = lambda x: keras.ops.sum((x - 1) ** 2)
        >>> minimize(f, np.zeros(2), SteepestDescent(line_search=Tenths(0.3))).success
        True
    """

    products = 0
    """How many products with the Hessian a search takes."""

    @abc.abstractmethod
    def init(self, line: Line, first: Tensor) -> SearchState:
        """Look at a line, and at the step that the method proposes."""

    @abc.abstractmethod
    def update(self, line: Line, state: SearchState, trial: Trial) -> SearchState:
        """Learn from a trial."""


class _Seen(NamedTuple):
    """What the trials so far have in common."""

    longest: Tensor
    grows: Tensor
    rose: Tensor
    is_cut: Tensor
    contradicted: Tensor

    def after(self, line: Line, trial: Trial) -> "_Seen":
        is_cut = ~ops.isfinite(trial.value)
        is_seen = ~is_cut & ~is_level(line, trial)
        rose = is_seen & (trial.value > line.value)
        grows = self.grows & (trial.step > self.longest)
        is_moderate = trial.value - line.value <= -RISE * trial.step * line.slope
        contradicts = rose & is_moderate & (trial.slope <= line.slope / 2)
        contradicted = ops.where(is_seen, contradicts, self.contradicted)
        return _Seen(trial.step, grows, self.rose | rose, self.is_cut | is_cut, contradicted)


def search_along(line: Line, search: LineSearch, first: Tensor) -> tuple[Trial, Tensor, Tensor, dict[str, Tensor]]:
    """Try steps along a line until the search is over, or has made the most trials.

    Returns:
        The chosen trial, that of step 0 if nothing was found; whether it meets the conditions of the search; the number
        of trials; and of `Info`: `endless`, if no trial was higher than the start, and the last one was the longest, or
        longer ones were not finite; `bent`; and `contradicted`, by the last trial that is more than rounding away from
        the start in value. In a search that fails it is the shortest.
    """

    def goes_on(state: SearchState, count: Tensor, seen: _Seen) -> Tensor:
        is_new = ops.any(line.at(state.step) != line.at(state.chosen.step))
        return ~state.is_over & (count < MOST_TRIALS) & is_new

    def once(state: SearchState, count: Tensor, seen: _Seen) -> tuple[SearchState, Tensor, _Seen]:
        trial = line.trial(state.step)
        return search.update(line, state, trial), count + 1, seen.after(line, trial)

    first = ops.minimum(first, line.longest)  # computed here, outside the loop
    begin, no = search.init(line, first), ops.zeros((), "bool")
    seen = _Seen(ops.zeros_like(first), ~no, no, no, no)
    state, count, seen = ops.while_loop(goes_on, once, (begin, ops.zeros((), "int32"), seen))
    falls = ~state.accepted & ~seen.rose & (state.chosen.value < line.value - line.rounding)
    is_cut = seen.is_cut | ops.isinf(state.step)  # a longer step is no number of this type
    endless = falls & (is_cut | (seen.grows & (count >= MOST_TRIALS)))
    bent = begin.is_over & ~ops.isnan(begin.step)
    marks = {"endless": endless, "bent": bent, "contradicted": seen.contradicted}
    return state.chosen, state.accepted, count, marks


# --- conditions on a step, with phi(t) = f(x + t d) -----------------------------------------------------------------


def decreases(line: Line, trial: Trial, c1: float) -> Tensor:
    """Whether a step decreases f sufficiently (Armijo).

    phi(t) <= phi(0) + c1 t phi'(0)
    """
    return trial.value <= line.value + c1 * trial.step * line.slope


def slope_says_so(line: Line, trial: Trial, c1: float) -> Tensor:
    """Whether the slope says that a step decreases f sufficiently: for a parabola the same (Hager and Zhang, 2005).

        phi'(t) <= (2 c1 - 1) phi'(0)

    Near a minimum the difference of two values is rounding, and only the slopes are left to ask.
    """
    return trial.slope <= (2 * c1 - 1) * line.slope


def is_level(line: Line, trial: Trial) -> Tensor:
    """Whether the value differs from that at the start by no more than rounding."""
    return abs(trial.value - line.value) <= line.rounding


def decreases_or_level(line: Line, trial: Trial, c1: float) -> Tensor:
    """Whether a step decreases f sufficiently, by its value or, where rounding hides that, by its slope."""
    return decreases(line, trial, c1) | (is_level(line, trial) & slope_says_so(line, trial, c1))


def is_flat(line: Line, trial: Trial, c2: float) -> Tensor:
    """Whether the slope has become small enough: |phi'(t)| <= c2 |phi'(0)|."""
    return abs(trial.slope) <= -c2 * line.slope
