"""Residual adds to its input; a linear layer fits shapes that differ; flags and masks reach the layers inside."""

import keras
import numpy as np
import pytest

from keras_ch8 import layers

RNG = np.random.default_rng(0)
Dense, Conv2D = keras.layers.Dense, keras.layers.Conv2D


def test_the_output_is_f_of_x_plus_x():
    inside = [Dense(5, "tanh"), Dense(5)]
    skip = layers.Residual(inside)
    x = RNG.normal(size=(3, 5)).astype("float32")
    y = skip(x)
    np.testing.assert_allclose(y, inside[1](inside[0](x)) + x, rtol=1e-6)
    assert skip.projection is None
    assert len(skip.weights) == 4


CASES = [
    ((6,), lambda: [Dense(4)], (4,), "Dense"),
    ((7, 6), lambda: [Dense(4)], (7, 4), "Dense"),
    ((None, 6), lambda: [keras.layers.LSTM(4, return_sequences=True)], (None, 4), "Dense"),
    ((9, 3), lambda: [keras.layers.Conv1D(5, 3, 2, padding="same")], (5, 5), "Conv1D"),
    ((8, 9, 3), lambda: [Conv2D(5, 3, (2, 3), padding="same")], (4, 3, 5), "Conv2D"),
    ((None, None, 3), lambda: [Conv2D(3, 3, 2, padding="same")], (None, None, 3), "Conv2D"),
    ((8, 8, 3), lambda: [keras.layers.MaxPooling2D()], (4, 4, 3), "Conv2D"),
    ((4, 4, 4, 2), lambda: [keras.layers.Conv3D(2, 3, 2, padding="same")], (2, 2, 2, 2), "Conv3D"),
    ((None, 6), lambda: [Dense(6)], (None, 6), "NoneType"),
    ((None, None, 3), lambda: [Conv2D(3, 3, padding="same")], (None, None, 3), "NoneType"),
]


@pytest.mark.parametrize("shape, inside, expected, projection", CASES)
def test_a_projection_is_made_where_shapes_differ_and_only_there(shape, inside, expected, projection):
    inputs = keras.Input(shape)
    skip = layers.Residual(inside())
    outputs = skip(inputs)
    assert outputs.shape == (None, *expected)
    assert type(skip.projection).__name__ == projection
    x = RNG.normal(size=(2, *(size or 5 for size in shape))).astype("float32")
    around = x if skip.projection is None else skip.projection(x)
    np.testing.assert_allclose(keras.Model(inputs, outputs)(x), skip.branch(x) + around, rtol=1e-5, atol=1e-6)


def test_a_projection_takes_the_input_at_the_strides_without_a_bias():
    skip = layers.Residual([Conv2D(4, 3, 2, padding="same", kernel_initializer="zeros")])
    x = RNG.normal(size=(2, 7, 7, 3)).astype("float32")
    kernel = skip(x) is not None and skip.projection.kernel.numpy()[0, 0]
    np.testing.assert_allclose(skip(x), x[:, ::2, ::2] @ kernel, rtol=1e-5, atol=1e-6)
    assert len(skip.projection.weights) == 1


def test_a_projection_that_is_given_is_always_used():
    skip = layers.Residual(Dense(5, kernel_initializer="zeros"), projection=Dense(5, kernel_initializer="zeros"))
    np.testing.assert_array_equal(skip(np.ones((2, 5))), np.zeros((2, 5)))


def test_the_gradient_goes_around_layers_that_pass_none():
    inputs = keras.Input((4,))
    first = Dense(4, use_bias=False)
    hidden = first(inputs)
    for _ in range(10):
        hidden = layers.Residual([Dense(4, "sigmoid", kernel_initializer="zeros")])(hidden)
    model = keras.Model(inputs, hidden)
    model.compile(keras.optimizers.SGD(1.0), loss=lambda y, y_pred: keras.ops.sum(y_pred), run_eagerly=True)
    before = first.kernel.numpy()
    x = RNG.normal(size=(1, 4)).astype("float32")
    model.train_on_batch(x, np.zeros((1, 4)))
    np.testing.assert_allclose(before - first.kernel.numpy(), np.tile(x.T, 4), rtol=1e-5)  # d sum(x W) / d W


