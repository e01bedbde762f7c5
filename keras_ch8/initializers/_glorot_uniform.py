"""Normalized initialization."""

from collections.abc import Iterator
from typing import Any, final

import keras

from ._base import AbstractKernel


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
class GlorotUniform(AbstractKernel):
    """Uniform weights that keep both signal and gradient about their size (equation 8.23; Glorot and Bengio 2010).

        W_ij <- U(-sqrt(6 / (m + n)), sqrt(6 / (m + n)))

    Book   Meaning
    m      inputs of a unit; in a convolution, inputs times places of the kernel
    n      units that an input goes to, counted in the same way

    The variance is 2 / (m + n): between 1 / m, which keeps the variance of the signal on its way forward, and 1 / n,
    which keeps that of the gradient on its way back, both for linear units. With ReLU half of it is lost in each layer.

    Differs from `keras.initializers.GlorotUniform`, whose values its first call has for the same seed: an instance
    gives other values at every call, and `EinsumDense` does not tell it the axes.

    Args:
        seed: An integer, a `keras.random.SeedGenerator`, or `None` for one that `keras.utils.set_random_seed` decides.
            The n-th call draws with the n-th seed that comes from an integer. Defaults to `None`.
        input_axes: Axes of the kernel that are inputs, for kernels other than those of `Dense` and convolutions.
            Defaults to `None`.
        output_axes: Axes that are units. Defaults to `None`.
        repeat: Whether every call gives what the first gives. Defaults to `False`.

    Raises:
        ValueError: If an argument is none of these, or, when called, if shape or axes do not fit.

    Example:
        >>> start = keras_ch8.initializers.GlorotUniform(seed=0)
        >>> first, second = start((300, 300)), start((300, 300))
        >>> bool(abs(first).numpy().max() < 0.1), bool((first == second).numpy().any())
        (True, False)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, equation 8.23; Glorot and Bengio (2010), Understanding the
        Difficulty of Training Deep Feedforward Neural Networks.
    """

    section = "8.4"

    def draw(self, shape: tuple[int, ...], dtype: str, seeds: Iterator[Any]) -> Any:
        """Draw between the limits."""
        m, n = self.fans(shape)
        limit = (6 / max(1, m + n)) ** 0.5
        return keras.random.uniform(shape, -limit, limit, dtype, next(seeds))
