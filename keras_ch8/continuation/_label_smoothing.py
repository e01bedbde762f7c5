"""Smoothed labels."""

from typing import Any, Self, final

import keras
from keras import ops

from .. import _checks
from .._describe import short
from .._registration import registered
from .._types import Config, Tensor
from ..losses.likelihoods import aligned, class_numbers
from .annealed import Annealed


@final
@registered
class LabelSmoothing(keras.losses.Loss):
    r"""A loss whose labels are smoothed, less and less as the training goes on (section 8.7.6; Szegedy et al. 2015).

    .. math::

        y' &\leftarrow (1 - s) y + s p \\
        J &\leftarrow \text{loss}(y', f)

    With s > 0 no example asks for infinite logits, so none has a large gradient for long; as s falls to 0
    (`callbacks.Continuation`) the loss becomes exactly that of the labels.

    Symbol        Argument        Unit and meaning
    s             smoothing       fraction, in [0, 1): how much of a label is given away
    p             prior           what a label is without knowledge

    Labels: as the predictions, (batch, ..., classes), or the numbers of the classes, (batch, ...) or (batch, ..., 1).

    State: s, an `Annealed` number, in the attribute `smoothing`. A loss does not know whether it trains, so s is the
    same in `evaluate`; `callbacks.Continuation` puts it to 0 between epochs, and so in validation.
    Differs from the `label_smoothing` of Keras's losses: that is a constant, compiled into the step.

    Args:
        loss: The loss: a `keras.losses.Loss` of labels that need not be whole, such as
            `keras.losses.CategoricalCrossentropy(from_logits=True)`. Its reduction is taken.
        smoothing: Number in [0, 1): s at the start. Defaults to `0.1`.
        prior: Number in [0, 1]: p. Defaults to 1 / classes, and to 1/2 for one output. Give 0.5 for several labels
            that are each 0 or 1.
        value: s now. Defaults to `smoothing`.
        name: Name of the loss. Defaults to `"label_smoothing"`.

    Raises:
        TypeError: If `loss` is no `keras.losses.Loss`.
        ValueError: If a number lies outside its range. When called, if labels and predictions do not fit each other.

    Example:
        >>> entropy = keras.losses.CategoricalCrossentropy()
        >>> loss = keras_ch8.continuation.LabelSmoothing(entropy, 0.4)
        >>> y, f = np.array([[1.0, 0.0]]), np.array([[0.8, 0.2]])
        >>> print(loss(y, f).numpy().round(3), (-0.8 * np.log(0.8) - 0.2 * np.log(0.2)).round(3))
        0.5 0.5
        >>> loss.smoothing.value = 0.0
        >>> float(loss(y, f)) == float(entropy(y, f))
        True

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, sections 7.5.1 and 8.7.6; Szegedy et al. (2015), Rethinking
        the Inception Architecture for Computer Vision.
    """

    section = "8.7.6"

    def __init__(
        self,
        loss: keras.losses.Loss,
        smoothing: float = 0.1,
        prior: float | None = None,
        value: float | None = None,
        name: str = "label_smoothing",
    ) -> None:
        if not isinstance(loss, keras.losses.Loss):
            raise TypeError(
                "`loss` must be a `keras.losses.Loss`, such as `keras.losses.CategoricalCrossentropy()`. "
                f"Received: loss={short(loss)} of type {type(loss).__name__}. Make the object from its class."
            )
        super().__init__(name=_checks.label(name), reduction=loss.reduction, dtype=loss.dtype)
        self.loss = loss
        fix = "Try 0.1; 1 would leave nothing of the label."
        _checks.number("smoothing", smoothing, 0.0, 1.0, meaning="a fraction of the labels", fix=fix)
        self.smoothing = Annealed(smoothing, value=value, low=0.0, high=1.0)
        self.prior = None if prior is None else _prior(prior)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the loss of each example."""
        y, f = _aligned(y_true, y_pred)
        p = 1 / max(f.shape[-1], 2) if self.prior is None else self.prior
        return self.loss.call(y + self.smoothing.read(dtype=y.dtype) * (p - y), f)

    def get_config(self) -> Config:
        """Return the arguments that make this loss again."""
        loss = keras.saving.serialize_keras_object(self.loss)
        own = {"smoothing": self.smoothing.start, "prior": self.prior, "value": self.smoothing.value, "name": self.name}
        return {"loss": loss, **own}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """Make it from `get_config`."""
        return cls(**config | {"loss": keras.saving.deserialize_keras_object(config["loss"])})


def _prior(value: Any) -> float:
    fix = "Leave it out for 1 / classes."
    return _checks.number("prior", value, 0.0, 1.0, closed_high=True, meaning="a label without knowledge", fix=fix)


def _aligned(y: Tensor, f: Tensor) -> tuple[Tensor, Tensor]:
    """Return labels as fractions of the classes, beside the predictions."""
    numbers = class_numbers(y, f) if len(f.shape) > 1 and f.shape[-1] > 1 else None
    if numbers is None:
        return aligned(y, f)
    return ops.one_hot(ops.squeeze(numbers, axis=-1), f.shape[-1], dtype=f.dtype), f
