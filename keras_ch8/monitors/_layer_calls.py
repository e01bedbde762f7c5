"""What one call of a layer gives and gets back, in the graph of the probe."""

import keras
from keras import ops

from .. import _numerics
from .._types import Tensor
from ..integration import backend
from .base import LayerCall

FLAT = 0.05
"""Slope of a saturating activation, over its largest, below which a unit counts as saturated."""

CONSTANT = 1e-6
"""Standard deviation of a feature, over its mean or the largest of all, up to which it is constant but for rounding."""

WEIGHING = ("query", "key")
"""Names that Keras gives to the layers of an attention that only weigh what others give. Their gradient comes through
the softmax alone, and may be next to 0 while all of it passes through the values."""

SLOPES = {
    "tanh": lambda y: 1 - ops.square(y),
    "sigmoid": lambda y: 4 * y * (1 - y),
    "hard_sigmoid": lambda y: ops.cast((y > 0) & (y < 1), y.dtype),
    "softsign": lambda y: ops.square(1 - ops.abs(y)),
}
"""Slope of each saturating activation, over its largest, by what it gives."""


def is_weighted(layer: keras.layers.Layer) -> bool:
    """Whether a layer has a matrix of weights; the rows of an embedding are none."""
    is_embedding = isinstance(layer, keras.layers.Embedding)
    return not is_embedding and any(len(v.shape) > 1 for v in layer.trainable_variables)


def activation(layer: keras.layers.Layer) -> str:
    """Return the name of the nonlinearity of a layer; "" for recurrent ones, whose units have several."""
    if isinstance(layer, keras.layers.RNN):
        return ""
    if isinstance(layer, keras.layers.ReLU):
        return "" if layer.negative_slope else "relu"
    name = getattr(getattr(layer, "activation", None), "__name__", "")
    return "relu" if name == "relu6" else name


def by_unit(layer: keras.layers.Layer, x: Tensor) -> Tensor:
    """Return inputs or outputs of a layer as a matrix with a column for each unit, or for each channel of images."""
    is_image = len(x.shape) > 3 and not is_weighted(layer)
    layout = getattr(layer, "data_format", keras.config.image_data_format() if is_image else None)
    last = ops.moveaxis(x, 1, -1) if layout == "channels_first" else x
    return ops.reshape(last, (-1, last.shape[-1]))


def gradient(call: LayerCall, examples: int) -> Tensor:
    """Return the root mean square over the examples of the gradient of their loss with respect to the output."""
    return ops.sqrt(examples * ops.sum(ops.square(ops.cast(call.output_gradient, "float32"))))


def dead(call: LayerCall) -> Tensor:
    """Return the fraction of ReLUs that give 0 for every example; NaN of another layer."""
    if activation(call.layer) != "relu":
        return ops.full((), float("nan"), "float32")
    positive = ops.any(by_unit(call.layer, call.outputs) > 0, axis=0)
    return 1 - ops.mean(ops.cast(positive, "float32"))


def saturated(call: LayerCall) -> Tensor:
    """Return the fraction of its outputs that are on the flat ends; NaN of another layer."""
    slope = SLOPES.get(activation(call.layer))
    if slope is None:
        return ops.full((), float("nan"), "float32")
    return ops.mean(ops.cast(slope(ops.cast(call.outputs, "float32")) < FLAT, "float32"))


def input_spread(x: Tensor) -> Tensor:
    """Return the largest over the smallest standard deviation of the columns, but for those next to constant."""
    spread = ops.std(x, axis=0)
    largest = ops.max(spread)
    varies = spread > CONSTANT * ops.maximum(ops.abs(ops.mean(x, axis=0)), largest)
    return largest / ops.min(ops.where(varies, spread, largest + 1e-30))


def relative_update(layer: keras.layers.Layer, moved: dict[int, tuple[Tensor, Tensor]]) -> Tensor:
    """Return |d| / |W| of its matrices; NaN without any."""
    own = [moved[id(v)] for v in layer.trainable_variables if len(v.shape) > 1 and id(v) in moved]
    if not own:
        return ops.full((), float("nan"), "float32")
    weights, change = (_numerics.squared_norm(part) for part in zip(*own, strict=True))
    return ops.sqrt(change / weights)


def largest_size(gradient: Tensor) -> Tensor:
    """Return the largest size of an entry: squares of small ones would be 0."""
    return ops.cast(ops.max(ops.abs(backend.values(gradient))), "float32")


def root_mean_square(x: Tensor) -> Tensor:
    """Return sqrt(mean(x^2)) in float32."""
    return ops.sqrt(ops.mean(ops.square(ops.cast(x, "float32"))))
