"""Sparse initialization."""

import math
from collections.abc import Iterator
from typing import Any, final

import keras
from keras import ops

from .. import _checks
from ._base import AbstractRandomInitializer


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
class Sparse(AbstractRandomInitializer):
    """Exactly k weights of each unit that are not 0 (section 8.4; Martens 2010).

        W_ij <- N(0, stddev^2)   for k inputs i of unit j, drawn anew for each unit
        W_ij <- 0                for the others

    What a unit sums has the variance k stddev^2 for inputs of variance 1, however many inputs there are, and units are
    more diverse than with many small weights. What is wrong among the large weights takes gradient descent long to
    shrink, in units such as maxout above all. With tanh, 15 weights of deviation 1 saturate most units: Sutskever et
    al. (2013) take a quarter of it, and biases of 0.5.

    Units stand on the last axis of the kernel, as in `Dense` and convolutions; all other axes are inputs. A float16 or
    bfloat16 weight that would be rounded to 0 (one in a million) is one less.

    Differs from Keras: it has none.

    Args:
        k: Weights of each unit that are not 0. Defaults to `15`.
        stddev: Their standard deviation. Defaults to `1.0`.
        seed: An integer, a `keras.random.SeedGenerator`, or `None` for one that `keras.utils.set_random_seed` decides.
            The n-th call draws with the n-th seed that comes from an integer. Defaults to `None`.
        repeat: Whether every call gives what the first gives. Defaults to `False`.

    Raises:
        ValueError: If an argument is none of these, or, when called, if units have fewer than k inputs.

    Example:
        >>> weights = keras_ch8.initializers.Sparse(k=3, seed=0)((100, 4)).numpy()
        >>> (weights != 0).sum(axis=0)
        array([3, 3, 3, 3])

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.4; Martens (2010), Deep Learning via Hessian-Free
        Optimization; Sutskever, Martens, Dahl, Hinton (2013), On the Importance of Initialization and Momentum.
    """

    section = "8.4"

    hyperparameters = ("k", "stddev")

    def __init__(self, k: int = 15, stddev: float = 1.0, seed: Any = None, repeat: bool = False) -> None:
        super().__init__(seed, repeat)
        meaning, mend = "the number of weights of each unit that are not 0", "Martens takes 15."
        self.k = _checks.count("k", k, 1, meaning=meaning, mend=mend)
        meaning, mend = "the standard deviation of the weights that are not 0", "Try 1.0."
        self.stddev = _checks.positive("stddev", stddev, meaning=meaning, mend=mend)

    def draw(self, shape: tuple[int, ...], dtype: str, seeds: Iterator[Any]) -> Any:
        """Draw k places for each unit, and values for them."""
        inputs, units = math.prod(shape[:-1]), shape[-1] if shape else 0
        if len(shape) < 2 or inputs < self.k:
            raise ValueError(
                f"`Sparse` gives each unit {self.k} weights that are not 0, so it needs as many inputs at least. "
                f"Received: k={self.k} for a kernel of shape {shape}, whose units have {inputs}. "
                f"Give a smaller k, such as {max(1, min(self.k, inputs) // 2)}."
            )
        rank = ops.argsort(ops.argsort(keras.random.uniform((units, inputs), dtype=dtype, seed=next(seeds))))
        values = keras.random.normal((inputs, units), 0.0, self.stddev, dtype, next(seeds))
        kept = ops.cast(ops.transpose(rank) < self.k, dtype)
        return ops.reshape(values * kept, shape)
