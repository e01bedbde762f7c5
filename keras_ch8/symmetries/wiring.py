"""What leads into the units of a layer and out of them, and through which activations."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import keras
import numpy as np
from keras import activations, layers

from .. import _objects
from ..integration import backend

WEIGHTED = (layers.Dense, layers.Conv1D, layers.Conv2D, layers.Conv3D)
"""Layers with their units on the last axis of the kernel, and their inputs on the axis before."""

POOLING = (
    *(layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D),
    *(layers.AveragePooling1D, layers.AveragePooling2D, layers.AveragePooling3D),
    *(layers.GlobalMaxPooling1D, layers.GlobalMaxPooling2D, layers.GlobalMaxPooling3D),
    *(layers.GlobalAveragePooling1D, layers.GlobalAveragePooling2D, layers.GlobalAveragePooling3D),
)
DROPOUT = (layers.Dropout, layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D)
ACTIVATION = (layers.Activation, layers.ReLU, layers.LeakyReLU)
PASSING = (layers.Flatten, *POOLING, *DROPOUT, *ACTIVATION)
"""Layers that act on each unit separately, on all in the same way; batch normalization is another."""

OF_KERAS = tuple(getattr(activations, name) for name in dir(activations) if not name.startswith("_"))
MIXING = (activations.glu, activations.get, activations.serialize, activations.deserialize)
"""The activation that combines two units into one; and names that are not activations."""

Activation: TypeAlias = Callable[..., Any] | layers.Layer

HOMOGENEOUS = (activations.linear, activations.relu, activations.leaky_relu)
"""f(a z) = a f(z) for a > 0."""

FIX = "Name a layer whose units go, through nothing but these layers, into one other Dense or convolution layer."


@dataclasses.dataclass(frozen=True)
class Wiring:
    """The units of one layer between two sets of weights.

    After `Flatten`, a unit has several entries, one for each place in its map. Weights are reshaped to have the units
    on an axis of their own, [..., units] for what comes in, [..., units, next units] for what goes out.

    Args:
        layer: The layer of the units.
        between: The layers that they go through.
        following: The layer that they go into.
    """

    layer: keras.layers.Layer
    between: tuple[keras.layers.Layer, ...]
    following: keras.layers.Layer

    @property
    def units(self) -> int:
        """Number of units."""
        return int(self.layer.kernel.shape[-1])

    @property
    def incoming(self) -> list[keras.Variable]:
        """Kernel and, if there is one, bias of the layer."""
        return [v for v in (self.layer.kernel, self.layer.bias) if v is not None]

    @property
    def normalizing(self) -> list[keras.Variable]:
        """Scales, offsets and moving statistics of the normalization on the way: what there is of each unit."""
        return [v for part in self.between if is_batch_normalization(part) for v in part.weights if len(v.shape)]

    def ending(self, variable: keras.Variable) -> np.ndarray:
        """Return the values of an incoming or normalizing variable as [..., units], in float64."""
        return variable.numpy().astype("float64").reshape(-1, self.units)

    def leaving(self) -> np.ndarray:
        """Return the kernel of the following layer as [..., units, next units], in float64."""
        kernel = self.following.kernel
        return kernel.numpy().astype("float64").reshape(-1, self.units, kernel.shape[-1])


def wiring(model: keras.Model, layer: keras.layers.Layer | str) -> Wiring:
    """Find the neighbours of a layer, given by itself or by name; ValueError where they are not certain."""
    edges = edges_of(model)
    by_name = {part.name: part for part in model.layers}
    first = _objects.layer_of(model, "layer", layer)
    _check_weighted(first)
    chain = [first]
    while len(chain) == 1 or type(chain[-1]) not in WEIGHTED:
        chain.append(_only_next(chain[-1], edges, by_name))
    _check_weighted(chain[-1])
    return Wiring(chain[0], tuple(chain[1:-1]), chain[-1])


def is_batch_normalization(layer: keras.layers.Layer | None) -> bool:
    """Whether this is Keras's layer or our own, which is recognized by its name: its package imports this one."""
    ours = keras.saving.get_registered_name(type(layer)) == "keras_ch8>BatchNormalization"
    return type(layer) is layers.BatchNormalization or ours


def assign(variables: list[keras.Variable], values: list[np.ndarray]) -> None:
    """Set all variables, or none if a value does not fit into the type of its variable."""
    exact = [value.reshape(v.shape) for v, value in zip(variables, values, strict=True)]
    with np.errstate(over="ignore", under="ignore"):
        new = [value.astype(v.numpy().dtype) for v, value in zip(variables, exact, strict=True)]
    for v, value, wanted in zip(variables, new, exact, strict=True):
        if ((np.isinf(value) & np.isfinite(wanted)) | ((value == 0) & (wanted != 0))).any():
            raise ValueError(
                f"The new values of {v.path!r} do not fit into {v.dtype}: they overflow or become 0. Nothing was "
                "changed. Use factors nearer to 1."
            )
    for v, value in zip(variables, new, strict=True):
        backend.native(v).assign(value)  # to `BatchNormalization` this is no new estimate


