"""What leads into the units of a layer and out of them, and through which activations."""

import dataclasses
from collections.abc import Callable
from typing import Any, TypeAlias

import keras
import numpy as np
from keras import activations, layers

from .. import _objects

ACTIVATION = (layers.Activation, layers.ReLU, layers.LeakyReLU)
PASSING = (layers.Dropout, *ACTIVATION)
"""Layers that act on each unit separately, on all in the same way."""

OF_KERAS = tuple(getattr(activations, name) for name in dir(activations) if not name.startswith("_"))
MIXING = (activations.glu, activations.get, activations.serialize, activations.deserialize)
"""The activation that combines two units into one; and names that are not activations."""

Activation: TypeAlias = Callable[..., Any] | layers.Layer

HOMOGENEOUS = (activations.linear, activations.relu, activations.leaky_relu)
"""f(a z) = a f(z) for a > 0."""


@dataclasses.dataclass(frozen=True)
class Wiring:
    """The units of one Dense layer between two sets of weights.

    Args:
        layer: The layer of the units.
        between: The layers that they go through.
        following: The Dense layer that they go into.
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
        """Kernel [inputs, units] and, if there is one, bias [units] of the layer."""
        return [v for v in (self.layer.kernel, self.layer.bias) if v is not None]

    @property
    def outgoing(self) -> keras.Variable:
        """Kernel [units, next units] of the following layer."""
        return self.following.kernel


def wiring(model: keras.Model, layer: keras.layers.Layer | str) -> Wiring:
    """Find the neighbours of a layer, given by itself or by name; ValueError where they are not certain."""
    _objects.model(model)
    first = _objects.layer_of(model, "layer", layer)
    if type(model) is not keras.Sequential:
        raise ValueError(
            "The connections between layers are known only for a `keras.Sequential`. Received: a "
            f"{type(model).__name__}. Build such a model from its layers: it shares their weights."
        )
    behind = model.layers[model.layers.index(first) + 1 :]
    between = 0
    while between < len(behind) and type(behind[between]) in PASSING:
        between += 1
    ends = [first, *behind[between : between + 1]]
    if len(ends) < 2 or not all(_is_plain(part) and model.layers.count(part) == 1 for part in ends):
        received = ", then ".join(f"{part.name!r}, a {type(part).__name__}" for part in ends)
        raise ValueError(
            "The units must be those of a Dense layer and go into another one, through "
            f"{', '.join(part.__name__ for part in PASSING)} only. Both must be built, not quantized, without LoRA and "
            f"called once. Received: {received}{', then the output' if len(ends) < 2 else ''}. Name such a layer."
        )
    return Wiring(first, tuple(behind[:between]), ends[1])


def exact(variable: keras.Variable) -> np.ndarray:
    """Return the values of a variable in float64."""
    return variable.numpy().astype("float64")


def assign(variables: list[keras.Variable], values: list[np.ndarray]) -> None:
    """Set all variables, or none if a value does not fit into the type of its variable."""
    with np.errstate(over="ignore", under="ignore"):
        new = [value.astype(v.numpy().dtype) for v, value in zip(variables, values, strict=True)]
    for v, value, wanted in zip(variables, new, values, strict=True):
        if ((np.isinf(value) & np.isfinite(wanted)) | ((value == 0) & (wanted != 0))).any():
            raise ValueError(
                f"The new values of {v.path!r} do not fit into {v.dtype}: they overflow or become 0. Nothing was "
                "changed. Use factors nearer to 1."
            )
    for v, value in zip(variables, new, strict=True):
        v.assign(value)


def _is_plain(layer: keras.layers.Layer) -> bool:
    kernel = getattr(layer, "kernel", None) if type(layer) is layers.Dense else None
    return isinstance(kernel, keras.Variable) and "float" in kernel.dtype and not layer.lora_enabled


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
    """Refuse an activation that is not homogeneous: f(a z) = a f(z) for a > 0."""
    for name, f in _activations_of(wiring):
        no_limit = isinstance(f, layers.ReLU) and f.max_value is None and f.threshold == 0
        if not (f in HOMOGENEOUS or isinstance(f, layers.LeakyReLU) or no_limit):
            raise ValueError(
                "Units can be rescaled only if a factor passes through unchanged: f(a z) = a f(z) for a > 0, as of "
                f"relu, leaky_relu and linear. Received: {_described(f)} in {name!r}. Choose a layer with one of these "
                "activations."
            )


def _activations_of(wiring: Wiring) -> list[tuple[str, Activation]]:
    """Return the activations on the way, with the name of their layer; a layer may be one itself."""
    parts = [wiring.layer, *(part for part in wiring.between if isinstance(part, ACTIVATION))]
    return [(part.name, getattr(part, "activation", part)) for part in parts]


def _described(f: Activation) -> str:
    if isinstance(f, layers.ReLU):
        return f"a ReLU with max_value={f.max_value!r} and threshold={f.threshold!r}"
    return getattr(f, "__name__", repr(f))
