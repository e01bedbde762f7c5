"""Blurred inputs or feature maps."""

from typing import Any, final

import keras
from keras import ops

from .. import _checks
from .._registration import registered
from .._types import Config, Tensor
from .annealed import Annealed

SHARP = 0.01
"""Below this standard deviation, in steps, a blur in float32 is the identity: the next weight is exp(-5000)."""


@final
@registered
class GaussianBlur(keras.layers.Layer):
    r"""Blur images, sequences or feature maps in training, less and less (section 8.7.6; Sinha et al. 2020).

    Along each axis between batch and channels, one after the other:

    .. math::

        w_{ij} &\leftarrow \exp(-\frac{(i - j)^2}{2 \sigma^2}) \\
        y_i &\leftarrow \frac{\sum_j w_{ij} x_j}{\sum_j w_{ij}} \qquad \text{exactly }x_i \text{ at }\sigma = 0,
          \text{ and in inference}

    A network that sees no fine detail cannot begin with it. As sigma falls to 0 (`callbacks.Continuation`) the details
    come back. At the border the weights of what lies inside sum to 1, so what is constant stays as it is.

    Symbol        Argument        Unit and meaning
    sigma         stddev          steps along the axis (pixels): how far it is blurred

    Shapes: (batch, ..., channels), the output has that of the input. All pairs i, j are taken, so sigma may change
    without a change of shapes; an axis of n entries costs n products an entry.

    State: sigma, an `Annealed` number, in the attribute `stddev`; no weights.
    Differs from `keras.layers.RandomGaussianBlur`: that is an augmentation, of images alone, with a random sigma.

    Args:
        stddev: Number of at least 0: sigma at the start. Defaults to `1.0`.
        axes: Axes to blur along, such as `(2, 3)` for channels first. Defaults to all but the first and the last.
        value: sigma now. Defaults to `stddev`.
        **kwargs: As in `keras.layers.Layer`: `name`, `dtype`, ...

    Raises:
        ValueError: If `stddev` is negative. When built, if there is no such axis.

    Example:
        >>> layer = keras_ch8.continuation.GaussianBlur(1.0)
        >>> x = np.array([0.0, 0.0, 1.0, 0.0, 0.0]).reshape(1, 5, 1)
        >>> print(layer(x, training=True).numpy().ravel().round(2))
        [0.08 0.26 0.4  0.26 0.08]
        >>> layer.stddev.value = 0.0
        >>> print(layer(x, training=True).numpy().ravel())
        [0. 0. 1. 0. 0.]

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.6; Sinha, Garg, Larochelle (2020), Curriculum
        by Smoothing.
    """

    section = "8.7.6"

    def __init__(
        self, stddev: float = 1.0, axes: tuple[int, ...] | None = None, value: float | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.stddev = Annealed(_checks.stddev(stddev), value=value, low=0.0)
        self.axes = None if _checks.axes("axes", axes, of="blurred along") is None else tuple(axes or ())
        self.supports_masking = True

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Find the axes."""
        rank = len(input_shape)
        axes = tuple(range(1, rank - 1)) if self.axes is None else self.axes
        if not axes or not all(-rank <= axis < rank and axis % rank for axis in axes):
            raise ValueError(
                "`GaussianBlur` blurs along axes, other than that of the batch, on which neighbours are near each "
                f"other; by default between batch and channels. Received: axes={self.axes} for inputs of shape "
                f"{tuple(input_shape)}. Give the inputs such axes with `keras.layers.Reshape`, or, if the entries of "
                "a vector have an order, axes=(-1,)."
            )
        self._axes = tuple(axis % rank for axis in axes)
        self.built = True

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        """Blur in training."""
        x = y = ops.cast(inputs, self.compute_dtype)
        if not training:
            return x
        sigma = self.stddev.read(training)
        for axis in self._axes:
            y = _blurred(y, axis, sigma)
        return ops.where(sigma > 0, y, x)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the input."""
        return input_shape

    def get_config(self) -> Config:
        """Return the arguments that make this layer again."""
        own = {"stddev": self.stddev.start, "axes": self.axes, "value": self.stddev.value}
        return super().get_config() | own


def _blurred(x: Tensor, axis: int, sigma: Tensor) -> Tensor:
    place = ops.arange(ops.shape(x)[axis], dtype=sigma.dtype)
    w = ops.exp(-0.5 * ops.square((place[:, None] - place) / ops.maximum(sigma, SHARP)))
    w = ops.cast(w / ops.sum(w, axis=1, keepdims=True), x.dtype)
    return ops.moveaxis(ops.tensordot(x, w, axes=[[axis], [1]]), -1, axis)
