"""The curved valley on which optimizers have been tried since 1960."""

import dataclasses
from typing import Any, final

import numpy as np

from .. import _checks
from ._surface import AbstractSurface


@final
@dataclasses.dataclass(frozen=True)
class Rosenbrock(AbstractSurface):
    """Rosenbrock's valley: the way down is a parabola, the gradient points across it (section 8.2.7; Rosenbrock 1960).

        f(x, y) = (1 - x)^2 + steepness (y - x^2)^2        minimum 0 at (1, 1), and no other critical point

    With a steepness of 100 the condition number at the minimum is 2508.

    Args:
        steepness: Number above 0: how steep the walls are. Defaults to `100.0`.

    Raises:
        ValueError: If `steepness` is not above 0.

    Example:
        >>> surface = keras_ch8.landscapes.Rosenbrock()
        >>> [round(float(surface.value(theta)), 1) for theta in (surface.start, surface.critical_point)]
        [24.2, 0.0]

    References:
        Rosenbrock (1960), An Automatic Method for Finding the Greatest or Least Value of a Function.
    """

    section = "8.2.7"

    steepness: float = 100.0

    def __post_init__(self) -> None:
        _checks.positive("steepness", self.steepness, meaning="how steep the walls are", mend="Try 100.")

    @property
    def start(self) -> np.ndarray:
        """Where Rosenbrock began."""
        return np.array([-1.2, 1.0])

    @property
    def critical_point(self) -> np.ndarray:
        """The minimum."""
        return np.ones(2)

    def f(self, x: Any, y: Any) -> Any:
        """Return f."""
        return (1 - x) ** 2 + self.steepness * (y - x**2) ** 2

    def slopes(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Return f_x and f_y."""
        across = 2 * self.steepness * (y - x**2)
        return -2 * (1 - x) - 2 * x * across, across

    def bends(self, x: Any, y: Any) -> tuple[Any, Any, Any]:
        """Return f_xx, f_xy and f_yy."""
        return 2 - 4 * self.steepness * (y - 3 * x**2), -4 * self.steepness * x, 2 * self.steepness
