"""A folded model is the same function at inference, for every layer that batch normalization may follow."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_ch8.layers import BatchNormalization, fold

RNG = np.random.default_rng(0)
FLAT, ROWS = RNG.normal(size=(9, 6)), RNG.normal(size=(5, 8, 4))
IMAGES, CUBES = RNG.normal(size=(3, 7, 7, 4)), RNG.normal(size=(2, 5, 5, 5, 3))
BOTH = pytest.mark.parametrize("norm", [BatchNormalization, layers.BatchNormalization], ids=["ours", "Keras's"])


def randomized(model):
    for v in model.weights:
        if "variance" in v.name or len(v.shape) == 0:
            v.assign(RNG.uniform(0.1, 0.9, v.shape))
        else:
            v.assign(RNG.normal(size=v.shape))
    return model


def sequential(x, *parts):
    return randomized(keras.Sequential([keras.Input(x.shape[1:]), *parts]))


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


def differ(model, other, x):
    expected, found = (np.concatenate([np.ravel(y) for y in keras.tree.flatten(m(x))]) for m in (model, other))
    return np.abs(found - expected).max() / np.abs(expected).max()


BEFORE = {
    "dense": (FLAT, lambda: layers.Dense(3)),
    "dense without bias": (FLAT, lambda: layers.Dense(3, use_bias=False)),
    "dense on rows": (ROWS, lambda: layers.Dense(3)),
    "convolution of rows": (ROWS, lambda: layers.Conv1D(3, 2)),
    "convolution": (IMAGES, lambda: layers.Conv2D(6, 3, use_bias=False)),
    "convolution in groups": (IMAGES, lambda: layers.Conv2D(6, 3, groups=2)),
    "convolution of cubes": (CUBES, lambda: layers.Conv3D(2, 2)),
    "transposed convolution of rows": (ROWS, lambda: layers.Conv1DTranspose(3, 2)),
    "transposed convolution": (IMAGES, lambda: layers.Conv2DTranspose(6, 3, use_bias=False)),
    "transposed convolution of cubes": (CUBES, lambda: layers.Conv3DTranspose(2, 2)),
    "depthwise convolution of rows": (ROWS, lambda: layers.DepthwiseConv1D(2, depth_multiplier=2)),
    "depthwise convolution": (IMAGES, lambda: layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False)),
    "separable convolution of rows": (ROWS, lambda: layers.SeparableConv1D(5, 2)),
    "separable convolution": (IMAGES, lambda: layers.SeparableConv2D(5, 3, use_bias=False)),
}


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize(
    "name, norm",
    [
        *((name, BatchNormalization) for name in BEFORE),
        *(pytest.param(name, layers.BatchNormalization, marks=pytest.mark.slow) for name in BEFORE),
    ],
)
def test_a_folded_model_is_the_same_function_in_inference(float64, name, norm):
    x, before = BEFORE[name]
    model = sequential(x, before(), norm(), layers.Activation("tanh"))
    folded = fold(model)
    assert kinds(folded) == [kinds(model)[0], "Activation"]
    assert differ(model, folded, x) < 1e-13


@BOTH
def test_in_float32_it_agrees_to_2e_5(norm):
    parts = [layers.Conv2D(16, 3), norm(), layers.ReLU(), layers.Conv2D(16, 3, use_bias=False), norm(scale=False)]
    parts += [layers.ReLU(), layers.Flatten(), layers.Dense(8), norm(center=False)]
    model = keras.Sequential([keras.Input(IMAGES.shape[1:]), *parts])
    for _ in range(3):
        model(RNG.normal(2, 3, IMAGES.shape), training=True)
    folded = fold(model)
    assert kinds(folded) == ["Conv2D", "ReLU", "Conv2D", "ReLU", "Flatten", "Dense"]
    assert differ(model, folded, IMAGES) < 2e-5


def test_it_goes_by_the_corrected_statistics():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(3), BatchNormalization(bias_correction=True)])
    model(FLAT, training=True)
    assert differ(model, fold(model), FLAT) < 2e-5


def branched():
    """A residual connection, a batch normalization after it, one whose input is used twice, a model in the model."""
    inputs = keras.Input((6,))
    inner = keras.Sequential([keras.Input((6,)), layers.Dense(6), BatchNormalization(), layers.ReLU()], name="inner")
    a = BatchNormalization(name="folded")(layers.Dense(6)(inputs))
    b = layers.Dense(6)(inner(a))
    added = BatchNormalization(name="after_add")(layers.add([a, BatchNormalization(name="shared_input")(b), b]))
    return randomized(keras.Model(inputs, {"y": added, "z": layers.Dense(2)(a)}))


def test_in_a_graph_only_what_can_be_folded_is(float64):
    model = branched()
    folded = fold(model)
    left = [layer.name for layer in folded.layers if isinstance(layer, BatchNormalization)]
    assert sorted(left) == ["after_add", "shared_input"]
    assert kinds(folded.get_layer("inner")) == ["Dense", "ReLU"]
    assert differ(model, folded, FLAT) < 1e-13


def test_the_new_model_shares_nothing_with_the_old():
    model = branched()
    before, folded = model.get_weights(), fold(model)
    folded.set_weights([w + 1 for w in folded.get_weights()])
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("parts", [
    lambda: [layers.Dense(3, "relu"), BatchNormalization()],
    lambda: [BatchNormalization(), layers.Dense(3)],
    lambda: [layers.Dense(3), layers.ReLU(), BatchNormalization()],
    lambda: [layers.Reshape((3, 2)), layers.Dense(4), BatchNormalization(axis=1)],
], ids=["activation", "before", "not next", "another axis"])  # fmt: skip
def test_where_nothing_can_be_folded_it_says_so(parts):
    model = sequential(FLAT, *parts())
    with pytest.raises(ValueError, match=r"can be folded into a Dense .* Put the activation into a layer of its own"):
        fold(model)


def test_a_model_without_weights_yet_is_refused():
    with pytest.raises(ValueError, match=r"must be built before its weights can be folded.*Call it on a batch first"):
        fold(keras.Sequential([layers.Dense(3), BatchNormalization()]))
