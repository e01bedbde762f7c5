r"""Methods that bound their step instead of searching along it: how far the model of f is trusted, and the trials.

.. math::

    \rho \leftarrow \frac{f(x) - f (x + \delta)}{m (0) - m(\delta)}

m is the quadratic that the method minimizes, rho the trust ratio: near 1 the model is good and the bound is loosened,
near 0 or below it is tightened and the next, shorter step tried, within the same iteration. A step is accepted if
rho > 1e-4; infinite and NaN are "too far".
"""

import abc
import dataclasses
from collections.abc import Callable
from typing import ClassVar, NamedTuple, final

import numpy as np
from keras import ops

from .. import _numerics
from .._types import Tensor
from ..integration import backend
from . import _vector
from .contract import RISE, Info, Method, Point, Problem, State

MOST_TRIALS = 30
"""After so many steps, each shorter than the last, an iteration gives up."""

FIRST_DAMPING = 1e-2
"""The first mu, in units of the largest eigenvalue."""

_ENOUGH = 1e-4
"""The fraction of what the model promises that a step must bring (Moré 1978)."""


class Bound(NamedTuple):
    """How tightly the step is bound, as two scalars.

    Args:
        size: What the step depends on: a damping, a radius.
        factor: What the rule remembers besides.
    """

    size: Tensor
    factor: Tensor

    @classmethod
    def of(cls, state: State) -> "Bound":
        """Return the one that a method has kept in its state."""
        return cls(*(state[name] for name in cls._fields))


class ProposedStep(NamedTuple):
    """A step that a method proposes.

    Args:
        delta: Vector of shape (n,).
        promise: m(0) - m(delta), by how much f falls if the model is right.
        numbers: The method's scalars that depend on the bound, in the type of x.
        products: Products with the Hessian that it took, int32.
        radius: Of a trust region: its radius. Else `None`.
        length: Of a trust region: |delta| in the units of the radius. Else `None`.
    """

    delta: Tensor
    promise: Tensor
    numbers: dict[str, Tensor]
    products: Tensor = 0
    radius: Tensor = None
    length: Tensor = None


class TriedStep(NamedTuple):
    """A step that was tried.

    Args:
        after: Where it leads.
        promise: m(0) - m(delta).
        ratio: rho; minus infinity if value or gradient is not finite there.
        change: f(x + delta) - f(x).
        slope: g . delta.
    """

    after: Point
    promise: Tensor
    ratio: Tensor
    change: Tensor
    slope: Tensor

    @classmethod
    def of(cls, problem: Problem, point: Point, step: ProposedStep) -> "TriedStep":
        """Evaluate f at the end of a step.

        Where both the promise and the change of f are within rounding their ratio is noise, and a smaller gradient
        says instead whether the step is good.
        """
        after, noise = problem.at(point.x + step.delta), _vector.rounding(point.value)
        change = after.value - point.value
        ratio = _numerics.safe_ratio(-change, step.promise, 0)
        is_noise = (step.promise <= noise) & (ops.abs(change) <= noise)
        ratio = ops.where(is_noise & (_vector.largest(after.gradient) < _vector.largest(point.gradient)), 1, ratio)
        finite = ops.isfinite(after.value) & ops.all(ops.isfinite(after.gradient))
        slope = _vector.dot(point.gradient, step.delta)
        return cls(after, step.promise, ops.where(finite, ratio, -float("inf")), change, slope)


@dataclasses.dataclass(frozen=True)
class BoundRule(abc.ABC):
    """How a bound follows from the trials."""

    def begin(self, dtype: str) -> Bound:
        """Return the bound before the first trial."""
        return Bound(ops.zeros((), dtype), ops.zeros((), dtype))

    def accepts(self, trial: TriedStep) -> Tensor:
        """Whether the point moves."""
        return (trial.promise > 0) & (trial.ratio > _ENOUGH)

    @abc.abstractmethod
    def after(self, bound: Bound, step: ProposedStep, trial: TriedStep, accepted: Tensor) -> Bound:
        """Loosen or tighten the bound."""

    def on_new(self, bound: Bound) -> Bound:
        """Return the bound for another function."""
        return bound


