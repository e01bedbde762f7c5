"""Biases of an LSTM."""

import keras

from .. import _checks
from .._section import section
from ._bias import Bias

GATES = 4
"""Input gate, forget gate, cell and output gate, in this order."""


@section("8.4")
def forget_gate(units: int, value: float = 1.0) -> keras.initializers.Initializer:
    """Bias with which the forget gates of an LSTM start open (section 8.4; Jozefowicz et al. 2015).

        b <- (0, value, 0, 0)   for input gate, forget gate, cell and output gate, for each of the units

    A unit keeps sigmoid(value) of its state each time step, if nothing else speaks: with 1 it forgets after about 4
    steps, with 4 after 56. As a rule, the value for a memory of T steps is log(T).

    Differs from `unit_forget_bias=True` of `keras.layers.LSTM`: any value. The two do not go together, since Keras then
    asks for the bias in parts.

    Args:
        units: Units of the LSTM.
        value: Bias of the forget gates. Defaults to `1.0`.

    Returns:
        An initializer for `bias_initializer` of `LSTM`, with `unit_forget_bias=False`.

    Raises:
        ValueError: If an argument lies outside its range, or, when called, if the bias has another size.

    Example:
        >>> start = keras_ch8.initializers.forget_gate(8, 4.0)
        >>> lstm = keras.layers.LSTM(8, bias_initializer=start, unit_forget_bias=False)
        >>> lstm.build((None, 5, 2))
        >>> lstm.cell.bias.numpy().reshape(4, 8)[:, 0]
        array([0., 4., 0., 0.], dtype=float32)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.4; Jozefowicz, Zaremba, Sutskever (2015), An
        Empirical Exploration of Recurrent Network Architectures.
    """
    units = _checks.count("units", units, 1, meaning="the number of units of the LSTM", mend="Give that of the layer.")
    meaning, mend = "the bias of the forget gates", "Try 1.0, or log(T) for a memory of T steps."
    value = _checks.number("value", value, float("-inf"), float("inf"), open_low=True, meaning=meaning, mend=mend)
    mend = (
        f"Pass unit_forget_bias=False to the `LSTM`, whose bias then has {GATES} x units entries, and its units here."
    )
    return Bias([0.0] * units + [value] * units + [0.0] * 2 * units, mend)
