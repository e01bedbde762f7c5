"""The contract between a method, the line searches below it and the loop above it.

    state = method.init(n, dtype)                                   a dict of tensors of fixed shapes and dtypes
    point, state, info = method.iterate(problem, point, state)      one iteration, with its evaluations

A method is a frozen dataclass of settings; what it remembers from iteration to iteration is in `state` alone, so a
caller may keep that in variables, save it, and continue bit for bit. An iteration runs inside a compiled loop:
no Python on values, no slice at an index that is a tensor (it recompiles for every index; gather and scatter do not).

An iteration that finds nothing better returns the same point with `info.moved` False. It then forgets what it knows,
and the next one goes along -g. If that one does not move either (`info.steepest`), the loop ends.

Two families stand on this: `Descent` (a direction, then a line search: `descent.py`), and `BoundedMethod`
(a model of f, then steps under an ever tighter bound: `_trust.py`).
"""

import abc
import dataclasses
import functools
import types
from collections.abc import Callable, Mapping
from typing import ClassVar, NamedTuple, Self, final

from keras import ops

from .._describe import short
from .._settings import Checked, Count
from .._types import Tensor
from ..integration import backend
from . import _vector

State = dict[str, Tensor]
"""What a method remembers from iteration to iteration, by name."""


class Point(NamedTuple):
    """A place with the value and the gradient there, so that neither is computed twice.

    Args:
        x: Vector of shape (n,).
        value: f(x), a scalar.
        gradient: g = nabla f(x), of shape (n,).
        bounds: The lowest and the highest x that are allowed, two vectors of shape (n,). Defaults to `()`: none.
    """

    x: Tensor
    value: Tensor
    gradient: Tensor
    bounds: tuple[()] | tuple[Tensor, Tensor] = ()

    def within(self, x: Tensor) -> Tensor:
        """Return what is nearest to another x within the bounds, P(x)."""
        return ops.clip(x, *self.bounds) if self.bounds else x

    @property
    def downhill(self) -> Tensor:
        """-g; with bounds P(x - g) - x, which is 0 where only a bound keeps f from falling."""
        g = self.gradient
        return ops.where(ops.isfinite(g), self.within(self.x - g) - self.x, -g) if self.bounds else -g

    @property
    def gradient_norm(self) -> Tensor:
        """The largest entry of that, in absolute value."""
        return _vector.largest(self.downhill)


