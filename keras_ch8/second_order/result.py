"""What a run of section 8.6 has found, what it has cost, and why it ended; of `minimize` and of an optimizer."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from .._plot import axes_of, finished, line
from .._result import Result, Table
from .loop import Status

SHOWN = 6
"""Entries of the solution that are printed."""


class History(NamedTuple):
    """The iterations of a run: the start, and the ends of all, or of some that are spread evenly.

    Of `optimizer.result` there is the last one alone: Keras's `History` has those before it.

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
        x: The point; of an optimizer all weights, end to end, in the order of `model.trainable_variables`.
        fun: f(x).
        gradient_norm: The largest entry of the gradient there, in absolute value; infinite if one is NaN. With bounds
            it is that of P(x - g) - x, where P is the nearest point within them.
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
        """Whether a criterion for a minimum was met; a run that only came to a halt is no success.

        A saddle point meets them, too: only `Newton` and `SaddleFreeNewton` look for directions that lead down from it.
        """
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
