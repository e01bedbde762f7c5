"""The statistics of batch normalization, taken anew."""

import itertools
from typing import Any

import numpy as np

from .. import _batches, _checks
from ..integration import backend
from ._batch_normalization import BatchNormalization
from ._kinds import trained_in


def recalibrate(model: Any, data: Any, batches: int = 100, *, batch_size: int = 32, seed: int = 0) -> None:
    """Estimate the statistics of batch normalization anew, at the weights as they are (section 8.7.1).

    Over k batches, for each feature of each layer:

        mean     <- (mu_1 + ... + mu_k) / k
        variance <- (sigma_1^2 + ... + sigma_k^2) / k - delta

    Moving statistics lag behind the weights, and are of no use for weights that were never trained on: averages of
    weights, points between two minima. The model runs as in training, so Dropout is at work; but the statistics all is
    put back. Works for Keras's layer and the one of this suite, but for those with `trainable=False`. A layer that is
    called several times has the statistics of its last call. Take batches as large as those of the training.

    Args:
        model: A built model.
        data: Inputs to the model: arrays, a `tf.data.Dataset` or a `keras.utils.PyDataset`, as for `fit`.
        batches: Number k of batches. Defaults to `100`.
        batch_size: Examples in a batch, of arrays. Defaults to `32`.
        seed: Seed of the order of arrays. Defaults to `0`.

    Raises:
        TypeError: If `data` is a generator.
        ValueError: If the model has no layer of batch normalization to train, or an argument lies outside its range.

    Example:
        >>> model = keras.Sequential([keras.Input((1,)), keras_ch8.layers.BatchNormalization()])
        >>> keras_ch8.layers.recalibrate(model, np.array([[1.0], [3.0]]), batches=1)
        >>> [float(v.numpy()[0]) for v in (model.layers[0].moving_mean, model.layers[0].moving_variance)]
        [2.0, 1.0]

    References:
        Ioffe and Szegedy (2015), Batch Normalization, algorithm 2; Izmailov et al. (2018), Averaging Weights Leads to
        Wider Optima and Better Generalization.
    """
    count = _checks.count("batches", batches, 1, meaning="the number of batches to estimate from", mend="Try 100.")
    batch_size = _checks.count("batch_size", batch_size, 1, meaning="the examples in a batch", mend="Try 32.")
    layers = trained_in(model)
    if not layers:
        raise ValueError(
            f"`recalibrate` is for models with batch normalization. Received: {model.name!r}, which has no such layer "
            "that is built and trainable. Build it, or set `trainable` of its layers."
        )
    ours = [layer for layer in layers if isinstance(layer, BatchNormalization)]
    before = [(v, v.numpy()) for v in model.non_trainable_variables]
    momenta = [layer.momentum for layer in layers]
    found: list[list[Any]] = [[] for _ in layers]
    run = backend.trace(lambda x: model(x, training=True))
    try:
        for layer in layers:
            layer.momentum = 0.0
        for x, _, _ in itertools.islice(_batches.batches(data, None, None, batch_size, seed), count):
            for layer in ours:
                layer.reset_statistics()
            run(x)
            for layer, own in zip(layers, found, strict=True):
                if layer not in ours or layer.has_statistics:
                    own.append((layer.moving_mean.numpy(), layer.moving_variance.numpy()))
    finally:
        for variable, value in before:
            variable.assign(value)
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
    for layer, own in zip(layers, found, strict=True):
        if own:
            mean, variance = np.mean(own, axis=0, dtype="float64")
            if layer in ours:
                layer.set_statistics(mean, variance, batches=len(own))
            else:
                layer.moving_mean.assign(mean)
                layer.moving_variance.assign(variance)
