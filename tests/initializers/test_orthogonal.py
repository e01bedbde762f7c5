"""Orthogonality, gains from their integral, and convolutions that keep lengths."""

import itertools

import keras
import numpy as np
import pytest

from keras_ch8.initializers import Orthogonal
from keras_ch8.initializers.kernels import ORTHOGONAL_GAINS

POINTS, WEIGHTS = np.polynomial.hermite_e.hermegauss(200)
WEIGHTS = WEIGHTS / WEIGHTS.sum()


def mean(f):
    """Return E[f(z)] for normal z of variance 1."""
    return float(WEIGHTS @ f(POINTS))


@pytest.mark.parametrize("shape", [(64, 64), (200, 50), (50, 200), (1, 7), (7, 1), (1, 1)])
@pytest.mark.parametrize("gain", [1.0, 0.5, "tanh"])
def test_rows_or_columns_are_orthonormal_times_the_gain(shape, gain):
    w = Orthogonal(gain, seed=1)(shape).numpy().astype("float64")
    product = w.T @ w if shape[0] >= shape[1] else w @ w.T
    np.testing.assert_allclose(product / ORTHOGONAL_GAINS.get(gain, gain) ** 2, np.eye(min(shape)), atol=1e-5)


@pytest.mark.slow
def test_it_is_uniform_among_all_orthogonal_matrices():
    start = Orthogonal(seed=2)
    drawn = np.stack([start((3, 3)).numpy() for _ in range(250)])
    # For a uniform one each entry has mean 0 and mean square 1 / 3; of the square, the variance is 1/5 - 1/9.
    assert np.abs(drawn.mean(axis=0)).max() < 4.5 / np.sqrt(3 * 250)
    assert np.abs((drawn**2).mean(axis=0) - 1 / 3).max() < 4.5 * np.sqrt((1 / 5 - 1 / 9) / 250)
    assert abs(np.linalg.det(drawn).mean()) < 4.5 / np.sqrt(250)


@pytest.mark.parametrize(
    "name, phi", [("linear", lambda z: z), ("relu", lambda z: np.maximum(z, 0)), ("tanh", np.tanh)]
)
def test_a_gain_makes_up_for_what_the_nonlinearity_takes(name, phi):
    # The rule of Gauss converges fast for smooth functions; for the kink of ReLU by 1 / points.
    assert ORTHOGONAL_GAINS[name] ** 2 * mean(lambda z: phi(z) ** 2) == pytest.approx(
        1, rel=1e-2 if name == "relu" else 1e-10
    )


def test_the_gradient_of_tanh_grows_by_1_09_a_layer_and_not_with_gain_1():
    slope = mean(lambda z: (1 - np.tanh(z) ** 2) ** 2)
    assert ORTHOGONAL_GAINS["tanh"] * np.sqrt(slope) == pytest.approx(1.085, abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("activation", ["linear", "relu", "tanh"])
def test_a_deep_network_keeps_its_signal(activation):
    start = Orthogonal(activation, seed=3)
    layers = [keras.layers.Dense(300, activation, kernel_initializer=start) for _ in range(15)]
    x = (
        np.random.default_rng(0).normal(size=(64, 300)).astype("float32") / ORTHOGONAL_GAINS[activation]
    )  # as if it were phi(z)
    last = keras.Sequential([keras.Input((300,)), *layers])(x).numpy()
    kept = np.sqrt(np.mean(last**2) / np.mean(x**2))
    # The units of a layer are a sample of 300: the mean of their squares is off by some sqrt(2 / 300), for each layer.
    assert kept == pytest.approx(1, rel=1e-4 if activation == "linear" else np.sqrt(15 * 2 / 300) / 2)


@pytest.mark.parametrize("size", [3, 5, 4, 1])
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("units", [8, 12])
def test_a_convolution_keeps_lengths(rank, size, units):
    axes = {"input_axes": [1], "output_axes": [2]} if rank == 1 else {}
    layer = [keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D][rank - 1]
    convolution = layer(units, size, padding="same", kernel_initializer=Orthogonal(seed=4, **axes))
    x = np.random.default_rng(1).normal(size=(2, *[6] * rank, 8)).astype("float32")
    np.testing.assert_allclose(np.linalg.norm(convolution(x).numpy(), axis=-1), np.linalg.norm(x, axis=-1), rtol=2e-5)


def test_only_the_central_place_of_a_kernel_is_not_0():
    w = Orthogonal(seed=5)((3, 5, 4, 6)).numpy()
    places = [(i, j) for i, j in itertools.product(range(3), range(5)) if w[i, j].any()]
    assert places == [(1, 2)]
    np.testing.assert_allclose(w[1, 2] @ w[1, 2].T, np.eye(4), atol=1e-5)


def test_of_a_convolution_with_fewer_units_than_inputs_the_columns_are_orthonormal():
    w = Orthogonal(seed=5)((3, 3, 6, 4)).numpy()
    np.testing.assert_allclose(w[1, 1].T @ w[1, 1], np.eye(4), atol=1e-5)


def test_a_kernel_of_einsum_is_orthogonal_over_the_axes_given():
    w = Orthogonal(seed=6, input_axes=[0], output_axes=[1, 2])((24, 4, 6)).numpy().reshape(24, 24)
    np.testing.assert_allclose(w.T @ w, np.eye(24), atol=1e-5)
    w = Orthogonal(seed=6, input_axes=[1, 2], output_axes=[0])((24, 4, 6)).numpy().reshape(24, 24)
    np.testing.assert_allclose(w @ w.T, np.eye(24), atol=1e-5)


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: Orthogonal()((5,)), "at least two axes.*output_marginal"),
        (lambda: Orthogonal()((3, 4, 5)), r"`Conv1D` or to an `EinsumDense`.*input_axes=\[1\], output_axes=\[2\]"),
        (lambda: Orthogonal("sigmoid"), "one of linear, relu, tanh. Received: gain='sigmoid'"),
    ],
)
def test_what_cannot_be_is_refused_with_the_fix(make, said):
    with pytest.raises(ValueError, match=said):
        make()
