"""The losses that stand for what one wants to minimize: a likelihood, and functions of the margin m = y f."""

from typing import final

import keras
from keras import ops

from .. import _checks, _objects
from .._registration import registered
from .._types import Config, Tensor
from .likelihoods import Likelihood, aligned, as_likelihood


class Surrogate(keras.losses.Loss):
    """The base of these losses: it checks the arguments that every loss of Keras has, and saves the type too."""

    def __init__(self, reduction: str | None, name: str, dtype: str | keras.DTypePolicy | None) -> None:
        meaning = "how the losses of the examples are reduced"
        _checks.text("reduction", reduction, meaning=meaning, or_none=True)
        super().__init__(name=_checks.label(name), reduction=reduction, dtype=_objects.dtype(dtype))

    def get_config(self) -> Config:
        """Return the arguments that make this loss again."""
        return super().get_config() | {"dtype": self.dtype}


@final
@registered
class NegativeLogLikelihood(Surrogate):
    """-log p of the targets, summed over outputs where Keras's losses average (sections 8.1.2 and 5.5.1).

    For each example:

        J <- - log p(y | x) = sum_j - log p(y_j | eta_j)        where eta = network(x), and j runs over the outputs

    Book          Argument        Unit and meaning
    p_model       family          distribution of an output, given what the network puts out
    y             y_true          what was observed
    -             y_pred          eta, the parameters of that distribution

    In nats. Its mean over the data is the cross-entropy of the model to the data, which is the entropy of the data
    plus the divergence KL(p_data || p_model): what exceeds the entropy is the error of the model. It is a sum over
    examples, so that a minibatch estimates its gradient without bias (equation 8.4).

    Differs from Keras's losses: it sums over the last axis, as the likelihood of independent outputs is a product;
    Keras's average. Nothing constant is left out, so that the losses of two families can be compared. Outputs and
    labels of shapes (batch, 1) and (batch,) fit.

    Args:
        family: A `BernoulliLikelihood`, `CategoricalLikelihood`, `GaussianLikelihood`, `LaplaceLikelihood`,
            `HeteroscedasticGaussianLikelihood`, `PoissonLikelihood`, or one of your own (`Likelihood`).
        reduction: How the examples' losses are reduced, as in `keras.losses.Loss`. Defaults to
            `"sum_over_batch_size"`, their mean.
        name: Name of the loss. Defaults to `"negative_log_likelihood"`.
        dtype: Type to compute in. Defaults to `keras.config.floatx()`, float32, also with mixed precision.

    Raises:
        TypeError: If `family` is not a family.
        ValueError: When called, if labels and outputs do not fit each other.

    Example:
        >>> loss = keras_ch8.losses.NegativeLogLikelihood(keras_ch8.losses.likelihoods.GaussianLikelihood(variance=4.0))
        >>> y, eta = np.array([[0.0, 1.0], [2.0, 3.0]]), np.array([[0.0, 1.0], [2.0, 1.0]])
        >>> round(float(loss(y, eta)), 4)  # log(2 pi 4) + mean of 0 and 2^2 / 8
        3.4742

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, sections 5.5 (equations 5.59 to 5.63) and 8.1.2.
    """

    section = "8.1.2"

    def __init__(
        self,
        family: Likelihood,
        reduction: str | None = "sum_over_batch_size",
        name: str = "negative_log_likelihood",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.family = as_likelihood(family)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the loss of each example."""
        return ops.sum(self.family.nll(y_true, y_pred), axis=-1)

    def get_config(self) -> Config:
        """Return the arguments that make this loss again."""
        return super().get_config() | {"family": keras.saving.serialize_keras_object(self.family)}


def margin(y: Tensor, f: Tensor) -> Tensor:
    """Return m = y f, where a label 0 counts as -1: above 0 for what is classified correctly."""
    y, f = aligned(y, f)
    return ops.where(y == 0, -1, y) * f


@final
@registered
class ExponentialLoss(Surrogate):
    r"""Surrogate of the 0-1 loss that penalizes confident mistakes most: AdaBoost's (section 8.1.2).

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
        super().__init__(reduction, name, dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the loss of each example."""
        return ops.mean(ops.exp(-margin(y_true, y_pred)), axis=-1)


@final
@registered
class ModifiedHuber(Surrogate):
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
        super().__init__(reduction, name, dtype)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the loss of each example."""
        m = margin(y_true, y_pred)
        return ops.mean(ops.where(m >= -1, ops.square(ops.maximum(1 - m, 0)), -4 * m), axis=-1)
