"""How a model ends, by the graph of its layers and operations: what needs no examples."""

import contextlib
import math
from collections.abc import Iterator
from typing import Any

import keras

from .._types import Tensor
from ..integration import keras_private
from ..verdicts.facts import NAN, RANGES, End
from .model_facts import is_weighted

LAYERS = keras.layers
OF_SHAPE = (LAYERS.Reshape, LAYERS.Flatten, LAYERS.Permute)
"""Layers that give what they are given, in another shape."""
OPERATIONS_OF_SHAPE = ("Reshape", "Squeeze", "ExpandDims", "Transpose")
"""Operations that do, whose classes Keras keeps private."""
ENDS = {
    End.RECURRENT: LAYERS.RNN,
    End.ONE_SIZE: (LAYERS.LayerNormalization, LAYERS.GroupNormalization),
    End.LENGTH_1: LAYERS.UnitNormalization,
}
"""Layers whose kind decides what a model that ends with one can give."""
ACTIVATIONS = {
    "Sigmoid": "sigmoid",
    "HardSigmoid": "hard_sigmoid",
    "Softmax": "softmax",
    "Tanh": "tanh",
    "Softsign": "softsign",
    "Relu": "relu",
    "Relu6": "relu6",
    "Softplus": "softplus",
    "Exp": "exponential",
    "HardTanh": "hard_tanh",
    "LogSigmoid": "log_sigmoid",
    "LogSoftmax": "log_softmax",
    "Squareplus": "squareplus",
}
"""Activations by the operations of Keras that are them."""
RANDOM = (LAYERS.Dropout, LAYERS.AlphaDropout, LAYERS.GaussianDropout, LAYERS.GaussianNoise)
"""Layers that change what they are given at random, in training."""
POOLING = (
    *(LAYERS.MaxPooling1D, LAYERS.MaxPooling2D, LAYERS.MaxPooling3D),
    *(LAYERS.AveragePooling1D, LAYERS.AveragePooling2D, LAYERS.AveragePooling3D),
    *(LAYERS.GlobalMaxPooling1D, LAYERS.GlobalMaxPooling2D, LAYERS.GlobalMaxPooling3D),
    *(LAYERS.GlobalAveragePooling1D, LAYERS.GlobalAveragePooling2D, LAYERS.GlobalAveragePooling3D),
)
"""Layers that, as `Dropout`, give no number of another sign."""
LIKE_DENSE = (LAYERS.Dense, LAYERS.Conv1D, LAYERS.Conv2D, LAYERS.Conv3D)
"""Layers in whose place a `Dense` may come, which has units of its own on the last axis."""


def end_of(model: keras.Model, units: int, place: int = 0) -> dict[str, Any]:
    """Return the facts about an output of a model, by their names in `Output`, that its graph tells.

    Args:
        model: A model that is built.
        units: Numbers on the last axis of the output.
        place: Its place among several. Defaults to `0`.
    """
    layers, made = list(model.layers)[::-1], list(_operations(model, place))
    has_others = len(_outputs_of(model)) > 1
    behind = [(operation, tensor) for operation, tensor in made if not _is_of_shape(operation)]
    last = behind[0][0] if behind else None
    activation = _activation_of(last)
    if activation == "softmax" and behind[0][1].shape[-1] != units:
        activation = ""  # over another axis, since its numbers have another shape
    before = [operation for operation, _ in behind[_is_alone(last) :]]
    noise = before[0] if before and isinstance(before[0], RANDOM) else None
    signed = (operation for operation in before if not isinstance(operation, (LAYERS.Dropout, *POOLING)))
    other = next(signed, None) if _is_alone(last) else None
    ending: Any = made[0][0] if made and made[0][0] in (layers if has_others else layers[:1]) else None
    can_be_set = hasattr(ending, "activation") and not isinstance(ending, LAYERS.RNN)
    return {
        "layer": ending.name if can_be_set else "",
        "activation": activation,
        "ends_with": type(last).__name__ if last else "",
        "end": next((end for end, classes in ENDS.items() if isinstance(last, classes)), None),
        "limits": _limits_of(last),
        "before": _activation_of(other),
        "before_at": layers.index(other) + 1 if other in layers else 0,
        "shares_inside": () if has_others else tuple(_shares_inside([operation for operation, _ in made])),
        "noise": type(noise).__name__ if noise else "",
        "noise_at": layers.index(noise) + 1 if noise in layers else 0,
        "can_be_set": can_be_set,
        "replaced": -1 if has_others else _replaced(layers, [operation for operation, _ in made]),
    }


def held_in(model: keras.Model, last: keras.layers.Layer) -> dict[str, Any]:
    """Return how Python reaches the layer that gives the output of a subclassed model, where its activation can be set.

    It is an attribute of the model, or the last layer of a sequential model that is one.
    """
    if getattr(model, "inputs", None) or not hasattr(last, "activation") or isinstance(last, LAYERS.RNN):
        return {}
    for name, part in vars(model).items():
        is_sequential = isinstance(part, keras.Sequential)
        if (part.layers[-1:] == [last]) if is_sequential else part is last:
            return {"can_be_set": True, "reached_by": f"model.{name}{'.layers[-1]' * is_sequential}"}
    return {}


