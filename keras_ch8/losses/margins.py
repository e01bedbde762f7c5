"""Surrogates of the 0-1 loss that are functions of the margin m = y f."""

from typing import final

import keras
from keras import ops

from .. import _objects
from .._registration import registered
from .._types import Config, Tensor
from .labels import aligned


def margin(y: Tensor, f: Tensor) -> Tensor:
    """Return m = y f, where a label 0 counts as -1: above 0 for what is classified correctly."""
    y, f = aligned(y, f)
    return ops.where(y == 0, -1, y) * f


@final
@registered
class ExponentialLoss(keras.losses.Loss):
    r"""Surrogate of the 0-1 loss that punishes confident mistakes hardest: AdaBoost's (section 8.1.2).

    For each score f of a label y, with the margin m:

    .. math::

        m &\leftarrow y f \\
        J &\leftarrow \exp(-m)

    Loss              of the margin m                          m = -2      0      2     in Keras or here
    0-1               1 if m <= 0, otherwise 0                   1.00   1.00   0.00     metrics.ZeroOneLoss
    logistic          log(1 + exp(-m))                           2.13   0.69   0.13     BinaryCrossentropy
    hinge             max(0, 1 - m)                              3.00   1.00   0.00     Hinge
    squared hinge     max(0, 1 - m)^2                            9.00   1.00   0.00     SquaredHinge
    exponential       exp(-m)                                    7.39   1.00   0.14     losses.ExponentialLoss
    modified Huber    max(0, 1 - m)^2, or -4 m below m = -1      8.00   1.00   0.00     losses.ModifiedHuber

    All but the first are convex and no less than it (the logistic one if divided by log 2). Below m = -88 this one is
    infinite in float32: an outlier makes it useless, where `ModifiedHuber` stays linear.

    Symbol        Argument        Unit and meaning
    y             y_true          1 for the positive class, 0 or -1 for the other
    f             y_pred          score, above 0 for the positive class; no activation in the last layer

    Differs from Keras, which has no such loss. It is averaged over the last axis, as `keras.losses.Hinge` is.

    Args:
        reduction: How the examples' losses are reduced, as in `keras.losses.Loss`. Defaults to
            `"sum_over_batch_size"`, their mean.
        name: Name of the loss. Defaults to `"exponential"`.
        dtype: Type to compute in. Defaults to `keras.config.floatx()`.

    Raises:
        ValueError: When called, if labels and scores do not fit each other.

    Example:
        >>> loss = keras_ch8.losses.ExponentialLoss(reduction="none")
        >>> [round(float(x), 2) for x in loss(np.array([1, 0, 0]), np.array([2.0, 0.0, 2.0]))]
        [0.14, 1.0, 7.39]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.1.2; Friedman, Hastie, Tibshirani (2000),
        Additive Logistic Regression.
    """

    section = "8.1.1"

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "exponential",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(**_objects.of_loss(name, reduction, dtype))

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the loss of each example."""
        return ops.mean(ops.exp(-margin(y_true, y_pred)), axis=-1)

    def get_config(self) -> Config:
        """Return the arguments that make this loss again."""
        return {**super().get_config(), "dtype": self.dtype}


@final
@registered
class ModifiedHuber(keras.losses.Loss):
    r"""Surrogate of the 0-1 loss that is smooth and robust to outliers (section 8.1.2).

    For each score f of a label y, with the margin m:

    .. math::

        m &\leftarrow y f \\
        J &\leftarrow \max(0, 1 - m)^2 \qquad \text{ if } m \ge - 1 \\
        & - 4 \cdot m \qquad \text{ otherwise }

    The gradient is never longer than 4, and 0 for what is classified correctly with a margin of 1. The score of least
    risk tells the probability of the positive class: (f + 1) / 2, cut to [0, 1]. `ExponentialLoss` shows this loss in a
    table beside the other surrogates.

    Symbol        Argument        Unit and meaning
    y             y_true          1 for the positive class, 0 or -1 for the other
    f             y_pred          score, above 0 for the positive class; no activation in the last layer

    Differs from Keras, which has no such loss. It is averaged over the last axis, as `keras.losses.Hinge` is.

    Args:
        reduction: How the examples' losses are reduced, as in `keras.losses.Loss`. Defaults to
            `"sum_over_batch_size"`, their mean.
        name: Name of the loss. Defaults to `"modified_huber"`.
        dtype: Type to compute in. Defaults to `keras.config.floatx()`.

    Raises:
        ValueError: When called, if labels and scores do not fit each other.

    Example:
        >>> loss = keras_ch8.losses.ModifiedHuber(reduction="none")
        >>> [float(x) for x in loss(np.array([1, 0, 0]), np.array([2.0, 0.0, 2.0]))]
        [0.0, 1.0, 8.0]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.1.2; Zhang (2004), Solving Large Scale Linear
        Prediction Problems Using Stochastic Gradient Descent Algorithms.
    """

    section = "8.1.1"

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "modified_huber",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(**_objects.of_loss(name, reduction, dtype))

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the loss of each example."""
        m = margin(y_true, y_pred)
        return ops.mean(ops.where(m >= -1, ops.square(ops.maximum(1 - m, 0)), -4 * m), axis=-1)

    def get_config(self) -> Config:
        """Return the arguments that make this loss again."""
        return {**super().get_config(), "dtype": self.dtype}
