"""An activation, and labels, that are smooth at first."""

import dataclasses
import inspect
import math
from collections.abc import Callable
from typing import Any, Self, final

import keras
import numpy as np
from keras import ops

from .. import _checks, _numerics, _objects
from .._describe import short
from .._registration import registered
from .._types import Config, Tensor
from ..losses.likelihoods import aligned, class_numbers
from ._layers import SameShape
from .annealed import Annealed

ROOT = math.sqrt(2 * math.pi)
FAR = 10.0
"""Deviations from a kink beyond which noise adds nothing in float32: exp(-50) is 2e-22."""


def _refuse_other_shapes(given: Any, activation: Callable[[Tensor], Tensor]) -> None:
    """Call it on one example."""
    try:
        shape = tuple(activation(ops.zeros((1, 2))).shape)
    except (TypeError, ValueError, AttributeError):
        shape = ()
    if shape != (1, 2):
        raise ValueError(
            "`activation` must work entry by entry, and return as many numbers as it receives. Received: "
            f"activation={short(given)}. Pass the name of one of `keras.activations`."
        )


@final
@dataclasses.dataclass(frozen=True)
class Kinks:
    """Where a function of straight pieces bends and jumps: pairs of place t and change c, of slope or of value.

    With u = (x - t) / sigma, and phi and Phi the density and the distribution of the normal, noise adds

        at a kink   c sigma (u Phi(u) + phi(u) - max(0, u))
        at a jump   c (Phi(u) - step(u))

    which is 0 far from t: so nothing cancels where x is large.
    """

    kinks: tuple[tuple[float, float], ...] = ()
    jumps: tuple[tuple[float, float], ...] = ()

    def added(self, x: Tensor, sigma: Tensor) -> Tensor:
        """Return E f(x + sigma z) - f(x)."""
        total = ops.zeros_like(x)
        for t, c in self.kinks:
            u = ops.clip((x - t) / sigma, -FAR, FAR)
            total = total + c * sigma * (u * _below(u) + ops.exp(-0.5 * ops.square(u)) / ROOT - ops.relu(u))
        for t, c in self.jumps:
            u = ops.clip((x - t) / sigma, -FAR, FAR)
            total = total + c * (_below(u) - 0.5 - 0.5 * ops.sign(u))
        return total


def _below(u: Tensor) -> Tensor:
    return 0.5 + 0.5 * ops.erf(u / math.sqrt(2))


EXACT = {
    "hard_sigmoid": Kinks(((-3, 1 / 6), (3, -1 / 6))),
    "hard_tanh": Kinks(((-1, 1), (1, -1))),
    "leaky_relu": Kinks(((0, 0.8),)),
    "relu": Kinks(((0, 1),)),
    "relu6": Kinks(((0, 1), (6, -1))),
    "sign": Kinks(jumps=((0, 2),)),
}
"""Activations with a mean in closed form."""
NODES = 16
"""Nodes of the quadrature: exact for polynomials of degree 31."""


