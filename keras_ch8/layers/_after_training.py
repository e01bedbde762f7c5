"""What is done with the batch normalization of a trained model: its statistics estimated again, and folding it away."""

import contextlib
import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from .. import _batches, _checks, _objects
from .._describe import section
from .._sandbox import put_values, values_of
from .._types import Data, Tensor, Tree
from ..integration import backend, registry
from ..symmetries.wiring import edges_of
from .batch_normalization import NORMALIZING, BatchNormalization, trainable_normalizations


@section("8.7.1")
def recalibrate(model: keras.Model, data: Data, batches: int = 100, *, batch_size: int = 32, seed: int = 0) -> None:
    r"""Recompute the statistics of batch normalization for the current weights (section 8.7.1).

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
            "that is built and trainable. Build it, or set `trainable` on its layers."
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


# --- folding ---------------------------------------------------------------------------------------------------------


LAST = (layers.Dense, layers.Conv1D, layers.Conv2D, layers.Conv3D, layers.SeparableConv1D, layers.SeparableConv2D)
"""Layers with their outputs on the last axis of the kernel, which is the weight before the bias."""
TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)


@section("8.7.1")
def fold(model: keras.Model) -> keras.Model:
    r"""Return a model for inference without the batch normalization after Dense and convolution layers (section 8.7.1).

    For each unit of such a layer:

    .. math::

        W &\leftarrow \frac{W \gamma}{\sigma} \\
        b &\leftarrow \frac{(b - \mu) \gamma}{\sigma} + \beta

    with the stored mu and sigma: the same function at inference, with less to compute. It holds where the units go into
    the batch normalization and nowhere else, without an activation before it. Any other batch normalization, and one
    inside a layer that is not Keras's own, is left as it is. Works for Keras's layer and the one of this suite, and in
    models inside the model. The new model shares nothing with the original.

    Args:
        model: A built `keras.Sequential` or `keras.Model(inputs, outputs)`.

    Returns:
        A new model.

    Raises:
        ValueError: If nothing can be folded, or if the model is another kind of model.

    Example:
        >>> dense, norm = keras.layers.Dense(2, use_bias=False), keras_ch8.layers.BatchNormalization()
        >>> model = keras.Sequential([keras.Input((3,)), dense, norm, keras.layers.ReLU()])
        >>> folded = keras_ch8.layers.fold(model)
        >>> [type(layer).__name__ for layer in folded.layers]
        ['Dense', 'ReLU']

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.7.1; Jacob et al. (2018), Quantization and
        Training of Neural Networks.
    """
    _objects.model(model)
    folded, count = _folded(model)
    if not count:
        kinds = [type(layer).__name__ for layer in model.layers]
        raise ValueError(
            "A batch normalization can be folded into a Dense or convolution layer whose output goes into it alone, "
            f"without an activation and along the same axis. Received: {model.name!r}, of {', '.join(kinds)}, which "
            "has none such. Put the activation into a layer of its own, after the batch normalization."
        )
    return folded


def _folded(model: keras.Model) -> tuple[keras.Model, int]:
    """Return the new model and how many batch normalizations were folded."""
    if not model.built:
        raise ValueError(
            f"A model must be built before its weights can be folded. Received: {model.name!r}. Call it "
            "on a batch first."
        )
    pairs = _pairs_of(model)
    inner = {layer.name: _folded(layer) for layer in model.layers if isinstance(layer, keras.Model)}
    gone = {norm.name for norm in pairs.values()}

    def new(layer: keras.layers.Layer) -> keras.layers.Layer:
        if layer.name in inner:
            return inner[layer.name][0]
        biased = {"use_bias": True} if layer.name in pairs else {}
        return type(layer).from_config(layer.get_config() | biased)

    names = {id(layer.output): layer.name for layer in model.layers if isinstance(layer, layers.InputLayer)}
    inputs = [keras.Input(batch_shape=t.shape, dtype=t.dtype, name=names.get(id(t))) for t in model.inputs]
    if isinstance(model, keras.Sequential):
        parts = [new(layer) for layer in model.layers if layer.name not in gone]
        folded = keras.Sequential([*inputs, *parts], name=model.name)
    else:
        folded = keras.models.clone_model(
            model,
            input_tensors=keras.tree.pack_sequence_as(model.input, inputs),
            clone_function=new,
            call_function=lambda layer, *args, **kwargs: args[0] if layer.name in gone else layer(*args, **kwargs),
        )
    for layer in model.layers:
        if layer.weights and layer.name not in gone and layer.name not in inner:
            norm = pairs.get(layer.name)
            weights = layer.get_weights() if norm is None else _weights_with(layer, norm)
            folded.get_layer(layer.name).set_weights(weights)
    return folded, len(pairs) + sum(count for _, count in inner.values())


def _pairs_of(model: keras.Model) -> dict[str, keras.layers.Layer]:
    """Return, by the name of the layer before, the batch normalizations that can be folded."""
    edges, by_name = edges_of(model), {layer.name: layer for layer in model.layers}
    users = [name for followers in edges.values() for name in followers]
    pairs = {}
    for name, layer in by_name.items():
        following = by_name.get(edges[name][0]) if len(edges[name]) == 1 else None
        if isinstance(following, NORMALIZING) and users.count(following.name) == 1 and _can_absorb(layer, following):
            pairs[name] = following
    return pairs


def _can_absorb(layer: keras.layers.Layer, norm: keras.layers.Layer) -> bool:
    plain = type(layer) in (*LAST, *TRANSPOSED, *DEPTHWISE) and layer.activation is keras.activations.linear
    if not plain or getattr(layer, "lora_enabled", False) or getattr(layer, "quantization_mode", None) is not None:
        return False
    rank = len(norm.input.shape)
    of_layer = 1 if getattr(layer, "data_format", None) == "channels_first" else rank - 1
    return norm.axis % rank == of_layer


def _weights_with(layer: keras.layers.Layer, norm: keras.layers.Layer) -> list[np.ndarray]:
    statistics = (norm.moving_mean, norm.moving_variance)
    if isinstance(norm, BatchNormalization):
        statistics = norm.inference_statistics(norm.moving_mean.dtype)
    mean, variance = (ops.convert_to_numpy(v).astype("float64") for v in statistics)
    factor = (norm.gamma.numpy() if norm.scale else 1.0) / np.sqrt(variance + norm.epsilon)
    *others, kernel, bias = layer.get_weights() if layer.use_bias else [*layer.get_weights(), 0.0]
    broadcast = factor
    if type(layer) in TRANSPOSED:
        broadcast = factor[:, None]
    elif type(layer) in DEPTHWISE:
        broadcast = factor.reshape(kernel.shape[-2:])
    shifted = (bias - mean) * factor + (norm.beta.numpy() if norm.center else 0.0)
    return [*others, kernel * broadcast, shifted]
