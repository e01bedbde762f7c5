"""The 0-1 loss as a metric (section 8.1.2): what a classifier is wanted for; without gradient, so only measured."""

from typing import final

import keras
from keras import ops

from . import _checks, _objects
from ._registration import registered
from ._types import Config, Tensor
from .integration import keras_private
from .losses.likelihoods import aligned, class_numbers

__all__ = ["ZeroOneLoss"]


@final
@registered
class ZeroOneLoss(keras.metrics.MeanMetricWrapper):
    r"""1 minus Keras's accuracy, where NaN is wrong, and an example with any wrong label (section 8.1.2).

    For each example:

    .. math::

        L \leftarrow 0 \text{ if } \hat{y} = y, \text{ otherwise } 1

    Prediction (y_pred)                  y_hat                                 Label (y_true)
    (batch,) or (batch, 1)               positive if above the threshold       above 0: positive; {0, 1} or {-1, 1}
    (batch, classes)                     the largest                           class 0, 1, ..., or one-hot
    (batch, labels), `multi_label`       each as in the first row              each as in the first row

    The quantity that one wants to minimize, where likelihoods and other surrogates are what one can train on; early
    stopping may monitor it. Axes such as time may stand after batch: then each entry of them is an example. A
    prediction with NaN is wrong.

    Differs from 1 minus the accuracies of Keras: one class serves all three kinds; with `multi_label` an example is
    wrong if any of its labels is, as with scikit-learn's `zero_one_loss`, while `keras.metrics.BinaryAccuracy` counts
    labels; and a prediction of NaN does not count as class 0.

    Args:
        from_logits: Whether the predictions are logits or other scores, with the threshold 0, and not probabilities,
            with the threshold 0.5. Several classes need neither. Defaults to `False`.
        multi_label: Whether each example may have several labels, along the last axis. Defaults to `False`.
        name: Name of the metric. Defaults to `"zero_one_loss"`.
        dtype: Type that the fraction is computed in. Defaults to `keras.config.floatx()`.

    Raises:
        TypeError: If `from_logits` or `multi_label` is neither `True` nor `False`.
        ValueError: If `dtype` is not a floating type; when called, if the shapes of labels and predictions do not fit.

    Example:
        >>> metric = keras_ch8.metrics.ZeroOneLoss()
        >>> float(metric(np.array([0, 1, 1, 0]), np.array([0.1, 0.9, 0.4, 0.2])))
        0.25
        >>> labels, several = np.array([[1, 0], [0, 0]]), keras_ch8.metrics.ZeroOneLoss(multi_label=True)
        >>> float(several(labels, np.array([[0.9, 0.6], [0.1, 0.2]])))
        0.5

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.1.2.
    """

    section = "8.1.1"

    def __init__(
        self,
        from_logits: bool = False,
        multi_label: bool = False,
        name: str = "zero_one_loss",
        dtype: str | keras.DTypePolicy | None = None,
    ) -> None:
        from_logits = _checks.flag("from_logits", from_logits, meaning="whether predictions are logits")
        multi_label = _checks.flag("multi_label", multi_label, meaning="whether each column is a label of its own")
        threshold = 0.0 if from_logits else 0.5
        super().__init__(
            _is_wrong,
            name=_checks.label(name),
            dtype=_objects.dtype(dtype),
            threshold=threshold,
            multi_label=multi_label,
        )
        self.from_logits, self.multi_label = from_logits, multi_label
        keras_private.lower_is_better(self)

    def get_config(self) -> Config:
        """Return the arguments that make this metric again."""
        flags = {"from_logits": self.from_logits, "multi_label": self.multi_label}
        return {"name": self.name, "dtype": self.dtype, **flags}


def _is_wrong(y: Tensor, prediction: Tensor, *, threshold: float, multi_label: bool) -> Tensor:
    """Whether each example is classified wrongly."""
    prediction = ops.convert_to_tensor(prediction)
    if multi_label or len(prediction.shape) == 1 or prediction.shape[-1] == 1:
        y, prediction = aligned(y, prediction)
        wrong = ops.not_equal(y > 0, prediction > threshold)
    else:
        classes = class_numbers(y, prediction)
        if classes is None:
            one_hot, prediction = aligned(y, prediction)
            classes = ops.argmax(one_hot, axis=-1, keepdims=True)
        wrong = ops.not_equal(classes, ops.argmax(prediction, axis=-1, keepdims=True))
    return ops.any(wrong, axis=-1) | ops.any(ops.isnan(prediction), axis=-1)


def __dir__() -> list[str]:
    return sorted(__all__)
