"""Ill-conditioning in two dimensions."""

import dataclasses
from typing import Any, final

import numpy as np

from .. import _checks
from ._surface import AbstractSurface


@final
@dataclasses.dataclass(frozen=True)
class Ravine(AbstractSurface):
    """A ravine: flat along x, steep along y (section 8.2.1; figure 4.6).

        f(x, y) = (x^2 + condition y^2) / 2        minimum 0 at (0, 0), eigenvalues 1 and condition

    A rate above 2 / condition diverges along y, and at that rate x still needs about condition / 2 steps to fall to
    37 %. From `start`, (condition, 1), steepest descent with exact line searches is slowest: each step divides f by
    ((condition + 1) / (condition - 1))^2.

    Args:
        condition: Number of at least 1: the ratio of the eigenvalues of the Hessian. Defaults to `100.0`.

    Raises:
        ValueError: If `condition` is below 1.

    Example:
        >>> surface = keras_ch8.landscapes.Ravine(condition=10.0)
        >>> surface.gradient([1.0, 1.0])
        array([ 1., 10.])

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, sections 4.3.1 and 8.2.1.
    """

    section = "8.2.7"

    condition: float = 100.0

    def __post_init__(self) -> None:
        _checks.number(
            "condition", self.condition, 1.0, np.inf, meaning="the ratio of two eigenvalues", mend="Try 100."
        )

    @property
    def start(self) -> np.ndarray:
        """The slowest start for steepest descent."""
        return np.array([self.condition, 1.0])

    @property
    def critical_point(self) -> np.ndarray:
        """The minimum."""
        return np.zeros(2)

    def f(self, x: Any, y: Any) -> Any:
        """Return f."""
        return (x**2 + self.condition * y**2) / 2

    def slopes(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Return f_x and f_y."""
        return x, self.condition * y

    def bends(self, x: Any, y: Any) -> tuple[Any, Any, Any]:
        """Return f_xx, f_xy and f_yy."""
        return 1.0, 0.0, self.condition
