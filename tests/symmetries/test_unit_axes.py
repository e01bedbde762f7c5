"""Which weights make a unit, layer by layer."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_ch8.symmetries.wiring import unit_axes

# layer, shape of a batch of its input without the first axis, {name of a variable: the axes of one unit}
LAYERS = [
    (layers.Dense(4), (3,), {"kernel": (0,), "bias": (0,)}),
    (layers.Conv1D(4, 3), (8, 2), {"kernel": (0, 1), "bias": (0,)}),
    (layers.Conv2D(4, 3), (8, 8, 2), {"kernel": (0, 1, 2), "bias": (0,)}),
    (layers.Conv3D(4, 2), (4, 4, 4, 2), {"kernel": (0, 1, 2, 3), "bias": (0,)}),
    (layers.Conv1DTranspose(4, 3), (8, 2), {"kernel": (0, 2), "bias": (0,)}),
    (layers.Conv2DTranspose(4, 3), (8, 8, 2), {"kernel": (0, 1, 3), "bias": (0,)}),
    (layers.Conv3DTranspose(4, 2), (4, 4, 4, 2), {"kernel": (0, 1, 2, 4), "bias": (0,)}),
    (layers.TimeDistributed(layers.Conv2DTranspose(4, 3)), (2, 8, 8, 2), {"kernel": (0, 1, 3), "bias": (0,)}),
    (layers.SeparableConv1D(4, 3), (8, 2), {"depthwise_kernel": (0,), "pointwise_kernel": (0, 1), "bias": (0,)}),
    (layers.DepthwiseConv1D(3), (8, 2), {"kernel": (0,), "bias": (0,)}),
    (layers.DepthwiseConv2D(3), (8, 8, 2), {"kernel": (0, 1), "bias": (0,)}),
    (layers.SeparableConv2D(4, 3), (8, 8, 2),
     {"depthwise_kernel": (0, 1), "pointwise_kernel": (0, 1, 2), "bias": (0,)}),
    (layers.EinsumDense("ab,bc->ac", (5,), bias_axes="c"), (3,), {"kernel": (0,), "bias": (0,)}),
    (layers.Embedding(5, 3), (2,), {"embeddings": (1,)}),
    (layers.ReversibleEmbedding(5, 3, tie_weights=False), (2,), {"embeddings": (1,), "reverse_embeddings": (0,)}),
    (layers.ConvLSTM2D(3, 2), (4, 6, 6, 2), {"kernel": (0, 1, 2), "recurrent_kernel": (0, 1, 2), "bias": (0,)}),
    (layers.PReLU(), (4, 2), {"alpha": (0,)}),
    (layers.LayerNormalization(axis=(1, 2)), (4, 2), {"gamma": (0,), "beta": (0,)}),
    (layers.SimpleRNN(4), (5, 3), {"kernel": (0,), "recurrent_kernel": (0,), "bias": (0,)}),
    (layers.LSTM(4), (5, 3), {"kernel": (0,), "recurrent_kernel": (0,), "bias": (0,)}),
    (layers.GRU(4), (5, 3), {"kernel": (0,), "recurrent_kernel": (0,), "bias": (0, 1)}),
    (layers.BatchNormalization(), (3,), {"gamma": (0,), "beta": (0,)}),
]  # fmt: skip


@pytest.mark.parametrize("layer, shape, expected", LAYERS, ids=lambda v: type(v).__name__)
def test_the_axes_of_one_unit(layer, shape, expected):
    layer.build((None, *shape))
    variables = layer.trainable_variables
    assert {v.name: unit_axes(v) for v in variables} == expected


def test_a_free_matrix_has_columns_and_a_free_vector_is_a_unit():
    assert unit_axes(keras.Variable(np.zeros((4, 3)))) == (0,)
    assert unit_axes(keras.Variable(np.zeros(4))) == (0,)
    assert unit_axes(keras.Variable(0.0)) == ()


@pytest.mark.parametrize(
    "layer", [layers.MultiHeadAttention(2, 3), layers.MultiHeadAttention(2, 3, output_shape=(3, 4)),
              layers.GroupQueryAttention(4, 2, 2)], ids=["heads", "an output of rank 2", "groups"]
)  # fmt: skip
def test_attention_kernels_are_contracted_over_their_inputs(layer):
    layer.build((None, 5, 4), (None, 5, 4))
    axes = {v.path.split("/")[-2]: unit_axes(v) for v in layer.trainable_variables if v.name == "kernel"}
    assert axes == {"query": (0,), "key": (0,), "value": (0,), "attention_output": (0, 1)}


def test_names_with_a_number_or_a_word_before_them_are_known_in_any_nested_model():
    inner = [
        layers.Conv2DTranspose(2, 3, name="decoder_conv2d_transpose_3"),
        layers.DepthwiseConv2D(3),
        layers.Flatten(),
    ]
    plain = [
        layers.Dense(3, name="query"),
        layers.Dense(3, name="attention_output"),
        layers.Conv2D(2, 3, name="convert"),
    ]
    model = keras.Sequential([keras.Input((8, 8, 2)), plain[2], keras.Sequential(inner), *plain[:2]])
    axes = {v.path.split("/")[-2].rstrip("_0123456789"): unit_axes(v) for v in model.variables if v.name == "kernel"}
    assert axes == {
        "convert": (0, 1, 2), "decoder_conv2d_transpose": (0, 1, 3), "depthwise_conv2d": (0, 1),
        "query": (0,), "attention_output": (0,),
    }  # fmt: skip
