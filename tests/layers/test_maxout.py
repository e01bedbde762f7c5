"""Maxout is the largest of its pieces, for any rank, type and mask; and its start keeps the size of the signal."""

import keras
import numpy as np
import pytest

from keras_ch8 import layers

RNG = np.random.default_rng(0)


def in_numpy(x, kernel, bias, units, pieces):
    """The equation, piece by piece, in float64."""
    x, kernel, bias = (np.asarray(a, "float64") for a in (x, kernel, bias))
    z = [x @ kernel[:, i * units : (i + 1) * units] + bias[i * units : (i + 1) * units] for i in range(pieces)]
    return np.max(z, axis=0), np.argmax(z, axis=0)


@pytest.mark.parametrize("shape", [(5, 7), (5, 3, 7), (2, 3, 4, 7)])
@pytest.mark.parametrize("pieces", [2, 5])
def test_a_unit_is_the_largest_of_its_pieces(shape, pieces):
    layer = layers.Maxout(4, pieces, bias_initializer="random_normal")
    x = RNG.normal(size=shape).astype("float32")
    y = layer(x)
    expected, _ = in_numpy(x, layer.kernel, layer.bias, 4, pieces)
    assert y.shape == layer.compute_output_shape(shape) == (*shape[:-1], 4)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


def test_only_the_largest_piece_is_given_the_gradient_and_all_of_it():
    inputs = keras.Input((3,))
    layer = layers.Maxout(2, 3)
    model = keras.Model(inputs, layer(inputs))
    x = RNG.normal(size=(1, 3)).astype("float32")
    model.compile(keras.optimizers.SGD(1.0), loss=lambda y, y_pred: keras.ops.sum(y_pred))
    before = layer.kernel.numpy()
    _, largest = in_numpy(x, before, np.zeros(6), 2, 3)
    model.train_on_batch(x, np.zeros((1, 2)))
    step = (before - layer.kernel.numpy()).reshape(3, 3, 2)  # feature, piece, unit
    expected = np.zeros((3, 3, 2))
    for unit in range(2):
        expected[:, largest[0, unit], unit] = x[0]
    np.testing.assert_allclose(step, expected, atol=1e-6)


@pytest.mark.slow
def test_with_two_pieces_the_signal_keeps_its_size_through_twenty_layers():
    x = RNG.normal(size=(256, 256)).astype("float32")
    for _ in range(20):
        x = layers.Maxout(256)(x)
    assert 0.5 < float(np.mean(np.square(x))) < 2.0


def test_without_bias_there_is_only_the_kernel():
    layer = layers.Maxout(2, use_bias=False)
    layer.build((None, 3))
    assert [w.name for w in layer.weights] == ["kernel"]


@pytest.mark.slow
def test_the_layer_passes_a_mask_on():
    inputs = keras.Input((None, 3))
    hidden = layers.Maxout(2, bias_initializer="ones")(keras.layers.Masking()(inputs))
    model = keras.Model(inputs, keras.layers.LSTM(2)(hidden))
    x = RNG.normal(size=(2, 4, 3)).astype("float32")
    x[:, 2:] = 0.0
    np.testing.assert_allclose(model.predict(x, verbose=0), model.predict(x[:, :2], verbose=0), rtol=1e-6)


def test_the_layer_computes_in_half_precision_with_weights_in_float32():
    layer = layers.Maxout(2, dtype="mixed_float16")
    assert layer(keras.Input((3,))).dtype == "float16"
    assert layer.kernel.dtype == "float32"


def test_a_saved_layer_is_the_same_layer(tmp_path):
    regularizers = {"kernel_regularizer": "l2", "bias_constraint": "non_neg", "activity_regularizer": "l1"}
    layer = layers.Maxout(3, 4, kernel_initializer="he_uniform", **regularizers)
    assert layers.Maxout.from_config(layer.get_config()).get_config() == layer.get_config()
    model = keras.Sequential([keras.Input((5,)), layer])
    model.save(tmp_path / "m.keras")
    x = RNG.normal(size=(6, 5)).astype("float32")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    assert len(loaded.losses) == len(model.losses)
