"""What each start draws, beside its formula, to the error of that many draws."""

import math

import keras
import numpy as np
import pytest
from keras.src.initializers.random_initializers import compute_fans

from keras_ch8 import initializers
from keras_ch8.initializers.base import fans
from tests.initializers.starts import farthest, normal_cdf, uniform_cdf

KERNELS = [(300, 200), (3, 3, 40, 60), (5, 60, 100), (60000,)]


@pytest.mark.parametrize("shape", [*KERNELS, (2, 2, 2, 3, 4), ()])
def test_inputs_and_outputs_are_counted_as_keras_does(shape):
    assert fans(shape) == compute_fans(shape)


def test_given_axes_count_alone():
    assert fans((512, 8, 64), [0], [1, 2]) == (512, 8 * 64)
    assert fans((512, 8, 64), [0, -2], [-1]) == (4096, 64)


@pytest.mark.parametrize("shape", KERNELS)
def test_heuristic_is_uniform_between_the_limits_of_the_inputs_alone(shape):
    m, _ = compute_fans(shape)
    values = initializers.Heuristic(seed=2)(shape).numpy()
    assert np.abs(values).max() <= m**-0.5 * (1 + 1e-6)
    assert farthest(values, uniform_cdf(m**-0.5)) < 2.2


@pytest.mark.parametrize("n", [3, 50, 300])
@pytest.mark.parametrize(
    "activation, gain",
    [
        ("linear", lambda n: math.exp(1 / (2 * n))),
        ("relu", lambda n: math.sqrt(2) * math.exp(1.2 / (max(n, 6) - 2.4))),
    ],
)
def test_random_walk_is_normal_with_the_gain_of_sussillo_and_abbott(activation, gain, n):
    values = initializers.RandomWalk(activation, seed=3)((n, 60000 // n)).numpy()
    assert farthest(values, normal_cdf(gain(n) / math.sqrt(n))) < 2.2


@pytest.mark.parametrize("shape", [(100, 400), (3, 3, 10, 400)])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_sparse_has_exactly_k_weights_of_each_unit(shape, dtype):
    values = keras.ops.convert_to_numpy(initializers.Sparse(15, 2.0, seed=5)(shape, dtype)).astype("float64")
    values = values.reshape(-1, 400)
    assert ((values != 0).sum(axis=0) == 15).all()
    assert farthest(values[values != 0], normal_cdf(2.0)) < (2.2 if dtype == "float32" else 2.4)
    inputs = len(values)
    taken = (values != 0).sum(axis=1)  # each input is taken by a share of 15 / inputs of the units
    chi_square = np.sum((taken - 6000 / inputs) ** 2) / (6000 / inputs * (1 - 15 / inputs))
    assert abs(chi_square - (inputs - 1)) < 5 * math.sqrt(2 * inputs)


@pytest.mark.parametrize("cls", [initializers.Heuristic, initializers.RandomWalk])
def test_axes_set_the_scale(cls):
    of_einsum = cls(seed=7, input_axes=[0], output_axes=[1, 2])((64, 8, 4)).numpy()
    of_dense = cls(seed=7)((64, 32)).numpy()
    np.testing.assert_array_equal(of_einsum.reshape(64, 32), of_dense)


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: initializers.Sparse()((8, 3)), r"k=15 for a kernel of shape \(8, 3\), whose units have 8.*smaller k"),
        (lambda: initializers.Sparse(1)((8,)), "needs at least as many inputs"),
        (lambda: initializers.RandomWalk("tanh"), r"one of linear, relu. Received: activation='tanh'.*Orthogonal"),
        (lambda: initializers.Heuristic(input_axes=[0], output_axes=[3])((2, 2)), r"different axes.*\[3\]"),
        (lambda: initializers.Heuristic(input_axes=[0], output_axes=[0])((2, 2)), "different axes"),
        (lambda: initializers.Heuristic()((None, 3)), r"Received: shape=\(None, 3\).*keras.Input"),
        (lambda: initializers.Heuristic()((2, 3), "int32"), "dtype='int32'.*floating"),
    ],
)
def test_what_cannot_be_is_refused_with_the_fix(make, said):
    with pytest.raises(ValueError, match=said):
        make()
