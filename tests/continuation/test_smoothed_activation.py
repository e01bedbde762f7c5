"""The mean of an activation over Gaussian noise: closed forms and quadrature against integrals, and the limit 0."""

import math

import keras
import numpy as np
import pytest

from keras_ch8.continuation import SmoothedActivation
from keras_ch8.continuation._smoothed import EXACT
from keras_ch8.integration import backend

X = np.linspace(-4, 8, 49).astype("float32")


def plain(name):
    return lambda x: np.asarray(keras.activations.get(name)(x))


def integral(name, sigma):
    """E f(x + sigma z) by the midpoint rule, in float64; for the jump of sign it is 2 Phi(x / sigma) - 1."""
    if name == "sign":
        return np.array([math.erf(x / sigma / math.sqrt(2)) for x in X.astype("float64")])
    edges = np.linspace(-9, 9, 9_001)
    z, width = (edges[1:] + edges[:-1]) / 2, edges[1] - edges[0]
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return np.array([np.sum(plain(name)(float(x) + sigma * z) * density) * width for x in X])


@pytest.mark.parametrize("name", EXACT)
def test_a_closed_form_is_the_integral(name):
    for sigma in (0.2, 3.0):
        found = SmoothedActivation(name, sigma)(X, training=True)
        np.testing.assert_allclose(found, integral(name, sigma), rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize(
    "name, sigma, error", [("tanh", 1.0, 1e-4), ("sigmoid", 2.0, 1e-4), ("softplus", 2.0, 1e-4), ("gelu", 0.5, 1e-4)]
)
def test_the_quadrature_is_near_the_integral(name, sigma, error):
    found = SmoothedActivation(name, sigma)(X, training=True)
    np.testing.assert_allclose(found, integral(name, sigma), atol=error)


def gradient(layer, x):
    def total(values, watch):
        return keras.ops.sum(layer(values[0], training=True)), []

    return backend.value_and_gradients(total, [backend.as_tensor(x)])[1][0].numpy()


def test_sign_has_the_gradient_of_the_normal_distribution():
    sigma, x = 0.7, np.linspace(-2, 2, 9).astype("float32")
    density = np.exp(-((x / sigma) ** 2) / 2) / np.sqrt(2 * np.pi)
    np.testing.assert_allclose(gradient(SmoothedActivation("sign", sigma), x), 2 * density / sigma, rtol=1e-5)


@pytest.mark.parametrize("name", [*EXACT, "tanh"])
@pytest.mark.parametrize("sigma", [0.0, 1e-30])
def test_at_0_value_and_gradient_are_those_of_the_activation_however_large_x_is(name, sigma):
    x = np.array([-1e30, -3.5, -0.7, 0.3, 4.1, 7.0, 1e30], "float32")
    layer, activation = SmoothedActivation(name, sigma), SmoothedActivation(name).activation
    np.testing.assert_array_equal(layer(x), activation(x))
    np.testing.assert_array_equal(layer(x, training=True), activation(x))
    np.testing.assert_array_equal(gradient(layer, x), gradient(lambda x, training: activation(x), x))


@pytest.mark.parametrize("name, slope", [("relu", 0.5), ("leaky_relu", 0.6), ("sign", 2 / np.sqrt(2 * np.pi))])
def test_at_a_kink_the_gradient_is_between(name, slope):
    np.testing.assert_allclose(gradient(SmoothedActivation(name, 1.0), np.zeros(1, "float32")), slope, rtol=1e-6)


def test_an_activation_of_the_users_own_is_taken():
    layer = SmoothedActivation(keras.ops.square, 0.5)
    np.testing.assert_allclose(layer(X, training=True), X**2 + 0.25, rtol=1e-5)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "glu"])
def test_an_activation_of_several_entries_is_refused(name):
    with pytest.raises(ValueError, match=r"entry by entry.*Received: activation="):
        SmoothedActivation(name)


def test_narrow_types_are_computed_wide_and_come_back_narrow():
    y = SmoothedActivation("relu", 1.0, dtype="float16")(X, training=True)
    assert y.dtype.name == "float16"
    np.testing.assert_allclose(keras.ops.cast(y, "float32"), integral("relu", 1.0), atol=5e-3)


def test_a_function_of_the_name_of_one_of_keras_is_blurred_as_what_it_is():
    def relu(x):
        return keras.ops.maximum(x, x / 2)

    (found,) = keras.ops.convert_to_numpy(SmoothedActivation(relu, 1.0)(np.zeros(1, "float32"), training=True))
    assert found == pytest.approx(1 / 2 / np.sqrt(2 * np.pi), abs=0.02)  # half of E max(z, 0), by quadrature at a kink