@final
@dataclasses.dataclass(frozen=True)
class GainRatio(BoundRule):
    """A damping mu without a unit, by Nielsen's rule.

        accepted:  mu <- mu max(1/3, 1 - (2 rho - 1)^3),  nu <- 2
        else:      mu <- mu nu,                           nu <- 2 nu

    Args:
        least: The smallest, so that what it is added to becomes regular. Defaults to the rounding of x's type.

    References:
        Nielsen (1999), Damping parameter in Marquardt's method, IMM-REP-1999-05.
    """

    least: float | None = None

    def begin(self, dtype: str) -> Bound:
        """Return the first damping."""
        return Bound(ops.convert_to_tensor(FIRST_DAMPING, dtype), ops.convert_to_tensor(2.0, dtype))

    def after(self, bound: Bound, step: ProposedStep, trial: TriedStep, accepted: Tensor) -> Bound:
        """Follow the rule."""
        mu, nu = bound
        good = mu * ops.maximum(1 / 3, 1 - ops.power(2 * ops.clip(trial.ratio, 0, 1) - 1, 3))
        least = _vector.epsilon(mu) if self.least is None else self.least
        mu = ops.maximum(ops.where(accepted, good, mu * nu), least)
        return Bound(mu, ops.where(accepted, 2, 2 * nu))


@final
@dataclasses.dataclass(frozen=True)
class TrustRadius(BoundRule):
    """The radius of a trust region; 0 is not known yet.

        rho < 1/10:   radius <- t |delta|,    t = slope / (2 (slope - change)) clipped to 0.1 and 0.5
        rho > 3/4:    radius <- max(radius, 2 |delta|)

    t is where the parabola through f(x), the slope there and f(x + delta) is lowest. (Moré tightens below 1/4.) Another
    function begins with the largest radius since it was last tightened: near a minimum the steps within it vanish.

    References:
        Moré (1978), The Levenberg-Marquardt algorithm: implementation and theory, section 4.
    """

    def after(self, bound: Bound, step: ProposedStep, trial: TriedStep, accepted: Tensor) -> Bound:
        """Follow the rule."""
        slope, change = trial.slope, trial.change
        t = ops.clip(ops.where(change > slope, _numerics.safe_ratio(slope, 2 * (slope - change), 0), 0), 0.1, 0.5)
        good = ops.where(trial.ratio > 0.75, ops.maximum(step.radius, 2 * step.length), step.radius)
        is_kept = accepted & (trial.ratio >= 0.1)
        radius = ops.where(is_kept, good, t * step.length)
        return Bound(radius, ops.where(is_kept, ops.maximum(bound.factor, radius), radius))

    def on_new(self, bound: Bound) -> Bound:
        """Begin with the largest radius."""
        return bound._replace(size=bound.factor)


@final
@dataclasses.dataclass(frozen=True)
class Unbound(BoundRule):
    """The step as it comes, whatever the value; halved only where that is infinite or NaN."""

    def begin(self, dtype: str) -> Bound:
        """Return the fraction of the step that is made: all."""
        return Bound(ops.ones((), dtype), ops.zeros((), dtype))

    def accepts(self, trial: TriedStep) -> Tensor:
        """Whether value and gradient are finite."""
        return trial.ratio > -float("inf")

    def after(self, bound: Bound, step: ProposedStep, trial: TriedStep, accepted: Tensor) -> Bound:
        """Halve the fraction, or try all of it again in the next iteration."""
        return bound._replace(size=ops.where(accepted, 1, bound.size / 2))


_NEAR = 0.1
"""By how much of the radius |delta| may differ from it (Moré 1978)."""

_MOST_SOLVED = 20
"""After so many values of alpha the last is taken: the equations are noise."""


