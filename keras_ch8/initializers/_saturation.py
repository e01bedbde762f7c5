"""Biases that keep units off their flat ends."""

import keras

from .. import _checks
from .._section import section


@section("8.4")
def saturation(value: float = 0.1) -> keras.initializers.Initializer:
    """Bias with which ReLUs start on their sloping side (section 8.4).

        b <- value

    With a bias of 0 half of the ReLUs are at 0 for an example, where their gradient is 0 too; slightly above, fewer
    are. It does not go together with starts that count on biases of 0, such as `RandomWalk`.

    Args:
        value: The bias of every unit. Defaults to `0.1`.

    Returns:
        A `keras.initializers.Constant`.

    Raises:
        ValueError: If `value` is not finite.

    Example:
        >>> layer = keras.layers.Dense(2, "relu", bias_initializer=keras_ch8.initializers.saturation())
        >>> round(float(layer(np.zeros((1, 3)))[0, 0]), 2)
        0.1

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.4.
    """
    meaning, mend = "the bias with which every unit starts", "The book's value is 0.1."
    return keras.initializers.Constant(
        _checks.number("value", value, float("-inf"), float("inf"), open_low=True, meaning=meaning, mend=mend)
    )
