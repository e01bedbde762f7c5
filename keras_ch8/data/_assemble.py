"""Batches as Keras wants them: cast, weighted, packed."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ..integration import backend
from ._examples import Examples, is_on_disk


def dataset_of(examples: Examples, rows: Any, prefetch: int) -> Any:
    """Return a data set of batches, packed for `fit`; `rows` gives numbers of examples, with their weights or without.

    Floats are cast as `fit` casts those of arrays.
    """
    arrays = [array for array in keras.tree.flatten(examples.structure) if array is not None]
    dtypes = [keras.config.floatx() if a.dtype.kind == "f" else a.dtype.name for a in arrays]

    def assemble(tensors: Sequence[Any], weights: Any = None) -> Any:
        left = iter(tensors)
        x, y, sample_weight = (
            keras.tree.map_structure(lambda _: next(left), part, none_is_leaf=False) for part in examples.structure
        )
        sample_weight = _weigh(y, sample_weight, weights)
        packed = keras.utils.pack_x_y_sample_weight(x, y, sample_weight)
        return keras.tree.lists_to_tuples(packed)  # a list is one tensor for tf.data

    return backend.gathered(rows, arrays, dtypes, [is_on_disk(a) for a in arrays], assemble, prefetch)


def _weigh(y: Any, sample_weight: Any, weights: Any) -> Any:
    """Return the sample weights, one for each target, times one factor for each example.

    A loss has an entry for each example, or for each of its time steps, and then Keras would take a flat vector for
    factors of time steps. With as many axes as its target, a factor fits either.
    """
    if sample_weight is None:
        return None if weights is None else keras.tree.map_structure(lambda target: _along(weights, target), y)
    if not keras.tree.is_nested(sample_weight):
        sample_weight = keras.tree.map_structure(lambda _: sample_weight, y)
    if weights is None:
        return sample_weight
    return keras.tree.map_structure(
        lambda given: ops.cast(given, weights.dtype) * _along(weights, given), sample_weight
    )


def _along(weights: Any, tensor: Any) -> Any:
    """Return the weights with as many axes as a tensor."""
    return ops.reshape(weights, [-1] + [1] * (len(tensor.shape) - 1))
