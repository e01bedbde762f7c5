"""Which weights lead into the units of a layer, and which lead out of them."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import layers

from ..integration import backend
from .graph import edges_of

WEIGHTED = (layers.Dense, layers.Conv1D, layers.Conv2D, layers.Conv3D)
"""Layers with units on the last axis of the kernel, and what comes in on the axis before."""

POOLING = (
    *(layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D),
    *(layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D),
    *(layers.GlobalMaxPooling1D, layers.GlobalMaxPooling2D, layers.GlobalMaxPooling3D),
    *(layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D, layers.GlobalAveragePooling3D),
)
DROPOUT = (layers.Dropout, layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D)
ACTIVATION = (layers.Activation, layers.ReLU, layers.LeakyReLU)
PASSING = (layers.Flatten, *POOLING, *DROPOUT, *ACTIVATION)
"""Layers that treat all units alike, each on its own; batch normalization is one more."""

MEND = "Name a layer whose units go, through nothing but these layers, into one other Dense or convolution layer."


@dataclasses.dataclass(frozen=True)
class Wiring:
    """The units of one layer between two sets of weights.

    After `Flatten`, a unit has several entries, one for each place in its map. Weights are seen with the units on an
    axis of their own, [..., units] for what comes in, [..., units, next units] for what goes out.

    Args:
        layer: The layer of the units.
        between: The layers that they go through.
        following: The layer that they go into.
    """

    layer: Any
    between: tuple[Any, ...]
    following: Any

    @property
    def units(self) -> int:
        """Number of units."""
        return int(self.layer.kernel.shape[-1])

    @property
    def incoming(self) -> list[Any]:
        """Kernel and, if there is one, bias of the layer."""
        return [v for v in (self.layer.kernel, self.layer.bias) if v is not None]

    @property
    def normalizing(self) -> list[Any]:
        """Scales, offsets and moving statistics of the normalization on the way: what there is of each unit."""
        return [v for part in self.between if is_batch_normalization(part) for v in part.weights if len(v.shape)]

    def ending(self, variable: Any) -> np.ndarray:
        """Return the values of an incoming or normalizing variable as [..., units], in float64."""
        return variable.numpy().astype("float64").reshape(-1, self.units)

    def leaving(self) -> np.ndarray:
        """Return the kernel of the following layer as [..., units, next units], in float64."""
        kernel = self.following.kernel
        return kernel.numpy().astype("float64").reshape(-1, self.units, kernel.shape[-1])


def wiring(model: Any, layer: Any) -> Wiring:
    """Find the neighbours of a layer, given by itself or by name; ValueError where that takes guessing."""
    edges = edges_of(model)
    by_name = {part.name: part for part in model.layers}
    name = layer if isinstance(layer, str) else getattr(layer, "name", None)
    if name not in by_name or (layer is not name and by_name[name] is not layer):
        raise ValueError(f"`layer` must be a layer of the model or its name. Received: {layer!r}; it has {[*by_name]}.")
    _check_weighted(by_name[name])
    way = [by_name[name]]
    while len(way) == 1 or type(way[-1]) not in WEIGHTED:
        way.append(_only_next(way[-1], edges, by_name))
    _check_weighted(way[-1])
    return Wiring(way[0], tuple(way[1:-1]), way[-1])


def is_batch_normalization(layer: Any) -> bool:
    """Whether this is Keras's layer or the one of this suite, which is known by its name: its room is a later one."""
    ours = keras.saving.get_registered_name(type(layer)) == "keras_ch8>BatchNormalization"
    return type(layer) is layers.BatchNormalization or ours


def assign(variables: list[Any], values: list[np.ndarray]) -> None:
    """Set all variables, or none if a value does not fit into the type of its variable."""
    exact = [value.reshape(v.shape) for v, value in zip(variables, values, strict=True)]
    with np.errstate(over="ignore", under="ignore"):
        new = [value.astype(v.numpy().dtype) for v, value in zip(variables, exact, strict=True)]
    for v, value, meant in zip(variables, new, exact, strict=True):
        if ((np.isinf(value) & np.isfinite(meant)) | ((value == 0) & (meant != 0))).any():
            raise ValueError(
                f"The new values of {v.path!r} are no {v.dtype}: they overflow or become 0. Nothing was changed. Take "
                "factors nearer to 1."
            )
    for v, value in zip(variables, new, strict=True):
        backend.native(v).assign(value)  # to `BatchNormalization` this is no new estimate


def _only_next(layer: Any, edges: dict[str, list[str]], by_name: dict[str, Any]) -> Any:
    followers = edges[layer.name]
    following = by_name.get(followers[0]) if len(followers) == 1 else None
    known_well = type(following) in WEIGHTED + PASSING or is_batch_normalization(following)
    if not known_well or _channels_first(following):
        kinds = [f"{name} ({type(by_name.get(name)).__name__})" for name in followers]
        known = ", ".join(part.__name__ for part in (*WEIGHTED, layers.Flatten, *ACTIVATION, layers.BatchNormalization))
        raise ValueError(
            f"The output of {layer.name!r} must go into one layer, and that into one, as far as the next Dense or "
            f"convolution layer: {known}, pooling or Dropout, channels last, each called once. Received: it goes into "
            f"{kinds or 'nothing else'}. {MEND}"
        )
    return following


def _channels_first(layer: Any) -> bool:
    axis = getattr(layer, "axis", -1)
    return getattr(layer, "data_format", None) == "channels_first" or axis not in (-1, len(layer.output.shape) - 1)


def _check_weighted(layer: Any) -> None:
    kernel = getattr(layer, "kernel", None) if type(layer) in WEIGHTED else None
    plain = isinstance(kernel, keras.Variable) and "float" in kernel.dtype and not getattr(layer, "lora_enabled", False)
    if not plain or getattr(layer, "groups", 1) != 1 or _channels_first(layer):
        raise ValueError(
            "Units are those of a built Dense, Conv1D, Conv2D or Conv3D layer, without groups, channels last, not "
            f"quantized and without LoRA. Received: {layer.name!r}, a {type(layer).__name__}. {MEND}"
        )
