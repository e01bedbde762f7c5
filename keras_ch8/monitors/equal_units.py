"""Units of a layer that start as copies of one another, and get equal gradients."""

import keras
import numpy as np

EQUAL = 1e-4
"""A difference of two gradients up to this fraction of the largest entry is rounding."""
LAYERS = keras.layers


def copies_in(layer: keras.layers.Layer, slopes: dict[int, np.ndarray], columns: np.ndarray) -> int:
    """Return the units of a layer that are copies of others by all of its matrices; 0 where no axis counts its units.

    The gates of a recurrent layer stand side by side on the last axis of its matrices. Of one that goes both ways each
    way is looked at by itself. Of a layer of another kind the matrices count that have a column for each unit, where
    all units give the same.

    Args:
        layer: The layer.
        slopes: The gradient of each weight, by its `id`.
        columns: What each unit gives.
    """
    if isinstance(layer, LAYERS.Bidirectional):
        halves = np.array_split(columns, 2, axis=1)
        ways = zip((layer.forward_layer, layer.backward_layer), halves, strict=True)
        least = min(copies_in(one, slopes, half) for one, half in ways)
        return 2 * least + (least > 0)
    one_axis = LAYERS.Dense | LAYERS.Conv1D | LAYERS.Conv2D | LAYERS.Conv3D | LAYERS.EinsumDense | LAYERS.Embedding
    cell, units = getattr(layer, "cell", None), columns.shape[1]
    if not isinstance(cell, LAYERS.SimpleRNNCell | LAYERS.LSTMCell | LAYERS.GRUCell):
        cell = None
    is_known = cell is not None or isinstance(layer, one_axis)
    if not is_known and np.ptp(columns, axis=1).max(initial=0.0) > EQUAL * np.abs(columns).max(initial=0.0):
        return 0
    found = []
    for variable in layer.trainable_variables:
        if len(variable.shape) > 1 and id(variable) in slopes and (is_known or variable.shape[-1] == units):
            theta, slope = variable.numpy(), slopes[id(variable)]
            gates = theta.shape[-1] // cell.units if cell is not None else 1
            found.append(copies(*(_by_gate(part, gates) for part in (theta, slope))))
    return min(found, default=0)


def _by_gate(matrix: np.ndarray, gates: int) -> np.ndarray:
    """Return a matrix with the gates of each unit below each other: its last axis counts the units."""
    units = matrix.shape[-1] // gates
    return matrix.reshape(-1, units) if gates == 1 else matrix.reshape(-1, gates, units).reshape(-1, units)


def copies(theta: np.ndarray, slope: np.ndarray) -> int:
    """Return the number of units, on the last axis, with weights and gradient of one before them."""
    units = theta.shape[-1]
    if len(np.unique(theta.reshape(-1, units)[0])) == units:
        return 0
    theta, slope = (np.asarray(a, "float64").reshape(-1, units) for a in (theta, slope))
    _, first, group = np.unique(theta, axis=1, return_index=True, return_inverse=True)
    difference = np.abs(slope - slope[:, first[group.ravel()]]).max(axis=0, initial=0.0)
    equal = difference <= EQUAL * np.abs(slope).max(initial=0.0)
    return int(equal.sum()) - len(first)
