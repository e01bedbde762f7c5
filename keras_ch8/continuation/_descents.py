"""Many descents from many starts, in one compiled program."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, final

import numpy as np
from keras import ops

from .. import second_order
from ..integration import backend


@final
@dataclasses.dataclass(frozen=True)
class Descents:
    """Descends on f, or on f blurred, from each row of `starts` by itself.

    Args:
        fun: f.
        blurred: The blurred f in closed form, or `None`.
        method: How to descend.
        stop: When to stop, as Python numbers.
        dtype: Type to compute in.
    """

    fun: Callable[[Any], Any]
    blurred: Callable[[Any, Any], Any] | None
    method: "second_order.AbstractMethod"
    stop: "second_order.Stop"
    dtype: str

    def __call__(self, starts: np.ndarray, sigma: float, z: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return the ends, the costs there, and how many evaluations each took; at sigma = 0 on f itself.

        Without a closed form the cost is the mean over draws at sigma z and -sigma z.
        """
        return self._call(starts, sigma, z, self.stop)

    def values(self, points: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return f at each row."""
        return self._call(points, 0.0, z, self.stop._replace(max_iterations=0))[1]

    def _call(self, starts: Any, sigma: float, z: Any, stop: "second_order.Stop") -> tuple[np.ndarray, ...]:
        numbers = [np.asarray(number, self.dtype) for number in (starts, sigma, z, *stop[:-1])]
        numbers.append(np.asarray(stop.max_iterations, "int32"))
        x, value, evaluations = self._program(*map(backend.as_tensor, numbers))
        return x.numpy(), value.numpy(), evaluations.numpy()

    @functools.cached_property
    def _program(self) -> Any:
        return backend.compile_xla(self._descend)

    def _descend(self, starts: Any, sigma: Any, z: Any, *stop: Any) -> list[Any]:
        problem = self._problem(sigma, z)
        count, n = starts.shape

        def one(i: Any, found: list[Any]) -> tuple[Any, list[Any]]:
            ends = second_order._minimize.run(problem, self.method, starts[i], second_order.Stop(*stop))
            x, value, _, _, totals = ends
            new = x, value, totals.evaluations + 1
            places = [i, 0], [i], [i]
            return i + 1, [ops.slice_update(a, p, b[None]) for a, p, b in zip(found, places, new, strict=True)]

        blank = [ops.zeros((count, n), starts.dtype), ops.zeros((count,), starts.dtype), ops.zeros((count,), "int32")]
        return list(ops.while_loop(lambda i, _: i < count, one, (ops.zeros((), "int32"), blank))[1])

    def _problem(self, sigma: Any, z: Any) -> "second_order.Problem":
        """Return one problem for all stages, so that the method around it is compiled once."""
        real = second_order.Problem.of(self.fun)
        closed = self.blurred
        blurred = _sampled(real, sigma, z) if closed is None else second_order.Problem.of(lambda x: closed(x, sigma))

        def value_and_gradient(x: Any) -> tuple[Any, Any]:
            of_stage = [functools.partial(problem.value_and_gradient, x) for problem in (blurred, real)]
            return tuple(backend.branch(sigma > 0, *of_stage))

        return second_order.Problem(value_and_gradient)


def _sampled(real: "second_order.Problem", sigma: Any, z: Any) -> "second_order.Problem":
    def value_and_gradient(x: Any) -> tuple[Any, Any]:
        near = ops.concatenate([x + sigma * z, x - sigma * z])
        values, gradients = backend.rows_of(real.value_and_gradient, near)
        return ops.mean(values), ops.mean(gradients, axis=0)

    return second_order.Problem(value_and_gradient)
