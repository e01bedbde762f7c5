"""Minimize a function of a vector."""

import dataclasses
import functools
import sys
import time
from collections.abc import Callable, Sequence
from typing import final

import numpy as np
import numpy.typing as npt
from keras import ops

from .. import _checks, _objects
from .._describe import section
from .._types import Tensor
from ..integration import backend
from . import _vector
from . import bounds as _bounds
from .contract import Info, Method, Point, Problem
from .loop import LoopState, Recording, Status, Stop, begin, iterate
from .methods import as_method
from .result import History, OptimizeResult

Bounds = tuple[npt.ArrayLike, npt.ArrayLike] | None
SECONDS = 0.2
"""How often the line of progress is drawn, about; nothing that is computed depends on it."""
WIDTH = 79
"""Its columns in a terminal, so that a shorter one covers a longer one."""
ROWS = 512
"""Iterations that a history has, at most: of a longer run every second of them, then every fourth, and so on."""


Log = tuple[Tensor, Tensor, Tensor]
"""The number of the next iteration, how many iterations share a row, and the rows."""


class ProgressLine:
    """A line that says how far a run is: drawn anew in a terminal, elsewhere printed whenever the iterations double."""

    def __init__(self) -> None:
        self._is_terminal = getattr(sys.stdout, "isatty", bool)()
        self._iterations = self._more = 1
        self._since = time.monotonic()

    def next_pause(self, run: LoopState) -> int:
        """Show a run that goes on; return after which iteration to show it again."""
        now, iterations = time.monotonic(), int(run.totals.iterations)
        if iterations and (self._is_terminal or iterations >= self._iterations):
            self._print(run, "\r" if self._is_terminal else "\n")
            self._iterations = 2 * iterations
        self._more = max(1, self._more * 2 if now - self._since < SECONDS else self._more // 2)
        self._since = now
        return iterations + self._more

    def end(self, run: LoopState) -> None:
        """Show a run that is over."""
        self._print(run, "\n")

    def _print(self, run: LoopState, end: str) -> None:
        text = (
            f"iteration {int(run.totals.iterations)}  f {float(run.point.value):.6g}  "
            f"|g| {float(run.point.gradient_norm):.2g}  step {float(run.step):.2g}  "
            f"evaluations {int(run.totals.evaluations) + 1}"
        )
        print(text.ljust(WIDTH) if self._is_terminal else text, end=end, flush=True)  # noqa: T201


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
            `"gauss_newton"`, `"lbfgs"`, `"levenberg_marquardt"`, `"natural_gradient"`, `"newton"`,
            `"saddle_free_newton"`, `"ssbfgs"`, `"ssbroyden"`, `"steepest_descent"` or `"truncated_newton"`. Defaults to
            `"lbfgs"`.

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
        verbose: bool = False,
        bounds: Bounds = None,
    ) -> OptimizeResult:
        """Run from `x0`; the arguments are those of `minimize`."""
        _checks.count("max_iterations", max_iterations, 0, meaning="the most iterations to make", fix="Try 1000.")
        tolerances = _checks.tolerances(gtol=gtol, ftol=ftol, xtol=xtol)
        start = _objects.start(x0)
        box: tuple[np.ndarray, ...] = ()
        if bounds is not None:
            _bounds.refuse(as_method(self.method), bounds)
            box = _bounds.of_vector(bounds, start)
            start = np.clip(start, *box)
        typed = {name: np.asarray(value, start.dtype) for name, value in tolerances.items()}
        stop = Stop(**typed, max_iterations=np.asarray(max_iterations, "int32"))
        verbose = _checks.flag("verbose", verbose, meaning="whether a line shows how far it is")
        found = self._run(start, stop, box, ProgressLine() if verbose else None)
        if (
            not box
            and found.status == Status.CONVERGED_AT_START
            and found.gradient_norm == 0
            and self._is_flat(start, stop, found)
        ):
            return dataclasses.replace(found, status=Status.FLAT)
        return found

    def _run(
        self, x0: np.ndarray, stop: Stop, box: tuple[np.ndarray, ...] = (), shown: ProgressLine | None = None
    ) -> OptimizeResult:
        stop = Stop(*map(backend.as_tensor, stop))
        run, log = self._begun(backend.as_tensor(x0), stop, tuple(map(backend.as_tensor, box)))
        while run.status == Status.RUNNING:
            pause = np.iinfo("int32").max if shown is None else shown.next_pause(run)
            run, log = self._gone_on(run, log, stop, backend.as_tensor(np.asarray(pause, "int32")))
        if shown is not None:
            shown.end(run)
        best = run.best
        iterations, evaluations, products, restarts, skipped = (int(total) for total in run.totals)
        return OptimizeResult(
            x=best.x.numpy(),
            fun=float(best.value),
            gradient_norm=float(best.gradient_norm),
            nit=iterations,
            nfev=evaluations + 1,
            nhev=products,
            restarts=restarts,
            skipped_pairs=skipped,
            status=Status(int(run.status)),
            history=_history(*(each.numpy() for each in log)),
        )

    def _is_flat(self, x0: np.ndarray, stop: Stop, found: OptimizeResult) -> bool:
        """Whether the gradient is 0 and the value the same a thousandth beside the start, too: no minimum, a plain."""
        nearby = self._run(
            x0 + np.asarray(1e-3, x0.dtype) * (1 + np.abs(x0)), stop._replace(max_iterations=np.asarray(0, "int32"))
        )
        return nearby.gradient_norm == 0 and nearby.fun == found.fun

    @functools.cached_property
    def _begun(self) -> Callable[..., tuple[LoopState, Log]]:
        return backend.compile_xla(functools.partial(begun, self.fun, as_method(self.method)))

    @functools.cached_property
    def _gone_on(self) -> Callable[..., tuple[LoopState, Log]]:
        return backend.compile_xla(functools.partial(gone_on, self.fun, as_method(self.method)))


