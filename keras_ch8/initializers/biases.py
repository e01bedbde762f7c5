"""Initializers of biases: constants that suit the unit, and values that suit the targets."""

from collections.abc import Sequence
from typing import final

import keras
import numpy as np
from keras import ops

from .. import _checks
from .._describe import section, short
from .._registration import registered
from .._types import Tensor
from .base import Initializer


@final
@registered
class Bias(Initializer):
    """Given values, for a bias of as many units; see `output_marginal` and `forget_gate`.

    Args:
        numbers: One for each unit.
        fix: What to do for a bias of another size.
    """

    hyperparameters = ("numbers", "fix")

    def __init__(self, numbers: Sequence[float], fix: str) -> None:
        self.numbers, self.fix = [float(x) for x in numbers], fix

    def values(self, shape: tuple[int, ...], dtype: str) -> Tensor:
        """Return the values."""
        if shape != (len(self.numbers),):
            raise ValueError(
                f"This initializer is for a bias of {len(self.numbers)} entries. Received: shape={shape}. {self.fix}"
            )
        return ops.convert_to_tensor(self.numbers, dtype)


@section("8.4")
def forget_gate(units: int, value: float = 1.0) -> keras.initializers.Initializer:
    """Bias that opens the forget gates of an LSTM at the start (section 8.4; Jozefowicz et al. 2015).

        b <- (0, value, 0, 0)   for input gate, forget gate, cell and output gate, for each of the units

    A unit keeps sigmoid(value) of its state each time step, if the other inputs of the gate are 0: with 1 it forgets
    after about 4 steps, with 4 after 56. As a rule, the value for a memory of T steps is log(T).

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
    units = _checks.count("units", units, 1, meaning="the number of units of the LSTM", fix="Pass that of the layer.")
    meaning, fix = "the bias of the forget gates", "Try 1.0, or log(T) for a memory of T steps."
    value = _checks.finite("value", value, meaning=meaning, fix=fix)
    fix = "Pass unit_forget_bias=False to the `LSTM`, whose bias then has 4 x units entries, and its units here."
    return Bias([0.0] * units + [value] * units + [0.0] * 2 * units, fix)


FIX = "Pass the targets in the shape in which the network puts them out, one column for each unit."


@section("8.4")
def output_marginal(y: Tensor, activation: str | None = None) -> keras.initializers.Initializer:
    """Bias that starts the last layer at the average targets (section 8.4).

        activation   targets                              bias
        "sigmoid"    0 or 1, in one column or several     b <- log(c / (1 - c)), c the mean of each column
        "softmax"    classes 0, 1, ..., or one-hot        b <- log(c), c the frequency of each class: softmax(b) = c
        "linear"     numbers                              b <- c, the mean of each column

    If the other weights of the layer are small, the network starts with the loss of the best constant, and does not
    spend its first steps on learning it. A class or a label without examples counts as half of one: log 0 is infinite.
    A layer without activation whose loss expects logits counts as the activation that the loss applies.

    Args:
        y: Targets to train on, an array.
        activation: One of the above. Defaults to `None`: what the targets look like. Zeros and ones in one column are
            labels; integers above, and rows with a single 1, are classes; everything else is numbers.

    Returns:
        An initializer for `bias_initializer` of the last layer. Its values are saved with the model, not the targets.

    Raises:
        ValueError: If the targets do not fit the activation, or, when called, if the layer has another number of units.

    Example:
        >>> start = keras_ch8.initializers.output_marginal(np.array([0, 0, 0, 1]))
        >>> layer = keras.layers.Dense(1, "sigmoid", kernel_initializer="zeros", bias_initializer=start)
        >>> float(layer(np.ones((1, 5)))[0, 0])
        0.25

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.4.
    """
    y = _checks.as_array(keras.ops.convert_to_numpy(y) if keras.ops.is_tensor(y) else y)
    if not y.size or not y.ndim or y.dtype.kind not in "biuf" or not np.isfinite(y).all():
        raise ValueError(
            f"`y` must be an array of finite numbers with at least one example. Received: y of shape {y.shape} and "
            f"dtype {y.dtype}. Encode labels that are words, as with `np.unique(y, return_inverse=True)[1]`."
        )
    y = y.reshape(len(y), -1)
    candidates = _candidate_activations(y)
    activation = candidates[0] if activation is None else activation
    if not isinstance(activation, str) or activation not in candidates:
        raise ValueError(
            "`activation` must be the activation of the last layer: sigmoid (labels 0 and 1), softmax (classes 0, 1, "
            f"..., or one-hot), linear (numbers). Received: activation={short(activation)} for targets that may be for "
            f"{', '.join(candidates)}."
        )
    return Bias(_BIASES[activation](y.astype("float64")), FIX)


def _candidate_activations(y: np.ndarray) -> tuple[str, ...]:
    """Return the activations that the targets may be for, the likeliest first."""
    is_binary = bool(np.isin(y, (0, 1)).all())
    if y.shape[1] > 1:
        if is_binary:
            return ("softmax", "sigmoid", "linear") if (y.sum(axis=1) == 1).all() else ("sigmoid", "linear")
        return ("linear",)
    if is_binary:
        return ("sigmoid", "softmax", "linear")
    if (y >= 0).all() and (y == np.round(y)).all():
        return ("softmax", "linear") if y.dtype.kind in "iu" else ("linear", "softmax")
    return ("linear",)


def _log_odds(y: np.ndarray) -> np.ndarray:
    c = np.clip(y.mean(axis=0), 0.5 / len(y), 1 - 0.5 / len(y))
    return np.log(c / (1 - c))


def _log_shares(y: np.ndarray) -> np.ndarray:
    count = np.bincount(y[:, 0].astype(int)) if y.shape[1] == 1 else y.sum(axis=0)
    c = np.maximum(count, 0.5)
    return np.log(c / c.sum())


_BIASES = {"sigmoid": _log_odds, "softmax": _log_shares, "linear": lambda y: y.mean(axis=0)}
