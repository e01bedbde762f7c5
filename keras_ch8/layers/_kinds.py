"""Both layers of batch normalization, ours and Keras's."""

from typing import Any

import keras

from ._batch_normalization import BatchNormalization

NORMALIZING = (keras.layers.BatchNormalization, BatchNormalization)


def statistics_of(layer: Any) -> tuple[Any, Any]:
    """Return the mean and the variance that a layer of batch normalization uses in inference."""
    if isinstance(layer, BatchNormalization):
        return layer.inference_statistics(layer.moving_mean.dtype)
    return layer.moving_mean, layer.moving_variance
