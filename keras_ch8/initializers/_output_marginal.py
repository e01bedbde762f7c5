"""Biases of the last layer."""

from typing import Any

import keras
import numpy as np

from .._section import section
from ._bias import Bias

MEND = "Give the targets in the shape in which the network puts them out, one column for each unit."


@section("8.4")
def output_marginal(y: Any, activation: str | None = None) -> keras.initializers.Initializer:
    """Bias with which the last layer starts at the averages of the targets (section 8.4).

        activation   targets                              bias
        "sigmoid"    0 or 1, in one column or several     b <- log(c / (1 - c)), c the mean of each column
        "softmax"    classes 0, 1, ..., or one-hot        b <- log(c), c the share of each class, so that softmax(b) = c
        "linear"     numbers                              b <- c, the mean of each column

    If the other weights of the layer are small, the network starts with the loss of the best constant, and does not
    spend its first steps on learning it. A class or a label without examples counts as half of one: log 0 is infinite.
    A layer without activation whose loss takes logits counts as the activation that the loss applies.

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
    y = np.asarray(keras.ops.convert_to_numpy(y))
    if not y.size or not y.ndim or y.dtype.kind not in "biuf" or not np.isfinite(y).all():
        raise ValueError(
            f"`y` must be an array of finite numbers with at least one example. Received: y of shape {y.shape} and "
            f"dtype {y.dtype}. Encode labels that are words, as with `np.unique(y, return_inverse=True)[1]`."
        )
    y = y.reshape(len(y), -1)
    looks = _looks_like(y)
    activation = looks[0] if activation is None else activation
    if activation not in looks:
        raise ValueError(
            "`activation` says what the last layer makes of its sums, so it must be one of sigmoid (labels 0 and 1), "
            "softmax (classes 0, 1, ..., or one-hot), linear (numbers). "
            f"Received: activation={activation!r} for targets that may be for {', '.join(looks)}."
        )
    return Bias(_BIASES[activation](y.astype("float64")), MEND)


def _looks_like(y: np.ndarray) -> tuple[str, ...]:
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
