"""The statistics of the batch normalization of a trained model, estimated again."""

import contextlib
import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from .. import _batches, _checks, _objects
from .._describe import section
from .._sandbox import put_values, values_of
from .._types import Data, Tensor, Tree
from ..integration import backend, registry
from .batch_normalization import BatchNormalization, trainable_normalizations


@section("8.7.1")
def recalibrate(model: keras.Model, data: Data, batches: int = 100, *, batch_size: int = 32, seed: int = 0) -> None:
    r"""Estimate the statistics of batch normalization again, for the present weights (section 8.7.1).

    Over k batches, with m_i entries in batch i, for each feature of each layer:

    .. math::

        M &\leftarrow m_1 + \ldots + m_k \\
        \text{mean} &\leftarrow \frac{m_1 \mu_1 + \ldots + m_k \mu_k}{M} \\
        \text{variance} &\leftarrow \frac{m_1 (\sigma_1^2 - \delta + (\mu_1 - \text{mean})^2) + \ldots + m_k
          (\sigma_k^2 - \delta + (\mu_k - \text{mean})^2)}{M}

    which are exactly mean and variance of all these entries as one set, for any batches: where each example occurs
    once, those of the data. (The mean of the variances alone would leave out the differences between the batches: for
    independent entries, a fraction 1 / m of the variance.) The sums are computed in float64.

    Moving statistics lag behind the weights, and are wrong for weights that were never trained on: averages of
    weights, points between two minima. The model runs as in training, with Dropout; everything but the statistics is
    restored. Works for Keras's layer and the one of this suite, but for those with `trainable=False`. A layer that is
    called several times has the statistics of its last call. Masked entries do not count. Use batches as large as
    those of the training: the input of a layer depends on the normalization before it. Of arrays the examples that
    do not fill a batch are left out, different ones in every pass.

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
    count = _checks.count("batches", batches, 1, meaning="the number of batches to estimate from", fix="Try 100.")
    batch_size = _checks.count("batch_size", batch_size, 1, meaning="the examples in a batch", fix="Try 32.")
    _checks.seed(seed)
    if not _batches.is_data_set(data):
        _objects.examples(data=data)
        _objects.inputs("data", data, _objects.model(model))
    layers = trainable_normalizations(_objects.model(model))
    if not layers:
        raise ValueError(
            f"`recalibrate` needs a model with batch normalization. Received: {model.name!r}, which has no such layer "
            "that is built and trainable. Build it, or set `trainable` of its layers."
        )
    ours = [layer for layer in layers if isinstance(layer, BatchNormalization)]
    found: list[list[tuple[np.ndarray, np.ndarray, np.ndarray]]] = [[] for _ in layers]
    numbers = [backend.scalar(0.0, "float64") for _ in layers]
    run = backend.trace(lambda x: model(x, training=True))
    with contextlib.ExitStack() as put_back:
        put_back.callback(put_values, model.non_trainable_variables, values_of(model.non_trainable_variables))
        for layer, number in zip(layers, numbers, strict=True):
            put_back.callback(setattr, layer, "momentum", layer.momentum)
            layer.momentum = 0.0
            counted = functools.partial(_counted_call, layer, layer.call, number)
            put_back.enter_context(registry.replaced(layer, call=counted))
        for x, _, _ in itertools.islice(_batches.batches(data, None, None, batch_size, seed), count):
            for layer in ours:
                layer.reset_statistics()
            run(x)
            for layer, number, own in zip(layers, numbers, found, strict=True):
                own.append((number.numpy(), layer.moving_mean.numpy(), layer.moving_variance.numpy()))
    for layer, own in zip(layers, found, strict=True):
        that_count = [batch for batch in own if batch[0] > 0]
        if that_count:
            mean, variance = _of_all(that_count)
            if layer in ours:
                layer.set_statistics(mean, variance, batches=len(that_count))
            else:
                layer.moving_mean.assign(mean)
                layer.moving_variance.assign(variance)


def _of_all(batches: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and variance of all entries, given number, mean and variance of each batch (total variance)."""
    numbers, means, variances = (np.array(part, "float64") for part in zip(*batches, strict=True))
    fraction = (numbers / numbers.sum())[:, None]
    mean = np.sum(fraction * means, axis=0)
    return mean, np.sum(fraction * (variances + (means - mean) ** 2), axis=0)


def _counted_call(
    layer: keras.layers.Layer,
    call: Callable[..., Tree],
    count: keras.Variable,
    x: Tensor,
    *args: Any,
    mask: Tensor | None = None,
    **kw: Any,
) -> Tree:
    """Call a layer, and store how many entries of each feature count."""
    number = ops.cast(ops.size(x) // x.shape[layer.axis], "float64")
    if mask is not None:
        number = number * ops.mean(ops.cast(mask, "float64"))
    count.assign(number)
    return call(x, *args, mask=mask, **kw)