def _problem_of(fun: Callable[[Tensor], Tensor] | Problem) -> Problem:
    return fun if isinstance(fun, Problem) else Problem.of(fun)


def begun(
    fun: Callable[[Tensor], Tensor] | Problem, method: Method, x0: Tensor, stop: Stop, box: tuple[Tensor, ...]
) -> tuple[LoopState, Log]:
    """Return the run before the first iteration, and its log."""
    start = _problem_of(fun).at(x0)._replace(bounds=box)
    return begin(start, method.init(x0.shape[0], x0.dtype.name), stop), _first_row(start)


def gone_on(
    fun: Callable[[Tensor], Tensor] | Problem, method: Method, run: LoopState, log: Log, stop: Stop, pause: Tensor
) -> tuple[LoopState, Log]:
    """Go on to the end, or to a pause, after so many iterations from the start."""
    return iterate(_problem_of(fun), method, run, stop, Recording(log, _add_row), pause)


def _first_row(start: Point) -> Log:
    one = ops.ones((), "int32")
    row = [0.0, start.value, start.gradient_norm, 0.0]
    rows = ops.zeros((ROWS, len(row)), start.value.dtype)
    return one, one, ops.slice_update(rows, [0, 0], ops.stack([ops.cast(x, rows.dtype) for x in row])[None])


def _add_row(log: Log, before: Point, after: Point, info: Info) -> Log:
    """Write an iteration; where all rows are full, every second one goes."""
    number, every, rows = log
    is_full = number >= ROWS * every
    kept = ops.concatenate([rows[::2], ops.zeros_like(rows[1::2])])
    rows, every = ops.where(is_full, kept, rows), ops.where(is_full, 2 * every, every)
    row = [number, after.value, after.gradient_norm, _vector.largest(after.x - before.x)]
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
    verbose: bool = False,
    bounds: Bounds = None,
) -> OptimizeResult:
    """Minimize a function of a vector, in one compiled program (section 8.6).

    Each call compiles, which takes seconds; for several starts of one function use `Minimizer`.

    Args:
        fun: x -> f(x): a vector of shape (n,) to a scalar, both tensors, written on `keras.ops` or TensorFlow; or a
            `Problem`, of which more than f is known, such as the residuals of a sum of squares.
        x0: The start: a vector in float32 or float64, which is the type that is computed in. float64 if it is a list.
        method: A method of `keras_ch8.second_order.methods`, or the name of one: `"bfgs"`, `"conjugate_gradient"`,
            `"gauss_newton"`, `"lbfgs"`, `"levenberg_marquardt"`, `"natural_gradient"`, `"newton"`,
            `"saddle_free_newton"`, `"ssbfgs"`, `"ssbroyden"`, `"steepest_descent"` or `"truncated_newton"`. Defaults to
            `"lbfgs"`.
        max_iterations: Integer of at least 0: the most iterations to make. Defaults to `1000`.
        gtol: Stop when no entry of the gradient is larger than this in absolute value. The gradient scales with f, so
            give a smaller number for a function whose values are tiny. Defaults to `1e-5`.
        ftol: Stop when the value changes by less than this fraction of itself in an iteration. Defaults to `0`: never.
        xtol: Stop when the step is below this fraction of x. Defaults to `0`: never.
        verbose: Whether a line shows how far it is: iterations, f, the largest entries of gradient and step, and
            evaluations. Defaults to `False`.
        bounds: `(low, high)`: the lowest and the highest x, each a number or an array of the shape of x0, infinite
            or None where there is none. Only `"lbfgs"` takes them. A start outside is moved to the nearest point
            inside, and every point at which f is evaluated lies inside. Defaults to `None`: none.

    Returns:
        An `OptimizeResult`, with SciPy's names: `x`, `fun`, what it has cost, and why it ended.

    Raises:
        TypeError: If `fun` is neither a function nor a `Problem`, or calls NumPy on x, or `method` is neither a method
            nor a name.
        ValueError: If an argument lies outside its range, `x0` is not a vector, `fun` returns no scalar, `bounds` are
            not of its shape, NaN or crossing, or the method takes none.

    Example:
        >>> rosenbrock = lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
        >>> found = keras_ch8.second_order.minimize(rosenbrock, np.array([-1.2, 1.0]))
        >>> found.success, found.x.round(4)
        (True, array([1., 1.]))
        >>> keras_ch8.second_order.minimize(rosenbrock, np.zeros(2), bounds=([-np.inf, 0.5], [0.6, 2.0])).x.round(4)
        array([0.6, 0.5])

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.6; Nocedal and Wright (2006).
    """
    return Minimizer(fun, method)(
        x0, max_iterations=max_iterations, gtol=gtol, ftol=ftol, xtol=xtol, verbose=verbose, bounds=bounds
    )
