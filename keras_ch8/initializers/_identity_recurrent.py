"""Identity initialization of a recurrent kernel."""

from typing import Any, final

import keras
from keras import ops

from .. import _checks
from ._base import AbstractInitializer


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
class IdentityRecurrent(AbstractInitializer):
    """A recurrent kernel that starts by remembering everything (section 8.2.5; Le, Jaitly, Hinton 2015).

        W <- scale * I

    With ReLU and biases of 0 a `SimpleRNN` adds up what it is given, and the gradient goes back through time unchanged;
    a scale below 1 forgets after about 1 / (1 - scale) steps. Units are told apart by their input kernel, which must
    be random, and small: Le et al. take normal weights of deviation 0.001.

    Differs from `keras.initializers.Identity`: it refuses kernels that are not square, where an identity of the first
    gate alone is left; bfloat16 and float16 are computed in float32.

    Args:
        scale: A number above 0; Le et al. take 1.0, and 0.01 for speech, where it is enough to remember little.
            Defaults to `1.0`.

    Raises:
        ValueError: If `scale` is not above 0, or, when called, if the kernel is not square.

    Example:
        >>> start = keras_ch8.initializers.IdentityRecurrent()
        >>> small = keras.initializers.RandomNormal(stddev=0.001)
        >>> irnn = keras.layers.SimpleRNN(8, "relu", recurrent_initializer=start, kernel_initializer=small)
        >>> start((2, 2)).numpy().tolist()
        [[1.0, 0.0], [0.0, 1.0]]

    References:
        Le, Jaitly, Hinton (2015), A Simple Way to Initialize Recurrent Networks of Rectified Linear Units.
    """

    section = "8.4"

    hyperparameters = ("scale",)

    def __init__(self, scale: float = 1.0) -> None:
        meaning, mend = "the share of its state that a unit keeps each time step", "Le et al. take 1.0."
        self.scale = _checks.positive("scale", scale, meaning=meaning, mend=mend)

    def values(self, shape: tuple[int, ...], dtype: str) -> Any:
        """Return the scaled identity."""
        if len(shape) != 2 or shape[0] != shape[1]:
            raise ValueError(
                "`IdentityRecurrent` starts the recurrent kernel of a `SimpleRNN`, which is square. "
                f"Received: shape={shape}. `LSTM` and `GRU` have several gates side by side, and remember by "
                "themselves: use 'orthogonal' for them, and `keras_ch8.initializers.forget_gate` for the bias of LSTM."
            )
        return self.scale * ops.eye(shape[0], dtype=dtype)