def _only_next(
    layer: keras.layers.Layer, edges: dict[str, list[str]], by_name: dict[str, keras.layers.Layer]
) -> keras.layers.Layer:
    followers = edges[layer.name]
    following = by_name.get(followers[0]) if len(followers) == 1 else None
    is_known = type(following) in WEIGHTED + PASSING or is_batch_normalization(following)
    if not is_known or _channels_first(following):
        kinds = [f"{name} ({type(by_name.get(name)).__name__})" for name in followers]
        known = ", ".join(part.__name__ for part in (*WEIGHTED, layers.Flatten, *ACTIVATION, layers.BatchNormalization))
        raise ValueError(
            f"The output of {layer.name!r} must go into a single layer, and so on to the next Dense or convolution "
            f"layer. These may be {known}, pooling or Dropout, channels last, each called once. Received: it goes into "
            f"{kinds or 'no layer'}. {FIX}"
        )
    return following


def _channels_first(layer: keras.layers.Layer) -> bool:
    axis = getattr(layer, "axis", -1)
    return getattr(layer, "data_format", None) == "channels_first" or axis not in (-1, len(layer.output.shape) - 1)


def _check_weighted(layer: keras.layers.Layer) -> None:
    kernel = getattr(layer, "kernel", None) if type(layer) in WEIGHTED else None
    plain = isinstance(kernel, keras.Variable) and "float" in kernel.dtype and not getattr(layer, "lora_enabled", False)
    if not plain or getattr(layer, "groups", 1) != 1 or _channels_first(layer):
        raise ValueError(
            "The layers on both sides of the units must each be a built Dense, Conv1D, Conv2D or Conv3D, without "
            f"groups, channels last, not quantized and without LoRA. Received: {layer.name!r}, a "
            f"{type(layer).__name__}. {FIX}"
        )


def check_symmetric(wiring: Wiring) -> None:
    """Refuse an activation that might not treat all units in the same way: only Keras's own are known to."""
    for name, f in _activations_of(wiring):
        if not (isinstance(f, ACTIVATION) or (f in OF_KERAS and f not in MIXING)):
            raise ValueError(
                "Units can be permuted only if the activation treats all of them in the same way, as "
                f"`keras.activations` do except `glu`. Received: {_described(f)} in {name!r}. Use an activation of "
                "Keras."
            )


def check_homogeneous(wiring: Wiring) -> None:
    """Refuse an activation or a normalization that is not homogeneous: f(a z) = a f(z) for a > 0."""
    for name in (part.name for part in wiring.between if is_batch_normalization(part)):
        raise ValueError(
            "Units can be rescaled only if a factor passes through unchanged. Received: the batch normalization "
            f"{name!r} in between, which removes the factor (up to its epsilon). Choose a layer without one."
        )
    for name, f in _activations_of(wiring):
        no_limit = isinstance(f, layers.ReLU) and f.max_value is None and f.threshold == 0
        if not (f in HOMOGENEOUS or isinstance(f, layers.LeakyReLU) or no_limit):
            raise ValueError(
                "Units can be rescaled only if a factor passes through unchanged: f(a z) = a f(z) for a > 0, as of "
                f"relu, leaky_relu, linear and pooling. Received: {_described(f)} in {name!r}. Choose a layer with one "
                "of these activations."
            )


def _activations_of(wiring: Wiring) -> list[tuple[str, Activation]]:
    """Return the activations on the way, with the name of their layer; a layer may be one itself."""
    parts = [wiring.layer, *(part for part in wiring.between if isinstance(part, ACTIVATION))]
    return [(part.name, getattr(part, "activation", part)) for part in parts]


def _described(f: Activation) -> str:
    if isinstance(f, layers.ReLU):
        return f"a ReLU with max_value={f.max_value!r} and threshold={f.threshold!r}"
    return getattr(f, "__name__", repr(f))


def edges_of(model: keras.Model) -> dict[str, list[str]]:
    """Return the names of the layers that the output of each layer goes into; "(output)" for an output of the model."""
    _objects.model(model)
    if type(model) is keras.Sequential:
        names = [part.name for part in model.layers]
        return {name: [following] for name, following in zip(names, [*names[1:], "(output)"], strict=True)}
    if not (isinstance(model, keras.Model) and type(model).__module__.partition(".")[0] == "keras"):
        raise ValueError(
            "The connections between layers are known only for a `keras.Sequential` or a `keras.Model(inputs, "
            f"outputs)`. Received: a {type(model).__name__}. Build such a model from its layers: it shares their "
            "weights."
        )
    config = model.get_config()
    edges: dict[str, list[str]] = {part["name"]: [] for part in config["layers"]}
    for part in config["layers"]:
        calls = part["inbound_nodes"]
        for source in {name for call in calls for name in _sources(call)}:
            edges[source] += [part["name"]] * len(calls)  # called twice, it counts as two
    for name in keras.tree.flatten(config["output_layers"]):
        if isinstance(name, str):
            edges[name].append("(output)")
    return edges


def _sources(config: Any) -> Iterator[str]:
    """Yield the names of the layers whose outputs are arguments of a call."""
    if isinstance(config, dict) and "keras_history" in config:
        yield config["keras_history"][0]
    elif isinstance(config, (dict, list, tuple)):
        for part in config.values() if isinstance(config, dict) else config:
            yield from _sources(part)
