"""An output that is one of several classes."""

import dataclasses
from typing import Any, final

import keras
from keras import ops

from ._aligned import aligned, class_numbers
from ._family import AbstractFamily


@final
@keras.saving.register_keras_serializable(package="keras_ch8")
@dataclasses.dataclass(frozen=True)
class CategoricalLikelihood(AbstractFamily):
    """The output is a class, and the network puts out one logit for each class (sections 8.1.2 and 6.2.2.3).

        - log p(y | eta) = - log softmax(eta)_y = log(sum_j exp(eta_j)) - eta_y

    Book          Here            Unit and meaning
    y             y               class 0, 1, ... in the shape (batch,) or (batch, 1); or, in the shape
                                  (batch, classes), one-hot or the probabilities of the classes in the data
    z             eta             unnormalized log probabilities, (batch, classes); no activation in the last layer

    A number that is no class gives NaN. Axes such as time may stand between batch and classes.

    Differs from `keras.losses.CategoricalCrossentropy` and `SparseCategoricalCrossentropy` with `from_logits=True`:
    one name for both kinds of labels.

    Raises:
        ValueError: In `nll`, if the network has one output only, or the labels fit neither shape.

    Example:
        >>> eta = np.array([[0.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
        >>> nll = keras_ch8.losses.CategoricalLikelihood().nll(y=np.array([2, 0]), eta=eta)
        >>> [round(float(x), 4) for x in nll[:, 0]]
        [1.0986, 0.2395]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 6.2.2.3, equations 6.29 and 6.30.
    """

    section = "8.1.2"

    def nll(self, y: Any, eta: Any) -> Any:
        """Return -log p of each class, in the shape (batch, 1)."""
        log_p = ops.log_softmax(ops.convert_to_tensor(eta), axis=-1)
        if log_p.shape[-1] == 1:
            raise ValueError(
                "`categorical()` needs one output for each class: of one class alone the probability is always 1. "
                f"Received: outputs of shape {tuple(log_p.shape)}. For two classes and one output take `bernoulli()`."
            )
        classes = class_numbers(y, log_p)
        if classes is not None:
            return -_entry(log_p, classes)
        y, log_p = aligned(y, log_p)
        return -ops.sum(y * log_p, axis=-1, keepdims=True)


def _entry(log_p: Any, y: Any) -> Any:
    """Return the entry of each class; out of range a gather would take another entry, or stop, by device."""
    last = log_p.shape[-1] - 1
    known = ops.take_along_axis(log_p, ops.clip(y, 0, last), axis=-1)
    return ops.where((y >= 0) & (y <= last), known, float("nan"))
