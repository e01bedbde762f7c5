"""Batch normalization folded into the layer before it."""

import keras
import numpy as np
from keras import layers, ops

from .. import _objects
from .._describe import section
from ..symmetries.wiring import edges_of
from .batch_normalization import NORMALIZING, BatchNormalization

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

    with the stored mu and sigma: the same function in inference, with less to compute. It holds where the units go into
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
        raise ValueError(f"Only a built model has weights to fold. Received: {model.name!r}. Call it on a batch first.")
    pairs, inner = _pairs_of(model), {}
    for layer in model.layers:
        if isinstance(layer, keras.Sequential | keras.Model):
            inner[layer.name] = _folded(layer)
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
