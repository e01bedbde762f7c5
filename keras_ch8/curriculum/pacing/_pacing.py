"""What a pacing is."""

import abc
import dataclasses
from collections.abc import Callable
from typing import Any, final

import numpy as np

GRID = np.linspace(0, 1, 101)
"""Where a function of the user's is looked at before the training."""
ROUNDING = 1e-9
"""By how much it may miss for the arithmetic's sake."""


@dataclasses.dataclass(frozen=True)
class AbstractPacing(abc.ABC):
    """A rising function of the progress u in [0, 1]: the share c(u) of the examples that may be drawn, the first c."""

    @abc.abstractmethod
    def __call__(self, u: Any) -> Any:
        """Return c(u), of a number or an array: c(0) is the share at the start, c(1) is 1."""

    def oldest(self, u: Any) -> Any:
        """Return the share that is left behind, below c(u); of all laws but `one_pass` it is 0."""
        return 0.0 * np.asarray(u, "float64")


@final
@dataclasses.dataclass(frozen=True)
class given(AbstractPacing):
    """A function of the user's, of one number."""

    function: Callable[[float], float]

    def __post_init__(self) -> None:
        shares = self(GRID)
        if not (np.diff(shares) >= -ROUNDING).all() or not shares[0] > 0 or shares[-1] != 1:
            worst = int(np.argmin(np.diff(shares)))
            raise ValueError(
                "`pacing` gives the share of the examples at the progress u, so it must rise from a number above 0 at "
                f"u = 0 to 1 at u = 1. Received: {shares[0]:.4g} at 0, {shares[worst]:.4g} at {GRID[worst]:.2g}, "
                f"{shares[worst + 1]:.4g} at {GRID[worst + 1]:.2g}, {shares[-1]:.4g} at 1. Try "
                "lambda u: 0.2 + 0.8 * u."
            )

    def __call__(self, u: Any) -> Any:
        """Ask the function for each number; 1 is 1 whatever its rounding."""
        shares = np.array([float(self.function(float(v))) for v in np.ravel(u)]).reshape(np.shape(u))
        return np.where(np.abs(shares - 1) <= ROUNDING, 1.0, shares)
