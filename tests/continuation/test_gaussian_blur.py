"""The blur is the mean with Gaussian weights along each axis; at 0 it is the identity, bit for bit."""

import keras
import numpy as np
import pytest

from keras_ch8.continuation import GaussianBlur
from keras_ch8.integration import backend

RNG = np.random.default_rng(0)
SHAPES = {"sequence": (2, 9, 3), "image": (2, 6, 7, 3), "volume": (2, 4, 5, 3, 2)}


def by_hand(x, sigma, axes):
    """The equation, entry by entry, in float64."""
    y = np.asarray(x, "float64")
    for axis in axes:
        rows = np.moveaxis(y, axis, 0)
        blurred = []
        for i in range(len(rows)):
            w = np.array([np.exp(-((i - j) ** 2) / (2 * sigma**2)) for j in range(len(rows))])
            blurred.append(np.tensordot(w, rows, axes=1) / w.sum())
        y = np.moveaxis(np.stack(blurred), 0, axis)
    return y


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("sigma", [0.3, 1.0, 20.0])
def test_it_blurs_along_all_axes_between_batch_and_channels(kind, sigma):
    x = RNG.normal(size=SHAPES[kind]).astype("float32")
    found = GaussianBlur(sigma)(x, training=True)
    np.testing.assert_allclose(found, by_hand(x, sigma, range(1, x.ndim - 1)), rtol=1e-5, atol=1e-6)


def test_without_an_axis_between_batch_and_channels_the_error_says_what_to_do():
    with pytest.raises(ValueError, match=r"Received: inputs of shape \(None, 5\).*keras.layers.Reshape"):
        GaussianBlur(1.0).build((None, 5))


@pytest.mark.parametrize("compiled", [False, True])
def test_at_0_it_is_the_identity_bit_for_bit_and_so_is_its_gradient(compiled):
    layer = GaussianBlur(1.0)
    x = RNG.normal(size=(2, 5, 3)).astype("float32")
    x.flat[:4] = np.nan, np.inf, -0.0, 1e-40
    layer.build(x.shape)
    layer.stddev.value = 0.0

    def run(x):
        return backend.value_and_gradients(lambda v, watch: (keras.ops.sum(layer(v[0], training=True)), []), [x])[1][0]

    def blurred(x):
        return layer(x, training=True)

    run, blurred = (backend.compile_xla(f) if compiled else f for f in (run, blurred))
    y = blurred(backend.as_tensor(x)).numpy()
    denormal = x.view("uint32") == np.float32(1e-40).view("uint32")  # XLA and Eigen may flush it to 0
    assert (y.view("uint32") == x.view("uint32"))[~denormal].all()
    np.testing.assert_array_equal(run(backend.as_tensor(x)), np.ones_like(x))


@pytest.mark.parametrize("sigma", [1e-30, 1e-3, 0.05])
def test_near_0_it_is_the_identity_without_a_nan(sigma):
    x = RNG.normal(size=(2, 5, 3)).astype("float32")
    np.testing.assert_allclose(GaussianBlur(sigma)(x, training=True), x, rtol=1e-6)


def test_what_is_constant_stays_constant_to_the_border():
    x = np.full((1, 8, 8, 1), 3.0, "float32")
    np.testing.assert_allclose(GaussianBlur(2.5)(x, training=True), x, rtol=1e-6)


def test_in_inference_it_is_the_identity():
    x = RNG.normal(size=(2, 5, 3)).astype("float32")
    np.testing.assert_array_equal(GaussianBlur(2.0)(x), x)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_it_keeps_the_type(dtype):
    x = RNG.normal(size=(2, 9, 3)).astype("float32")
    y = GaussianBlur(1.0, dtype=dtype)(x, training=True)
    assert y.dtype.name == dtype
    accuracy = {"float16": 2e-3, "bfloat16": 2e-2, "float64": 1e-6}[dtype]  # the weights are made in float32
    np.testing.assert_allclose(keras.ops.cast(y, "float64"), by_hand(x, 1.0, (1,)), atol=accuracy)


def test_sequences_may_have_any_length():
    model = keras.Sequential([keras.Input((None, 2)), GaussianBlur(1.0)])
    for length in (3, 8):
        x = RNG.normal(size=(2, length, 2)).astype("float32")
        np.testing.assert_allclose(model(x, training=True), by_hand(x, 1.0, (1,)), rtol=1e-5, atol=1e-6)
