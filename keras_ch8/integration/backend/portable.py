"""What the parts that work on JAX and PyTorch ask of the seam, under the names that it has on TensorFlow."""

import contextlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import keras
from keras import ops

from ..._types import Tensor


class Number:
    """A number that a step reads and Python sets; one that JAX has compiled keeps it as a constant (see `retrace`)."""

    def __init__(self, value: float) -> None:
        self.value = float(value)

    def assign(self, value: float) -> None:
        """Set it."""
        self.value = float(value)

    def numpy(self) -> float:
        """Return it."""
        return self.value


def scalar(value: float, dtype: str) -> Number:
    """Create a number that a step reads and Python sets; not a weight, not saved."""
    del dtype
    return Number(value)


def is_multi_worker(strategy: Any = None) -> bool:
    """Say no: there are no strategies."""
    del strategy
    return False


is_parameter_server = is_multi_worker


def is_chief(strategy: Any) -> bool:
    """Return that this process writes the files of a training."""
    del strategy
    return True


def workers(strategy: Any) -> int:
    """Return that one process trains a model."""
    del strategy
    return 1


def as_tensor(value: Any) -> Any:
    """Return a tensor: of a `scalar`, of a variable, of what Keras takes for one."""
    return ops.convert_to_tensor(value.value, wide()) if isinstance(value, Number) else ops.convert_to_tensor(value)


def wide() -> str:
    """Return the type for arithmetic on steps: float32 or a wider floatx. Neither JAX nor Apple's GPUs have float64."""
    return str(keras.backend.result_type("float32", keras.config.floatx()))


def retrace(model: keras.Model) -> None:
    """Let the next training step see the `scalar`s as they are now."""
    model.make_train_function(force=True)


def with_backward(function: Callable[..., tuple[Any, Any]]) -> Callable[..., Any]:
    """Return the values of a function that also returns its backward pass, and leave the gradient to the backend."""
    return lambda *args: function(*args)[0]


def start_after(tensors: Sequence[Any]) -> AbstractContextManager[Any]:
    """Do nothing: no step runs without data."""
    del tensors
    return contextlib.nullcontext()


def replicated() -> bool:
    """Whether several replicas sum up what they have: never."""
    return False


def all_reduce_sum(tensors: list[Any]) -> list[Any]:
    """Return the sums over the one replica."""
    return tensors


def in_xla() -> bool:
    """Whether plain formulae are fast."""
    return True


def log_gamma(x: Tensor) -> Any:
    """Return log(Gamma(x)), elementwise; log(n!) is that of n + 1."""
    if keras.backend.backend() == "jax":
        from jax.scipy.special import gammaln

        return gammaln(x)
    from torch import lgamma

    return lgamma(x)
