"""Functions of two variables that pictures show descents on: a ravine, a saddle, a valley, a cliff."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf


class Surface:
    """A function f(x, y) of tensors in float64, at points [..., 2]."""

    def __init__(self, f: Callable[[Any, Any], Any]) -> None:
        self.f = f

    def value(self, theta: Any) -> np.ndarray:
        """Return f at theta, of shape [...]."""
        return self.f(*tf.unstack(tf.constant(theta, "float64"), axis=-1)).numpy()

    def gradient(self, theta: Any) -> np.ndarray:
        """Return the gradient at theta, of the shape of theta."""
        x, y = tf.unstack(tf.constant(theta, "float64"), axis=-1)
        with tf.GradientTape() as tape:
            tape.watch((x, y))
            value = self.f(x, y)
        return tf.stack(tape.gradient(value, (x, y)), axis=-1).numpy()


def ravine(condition: float) -> Surface:
    """Return a quadratic that is flat along x, steep along y (figure 4.6)."""
    return Surface(lambda x, y: (x**2 + condition * y**2) / 2)


def saddle() -> Surface:
    """Return a minimum along x that is a maximum along y (figure 4.5)."""
    return Surface(lambda x, y: (x**2 - y**2) / 2)


def rosenbrock() -> Surface:
    """Return Rosenbrock's valley: the way down is a parabola, the gradient points across it."""
    return Surface(lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2)


def cliff() -> Surface:
    """Return the loss of a recurrent unit over weight and bias (figure 8.3; Pascanu, Mikolov, Bengio 2013)."""

    def f(w: Any, b: Any) -> Any:
        s = 0.5 + 0 * w
        for _ in range(50):
            s = w * tf.sigmoid(s) + b
        return (tf.sigmoid(s) - 0.7) ** 2

    return Surface(f)
