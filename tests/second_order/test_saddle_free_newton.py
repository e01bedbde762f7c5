"""The saddle-free method: its step beside |H| in NumPy, and the small space."""

import numpy as np
import pytest
from keras import ops

from keras_ch8.second_order._spectrum import ritz
from keras_ch8.second_order.loop import Status
from keras_ch8.second_order.methods import SaddleFreeNewton
from tests.second_order.functions import runner, start
from tests.second_order.test_newton import hessian_at, quick, saddle, two_valleys, wavy


def symmetric(values, seed=0):
    vectors = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(values), len(values))))[0]
    return (vectors * values) @ vectors.T


def spectrum_of(matrix, first, second, dimension, dtype="float64"):
    tensors = [ops.convert_to_tensor(np.asarray(t, dtype)) for t in (matrix, first, second)]
    found = ritz(lambda w: ops.matmul(tensors[0], w), *tensors[1:], dimension)
    return found.values.numpy(), found.vectors.numpy()


@pytest.mark.slow
def test_a_step_is_that_of_the_absolute_hessian_in_the_whole_space():
    x0 = np.random.default_rng(3).normal(size=5)
    g, H = start(wavy, x0)[1].gradient.numpy(), hessian_at(wavy, x0)
    values, vectors = np.linalg.eigh(H)
    assert values[0] < 0 < values[-1]
    ((point, _, info),) = quick(wavy, x0, SaddleFreeNewton(), 1)
    alpha = float(info.numbers["damping"])
    expected = -vectors.T @ g / (np.abs(values) + alpha)
    expected[0] = np.sign(expected[0]) * max(abs(expected[0]), 0.1 * np.linalg.norm(expected))  # the way out is seen
    np.testing.assert_allclose(vectors.T @ (point.x.numpy() - x0), expected, rtol=1e-8)
    found = [float(info.numbers[f"eigenvalue_{end}"]) for end in ("smallest", "largest")]
    np.testing.assert_allclose(found, values[[0, -1]], rtol=1e-9)


@pytest.mark.slow
def test_outside_the_small_space_it_is_gradient_descent_by_the_largest_curvature():
    x0 = np.random.default_rng(0).normal(size=12)
    method = SaddleFreeNewton(dimension=4)
    problem, first = start(wavy, x0)
    ((point, state, info),) = quick(wavy, x0, method, 1)
    assert int(info.products) == 4
    g, v = first.gradient.numpy(), method.init(12, "float64")["v"].numpy()
    values, vectors = spectrum_of(problem.hessian(first.x).numpy(), g, v, 4)
    rest = g - vectors.T @ (vectors @ g)
    outside = np.eye(12) - vectors.T @ vectors
    curvature = np.abs(values).max() + float(info.numbers["damping"])
    np.testing.assert_allclose(outside @ (point.x.numpy() - x0), -rest / curvature, atol=1e-9)
    np.testing.assert_allclose(np.abs(state["v"].numpy() @ vectors[0]), 1)


def test_the_small_space_finds_both_ends_of_a_spectrum():
    values = np.concatenate([[-2.0], np.linspace(0, 1, 198), [9.0]])
    first, second = np.random.default_rng(1).normal(size=(2, 200))
    for dtype, within in (("float64", 1e-6), ("float32", 1e-4)):
        found, vectors = spectrum_of(symmetric(values), first, second, 20, dtype)
        np.testing.assert_allclose(found[[0, -1]], [-2, 9], atol=within)
        np.testing.assert_allclose(vectors @ vectors.T, np.eye(20), atol=within)


@pytest.mark.parametrize("second", [[0, 0, 0, 0], [2, 0, 0, 0], [0, 1, 0, 0]], ids=["none", "the same", "another"])
def test_a_space_that_closes_early_is_filled_with_axes(second):
    values = np.array([-3.0, 1.0, 1.0, 5.0])
    found, vectors = spectrum_of(np.diag(values), [1, 0, 0, 0], second, 4)
    np.testing.assert_allclose(found, values, atol=1e-12)
    np.testing.assert_allclose(vectors @ vectors.T, np.eye(4), atol=1e-12)
    assert len(spectrum_of(np.eye(2), [0, 0], [0, 0], 20)[0]) == 2


@pytest.mark.slow
def test_it_leaves_a_saddle_point_also_where_the_gradient_hides_the_way():
    run = runner(two_valleys, SaddleFreeNewton())
    for dtype in ("float64", "float32"):
        for x0 in ([1, 0], [1, 1e-3], [1, -1e-3]):
            end = run(np.array(x0, dtype), gtol=1e-5)
            assert int(end.status) == Status.CONVERGED_GRADIENT
            assert float(end.best.value) == pytest.approx(-0.25, abs=1e-6)
    *_, (point, _, info) = quick(saddle, np.array([1.0, 1e-3]), SaddleFreeNewton(), 15)
    assert float(point.value) < -1e2
    assert float(info.numbers["eigenvalue_smallest"]) == pytest.approx(-1)


@pytest.mark.slow
def test_of_fifty_parameters_it_finds_the_one_that_leads_down():
    curvatures, x0 = np.linspace(1, 5, 50), np.ones(50)
    x0[7] = 0

    def f(x):
        return ops.sum(ops.cast(curvatures, x.dtype) * x**2) - 3 * ops.square(x[7]) + x[7] ** 4

    end = runner(f, SaddleFreeNewton(dimension=10))(x0)
    assert int(end.status) == Status.CONVERGED_GRADIENT
    c = 3 - curvatures[7]
    assert float(end.best.value) == pytest.approx(-(c**2) / 4, abs=1e-6)