@final
@registered
class SmoothedActivation(SameShape):
    """An activation blurred by a Gaussian in training, less and less (section 8.7.6; Gulcehre et al. 2016).

    For each entry x, with the normal density phi and distribution Phi:

        y <- E f(x + sigma z), z ~ N(0, 1)          exactly f(x) at sigma = 0, and at inference

        f          y
        relu       x Phi(x / sigma) + sigma phi(x / sigma)
        sign       2 Phi(x / sigma) - 1

    so that kinks, flat parts and jumps have a gradient at first: a unit with `"sign"` never stays without one. Those
    made of straight pieces (`"relu"`, `"leaky_relu"`, `"relu6"`, `"hard_tanh"`, `"hard_sigmoid"`, `"sign"`) are blurred
    in closed form. For all others the mean is taken at 16 nodes of Gauss and Hermite, which is near if f bends little
    within sigma / 2: `"tanh"` within 1e-4 for sigma up to 1.

    Symbol        Argument        Unit and meaning
    f             activation      the activation
    sigma         stddev          as x: how far it is blurred

    State: sigma, an `Annealed` number, in the attribute `stddev`; no weights.
    Differs from Keras: it has none.

    Args:
        activation: `"sign"`, or an activation as in `keras.layers.Activation` that acts entry by entry. Defaults to
            `"relu"`.
        stddev: Number of at least 0: sigma at the start. Defaults to `1.0`.
        value: sigma now. Defaults to `stddev`.
        **kwargs: As in `keras.layers.Layer`: `name`, `dtype`, ...

    Raises:
        ValueError: If `stddev` is negative, or the activation acts on several entries together.

    Example:
        >>> layer = keras_ch8.continuation.SmoothedActivation("sign", 1.0)
        >>> x = np.array([-0.5, 0.0, 2.0])
        >>> print(layer(x, training=True).numpy().round(2), layer(x).numpy())
        [-0.38  0.    0.95] [-1.  0.  1.]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.6; Gulcehre et al. (2016), Mollifying Networks.
    """

    section = "8.7.6"

    def __init__(
        self, activation: Any = "relu", stddev: float = 1.0, value: float | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        is_sign = activation is ops.sign or (isinstance(activation, str) and activation == "sign")
        self.activation = ops.sign if is_sign else _objects.of_keras("activation", activation, "activation")
        if not is_sign:
            _refuse_other_shapes(activation, self.activation)
        if "axis" in inspect.signature(self.activation).parameters:
            raise ValueError(
                f"`activation` must work entry by entry. Received: activation={short(activation)}, which has an "
                "`axis`. Blur its input instead."
            )
        self.stddev = Annealed(_checks.stddev(stddev), value=value, low=0.0)
        is_keras = getattr(self.activation, "__module__", "").startswith("keras.src.")
        exact = EXACT.get(self._word) if is_keras and isinstance(self._word, str) else None
        self._added = exact.added if exact else _quadrature(self.activation)

    @property
    def _word(self) -> Any:
        return "sign" if self.activation is ops.sign else keras.activations.serialize(self.activation)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """Return the mean over the noise in training."""
        y = self.activation(inputs)
        if not training:
            return y
        dtype = _numerics.working_dtype(inputs.dtype)
        x, sigma = ops.cast(inputs, dtype), self.stddev.read(training, dtype)
        # Where sigma is 0 the other branch must have no NaN, which would get into the gradient.
        mean = self.activation(x) + self._added(x, ops.where(sigma > 0, sigma, 1))
        return ops.where(sigma > 0, ops.cast(mean, y.dtype), y)

    def get_config(self) -> Config:
        """Return the arguments that make this layer again."""
        own = {"activation": self._word, "stddev": self.stddev.start, "value": self.stddev.value}
        return super().get_config() | own


def _quadrature(f: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """Return (x, sigma) -> E f(x + sigma z) - f(x), taken at the nodes of Gauss and Hermite."""
    z, w = np.polynomial.hermite_e.hermegauss(NODES)

    def added(x: Tensor, sigma: Tensor) -> Tensor:
        x = ops.expand_dims(x, -1)
        return ops.sum(ops.cast(w / ROOT, x.dtype) * (f(x + sigma * ops.cast(z, x.dtype)) - f(x)), axis=-1)

    return added


@final
@registered
class LabelSmoothing(keras.losses.Loss):
    r"""A loss whose labels are smoothed, less and less during training (section 8.7.6; Szegedy et al. 2015).

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
                "`loss` must be a `keras.losses.Loss`, such as `keras.losses.CategoricalCrossentropy()`. Received: "
                f"loss={short(loss)} of type {type(loss).__name__}. Create an instance of the class."
            )
        super().__init__(name=_checks.label(name), reduction=loss.reduction, dtype=loss.dtype)
        self.loss = loss
        fix = "Try 0.1; 1 would leave nothing of the label."
        _checks.number("smoothing", smoothing, 0.0, 1.0, meaning="a fraction of the labels", fix=fix)
        self.smoothing = Annealed(smoothing, value=value, low=0.0, high=1.0)
        self.prior = prior
        if prior is not None:
            meaning, fix = "a label without knowledge", "Leave it out for 1 / classes."
            self.prior = _checks.number("prior", prior, 0.0, 1.0, closed_high=True, meaning=meaning, fix=fix)

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


def _aligned(y: Tensor, f: Tensor) -> tuple[Tensor, Tensor]:
    """Return labels as fractions of the classes, beside the predictions."""
    numbers = class_numbers(y, f) if len(f.shape) > 1 and f.shape[-1] > 1 else None
    if numbers is None:
        return aligned(y, f)
    return ops.one_hot(ops.squeeze(numbers, axis=-1), f.shape[-1], dtype=f.dtype), f
