"""Both layers of batch normalization, ours and Keras's."""

from typing import Any

import keras

from .. import _checks
from ..integration import keras_private
from ._batch_normalization import BatchNormalization

NORMALIZING = (keras.layers.BatchNormalization, BatchNormalization)


def trained_in(model: Any) -> list[Any]:
    """Return the layers of batch normalization of a model, nested ones too, that are built and to be trained."""
    _checks.keras_3(model)
    leaves = {id(leaf): leaf for leaf in keras_private.leaves_of(model)}.values()
    return [leaf for leaf in leaves if isinstance(leaf, NORMALIZING) and leaf.trainable and leaf.built]


def statistics_of(layer: Any) -> tuple[Any, Any]:
    """Return the mean and the variance that a layer of batch normalization uses in inference."""
    if isinstance(layer, BatchNormalization):
        return layer.inference_statistics(layer.moving_mean.dtype)
    return layer.moving_mean, layer.moving_variance
