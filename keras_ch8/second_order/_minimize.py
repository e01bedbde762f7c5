"""Minimize a function of a vector."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, final

import numpy as np
from keras import ops

from .. import _checks, _objects
from .._describe import section
from .._plot import axes_of, finished, line
from .._result import Result, Table
from .._types import Tensor
from ..integration import backend
from . import _vector
from .contract import Info, Method, Point, Problem
from .loop import Recording, Status, Stop, begin, iterate
from .methods import as_method

SHOWN = 6
"""Entries of the solution that are printed."""
ROWS = 512
"""Iterations that a history has, at most: of a longer run every second of them, then every fourth, and so on."""


class History(NamedTuple):
    """The iterations of a run: the start, and the ends of all, or of some that are spread evenly.

    Args:
        iterations: Their numbers; 0 is the start.
        values: f there.
        gradients: The largest entry of the gradient there, in absolute value.
        moves: The largest entry of the move that led there.
    """

    iterations: np.ndarray
    values: np.ndarray
    gradients: np.ndarray
    moves: np.ndarray


@dataclasses.dataclass(frozen=True, repr=False)
class OptimizeResult(Result):
    """Where a run ended: at the best point it has seen.

    Args:
        x: The point.
        fun: f(x).
        gradient_norm: The largest entry of the gradient there, in absolute value.
        nit: Iterations that were made.
        nfev: How often f and its gradient were computed, the start included.
        nhev: Products with the Hessian.
        restarts: Directions that were given up for -g.
        skipped_pairs: Moves that a quasi-Newton method could not learn from.
        status: Why it ended.
        history: Value, gradient and move of the iterations.
    """

    x: np.ndarray
    fun: float
    gradient_norm: float
    nit: int
    nfev: int
    nhev: int
    restarts: int
    skipped_pairs: int
    status: Status
    history: History

    @property
    def success(self) -> bool:
        """Whether a criterion for a minimum was met; a run that only came to a halt is no success."""
        return self.status.converged

    @property
    def message(self) -> str:
        """Why it ended, and what to do about it, in a sentence."""
        return self.status.message(self.x.dtype.name)

    def plot(self, ax: Any = None) -> Any:
        """Draw how far f is above its lowest value, and the gradient, over the iterations, with matplotlib."""
        ax = axes_of(ax)
        iterations, values, gradients, _ = self.history
        above = values - np.nanmin(values)
        curves = {
            "f - lowest f": (iterations[above > 0], above[above > 0]),
            "largest |gradient entry|": (iterations, gradients),
        }
        for number, (name, (x, y)) in enumerate(curves.items()):
            ax.plot(x, y, label=name, **line(number))
        ax.set_yscale("log")
        return finished(ax, f"Convergence in {self.nit} iterations", "iteration", "f; gradient [f / x]", "curves")

    def _headline(self) -> str:
        found = f"f = {self.fun:.6g} after {self.nit} iterations and {self.nfev} evaluations"
        return f"{found}. {self.message}"

    def _table(self) -> Table:
        names = "fun", "gradient_norm", "nit", "nfev", "nhev", "restarts", "skipped_pairs"
        shown = ", ".join(f"{value:.4g}" for value in self.x[:SHOWN]) + (", ..." if len(self.x) > SHOWN else "")
        rows = [("x", f"[{shown}]"), *((name, getattr(self, name)) for name in names), ("status", self.status.name)]
        return Table(("quantity", "value"), rows)


@final
@dataclasses.dataclass(frozen=True)
class Minimizer:
    """A function and a method, compiled to one program that runs from any start (section 8.6).

    The first call traces and compiles, for a number of parameters and a type; later ones run. What `fun` reads besides
    x (data, settings) is what it was at the first call.

    Args:
        fun: x -> f(x): a vector of shape (n,) to a scalar, both tensors, written on `keras.ops` or TensorFlow; or a
            `Problem`, of which more than f is known, such as the residuals of a sum of squares.
        method: A method of `keras_ch8.second_order.methods`, or the name of one: `"bfgs"`, `"conjugate_gradient"`,
            `"lbfgs"`, `"levenberg_marquardt"`, `"newton"`, `"saddle_free_newton"`, `"ssbfgs"`, `"ssbroyden"`,
            `"steepest_descent"` or `"truncated_newton"`. Defaults to `"lbfgs"`.

    Raises:
        TypeError: If `fun` is neither a function nor a `Problem`, or `method` neither a method nor a name.
        ValueError: If `method` is a name that no method has.

    Example:
        >>> rosenbrock = lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
        >>> minimizer = keras_ch8.second_order.Minimizer(rosenbrock, "bfgs")
        >>> [minimizer(np.array(start)).x.round(4).tolist() for start in ([-1.2, 1.0], [3.0, 3.0])]
        [[1.0, 1.0], [1.0, 1.0]]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.6.
    """

    fun: Callable[[Tensor], Tensor] | Problem
    method: Method | str = "lbfgs"

    def __post_init__(self) -> None:
        if not isinstance(self.fun, Problem):
            _objects.function("fun", self.fun, "x", returns="a scalar")
        as_method(self.method)

    def __call__(
        self,
        x0: np.ndarray | Sequence[float],
        *,
        max_iterations: int = 1000,
        gtol: float = 1e-5,
        ftol: float = 0.0,
        xtol: float = 0.0,
    ) -> OptimizeResult:
        """Run from `x0`; the arguments are those of `minimize`."""
        _checks.count("max_iterations", max_iterations, 0, meaning="the most iterations to make", fix="Try 1000.")
        tolerances = _checks.tolerances(gtol=gtol, ftol=ftol, xtol=xtol)
        x0 = _objects.start(x0)
        typed = {name: np.asarray(value, x0.dtype) for name, value in tolerances.items()}
        stop = Stop(**typed, max_iterations=np.asarray(max_iterations, "int32"))
        found = self._run(x0, stop)
        if found.status == Status.CONVERGED_AT_START and found.gradient_norm == 0 and self._is_flat(x0, stop, found):
            return dataclasses.replace(found, status=Status.FLAT)
        return found

    def _run(self, x0: np.ndarray, stop: Stop) -> OptimizeResult:
        x, value, gradient, status, totals, log = self._program(
            backend.as_tensor(x0), Stop(*map(backend.as_tensor, stop))
        )
        iterations, evaluations, products, restarts, skipped = (int(total) for total in totals)
        return OptimizeResult(
            x=x.numpy(),
            fun=float(value),
            gradient_norm=float(gradient),
            nit=iterations,
            nfev=evaluations + 1,
            nhev=products,
            restarts=restarts,
            skipped_pairs=skipped,
            status=Status(int(status)),
            history=_history(*(each.numpy() for each in log)),
        )

    def _is_flat(self, x0: np.ndarray, stop: Stop, found: OptimizeResult) -> bool:
        """Whether the gradient is 0 and the value the same a thousandth beside the start, too: no minimum, a plain."""
        nearby = self._run(
            x0 + np.asarray(1e-3, x0.dtype) * (1 + np.abs(x0)), stop._replace(max_iterations=np.asarray(0, "int32"))
        )
        return nearby.gradient_norm == 0 and nearby.fun == found.fun

    @functools.cached_property
    def _program(self) -> Callable[..., tuple[Tensor, ...]]:
        return backend.compile_xla(functools.partial(run, self.fun, as_method(self.method)))


def run(fun: Callable[[Tensor], Tensor] | Problem, method: Method, x0: Tensor, stop: Stop) -> tuple[Tensor, ...]:
    """Return the best point, its value, the largest entry of its gradient, the status, the totals and the log."""
    problem = fun if isinstance(fun, Problem) else Problem.of(fun)
    start = problem.at(x0)
    first = begin(start, method.init(x0.shape[0], x0.dtype.name), stop)
    end, log = iterate(problem, method, first, stop, Recording(_first_row(start), _add_row))
    return end.best.x, end.best.value, _vector.largest(end.best.gradient), end.status, end.totals, log


Log = tuple[Tensor, Tensor, Tensor]
"""The number of the next iteration, how many iterations share a row, and the rows."""


def _first_row(start: Point) -> Log:
    one = ops.ones((), "int32")
    row = [0.0, start.value, _vector.largest(start.gradient), 0.0]
    rows = ops.zeros((ROWS, len(row)), start.value.dtype)
    return one, one, ops.slice_update(rows, [0, 0], ops.stack([ops.cast(x, rows.dtype) for x in row])[None])


def _add_row(log: Log, before: Point, after: Point, info: Info) -> Log:
    """Write an iteration; where all rows are full, every second one goes."""
    number, every, rows = log
    is_full = number >= ROWS * every
    kept = ops.concatenate([rows[::2], ops.zeros_like(rows[1::2])])
    rows, every = ops.where(is_full, kept, rows), ops.where(is_full, 2 * every, every)
    row = [number, after.value, _vector.largest(after.gradient), _vector.largest(after.x - before.x)]
    row = ops.stack([ops.cast(x, rows.dtype) for x in row])
    return number + 1, every, ops.slice_update(rows, [number // every, 0], row[None])


def _history(number: np.ndarray, every: np.ndarray, rows: np.ndarray) -> History:
    iterations, *columns = rows[: (number - 1) // every + 1].T
    return History(iterations.astype(int), *columns)


@section("8.6")
def minimize(
    fun: Callable[[Tensor], Tensor] | Problem,
    x0: np.ndarray | Sequence[float],
    method: Method | str = "lbfgs",
    *,
    max_iterations: int = 1000,
    gtol: float = 1e-5,
    ftol: float = 0.0,
    xtol: float = 0.0,
) -> OptimizeResult:
    """Minimize a function of a vector, in one compiled program (section 8.6).

    Each call compiles, which takes seconds; for several starts of one function use `Minimizer`.

    Args:
        fun: x -> f(x): a vector of shape (n,) to a scalar, both tensors, written on `keras.ops` or TensorFlow; or a
            `Problem`, of which more than f is known, such as the residuals of a sum of squares.
        x0: The start: a vector in float32 or float64, which is the type that is computed in. float64 if it is a list.
        method: A method of `keras_ch8.second_order.methods`, or the name of one: `"bfgs"`, `"conjugate_gradient"`,
            `"lbfgs"`, `"levenberg_marquardt"`, `"newton"`, `"saddle_free_newton"`, `"ssbfgs"`, `"ssbroyden"`,
            `"steepest_descent"` or `"truncated_newton"`. Defaults to `"lbfgs"`.
        max_iterations: Integer of at least 0: the most iterations to make. Defaults to `1000`.
        gtol: Stop when no entry of the gradient is larger than this in absolute value. The gradient scales with f, so
            give a smaller number for a function whose values are tiny. Defaults to `1e-5`.
        ftol: Stop when the value changes by less than this fraction of itself in an iteration. Defaults to `0`: never.
        xtol: Stop when the step is below this fraction of x. Defaults to `0`: never.

    Returns:
        An `OptimizeResult`, with SciPy's names: `x`, `fun`, what it has cost, and why it ended.

    Raises:
        TypeError: If `fun` is neither a function nor a `Problem`, or `method` neither a method nor a name.
        ValueError: If an argument lies outside its range, `x0` is not a vector, or `fun` returns no scalar.

    Example:
        >>> rosenbrock = lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
        >>> found = keras_ch8.second_order.minimize(rosenbrock, np.array([-1.2, 1.0]))
        >>> found.success, found.x.round(4)
        (True, array([1., 1.]))

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.6; Nocedal and Wright (2006).
    """
    return Minimizer(fun, method)(x0, max_iterations=max_iterations, gtol=gtol, ftol=ftol, xtol=xtol)
