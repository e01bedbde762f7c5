"""Standard surfaces of two variables with their derivatives, in float64: a ravine, a saddle, a valley, a cliff."""

import abc
import dataclasses
from typing import NamedTuple, TypeAlias, final

import numpy as np

from .. import _checks

__all__ = [
    "Cliff",
    "Ravine",
    "Rosenbrock",
    "Saddle",
]

Values: TypeAlias = np.ndarray | float
"""Values at one point or at many."""


@dataclasses.dataclass(frozen=True)
class Surface(abc.ABC):
    """Base of every surface: f(x, y) for theta = (x, y), at one point or at many.

    The last axis of `theta` holds x and y. A subclass is a frozen dataclass.
    """

    @property
    @abc.abstractmethod
    def start(self) -> np.ndarray:
        """Where descents usually begin."""

    @property
    @abc.abstractmethod
    def critical_point(self) -> np.ndarray:
        """A point at which the gradient is 0."""

    @abc.abstractmethod
    def f(self, x: Values, y: Values) -> Values:
        """Return f."""

    @abc.abstractmethod
    def partials(self, x: Values, y: Values) -> tuple[Values, Values]:
        """Return f_x and f_y."""

    @abc.abstractmethod
    def second_partials(self, x: Values, y: Values) -> tuple[Values, Values, Values]:
        """Return f_xx, f_xy and f_yy."""

    def value(self, theta: Values) -> Values:
        """Return f at theta [..., 2], of shape [...]."""
        return self.f(*_x_and_y(theta))

    def gradient(self, theta: Values) -> np.ndarray:
        """Return the gradient at theta [..., 2], of the same shape."""
        x, y = _x_and_y(theta)
        return np.stack(np.broadcast_arrays(*self.partials(x, y), x)[:2], axis=-1)

    def hessian(self, theta: Values) -> np.ndarray:
        """Return the Hessian at theta [..., 2], of shape [..., 2, 2]."""
        x, y = _x_and_y(theta)
        xx, xy, yy, _ = np.broadcast_arrays(*self.second_partials(x, y), x)
        return np.stack([np.stack([xx, xy], axis=-1), np.stack([xy, yy], axis=-1)], axis=-2)


def _x_and_y(theta: Values) -> tuple[np.ndarray, np.ndarray]:
    theta = np.asarray(theta, "float64")
    if theta.shape[-1:] != (2,):
        raise ValueError(
            "A surface has two variables, x and y on the last axis of `theta`. "
            f"Received: shape {theta.shape}. For a grid: `np.stack(np.meshgrid(x, y), axis=-1)`."
        )
    return theta[..., 0], theta[..., 1]


@final
@dataclasses.dataclass(frozen=True)
class Ravine(Surface):
    r"""A ravine: flat along x, steep along y (section 8.2.1; figure 4.6).

    .. math::

        f (x, y) = \frac{x^2 + \text{condition }y^2}{2} \qquad \text{minimum }0 \text{ at }(0, 0), \text{eigenvalues
          }1 \text{ and condition}

    A rate above 2 / condition diverges along y, and at that rate x still needs about condition / 2 steps to fall to
    37 %. From `start`, (condition, 1), steepest descent with exact line searches is slowest: each step divides f by
    ((condition + 1) / (condition - 1))^2.

    Args:
        condition: Number of at least 1: the ratio of the eigenvalues of the Hessian. Defaults to `100.0`.

    Raises:
        ValueError: If `condition` is below 1.

    Example:
        >>> surface = keras_ch8.landscapes.surfaces.Ravine(condition=10.0)
        >>> surface.gradient([1.0, 1.0])
        array([ 1., 10.])

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, sections 4.3.1 and 8.2.1.
    """

    section = "8.2.7"

    condition: float = 100.0

    def __post_init__(self) -> None:
        _checks.number("condition", self.condition, 1.0, np.inf, meaning="the ratio of two eigenvalues", fix="Try 100.")

    @property
    def start(self) -> np.ndarray:
        """The slowest start for steepest descent."""
        return np.array([self.condition, 1.0])

    @property
    def critical_point(self) -> np.ndarray:
        """The minimum."""
        return np.zeros(2)

    def f(self, x: Values, y: Values) -> Values:
        """Return f."""
        return (x**2 + self.condition * y**2) / 2

    def partials(self, x: Values, y: Values) -> tuple[Values, Values]:
        """Return f_x and f_y."""
        return x, self.condition * y

    def second_partials(self, x: Values, y: Values) -> tuple[Values, Values, Values]:
        """Return f_xx, f_xy and f_yy."""
        return 1.0, 0.0, self.condition