def _replaced(layers: list[Any], operations: list[Any]) -> int:
    """Return how many of the last layers another last layer takes the place of; see `Output`.

    Args:
        layers: The layers of the model, the last first.
        operations: What has given the output, likewise.
    """
    for place, (layer, operation) in enumerate(zip(layers, operations, strict=False)):
        inner = layer.layer if isinstance(layer, LAYERS.TimeDistributed) else layer
        if layer is operation and isinstance(inner, LIKE_DENSE):
            return place + 1
        if layer is not operation or not (isinstance(layer, RANDOM) or _is_alone(layer)):
            is_behind = layer is operation and isinstance(layer, (LAYERS.RNN, LAYERS.Bidirectional, *POOLING))
            return place if place or is_behind else -1
    return -1


def _shares_inside(operations: list[Any]) -> Iterator[str]:
    """Yield the names of the layers that end with a softmax over their units, which a layer with weights is given.

    What gives an output of its own, or is multiplied, is no such layer: the operations follow one another.

    Args:
        operations: Those that have given an output, the last first.
    """
    has_weights = False
    for operation in operations:
        if has_weights and isinstance(operation, LIKE_DENSE) and _activation_of(operation) == "softmax":
            yield operation.name
        if not isinstance(operation, (LAYERS.Dropout, LAYERS.BatchNormalization, *OF_SHAPE, *POOLING)):
            has_weights = isinstance(operation, LIKE_DENSE)


def _outputs_of(model: keras.Model) -> list[Tensor]:
    """Return the symbolic outputs of a model; none of a subclassed one."""
    return keras.tree.flatten(getattr(model, "outputs", None) or [])


def _operations(model: keras.Model, place: int = 0) -> Iterator[tuple[Any, Tensor]]:
    """Yield the operations that have given an output, and what they gave, the last first.

    It ends with one of several inputs. Of a subclassed model none is known.
    """
    tensors = _outputs_of(model)[place : place + 1]
    while len(tensors) == 1 and (found := keras_private.source_of(tensors[0])):
        yield found[0], tensors[0]
        tensors = found[1]


def _is_of_shape(operation: Any) -> bool:
    """Whether it only gives another shape."""
    return isinstance(operation, OF_SHAPE) or _is_operation(operation, *OPERATIONS_OF_SHAPE)


def _is_alone(operation: Any) -> bool:
    """Whether it is an activation that is known, without weights."""
    return bool(_activation_of(operation)) and not getattr(operation, "weights", None)


def name_of_activation(layer: keras.layers.Layer) -> str:
    """Return the name of a layer's activation, one of `RANGES`; "" where it has none, or one of the user's own."""
    if isinstance(layer, LAYERS.RNN | LAYERS.Bidirectional):
        return ""
    if isinstance(layer, LAYERS.TimeDistributed):
        return name_of_activation(layer.layer)
    if isinstance(layer, LAYERS.Softmax):
        return "softmax" if layer.axis in (-1, [-1], (-1,)) else ""
    if isinstance(layer, LAYERS.ReLU):
        is_plain = not layer.negative_slope and layer.max_value is None and not layer.threshold
        return "relu" if is_plain else ""
    function = getattr(layer, "activation", None)
    name = _name_of(function)
    if name == "linear" and not is_weighted(layer):
        return ""  # such as one that only changes the type of what another layer has given
    return name if name in RANGES else ""


def _activation_of(operation: Any) -> str:
    """Return the name of the activation that an operation or a layer is, one of `RANGES`; "" for others."""
    if isinstance(operation, LAYERS.Lambda):
        function = operation.function
        name = getattr(function, "__name__", "")
        return name if is_of_keras(function) and name in RANGES else ""
    if isinstance(operation, keras.layers.Layer):
        return name_of_activation(operation)
    name = ACTIVATIONS.get(type(operation).__name__, "") if is_of_keras(type(operation)) else ""
    return "" if name == "softmax" and getattr(operation, "axis", -1) != -1 else name


def _limits_of(operation: Any) -> tuple[float, float]:
    """Return what an operation or a layer without a known activation can give; NaN where it is not known."""
    if isinstance(operation, LAYERS.ReLU) and not operation.threshold:
        largest = math.inf if operation.max_value is None else float(operation.max_value)
        return (-math.inf if operation.negative_slope else 0.0), largest
    if isinstance(operation, LAYERS.UnitNormalization):
        return -1.0, 1.0
    if isinstance(operation, LAYERS.RNN):
        return _limits_of_cell(operation.cell)
    if _is_operation(operation, "Clip"):
        with contextlib.suppress(TypeError, ValueError):
            return float(operation.x_min), float(operation.x_max)
    return NAN, NAN


def _limits_of_cell(cell: Any) -> tuple[float, float]:
    """Return what a recurrent cell of Keras can give: its activation, of which gates from 0 to 1 let a part through."""
    low, high = RANGES.get(_name_of(getattr(cell, "activation", None)), (NAN, NAN))
    if isinstance(cell, LAYERS.SimpleRNNCell):
        return low, high
    gate = RANGES.get(_name_of(getattr(cell, "recurrent_activation", None)))
    if isinstance(cell, LAYERS.LSTMCell | LAYERS.GRUCell) and gate == (0.0, 1.0):
        return min(low, 0.0), max(high, 0.0)
    return NAN, NAN


def _name_of(function: Any) -> str:
    """Return the name of an activation of Keras; "" of one of the user's own."""
    return getattr(function, "__name__", "") if is_of_keras(function) else ""


def is_of_keras(function: Any) -> bool:
    """Whether a function or a class is one of Keras."""
    return getattr(function, "__module__", "").startswith("keras.")


def _is_operation(thing: Any, *names: str) -> bool:
    """Whether it is one of these operations of Keras, whose classes are private."""
    return type(thing).__name__ in names and is_of_keras(type(thing))