class Sees(keras.layers.Layer):
    """Keeps what it is called with."""

    def __init__(self):
        super().__init__()
        self.supports_masking = True

    def call(self, x, training=None, mask=None):
        self.seen = training, mask is not None
        return x


@pytest.mark.parametrize("training", [True, False])
def test_training_and_mask_reach_the_layers_inside_and_the_mask_comes_out(training):
    inside, around, behind = Sees(), Sees(), Sees()
    inputs = keras.Input((3, 4))
    outputs = behind(layers.Residual([inside], projection=around)(keras.layers.Masking()(inputs)))
    keras.Model(inputs, outputs)(np.ones((2, 3, 4)), training=training)
    assert inside.seen == around.seen == behind.seen == (training, True)


def test_a_mask_ends_where_the_time_steps_do():
    strided = layers.Residual([keras.layers.Conv1D(4, 3, 2, padding="same")])
    strided.build((None, 6, 4))
    assert not strided.supports_masking


@pytest.mark.parametrize("policy", ["mixed_float16", "bfloat16"])
def test_half_precision_comes_out_in_half_precision(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        skip = layers.Residual([Dense(3)])
        y = skip(RNG.normal(size=(2, 5)))
    finally:
        keras.config.set_dtype_policy(before)
    assert keras.backend.standardize_dtype(y.dtype) == policy.removeprefix("mixed_")
    assert skip.projection.compute_dtype == skip.compute_dtype


@pytest.mark.slow
def test_a_saved_model_is_the_same_model_also_of_nested_ones(tmp_path):
    inner = layers.Residual([Conv2D(4, 3, padding="same", activation="relu")])
    outer = layers.Residual([inner, Conv2D(4, 3, 2, padding="same"), keras.layers.BatchNormalization()])
    given = layers.Residual([Dense(4)], projection=Dense(4, use_bias=False))
    model = keras.Sequential([keras.Input((8, 8, 3)), outer, given])
    x = RNG.normal(size=(2, 8, 8, 3)).astype("float32")
    model(x, training=True)  # moves the statistics
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    assert type(loaded.layers[1].projection) is Dense
    copy = keras.models.clone_model(model)
    assert [w.shape for w in copy.weights] == [w.shape for w in model.weights]


BAD = [
    (lambda: layers.Residual([]), r"a layer or a non-empty list of layers. Received: layers=\[\]"),
    (lambda: layers.Residual(["relu"]), r"Received: layers=\['relu'\]"),
    (
        lambda: layers.Residual(Dense(3), projection="linear"),
        r"must be 'auto' or a layer that maps x to the shape of F\(x\). Received: projection='linear'",
    ),
    (
        lambda: layers.Residual([Conv2D(3, 3)]).build((None, 8, 8, 3)),
        r"map \(None, 8, 8, 3\) to \(None, 6, 6, 3\).*same",
    ),
    (lambda: layers.Residual([Conv2D(3, 3)]).build((None, None, None, 3)), r"\(None, 840, 840, 3\) to \(None, 838"),
    (lambda: layers.Residual([keras.layers.Flatten()]).build((None, 4, 3)), r"map \(None, 4, 3\) to \(None, 12\)"),
]


@pytest.mark.parametrize("make, message", BAD)
def test_what_cannot_be_added_is_refused_with_the_fix(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("outer, inner", [("mixed_bfloat16", "float32"), ("float32", "mixed_float16")])
def test_layers_inside_may_have_another_type(outer, inner):
    layer = layers.Residual([keras.layers.Dense(5, dtype=inner)], dtype=outer)
    y = layer(np.ones((2, 5), "float32"))
    assert keras.backend.standardize_dtype(y.dtype) == outer.removeprefix("mixed_")