class _Alpha(NamedTuple):
    """Where the search for alpha is: its bounds, the least that can be solved with, the last step, and the next."""

    low: Tensor
    high: Tensor
    least: Tensor
    used: Tensor
    delta: Tensor
    next: Tensor
    is_over: Tensor
    count: Tensor


def within_radius(A: Tensor, b: Tensor, radius: Tensor, least: Tensor) -> tuple[Tensor, Tensor]:
    """Return delta = -(A + alpha I)^-1 b of the length of the radius, or shorter with the least alpha; and alpha.

        alpha <- alpha + (|delta| / radius - 1) |delta|^2 / delta . (A + alpha I)^-1 delta

    That is Newton's method for 1 / radius = 1 / |delta(alpha)|, which is nearly a straight line. Where it leaves the
    bounds that are known of alpha, their geometric mean takes its place. A has no negative eigenvalue; if rounding has
    made one, the least alpha is raised. If b hides the direction of eigenvalue 0, delta may be shorter than the radius.

    References:
        Moré and Sorensen (1983), Computing a trust region step; Nocedal and Wright (2006), algorithm 4.3.
    """
    identity, highest = ops.eye(A.shape[0], dtype=A.dtype), _vector.norm(b) / radius

    def once(now: _Alpha) -> tuple[_Alpha]:
        alpha = now.next
        W = backend.inverse_factor(A + alpha * identity)
        delta = -ops.matmul(ops.matmul(W, b), W)
        length, bend = _vector.norm(delta), ops.square(_vector.norm(ops.matmul(W, delta)))
        fails, is_long = ~ops.isfinite(length), length > radius
        least = ops.where(fails, ops.maximum(10 * alpha, 1e-3 * highest), now.least)
        low = ops.where(is_long, alpha, now.low)
        high = ops.where(fails | is_long, ops.maximum(now.high, 2 * alpha), alpha)
        newton = alpha + (length / radius - 1) * (ops.square(length) / bend)
        middle = ops.maximum(ops.sqrt(low * high), 1e-3 * high)
        following = ops.where((newton > low) & (newton < high), newton, middle)
        return (
            _Alpha(
                low=low,
                high=high,
                least=least,
                used=ops.where(fails, now.used, alpha),
                delta=ops.where(fails, now.delta, delta),
                next=ops.where(fails, least, following),
                is_over=(ops.abs(length - radius) <= _NEAR * radius) | (~fails & ~is_long & (alpha <= least)),
                count=now.count + 1,
            ),
        )

    zero, no, none = ops.zeros_like(radius), ops.zeros((), "bool"), ops.zeros((), "int32")
    begin = _Alpha(zero, highest, least, least, ops.zeros_like(b), least, no, none)
    (end,) = ops.while_loop(lambda now: ~now.is_over & (now.count < _MOST_SOLVED), once, (begin,))
    return end.delta, end.used


class Model(NamedTuple):
    """What a method knows of f around a point.

    Args:
        step: `step(size)`: the `ProposedStep` under a bound.
        memory: What is remembered after the iteration.
        numbers: The method's scalars that do not depend on the bound.
        products: Products with the Hessian that it took, int32.
    """

    step: Callable[[Tensor], ProposedStep]
    memory: State
    numbers: dict[str, Tensor]
    products: Tensor = 0


class _Search(NamedTuple):
    """Where the trials of an iteration are: the next bound, the last step in numbers, the point that was found."""

    bound: Bound
    found: Point
    moved: Tensor
    is_over: Tensor
    trials: Tensor
    products: Tensor
    rose: Tensor
    contradicted: Tensor
    is_cut: Tensor
    ratio: Tensor
    numbers: dict[str, Tensor]


