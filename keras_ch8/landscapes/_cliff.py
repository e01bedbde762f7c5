"""A cliff, as a recurrent network of one unit has it."""

import dataclasses
from typing import Any, final

import numpy as np

from .. import _checks
from ._surface import AbstractSurface


@final
@dataclasses.dataclass(frozen=True)
class Cliff(AbstractSurface):
    """A cliff: the loss of a recurrent network of one unit over its two parameters (section 8.2.4; figure 8.3).

        s_0 <- 1/2
        for t = 1 .. steps:
            s_t <- w sigmoid(s_(t-1)) + b
        f(w, b) = (sigmoid(s_steps) - 0.7)^2        minimum 0 at (0, log(7/3)), one of a valley of minima

    theta is (w, b). For w > 4 the unit can rest at a low or at a high value, and the border between the two is the
    cliff: at w = 5.5, b = -2.9235 it is a wall 0.37 high with slopes of more than 100, beside slopes of 0.1. From
    `start`, (5.5, -2.8), plain descent walks up to it, and the gradient there throws it away: at a rate of 0.02, to
    (65, 92) within 400 steps.

    Args:
        steps: Integer of at least 1: the time steps; more make the wall steeper. Defaults to `50`.

    Raises:
        ValueError: If `steps` is below 1.

    Example:
        >>> surface = keras_ch8.landscapes.Cliff()
        >>> at, beside = surface.gradient([[5.5, -2.92352], [5.5, -2.8]])
        >>> bool(np.linalg.norm(at) > 1000 * np.linalg.norm(beside))
        True

    References:
        Pascanu, Mikolov, Bengio (2013), On the Difficulty of Training Recurrent Neural Networks, section 2.3.
    """

    section = "8.2.7"

    steps: int = 50

    def __post_init__(self) -> None:
        _checks.count("steps", self.steps, 1, meaning="the time steps", mend="Try 50.")

    @property
    def start(self) -> np.ndarray:
        """Above the cliff."""
        return np.array([5.5, -2.8])

    @property
    def critical_point(self) -> np.ndarray:
        """A minimum."""
        return np.array([0.0, np.log(7 / 3)])

    def f(self, x: Any, y: Any) -> Any:
        """Return f."""
        return (self._run(x, y)[0] - 0.7) ** 2

    def slopes(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Return f_w and f_b."""
        p, p_w, p_b, *_ = self._run(x, y)
        return 2 * (p - 0.7) * p_w, 2 * (p - 0.7) * p_b

    def bends(self, x: Any, y: Any) -> tuple[Any, Any, Any]:
        """Return f_ww, f_wb and f_bb."""
        p, p_w, p_b, p_ww, p_wb, p_bb = self._run(x, y)
        return tuple(
            2 * u * v + 2 * (p - 0.7) * p_uv for u, v, p_uv in ((p_w, p_w, p_ww), (p_w, p_b, p_wb), (p_b, p_b, p_bb))
        )

    def _run(self, w: Any, b: Any) -> tuple[Any, ...]:
        """Return p = sigmoid(s) after the last step with its derivatives: p, p_w, p_b, p_ww, p_wb, p_bb."""
        s, s_w, s_b, s_ww, s_wb, s_bb = 0.5 + 0 * w, *(0 * w for _ in range(5))
        for _ in range(self.steps):
            p, p_w, p_b, p_ww, p_wb, p_bb = _sigmoid(s, s_w, s_b, s_ww, s_wb, s_bb)
            s, s_w, s_b = w * p + b, w * p_w + p, w * p_b + 1
            s_ww, s_wb, s_bb = w * p_ww + 2 * p_w, w * p_wb + p_b, w * p_bb
        return _sigmoid(s, s_w, s_b, s_ww, s_wb, s_bb)


def _sigmoid(s: Any, s_w: Any, s_b: Any, s_ww: Any, s_wb: Any, s_bb: Any) -> tuple[Any, ...]:
    p = 0.5 + 0.5 * np.tanh(s / 2)  # without the overflow of exp
    d, dd = p * (1 - p), p * (1 - p) * (1 - 2 * p)
    return p, d * s_w, d * s_b, d * s_ww + dd * s_w**2, d * s_wb + dd * s_w * s_b, d * s_bb + dd * s_b**2
