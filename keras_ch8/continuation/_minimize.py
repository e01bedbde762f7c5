"""Minimize a function through a series of blurred ones, what that has brought, and the descents it is made of."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np
from keras import ops

from .. import _checks, _objects
from .._describe import section, short
from .._plot import COLORS, GREY, axes_of, finished
from .._result import Result, Table
from .._types import Tensor
from ..integration import backend
from ..second_order.contract import Method, Problem
from ..second_order.loop import Stop, solve
from ..second_order.methods import Newton, SaddleFreeNewton, TruncatedNewton, as_method

SAME = 1e-4
"""Two minima count as one if they differ by less than this fraction of what plain descent has gained."""


@final
@dataclasses.dataclass(frozen=True, repr=False)
class Continued(Result):
    """Where continuation ended, and where plain descent from the same start did; of many starts, one a row.

    Args:
        x: The last minimum, of the real cost: (n,), or (starts, n).
        value: The real cost there: a number, or (starts,).
        plain_x: Where plain descent ended.
        plain_value: The real cost there.
        start_value: The real cost at the start.
        stddevs: sigma of each stage; the last is 0.
        path: Where each stage ended: (stages, n), or (stages, starts, n).
        path_values: The real cost there: (stages,), or (stages, starts).
        evaluations: Evaluations of a cost and its gradient in all stages; one by sampling counts once.
        plain_evaluations: Those of plain descent.
    """

    x: np.ndarray
    value: np.ndarray
    plain_x: np.ndarray
    plain_value: np.ndarray
    start_value: np.ndarray
    stddevs: np.ndarray
    path: np.ndarray
    path_values: np.ndarray
    evaluations: np.ndarray
    plain_evaluations: np.ndarray

    @property
    def lower(self) -> np.ndarray:
        """Whether continuation ended clearly below plain descent."""
        return self.plain_value - self.value > self._tolerance

    @property
    def higher(self) -> np.ndarray:
        """Whether it ended clearly above: the blurred minimum led to a worse one."""
        return self.value - self.plain_value > self._tolerance

    @property
    def _tolerance(self) -> np.ndarray:
        return SAME * np.abs(self.start_value - self.plain_value)

    def of_start(self, i: int) -> "Continued":
        """Return one of many starts."""
        of_stages = ("path", "path_values")
        rows = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "stddevs"}
        return dataclasses.replace(self, **{n: a[:, i] if n in of_stages else a[i] for n, a in rows.items()})

    @property
    def helped(self) -> bool:
        """Whether continuation ended below plain descent, at one start or at more starts than above."""
        return bool(np.sum(self.lower) > np.sum(self.higher))

    @property
    def message(self) -> str:
        """What continuation has brought, in a sentence."""
        if self.value.ndim:
            lower, higher = int(np.sum(self.lower)), int(np.sum(self.higher))
            words = (
                f"Of {len(self.value)} starts continuation ended below plain descent at {lower}, above it at {higher}; "
                f"the mean is {np.mean(self.value):.4g}, that of plain descent {np.mean(self.plain_value):.4g}"
            )
        else:
            words = (
                f"Continuation ended at {self.value:.4g}, plain descent from the same start at {self.plain_value:.4g}"
            )
            if self.higher:
                words += "; the minimum of the blurred cost led to a worse one"
        return f"{words}." if self.helped else f"{words}: no better than plain descent."

    def plot(self, ax: Any = None) -> Any:
        """Draw the real cost at the end of each stage; of many starts their mean and range. Return the axes."""
        ax = axes_of(ax)
        stages = np.arange(len(self.stddevs))
        values = self.path_values.reshape(len(stages), -1)
        ax.plot(stages, values.mean(axis=1), "o-", color=COLORS[0], label="continuation")
        if values.shape[1] > 1:
            ax.fill_between(stages, values.min(axis=1), values.max(axis=1), alpha=0.15, color=COLORS[0])
        ax.axhline(np.mean(self.plain_value), color=COLORS[1], linestyle="--", label="plain descent")
        ax.axhline(np.mean(self.start_value), color=GREY, linestyle=":", label="start")
        ax.set_xticks(stages, [f"{sigma:.3g}" for sigma in self.stddevs])
        title = "Real cost at the minimum of each stage"
        which = "mean of the starts" if self.value.ndim else "cost of"
        return finished(ax, title, "standard deviation of the blur [x]", "cost", which)

    def _headline(self) -> str:
        return self.message

    def _table(self) -> Table:
        values = self.path_values.reshape(len(self.stddevs), -1).mean(axis=1)
        rows = [(f"stage {i}", *row) for i, row in enumerate(zip(self.stddevs, values, strict=True), 1)]
        rows += [("plain descent", None, np.mean(self.plain_value)), ("start", None, np.mean(self.start_value))]
        marked = len(values) - 1 if self.helped else len(values)
        return Table(("", "standard deviation [x]", "real cost" + (", mean" if self.value.ndim else "")), rows, marked)


@section("8.7.6")
def minimize(
    fun: Callable[[Tensor], Tensor],
    x0: np.ndarray | Sequence[float] | Sequence[Sequence[float]],
    stddevs: Sequence[float],
    *,
    blurred: Callable[[Tensor, Tensor], Tensor] | None = None,
    method: Method | str = "lbfgs",
    samples: int = 64,
    seed: int = 0,
    max_iterations: int = 1000,
    gtol: float = 1e-5,
    ftol: float = 0.0,
    xtol: float = 0.0,
) -> Continued:
    r"""Minimize blurred costs one after the other, each from the last minimum, the real one last (equation 8.40).

    .. math::

        J^{(i)} (x) \leftarrow E f(x'), \qquad x' \sim N (x, \sigma_i^2 I) \qquad \sigma_0 > \sigma_1 > \ldots > 0,
          \text{ then } f \text{ itself}

    Blurring may make a cost with many minima nearly convex, and leave its minimum near the best one. It may also not:
    some costs stay as they are, and a broad shallow minimum outlives a narrow deep one. So plain descent on f runs from
    the same starts, and the result says which ended lower.

    Without `blurred` the mean is over `samples` fixed draws z and -z, the same for all x of a stage: smooth where f is,
    and off by about the spread of f within sigma over sqrt(samples).

    Args:
        fun: x -> f(x): a vector of shape (n,) to a scalar, both tensors, written on `keras.ops` or TensorFlow.
        x0: The start, a vector, or many, (starts, n), each minimized by itself in one program; in float32 or float64,
            which is the type that is computed in. float64 if it is a list.
        stddevs: sigma of the stages, falling, in units of x; a last 0, which is f, may be left out.
        blurred: (x, sigma) -> J(x), the mean in closed form. Defaults to `None`: by sampling.
        method: A method of `second_order`, or its name, for each stage and for plain descent; those of Newton need
            `blurred`. Defaults to `"lbfgs"`.
        samples: Even number of draws of a stage. Defaults to `64`.
        seed: Integer for the draws. Defaults to `0`.
        max_iterations: Integer, for each stage. Defaults to `1000`.
        gtol: As in `second_order.minimize`. Defaults to `1e-5`.
        ftol: As there. Defaults to `0`.
        xtol: As there. Defaults to `0`.

    Returns:
        A `Continued`: `x`, `value`, the `path`, the same of plain descent, and `message`.

    Raises:
        ValueError: If an argument lies outside its range, or `fun` returns no scalar.

    Example:
        >>> def rastrigin(x):
        ...     return keras.ops.sum(10 + x**2 - 10 * keras.ops.cos(2 * np.pi * x))
        >>> def blurred(x, sigma):
        ...     shrunk = keras.ops.exp(-2 * np.pi**2 * sigma**2)
        ...     return keras.ops.sum(10 + x**2 + sigma**2 - 10 * shrunk * keras.ops.cos(2 * np.pi * x))
        >>> start = np.array([3.3, -2.2])
        >>> found = keras_ch8.continuation.minimize(rastrigin, start, [1.0, 0.5, 0.25, 0.1], blurred=blurred)
        >>> found.message
        'Continuation ended at 0, plain descent from the same start at 12.93.'

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.6; Wu (1997); Mobahi and Fisher (2015).
    """
    _objects.function("fun", fun, "x", returns="a scalar")
    if blurred is not None:
        _objects.function("blurred", blurred, "x", "sigma", returns="a scalar")
    starts, stages = np.atleast_2d(_objects.start(x0, may_be_rows=True)), _as_stages(stddevs)
    _checks.count("max_iterations", max_iterations, 0, meaning="the most iterations of a stage", fix="Try 1000.")
    stop = Stop(**_checks.tolerances(gtol=gtol, ftol=ftol, xtol=xtol), max_iterations=max_iterations)
    method = as_method(method)
    of_newton = Newton, SaddleFreeNewton, TruncatedNewton
    if blurred is None and isinstance(method, of_newton):
        raise ValueError(
            f"`method` needs Hessian products, which are not available for a mean over draws. Received: {method} "
            'without `blurred`. Pass the mean in closed form, or use method="lbfgs".'
        )
    descend = _Descents(fun, blurred, method, stop, starts.dtype.name)
    draws = _draws(samples, seed, len(stages), starts.shape[1])

    x, path, evaluations = starts, [], np.zeros(len(starts), int)
    for sigma, z in zip([*stages, 0.0], [*draws, draws[0]], strict=True):
        x, value, counts = descend(x, sigma, z)
        path.append(x)
        evaluations += counts
    plain_x, plain_value, plain_evaluations = descend(starts, 0.0, draws[0])
    found = Continued(
        x=x,
        value=value,
        plain_x=plain_x,
        plain_value=plain_value,
        start_value=descend.values(starts, draws[0]),
        stddevs=np.append(stages, 0.0),
        path=np.stack(path),
        path_values=np.stack([descend.values(x, draws[0]) for x in path]),
        evaluations=evaluations,
        plain_evaluations=plain_evaluations,
    )
    return found if np.ndim(x0) == 2 else found.of_start(0)


def _as_stages(stddevs: Sequence[float]) -> np.ndarray:
    """Return the standard deviations above 0, falling."""
    stages = _checks.as_array(stddevs if _checks.is_list(stddevs) else [])
    stages = stages.astype("float64") if stages.dtype.kind in "fiub" else np.zeros(0)
    if stages.ndim == 1 and len(stages) and stages[-1] == 0:
        stages = stages[:-1]
    if (
        stages.ndim != 1
        or not len(stages)
        or not (np.isfinite(stages) & (stages > 0)).all()
        or (np.diff(stages) >= 0).any()
    ):
        raise ValueError(
            "`stddevs` must be a falling list of numbers above 0; the last may be 0. Received: "
            f"stddevs={short(stddevs)}. Try `np.geomspace(width, width / 100, 10)`, with the width of the region in "
            "which the minimum lies."
        )
    return stages


def _draws(samples: int, seed: int, stages: int, n: int) -> np.ndarray:
    """Return half of the draws of each stage; the other half is the opposite."""
    count = _checks.count("samples", samples, 2, meaning="the draws of a stage", fix="Try 64.")
    if count % 2:
        raise ValueError(
            "`samples` must be even, because the samples come in pairs of opposites. Received: "
            f"samples={short(samples)}. Try {count + 1}."
        )
    return np.random.default_rng(_checks.seed(seed)).normal(size=(stages, count // 2, n))


@final
@dataclasses.dataclass(frozen=True)
class _Descents:
    """Descends on f, or on f blurred, from each row of `starts` by itself.

    Args:
        fun: f.
        blurred: The blurred f in closed form, or `None`.
        method: How to descend.
        stop: When to stop, as Python numbers.
        dtype: Type to compute in.
    """

    fun: Callable[[Tensor], Tensor]
    blurred: Callable[[Tensor, Tensor], Tensor] | None
    method: Method
    stop: Stop
    dtype: str

    def __call__(self, starts: np.ndarray, sigma: float, z: np.ndarray, **other: Any) -> tuple[np.ndarray, ...]:
        """Return the ends, the costs there, and how many evaluations each took; at sigma = 0 on f itself.

        Without a closed form the cost is the mean over draws at sigma z and -sigma z. `other` are fields of `stop`.
        """
        stop = self.stop._replace(**other)
        numbers = [np.asarray(number, self.dtype) for number in (starts, sigma, z, *stop[:-1])]
        numbers.append(np.asarray(stop.max_iterations, "int32"))
        x, value, evaluations = self._program(*map(backend.as_tensor, numbers))
        return x.numpy(), value.numpy(), evaluations.numpy()

    def values(self, points: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return f at each row."""
        return self(points, 0.0, z, max_iterations=0)[1]

    @functools.cached_property
    def _program(self) -> Callable[..., list[Tensor]]:
        return backend.compile_xla(self._descend)

    def _descend(self, starts: Tensor, sigma: Tensor, z: Tensor, *stop: Tensor) -> list[Tensor]:
        problem = self._problem(sigma, z)
        count, n = starts.shape

        def one(i: Tensor, found: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
            start, state = problem.at(starts[i]), self.method.init(n, starts.dtype.name)
            end = solve(problem, self.method, start, state, Stop(*stop))
            new = end.best.x, end.best.value, end.totals.evaluations + 1
            places = [i, 0], [i], [i]
            return i + 1, [ops.slice_update(a, p, b[None]) for a, p, b in zip(found, places, new, strict=True)]

        blank = [ops.zeros((count, n), starts.dtype), ops.zeros((count,), starts.dtype), ops.zeros((count,), "int32")]
        return list(ops.while_loop(lambda i, _: i < count, one, (ops.zeros((), "int32"), blank))[1])

    def _problem(self, sigma: Tensor, z: Tensor) -> Problem:
        """Return one problem for all stages, so that the method around it is compiled once."""
        real = Problem.of(self.fun)
        closed = self.blurred
        blurred = _sampled(real, sigma, z) if closed is None else Problem.of(lambda x: closed(x, sigma))

        def value_and_gradient(x: Tensor) -> tuple[Tensor, Tensor]:
            of_stage = [functools.partial(problem.value_and_gradient, x) for problem in (blurred, real)]
            return tuple(backend.branch(sigma > 0, *of_stage))

        return Problem(value_and_gradient)


def _sampled(real: Problem, sigma: Tensor, z: Tensor) -> Problem:
    def value_and_gradient(x: Tensor) -> tuple[Tensor, Tensor]:
        near = ops.concatenate([x + sigma * z, x - sigma * z])
        values, gradients = backend.rows_of(real.value_and_gradient, near)
        return ops.mean(values), ops.mean(gradients, axis=0)

    return Problem(value_and_gradient)
