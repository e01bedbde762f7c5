"""A saddle point in two dimensions."""

import dataclasses
from typing import Any, final

import numpy as np

from .. import _checks
from ._surface import AbstractSurface


@final
@dataclasses.dataclass(frozen=True)
class Saddle(AbstractSurface):
    """A saddle: a minimum along x, a maximum along y (section 8.2.3; figure 4.5).

        f(x, y) = (x^2 - ratio y^2) / 2        saddle point 0 at (0, 0), eigenvalues 1 and -ratio

    Near the line y = 0 descent first runs to the saddle point, and leaves it by a factor of 1 + rate ratio a step; on
    the line it stays. Newton's method jumps onto the saddle point from anywhere.

    Args:
        ratio: Number above 0: how much is bent down for what is bent up. Defaults to `1.0`.

    Raises:
        ValueError: If `ratio` is not above 0.

    Example:
        >>> surface = keras_ch8.landscapes.Saddle(ratio=0.5)
        >>> np.linalg.eigvalsh(surface.hessian(surface.critical_point))
        array([-0.5,  1. ])

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, sections 4.3.1 and 8.2.3; Dauphin et al. (2014).
    """

    section = "8.2.7"

    ratio: float = 1.0

    def __post_init__(self) -> None:
        _checks.positive("ratio", self.ratio, meaning="the curvature down for what is curved up", mend="Try 1.")

    @property
    def start(self) -> np.ndarray:
        """Beside the line that leads into the saddle point."""
        return np.array([1.0, 1e-3])

    @property
    def critical_point(self) -> np.ndarray:
        """The saddle point."""
        return np.zeros(2)

    def f(self, x: Any, y: Any) -> Any:
        """Return f."""
        return (x**2 - self.ratio * y**2) / 2

    def slopes(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Return f_x and f_y."""
        return x, -self.ratio * y

    def bends(self, x: Any, y: Any) -> tuple[Any, Any, Any]:
        """Return f_xx, f_xy and f_yy."""
        return 1.0, 0.0, -self.ratio