@final
@dataclasses.dataclass(frozen=True)
class Problem:
    """A function f of a flat vector with what the methods of section 8.6 ask of it.

    All are pure functions of tensors; x, gradients and values have one dtype, float32 or float64.

    Args:
        value_and_gradient: x -> (f(x), nabla f(x)).
        product: (x, v) -> H(x) v, the Hessian times a vector. Defaults to the gradient of nabla f(x) . v.
        residuals: x -> r with f(x) = r . r, of a sum of squares; else `None`.
        jacobian: x -> (r, dr / dx). Defaults to the derivatives of `residuals`, as many as the shorter of r and x has
            entries; where each residual depends on an example of its own, there are cheaper ways.

    Example:
        >>> problem = keras_ch8.extend.Problem.of(lambda x: 0.5 * keras.ops.sum(x**2))
        >>> value, gradient = problem.value_and_gradient(keras.ops.array([3.0, 4.0]))
        >>> float(value), [float(g) for g in gradient]
        (12.5, [3.0, 4.0])

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 4.3.1.
    """

    value_and_gradient: Callable[[Tensor], tuple[Tensor, Tensor]]
    product: Callable[[Tensor, Tensor], Tensor] = None  # type: ignore[assignment]
    residuals: Callable[[Tensor], Tensor] | None = None
    jacobian: Callable[[Tensor], tuple[Tensor, Tensor]] | None = None

    def __post_init__(self) -> None:
        if self.product is None:
            object.__setattr__(self, "product", functools.partial(_product, self.value_and_gradient))
        if self.jacobian is None and self.residuals is not None:
            object.__setattr__(self, "jacobian", functools.partial(backend.value_and_jacobian, self.residuals))

    @classmethod
    def of(cls, fun: Callable[[Tensor], Tensor]) -> Self:
        """Return the problem of a scalar function."""
        return cls(functools.partial(backend.value_and_gradient, functools.partial(_scalar, fun)))

    @classmethod
    def of_squares(cls, residuals: Callable[[Tensor], Tensor]) -> Self:
        """Return the problem f(x) = r . r of a sum of squares."""
        return dataclasses.replace(cls.of(lambda x: ops.sum(ops.square(residuals(x)))), residuals=residuals)

    def at(self, x: Tensor) -> Point:
        """Return the point x: one evaluation."""
        return Point(x, *self.value_and_gradient(x))

    def linear(self, owner: str, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return r and J at x in float64, of a sum of squares; else raise ValueError."""
        if self.jacobian is None:
            raise ValueError(
                f"`{owner}` is for sums of squares, f(x) = r . r, and needs the residuals r. Received: a "
                "problem without. Make it with `Problem.of_squares(residuals)`, or use `Newton()` or `LBFGS()`."
            )
        r, J = self.jacobian(x)
        return ops.cast(r, "float64"), ops.cast(J, "float64")

    def hessian(self, x: Tensor) -> Tensor:
        """Return H(x), a row and a column for each entry of x: n products side by side."""
        return backend.rows_of(functools.partial(self.product, x), ops.eye(x.shape[0], dtype=x.dtype))


def _scalar(fun: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return f(x); else raise TypeError or ValueError."""
    try:
        value = fun(x)
    except NotImplementedError as error:
        raise TypeError(
            "`fun` must compute with `keras.ops` or TensorFlow: it is compiled, and x has no numbers yet. Received: a "
            f"function that asks for them, as NumPy does: {short(str(error))}. Write `keras.ops.sum` for `np.sum`."
        ) from error
    is_array = hasattr(value, "dtype")
    value = ops.convert_to_tensor(value) if is_array else value
    if not is_array or tuple(value.shape) != () or value.dtype != x.dtype:
        what = f"shape {tuple(value.shape)} and dtype {value.dtype.name}" if is_array else short(value)
        raise ValueError(
            f"`fun` must return a scalar of the type of x, {x.dtype.name}, and no gradient. Received: {what}. Sum or "
            "average with `keras.ops`, `return` that alone, and give x the type of the data."
        )
    return value


def _product(value_and_gradient: Callable[[Tensor], tuple[Tensor, Tensor]], x: Tensor, v: Tensor) -> Tensor:
    return backend.hessian_product(lambda x: value_and_gradient(x)[1], x, v)


RISE = 10.0
"""A rise of so many times the fall that the slope promises is one of rounding: that does not shrink with the step.

Where f is a small difference of large numbers, its rounding is larger than its value says.
"""


class Info(NamedTuple):
    """One iteration in numbers, each a scalar tensor.

    Args:
        step: Step length: of a line search, the multiple of the direction; 0 if there was no step.
        slope: g . d, the slope along the direction at its start.
        evaluations: How often f and its gradient were computed, int32.
        moved: Whether the point is another one, boolean.
        accepted: Whether the step meets the conditions of the search, and is not just the best that was found.
        steepest: Whether the direction was -g.
        products: How many products with the Hessian, int32. Defaults to `0`.
        restarted: Whether a direction that did not lead downhill, or failed, was given up for -g. Defaults to `False`.
        skipped: Whether a pair (s, y) was not learned from. Defaults to `False`.
        endless: Whether the value was still falling at the longest step that could be made. Defaults to `False`.
        bent: Whether no step was tried because the curvature along the direction is not positive. Defaults to `False`.
        contradicted: Whether the value rose along the shortest step whose change is more than rounding, although the
            gradient says at both ends that it falls, and by about as much (see `RISE`). Defaults to `False`.
        numbers: More scalars of the method's own, by the names in `method.numbers`. Defaults to none.
    """

    step: Tensor
    slope: Tensor
    evaluations: Tensor
    moved: Tensor
    accepted: Tensor
    steepest: Tensor
    products: Tensor = 0
    restarted: Tensor = False
    skipped: Tensor = False
    endless: Tensor = False
    bent: Tensor = False
    contradicted: Tensor = False
    numbers: Mapping[str, Tensor] = types.MappingProxyType({})

    @classmethod
    def of_step(cls, before: Point, after: Point) -> Self:
        """Return what there is to say of a plain step with one evaluation, which is accepted wherever it leads."""
        moved = ops.any(after.x != before.x)
        slope = ops.sum(before.gradient * (after.x - before.x))
        return cls(ops.cast(moved, before.value.dtype), slope, 1, moved, accepted=moved, steepest=~moved)


@dataclasses.dataclass(frozen=True)
class Method(Checked, abc.ABC):
    """The base of every method of section 8.6; `Descent` is one for methods that search along a direction.

    A subclass is a frozen dataclass of its settings. It writes `init(n, dtype)`, the state before the first iteration,
    and `iterate(problem, point, state)`, which returns the next point, the new state and an `Info`. All are pure
    functions of tensors, in one compiled program.

    Example:
        Gradient descent with a constant rate:

        >>> import dataclasses
        >>> from keras_ch8.extend import Info, Method
        >>> from keras_ch8.second_order import minimize
        >>> @dataclasses.dataclass(frozen=True)
        ... class GradientDescent(Method):
        ...     rate: float = 0.1
        ...
        ...     def init(self, n, dtype):
        ...         return {}
        ...
        ...     def iterate(self, problem, point, state):
        ...         after = problem.at(point.x - self.rate * point.gradient)
        ...         return after, state, Info.of_step(point, after)
        >>> minimize(lambda x: keras.ops.sum((x - 1) ** 2), np.zeros(2), GradientDescent(0.25)).x.round(4)
        array([1., 1.])
    """

    numbers: ClassVar[tuple[str, ...]] = ()
    """The names of `info.numbers`."""
    takes_bounds: ClassVar[bool] = False
    """Whether it stays within `point.bounds`."""

    def check(self, n: int) -> None:
        """Raise where n parameters are too many; a method without a matrix of n^2 numbers takes any number of them."""

    @abc.abstractmethod
    def init(self, n: int, dtype: str) -> State:
        """Return the state before the first iteration, for n parameters."""

    @abc.abstractmethod
    def iterate(self, problem: Problem, point: Point, state: State) -> tuple[Point, State, Info]:
        """Make one iteration from a point."""

    def on_new(self, state: State, start: Point) -> State:
        """Return the state with which a run goes on where f is another function; by default all of it."""
        return state


# --- methods that hold a matrix of n^2 numbers ----------------------------------------------------------------------


def limit(fix: str) -> Count:
    """Return what a limit of parameters may be."""
    return Count("the most parameters that are allowed", fix, 1)


class Limited:
    """A method that refuses too many parameters; otherwise the process would end for lack of memory, without a word."""

    max_parameters: int
    matrix: ClassVar[str]
    """What it does with its n^2 numbers."""
    instead: ClassVar[str]
    """What takes more parameters."""

    def check(self, n: int) -> None:
        """Raise where there are more parameters than `max_parameters`."""
        if n > self.max_parameters:
            raise ValueError(
                f"`{type(self).__name__}` {self.matrix}, so it takes at most {self.max_parameters} parameters. "
                f"Received: {n}. Use {self.instead} instead, or raise `max_parameters`: n^2 numbers are "
                f"{4e-9 * n * n:.2g} GB in float32, {8e-9 * n * n:.2g} GB in float64."
            )
