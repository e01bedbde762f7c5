"""What one call of a layer says, in the graph of the probe."""

from typing import Any

import keras
from keras import ops

from .. import _numerics
from ._monitor import Met

FLAT = 0.05
"""Slope of a saturating activation, over its largest, below which a unit counts as saturated."""

SLOPES = {
    "tanh": lambda y: 1 - ops.square(y),
    "sigmoid": lambda y: 4 * y * (1 - y),
    "hard_sigmoid": lambda y: ops.cast((y > 0) & (y < 1), y.dtype),
    "softsign": lambda y: ops.square(1 - ops.abs(y)),
}
"""Slope of each saturating activation, over its largest, by what it gives."""


def is_weighted(layer: Any) -> bool:
    """Whether a layer has a matrix of weights; the rows of an embedding are none."""
    is_embedding = isinstance(layer, keras.layers.Embedding)
    return not is_embedding and any(len(v.shape) > 1 for v in layer.trainable_variables)


def activation(layer: Any) -> str:
    """Return the name of the nonlinearity of a layer; "" for recurrent ones, whose units have several."""
    if isinstance(layer, keras.layers.RNN):
        return ""
    if isinstance(layer, keras.layers.ReLU):
        return "" if layer.negative_slope else "relu"
    name = getattr(getattr(layer, "activation", None), "__name__", "")
    return "relu" if name == "relu6" else name


def by_unit(layer: Any, x: Any) -> Any:
    """Return what a layer takes or gives as a matrix with a column for each unit, or for each channel of images."""
    is_image = len(x.shape) > 3 and not is_weighted(layer)
    layout = getattr(layer, "data_format", keras.config.image_data_format() if is_image else None)
    last = ops.moveaxis(x, 1, -1) if layout == "channels_first" else x
    return ops.reshape(last, (-1, last.shape[-1]))


def gradient(met: Met, examples: int) -> Any:
    """Return the root mean square over the examples of the gradient of their loss with respect to the output."""
    return ops.sqrt(examples * ops.sum(ops.square(ops.cast(met.slope_of_output, "float32"))))


def dead(met: Met) -> Any:
    """Return the share of ReLUs that give 0 for every example; NaN of another layer."""
    if activation(met.layer) != "relu":
        return ops.full((), float("nan"), "float32")
    positive = ops.any(by_unit(met.layer, met.output) > 0, axis=0)
    return 1 - ops.mean(ops.cast(positive, "float32"))


def saturated(met: Met) -> Any:
    """Return the share of what is given that is on the flat ends; NaN of another layer."""
    slope = SLOPES.get(activation(met.layer))
    if slope is None:
        return ops.full((), float("nan"), "float32")
    return ops.mean(ops.cast(slope(ops.cast(met.output, "float32")) < FLAT, "float32"))


def relative_update(layer: Any, moved: dict[int, Any]) -> Any:
    """Return |d| / |W| of its matrices; NaN without any."""
    own = [moved[id(v)] for v in layer.trainable_variables if len(v.shape) > 1 and id(v) in moved]
    if not own:
        return ops.full((), float("nan"), "float32")
    weights, change = (_numerics.squared_norm(part) for part in zip(*own, strict=True))
    return ops.sqrt(change / weights)


def root_mean_square(x: Any) -> Any:
    """Return sqrt(mean(x^2)) in float32."""
    return ops.sqrt(ops.mean(ops.square(ops.cast(x, "float32"))))