@final
@dataclasses.dataclass(frozen=True)
class Saddle(Surface):
    r"""A saddle: a minimum along x, a maximum along y (section 8.2.3; figure 4.5).

    .. math::

        f (x, y) = \frac{x^2 - \text{ratio }y^2}{2} \qquad \text{saddle point }0 \text{ at }(0, 0), \text{eigenvalues
          }1 \text{ and } - \text{ratio}

    Near the line y = 0 descent first runs to the saddle point, and leaves it by a factor of 1 + rate ratio a step; on
    the line it stays. Newton's method jumps onto the saddle point from anywhere.

    Args:
        ratio: Number above 0: the curvature down, relative to the curvature up. Defaults to `1.0`.

    Raises:
        ValueError: If `ratio` is not above 0.

    Example:
        >>> surface = keras_ch8.landscapes.surfaces.Saddle(ratio=0.5)
        >>> np.linalg.eigvalsh(surface.hessian(surface.critical_point))
        array([-0.5,  1. ])

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, sections 4.3.1 and 8.2.3; Dauphin et al. (2014).
    """

    section = "8.2.7"

    ratio: float = 1.0

    def __post_init__(self) -> None:
        _checks.positive("ratio", self.ratio, meaning="the curvature down, relative to the curvature up", fix="Try 1.")

    @property
    def start(self) -> np.ndarray:
        """Beside the line that leads into the saddle point."""
        return np.array([1.0, 1e-3])

    @property
    def critical_point(self) -> np.ndarray:
        """The saddle point."""
        return np.zeros(2)

    def f(self, x: Values, y: Values) -> Values:
        """Return f."""
        return (x**2 - self.ratio * y**2) / 2

    def partials(self, x: Values, y: Values) -> tuple[Values, Values]:
        """Return f_x and f_y."""
        return x, -self.ratio * y

    def second_partials(self, x: Values, y: Values) -> tuple[Values, Values, Values]:
        """Return f_xx, f_xy and f_yy."""
        return 1.0, 0.0, -self.ratio


@final
@dataclasses.dataclass(frozen=True)
class Rosenbrock(Surface):
    """Rosenbrock's valley: the way down is a parabola, the gradient points across it (section 8.2.7; Rosenbrock 1960).

        f(x, y) = (1 - x)^2 + steepness (y - x^2)^2        minimum 0 at (1, 1), and no other critical point

    With a steepness of 100 the condition number at the minimum is 2508.

    Args:
        steepness: Number above 0: how steep the walls are. Defaults to `100.0`.

    Raises:
        ValueError: If `steepness` is not above 0.

    Example:
        >>> surface = keras_ch8.landscapes.surfaces.Rosenbrock()
        >>> [round(float(surface.value(theta)), 1) for theta in (surface.start, surface.critical_point)]
        [24.2, 0.0]

    References:
        Rosenbrock (1960), An Automatic Method for Finding the Greatest or Least Value of a Function.
    """

    section = "8.2.7"

    steepness: float = 100.0

    def __post_init__(self) -> None:
        _checks.positive("steepness", self.steepness, meaning="how steep the walls are", fix="Try 100.")

    @property
    def start(self) -> np.ndarray:
        """Where Rosenbrock began."""
        return np.array([-1.2, 1.0])

    @property
    def critical_point(self) -> np.ndarray:
        """The minimum."""
        return np.ones(2)

    def f(self, x: Values, y: Values) -> Values:
        """Return f."""
        return (1 - x) ** 2 + self.steepness * (y - x**2) ** 2

    def partials(self, x: Values, y: Values) -> tuple[Values, Values]:
        """Return f_x and f_y."""
        across = 2 * self.steepness * (y - x**2)
        return -2 * (1 - x) - 2 * x * across, across

    def second_partials(self, x: Values, y: Values) -> tuple[Values, Values, Values]:
        """Return f_xx, f_xy and f_yy."""
        return 2 - 4 * self.steepness * (y - 3 * x**2), -4 * self.steepness * x, 2 * self.steepness


