"""Adaptive clipping: which weights make a unit, layer by layer, and what happens to each unit."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_ch8 import clipping
from keras_ch8 import optimizers as ours
from keras_ch8.clipping._units import unit_axes
from keras_ch8.integration import keras_private
from tests.optimizers.boxes import step

# layer, shape of a batch of its input without the first axis, {name of a variable: the axes of one unit}
LAYERS = [
    (layers.Dense(4), (3,), {"kernel": (0,), "bias": (0,)}),
    (layers.Conv1D(4, 3), (8, 2), {"kernel": (0, 1), "bias": (0,)}),
    (layers.Conv2D(4, 3), (8, 8, 2), {"kernel": (0, 1, 2), "bias": (0,)}),
    (layers.Conv3D(4, 2), (4, 4, 4, 2), {"kernel": (0, 1, 2, 3), "bias": (0,)}),
    (layers.Conv2DTranspose(4, 3), (8, 8, 2), {"kernel": (0, 1, 3), "bias": (0,)}),
    (layers.DepthwiseConv1D(3), (8, 2), {"kernel": (0,), "bias": (0,)}),
    (layers.DepthwiseConv2D(3), (8, 8, 2), {"kernel": (0, 1), "bias": (0,)}),
    (layers.SeparableConv2D(4, 3), (8, 8, 2),
     {"depthwise_kernel": (0, 1), "pointwise_kernel": (0, 1, 2), "bias": (0,)}),
    (layers.EinsumDense("abc,cde->abde", (None, 4, 5), bias_axes="de"), (3, 2), {"kernel": (0,), "bias": (0, 1)}),
    (layers.SimpleRNN(4), (5, 3), {"kernel": (0,), "recurrent_kernel": (0,), "bias": (0,)}),
    (layers.LSTM(4), (5, 3), {"kernel": (0,), "recurrent_kernel": (0,), "bias": (0,)}),
    (layers.GRU(4), (5, 3), {"kernel": (0,), "recurrent_kernel": (0,), "bias": (0, 1)}),
    (layers.BatchNormalization(), (3,), {"gamma": (0,), "beta": (0,)}),
]  # fmt: skip


@pytest.mark.parametrize("layer, shape, expected", LAYERS, ids=lambda v: type(v).__name__)
def test_the_axes_of_one_unit(layer, shape, expected):
    layer.build((None, *shape))
    variables = layer.trainable_variables
    owner = keras_private.layers_of(variables)
    assert {v.name: unit_axes(v, owner[id(v)]) for v in variables} == expected


def test_a_row_of_an_embedding_is_a_unit_and_a_free_matrix_has_columns():
    layer = layers.Embedding(5, 3)
    layer.build((None, 2))
    (table,) = layer.trainable_variables
    assert unit_axes(table, keras_private.layers_of([table])[id(table)]) == (1,)
    assert unit_axes(keras.Variable(np.zeros((4, 3))), None) == (0,)


def test_attention_kernels_are_contracted_over_their_inputs():
    layer = layers.MultiHeadAttention(num_heads=2, key_dim=3)
    layer.build((None, 5, 4), (None, 5, 4))
    owner = keras_private.layers_of(layer.trainable_variables)
    axes = {v.path.split("/")[-2]: unit_axes(v, owner[id(v)]) for v in layer.trainable_variables if v.name == "kernel"}
    assert axes == {"query": (0,), "key": (0,), "value": (0,), "attention_output": (0, 1)}


def test_each_unit_is_clipped_to_its_share_and_biases_at_zero_move():
    rng = np.random.default_rng(0)
    kernel, bias = rng.normal(size=(3, 4)).astype("float32"), np.zeros(4, "float32")
    grads = [(10.0 ** np.arange(-4, 0) * rng.normal(size=(3, 4))).astype("float32"), np.ones(4, "float32")]
    variables = [keras.Variable(kernel), keras.Variable(bias)]
    step(ours.SGD(1.0, clip=clipping.adaptive(0.01, 1e-3)), variables, grads)
    w, g = np.linalg.norm(kernel, axis=0), np.linalg.norm(grads[0], axis=0)
    factor = np.minimum(1, 0.01 * np.maximum(w, 1e-3) / g)
    assert 0 < (factor < 1).sum() < 4
    np.testing.assert_allclose(kernel - variables[0].numpy(), grads[0] * factor, rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(variables[1].numpy(), -np.ones(4) / 2 * 1e-5, rtol=1e-5)


def test_it_is_overflow_safe():
    variable = keras.Variable(np.full((2, 2), 3.0, "float32"))
    step(ours.SGD(1.0, clip=clipping.adaptive(0.1)), [variable], [np.full((2, 2), 1e20, "float32")])
    np.testing.assert_allclose(variable.numpy(), 3.0 - 0.3, rtol=1e-5)
