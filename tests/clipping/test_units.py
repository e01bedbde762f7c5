"""Adaptive clipping: which weights make a unit, layer by layer, and what happens to each unit."""

import gc
import json

import keras
import numpy as np
import pytest
from keras import layers

from keras_ch8 import clipping
from keras_ch8 import optimizers as ours
from keras_ch8.clipping.units import unit_axes
from tests.optimizers.algorithms import step

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


@pytest.mark.slow
def test_what_the_garbage_collector_holds_changes_nothing():
    def trained(freeze):
        keras.utils.set_random_seed(0)
        inner = [layers.Conv2DTranspose(3, 3), layers.Flatten(), layers.Dense(1)]
        model = keras.Sequential([keras.Input((4, 4, 1)), *inner])
        freeze()
        model.compile(ours.SGD(0.1, clip=clipping.Adaptive(0.01)), "mse")
        x = np.random.default_rng(0).normal(size=(16, 4, 4, 1)).astype("float32")
        model.fit(x, x.sum(axis=(1, 2)), batch_size=4, epochs=2, shuffle=False, verbose=0)
        return [v.numpy() for v in model.variables]

    free = trained(lambda: None)
    try:
        frozen = trained(gc.freeze)
    finally:
        gc.unfreeze()
    for a, b in zip(free, frozen, strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_the_path_does_not_tell_is_said_by_hand():
    layer = layers.EinsumDense("abc,cde->abde", (None, 4, 5), bias_axes="de")
    layer.build((None, 3, 2))
    kernel, bias = layer.trainable_variables
    rule = clipping.Adaptive(unit_axes={"einsum_dense.*/kernel": [0], "kernel": (0, 1), "/bias$": -1})
    assert unit_axes(kernel) == (0, 1)
    assert rule.units([kernel, bias]) == [(0,), (1,)]
    rng = np.random.default_rng(0)
    w, g = rng.normal(size=(2, 4, 5)).astype("float32"), rng.normal(size=(2, 4, 5)).astype("float32")
    kernel.assign(w)
    step(ours.SGD(1.0, clip=clipping.Adaptive(0.01, unit_axes={"kernel$": 0})), [kernel], [g])
    factor = 0.01 * np.linalg.norm(w, axis=0) / np.linalg.norm(g, axis=0)
    np.testing.assert_allclose(w - kernel.numpy(), g * np.minimum(1, factor), rtol=1e-3, atol=1e-7)


def test_units_by_hand_are_saved_and_compared_and_hashed():
    rule = clipping.Adaptive(unit_axes={"kernel": [0, 1], "bias": 0})
    as_text = json.loads(json.dumps(rule.get_config()))
    for config in (rule.get_config(), as_text):
        again = clipping.Adaptive.from_config(config)
        assert again == rule
        assert hash(again) == hash(rule)
    optimizer = keras.optimizers.deserialize(keras.optimizers.serialize(ours.Adam(clip=rule)))
    assert optimizer.clip == rule != clipping.Adaptive()


def test_axes_that_a_variable_does_not_have_and_patterns_of_nothing_are_told():
    variable = keras.Variable(np.zeros((4, 3)), name="kernel")
    for axes in ((0, 2), (-3,), (0, -2)):
        with pytest.raises(
            ValueError, match=r"Received: unit_axes=.*'kernel' of shape \(4, 3\)\. Give axes from -2 to 1"
        ):
            ours.SGD(clip=clipping.Adaptive(unit_axes={"kern": axes})).build([variable])
    with pytest.warns(UserWarning, match="'kernels', which is found in the path of no variable: kernel"):
        ours.SGD(clip=clipping.Adaptive(unit_axes={"kernels": 0})).build([variable])


@pytest.mark.parametrize("bad", [{"(": 0}, {"a": ()}, {"a": "0"}, {"a": 0.5}, {"a": True}, {1: 0}, {b"a": 0}, ["a"], 3])
def test_units_by_hand_that_are_none_are_refused(bad):
    with pytest.raises(ValueError, match=r"`unit_axes` says .*Received: unit_axes=.*Write for example"):
        clipping.Adaptive(unit_axes=bad)


def test_each_unit_is_clipped_to_its_share_and_biases_at_zero_move():
    rng = np.random.default_rng(0)
    kernel, bias = rng.normal(size=(3, 4)).astype("float32"), np.zeros(4, "float32")
    grads = [(10.0 ** np.arange(-4, 0) * rng.normal(size=(3, 4))).astype("float32"), np.ones(4, "float32")]
    variables = [keras.Variable(kernel), keras.Variable(bias)]
    step(ours.SGD(1.0, clip=clipping.Adaptive(0.01, 1e-3)), variables, grads)
    w, g = np.linalg.norm(kernel, axis=0), np.linalg.norm(grads[0], axis=0)
    factor = np.minimum(1, 0.01 * np.maximum(w, 1e-3) / g)
    assert 0 < (factor < 1).sum() < 4
    np.testing.assert_allclose(kernel - variables[0].numpy(), grads[0] * factor, rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(variables[1].numpy(), -np.ones(4) / 2 * 1e-5, rtol=1e-5)


def test_it_is_overflow_safe():
    variable = keras.Variable(np.full((2, 2), 3.0, "float32"))
    step(ours.SGD(1.0, clip=clipping.Adaptive(0.1)), [variable], [np.full((2, 2), 1e20, "float32")])
    np.testing.assert_allclose(variable.numpy(), 3.0 - 0.3, rtol=1e-5)
