"""What a standard surface is: a function of two variables, with its derivatives, in float64."""

import abc
import dataclasses
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class AbstractSurface(abc.ABC):
    """f(x, y) for theta = (x, y), at one point or at many: the last axis of `theta` holds x and y."""

    @property
    @abc.abstractmethod
    def start(self) -> np.ndarray:
        """Where descents usually begin."""

    @property
    @abc.abstractmethod
    def critical_point(self) -> np.ndarray:
        """A point at which the gradient is 0."""

    @abc.abstractmethod
    def f(self, x: Any, y: Any) -> Any:
        """Return f."""

    @abc.abstractmethod
    def slopes(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Return f_x and f_y."""

    @abc.abstractmethod
    def bends(self, x: Any, y: Any) -> tuple[Any, Any, Any]:
        """Return f_xx, f_xy and f_yy."""

    def value(self, theta: Any) -> Any:
        """Return f at theta [..., 2], of shape [...]."""
        return self.f(*_x_and_y(theta))

    def gradient(self, theta: Any) -> np.ndarray:
        """Return the gradient at theta [..., 2], of the same shape."""
        x, y = _x_and_y(theta)
        return np.stack(np.broadcast_arrays(*self.slopes(x, y), x)[:2], axis=-1)

    def hessian(self, theta: Any) -> np.ndarray:
        """Return the Hessian at theta [..., 2], of shape [..., 2, 2]."""
        x, y = _x_and_y(theta)
        xx, xy, yy, _ = np.broadcast_arrays(*self.bends(x, y), x)
        return np.stack([np.stack([xx, xy], axis=-1), np.stack([xy, yy], axis=-1)], axis=-2)


def _x_and_y(theta: Any) -> tuple[Any, Any]:
    theta = np.asarray(theta, "float64")
    if theta.shape[-1:] != (2,):
        raise ValueError(
            "A surface has two variables, x and y on the last axis of `theta`. "
            f"Received: shape {theta.shape}. For a grid: `np.stack(np.meshgrid(x, y), axis=-1)`."
        )
    return theta[..., 0], theta[..., 1]
