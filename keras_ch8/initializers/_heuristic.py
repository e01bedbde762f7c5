"""The older heuristic."""

from collections.abc import Iterator
from typing import Any, final

import keras

from ._base import AbstractKernel


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
class Heuristic(AbstractKernel):
    """Uniform weights scaled to the number of inputs (section 8.4).

        W_ij <- U(-1 / sqrt(m), 1 / sqrt(m))

    where m is the number of inputs of a unit. The variance is 1 / (3 m), so that each layer leaves less than a third of
    the variance of its signal: what `GlorotUniform` is compared with.

    Differs from Keras: it has none; `keras.initializers.LecunUniform` has limits larger by sqrt(3).

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
        >>> weights = keras_ch8.initializers.Heuristic(seed=0)((400, 100)).numpy()
        >>> bool(abs(weights).max() <= 0.05), round(float(weights.std() * 400**0.5), 2)
        (True, 0.58)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.4.
    """

    section = "8.4"

    def draw(self, shape: tuple[int, ...], dtype: str, seeds: Iterator[Any]) -> Any:
        """Draw between the limits."""
        m, _ = self.fans(shape)
        limit = max(1, m) ** -0.5
        return keras.random.uniform(shape, -limit, limit, dtype, next(seeds))