@dataclasses.dataclass(frozen=True)
class BoundedMethod(Method):
    """A method that needs `rule`, `init_memory` and `model`; the rest of an iteration is here, once for all.

    An iteration ends with the first step that is accepted; that is the direction, and its multiple 1. An iteration
    without one has tried ever shorter steps down to none: it counts as a failure of the steepest descent.
    """

    step_numbers: ClassVar[tuple[str, ...]] = ("damping",)
    """The names of the numbers in a `ProposedStep`."""

    init_memory: ClassVar[Callable[..., State]]
    """`init_memory(n, dtype)`: what is remembered besides the bound, before the first iteration."""

    model: ClassVar[Callable[..., Model]]
    """`model(problem, point, **memory)`: f around a point."""

    @property
    @abc.abstractmethod
    def rule(self) -> BoundRule:
        """How the bound follows from the trials."""

    def init(self, n: int, dtype: str) -> State:
        """Return the state before the first iteration, for n parameters."""
        self.check(n)
        return {**self.rule.begin(dtype)._asdict(), **self.init_memory(n, dtype)}

    def iterate(self, problem: Problem, point: Point, state: State) -> tuple[Point, State, Info]:
        """Model f, and try steps until one is accepted."""
        memory = {name: state[name] for name in state.keys() - set(Bound._fields)}
        model, dtype = self.model(problem, point, **memory), point.value.dtype

        def goes_on(search: _Search) -> Tensor:
            return ~search.is_over & (search.trials < MOST_TRIALS)

        def once(search: _Search) -> tuple[_Search]:
            step = model.step(search.bound.size)
            trial = TriedStep.of(problem, point, step)
            accepted, there = self.rule.accepts(trial), ops.any(trial.after.x != point.x)
            change, noise = trial.change, _vector.rounding(point.value)
            slope_after = _vector.dot(trial.after.gradient, step.delta)
            contradicts = (change > 0) & (change <= -RISE * trial.slope) & (slope_after <= trial.slope / 2)
            is_finite = trial.ratio > -float("inf")
            tried = _Search(
                bound=self.rule.after(search.bound, step, trial, accepted),
                found=_vector.where(accepted, trial.after, point),
                moved=accepted & there,
                is_over=accepted | ~there,
                trials=search.trials + 1,
                products=search.products + step.products,
                rose=search.rose | (change > noise),
                contradicted=ops.where(is_finite & (ops.abs(change) > noise), contradicts, search.contradicted),
                is_cut=search.is_cut | ~is_finite | ~there,
                ratio=trial.ratio,
                numbers=step.numbers,
            )
            return (tried,)

        no, none, zero = ops.zeros((), "bool"), ops.zeros((), "int32"), ops.zeros((), dtype)
        numbers = dict.fromkeys(self.step_numbers, zero)
        begin = _Search(Bound.of(state), point, no, no, none, none + model.products, no, no, no, zero, numbers)
        (end,) = ops.while_loop(goes_on, once, (begin,))

        after, moved = end.found, end.moved
        is_huge = _vector.largest(ops.concatenate([point.x, point.gradient])) > float(np.finfo(dtype.name).max) ** 0.25
        fell = after.value < point.value - _vector.rounding(point.value)
        numbers = {"trust_ratio": end.ratio, **end.numbers, **model.numbers}
        info = Info(
            step=ops.cast(moved, dtype),
            slope=_vector.dot(point.gradient, after.x - point.x),
            evaluations=end.trials,
            products=end.products,
            moved=moved,
            accepted=moved,
            steepest=~moved,
            restarted=~moved,
            endless=end.is_cut & ~end.rose & ops.where(moved, fell, is_huge & (point.value < 0)),
            contradicted=end.contradicted,
            numbers={name: numbers[name] for name in self.numbers},
        )
        state = {**end.bound._asdict(), **model.memory}
        return after, _vector.where(moved, state, self.init(point.x.shape[0], dtype.name)), info

    def on_new(self, state: State, start: Point) -> State:
        """Go on with the bound of the rule for another function."""
        return state | self.rule.on_new(Bound.of(state))._asdict()