@final
@dataclasses.dataclass(frozen=True)
class Cliff(Surface):
    """A cliff: the loss of a recurrent network of one unit over its two parameters (section 8.2.4; figure 8.3).

        s_0 <- 1/2
        for t = 1 .. steps:
            s_t <- w sigmoid(s_(t-1)) + b
        f(w, b) = (sigmoid(s_steps) - 0.7)^2        minimum 0 at (0, log(7/3)), one of a valley of minima

    theta is (w, b). For w > 4 the unit can rest at a low or at a high value, and the border between the two is the
    cliff: at w = 5.5, b = -2.9235 it is a wall 0.37 high with slopes of more than 100, beside slopes of 0.1. From
    `start`, (5.5, -2.8), gradient descent moves up to it, and the gradient there throws it far away: at a rate of
    0.02, to (65, 92) within 400 steps.

    Args:
        steps: Integer of at least 1: the time steps; more make the wall steeper. Defaults to `50`.

    Raises:
        ValueError: If `steps` is below 1.

    Example:
        >>> surface = keras_ch8.landscapes.surfaces.Cliff()
        >>> at, beside = surface.gradient([[5.5, -2.92352], [5.5, -2.8]])
        >>> bool(np.linalg.norm(at) > 1000 * np.linalg.norm(beside))
        True

    References:
        Pascanu, Mikolov, Bengio (2013), On the Difficulty of Training Recurrent Neural Networks, section 2.3.
    """

    section = "8.2.7"

    steps: int = 50

    def __post_init__(self) -> None:
        _checks.count("steps", self.steps, 1, meaning="the time steps", fix="Try 50.")

    @property
    def start(self) -> np.ndarray:
        """Above the cliff."""
        return np.array([5.5, -2.8])

    @property
    def critical_point(self) -> np.ndarray:
        """A minimum."""
        return np.array([0.0, np.log(7 / 3)])

    def f(self, x: Values, y: Values) -> Values:
        """Return f."""
        return (self._last(x, y).value - 0.7) ** 2

    def partials(self, x: Values, y: Values) -> tuple[Values, Values]:
        """Return f_w and f_b."""
        p = self._last(x, y)
        return 2 * (p.value - 0.7) * p.w, 2 * (p.value - 0.7) * p.b

    def second_partials(self, x: Values, y: Values) -> tuple[Values, Values, Values]:
        """Return f_ww, f_wb and f_bb."""
        p = self._last(x, y)
        error = p.value - 0.7
        return 2 * (p.w * p.w + error * p.ww), 2 * (p.w * p.b + error * p.wb), 2 * (p.b * p.b + error * p.bb)

    def _last(self, w: Values, b: Values) -> "_Derivatives":
        """Return sigmoid(s) after the last step."""
        s = _Derivatives(0.5 + 0 * w, *(0 * w for _ in range(5)))
        for _ in range(self.steps):
            p = _sigmoid(s)
            s = _Derivatives(
                value=w * p.value + b,
                w=w * p.w + p.value,
                b=w * p.b + 1,
                ww=w * p.ww + 2 * p.w,
                wb=w * p.wb + p.b,
                bb=w * p.bb,
            )
        return _sigmoid(s)


class _Derivatives(NamedTuple):
    """A function of (w, b) with its first and second partial derivatives."""

    value: Values
    w: Values
    b: Values
    ww: Values
    wb: Values
    bb: Values


def _sigmoid(s: _Derivatives) -> _Derivatives:
    """Return sigmoid(s), by the chain rule."""
    p = 0.5 + 0.5 * np.tanh(s.value / 2)  # without the overflow of exp
    first, second = p * (1 - p), p * (1 - p) * (1 - 2 * p)
    return _Derivatives(
        value=p,
        w=first * s.w,
        b=first * s.b,
        ww=first * s.ww + second * s.w**2,
        wb=first * s.wb + second * s.w * s.b,
        bb=first * s.bb + second * s.b**2,
    )


def __dir__() -> list[str]:
    return sorted(__all__)
