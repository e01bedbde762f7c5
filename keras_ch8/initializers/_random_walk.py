"""Random walk initialization."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, final

import keras

from ._base import AbstractKernel

GAINS = {
    "linear": lambda n: math.exp(1 / (2 * n)),
    "relu": lambda n: math.sqrt(2) * math.exp(1.2 / (max(n, 6) - 2.4)),
}
"""Those of Sussillo and Abbott, for layers of n units; the second is their fit to experiments, from n = 6 on."""


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
class RandomWalk(AbstractKernel):
    """Normal weights with which the length of the gradient wanders, and does not drift (section 8.4; Sussillo 2014).

        W_ij <- N(0, g^2 / n)
        g    <- exp(1 / (2 n))                             linear units
        g    <- sqrt(2) exp(1.2 / (max(n, 6) - 2.4))       ReLU

    where n is the number of inputs of a unit. On its way back through the layers, the logarithm of the length of the
    gradient makes a random walk. With g = 1, or sqrt(2) for ReLU, the mean square of the gradient is kept, and yet its
    length shrinks by about 1 / (2 n) a layer: a mean of squares rests on few large ones. This g makes the walk
    unbiased, so that after d layers only its spread is left, about sqrt(d / (2 n)) for linear units.

    Differs from `keras.initializers.LecunNormal` and `HeNormal`: the gain, which matters for networks whose depth is
    not small against their width; a normal distribution without truncation; other values at every call.

    Args:
        activation: `"linear"` or `"relu"`, the nonlinearity of the layers. Defaults to `"relu"`.
        seed: An integer, a `keras.random.SeedGenerator`, or `None` for one that `keras.utils.set_random_seed` decides.
            The n-th call draws with the n-th seed that comes from an integer. Defaults to `None`.
        input_axes: Axes of the kernel that are inputs, for kernels other than those of `Dense` and convolutions.
            Defaults to `None`.
        output_axes: Axes that are units. Defaults to `None`.
        repeat: Whether every call gives what the first gives. Defaults to `False`.

    Raises:
        ValueError: If an argument is none of these, or, when called, if shape or axes do not fit.

    Example:
        >>> weights = keras_ch8.initializers.RandomWalk("linear", seed=0)((50, 2000)).numpy()
        >>> round(float(weights.std() * 50**0.5), 2), round(float(np.exp(1 / 100)), 2)
        (1.01, 1.01)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.4; Sussillo and Abbott (2014), Random Walk
        Initialization for Training Very Deep Feedforward Networks.
    """

    section = "8.4"

    hyperparameters = ("activation", *AbstractKernel.hyperparameters)

    def __init__(
        self,
        activation: str = "relu",
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
        repeat: bool = False,
    ) -> None:
        super().__init__(seed, input_axes, output_axes, repeat)
        if activation not in GAINS:
            raise ValueError(
                "`activation` says which nonlinearity the gain makes up for, so it must be one of "
                f"{', '.join(GAINS)}. Received: activation={activation!r}. For tanh, `Orthogonal('tanh')` has a gain."
            )
        self.activation = activation

    def draw(self, shape: tuple[int, ...], dtype: str, seeds: Iterator[Any]) -> Any:
        """Draw with the deviation g / sqrt(n)."""
        n = max(1, self.fans(shape)[0])
        return keras.random.normal(shape, 0.0, GAINS[self.activation](n) / math.sqrt(n), dtype, next(seeds))
