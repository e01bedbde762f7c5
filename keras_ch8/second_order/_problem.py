"""What is minimized, and a place in it."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple, Self, final

from keras import ops

from ..integration import backend


class Point(NamedTuple):
    """A place with the value and the gradient there, so that neither is computed twice.

    Args:
        x: Vector of shape (n,).
        value: f(x), a scalar.
        gradient: g = nabla f(x), of shape (n,).
    """

    x: Any
    value: Any
    gradient: Any


@final
@dataclasses.dataclass(frozen=True)
class Problem:
    """A function f of a flat vector with what the methods of section 8.6 ask of it.

    All are pure functions of tensors; x, gradients and values have one dtype, float32 or float64.

    Args:
        value_and_gradient: x -> (f(x), nabla f(x)).
        product: (x, v) -> H(x) v, the Hessian times a vector. Defaults to the gradient of nabla f(x) . v.
        residuals: x -> r with f(x) = r . r, of a sum of squares; else `None`.

    Example:
        >>> problem = keras_ch8.second_order.Problem.of(lambda x: 0.5 * keras.ops.sum(x**2))
        >>> value, gradient = problem.value_and_gradient(keras.ops.array([3.0, 4.0]))
        >>> float(value), [float(g) for g in gradient]
        (12.5, [3.0, 4.0])

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 4.3.1.
    """

    value_and_gradient: Callable[[Any], tuple[Any, Any]]
    product: Any = None
    residuals: Callable[[Any], Any] | None = None

    def __post_init__(self) -> None:
        if self.product is None:
            object.__setattr__(self, "product", functools.partial(_product, self.value_and_gradient))

    @classmethod
    def of(cls, fun: Callable[[Any], Any]) -> Self:
        """Return the problem of a scalar function."""
        return cls(functools.partial(backend.value_and_gradient, functools.partial(_scalar, fun)))

    @classmethod
    def of_squares(cls, residuals: Callable[[Any], Any]) -> Self:
        """Return the problem f(x) = r . r of a sum of squares."""
        return dataclasses.replace(cls.of(lambda x: ops.sum(ops.square(residuals(x)))), residuals=residuals)

    def at(self, x: Any) -> Point:
        """Return the point x: one evaluation."""
        return Point(x, *self.value_and_gradient(x))

    def hessian(self, x: Any) -> Any:
        """Return H(x), a row and a column for each entry of x: n products side by side."""
        return backend.rows_of(functools.partial(self.product, x), ops.eye(x.shape[0], dtype=x.dtype))


def _scalar(fun: Callable[[Any], Any], x: Any) -> Any:
    """Return f(x); else raise ValueError."""
    value = ops.convert_to_tensor(fun(x))
    if tuple(value.shape) != () or value.dtype != x.dtype:
        raise ValueError(
            f"`fun` must return a scalar of the type of x, {x.dtype.name}. Received: shape {tuple(value.shape)} and "
            f"dtype {value.dtype.name}. Sum or average with `keras.ops`, and give x the type of the data."
        )
    return value


def _product(value_and_gradient: Callable[[Any], tuple[Any, Any]], x: Any, v: Any) -> Any:
    return backend.hessian_product(lambda x: value_and_gradient(x)[1], x, v)
