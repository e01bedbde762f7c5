"""Where a fault begins: in which examples and in which layer, found by one pass over the batch after the fact."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from ..._batches import examples_of
from ..._types import Data, Tree
from ...curvature.objective import Objective
from ...integration import backend, keras_private
from ...integration.untouched import untouched
from ...monitors.probe import recording

MOST_ALONE = 256
"""Examples of which each gradient is taken by itself, at most."""
STANDS_OUT = 10.0
"""Times the median loss of a batch beyond which that of an example is named as the cause of a spike."""


EXAMINED = 16
"""Steps whose batch is examined; of further ones only what the data hold is."""


class Origin(NamedTuple):
    """Where a fault begins.

    Args:
        place: `"x"`, `"y"` or `"sample_weight"` where the data hold what is not finite; `"forward"`, `"loss"` or
            `"backward"` where it arises there; None where it was not found.
        layer: The name of the layer; None for none.
        examples: Which examples of the batch, counted from 0; [] where no single one stands out.
    """

    place: str | None = None
    layer: str | None = None
    examples: Sequence[int] = ()


def found_origin(model: keras.Model, data: Data, is_spike: bool, before: int) -> Origin:
    """Return where a fault begins, after so many others; an empty origin where the batch is not known (None)."""
    if data is None:
        return Origin()
    if before >= EXAMINED:
        return origin_in(data)
    try:
        return origin_of(model, data, is_spike)
    except Exception as error:  # whatever the model does with the batch, the training goes on
        return Origin(f"not found, {type(error).__name__}: {keras_private.first_sentence(error)}")


def origin_of(model: keras.Model, data: Data, is_spike: bool) -> Origin:
    """Return where the fault in the step on a batch begins; the model stays as it is.

    Args:
        model: The model, with the weights that the step began from.
        data: The batch, as the training step was given it.
        is_spike: Whether all was finite, but too large.
    """
    in_data = origin_in(data)
    if in_data.place is not None:
        return in_data
    parts = x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    objective = Objective(model, x, y, sample_weight=sample_weight, training=True, watches=True)
    objective.refuse_effects()
    values = [backend.as_tensor(v) for v in objective.variables]
    layers = [leaf for leaf in keras_private.leaves_of(model) if leaf is not model] or [model]
    with recording(layers, lambda tensor: None) as calls:
        outputs = objective.evaluate(values).outputs
    size = examples_of(parts)
    for call in calls:
        if not np.isfinite(_array(call.outputs)).all():
            return Origin("forward", call.layer.name, _rows_not_finite(call.outputs, size))
    losses = _losses(objective, outputs, size)
    if not np.isfinite(losses).all():
        return Origin("loss", None, np.flatnonzero(~np.isfinite(losses)).tolist())
    order = [call.layer.name for call in calls]
    return _spike(objective, values, losses) if is_spike else _backward(objective, values, size, order)


def origin_in(data: Data) -> Origin:
    """Return which examples of a batch hold what is not finite; an empty origin where none does."""
    parts = keras.utils.unpack_x_y_sample_weight(data)
    for name, part in zip(("x", "y", "sample_weight"), parts, strict=True):
        if broken := _rows_not_finite(part, examples_of(parts)):
            return Origin(name, None, broken)
    return Origin()


def _array(tensor: Any) -> np.ndarray:
    """Return a tensor as an array of a type that NumPy can test; of bfloat16 it is float32."""
    if keras.backend.standardize_dtype(tensor.dtype) == "bfloat16":
        tensor = keras.ops.cast(tensor, "float32")
    array = np.asarray(tensor)
    return array if array.dtype.kind in "fc" else np.zeros(0)


def _rows_not_finite(tree: Tree, size: int) -> list[int]:
    """Return the examples of which an array holds what is not finite; all where the arrays have no such axis."""
    broken = np.zeros(size, bool)
    for part in keras.tree.flatten(tree):
        bad = np.zeros(0) if part is None else ~np.isfinite(_array(part))
        if bad.ndim and len(bad) == size:
            broken |= bad.reshape(size, -1).any(axis=1)
    return np.flatnonzero(broken).tolist()


def _losses(objective: Objective, outputs: Tree, size: int) -> np.ndarray:
    """Return the loss of each example, given what the model has put out."""
    with untouched(objective.model, *keras_private.losses_of(objective.model)), keras.StatelessScope():
        return np.array([_loss(objective, outputs, slice(i, i + 1)) for i in range(size)])


def _loss(objective: Objective, outputs: Tree, rows: slice) -> float:
    batch = keras_private.Batch(*(_rows(part, rows) for part in objective.data))
    loss = keras_private.compute_loss(objective.model, batch, _rows(outputs, rows), training=True)
    return float(keras.ops.cast(loss, "float32"))


def _rows(tree: Tree, rows: slice) -> Tree:
    return keras.tree.map_structure(lambda a: None if a is None else a[rows], tree)


def _gradients(objective: Objective, values: list[Any], data: Tree = None) -> dict[str, float]:
    """Return the norm of the gradient of each layer's own variables, by the name of the layer."""
    owners = keras_private.owners_in(objective.model)
    found: dict[str, float] = {}
    for variable, g in zip(
        objective.variables, backend.gradients(lambda v: objective.value_at(v, data), values), strict=True
    ):
        name = getattr(owners.get(id(variable)), "name", variable.path)
        found[name] = float(np.hypot(found.get(name, 0.0), np.linalg.norm(_array(g).astype("float64"))))
    return found


def _spike(objective: Objective, values: list[Any], losses: np.ndarray) -> Origin:
    """Return the layer with the largest gradient, and the examples whose loss stands out."""
    norms = _gradients(objective, values)
    usual = np.median(losses)
    out = np.flatnonzero((losses > STANDS_OUT * usual) & (usual > 0))
    return Origin("backward", max(norms, key=lambda name: norms[name]), out[np.argsort(-losses[out])].tolist())


def _backward(objective: Objective, values: list[Any], size: int, order: list[str]) -> Origin:
    """Return the layer nearest the loss whose gradient is not finite, and the examples that make it so alone."""
    broken = {name for name, norm in _gradients(objective, values).items() if not np.isfinite(norm)}
    if not broken:
        return Origin()
    place = {name: i for i, name in enumerate(order)}
    alone = [
        i
        for i in range(min(size, MOST_ALONE))
        if not np.isfinite(list(_gradients(objective, values, _rows(objective.data, slice(i, i + 1))).values())).all()
    ]
    return Origin("backward", max(broken, key=lambda name: place.get(name, -1)), alone if len(alone) < size else [])
