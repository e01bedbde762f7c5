"""Gauss and Newton's step and the natural gradient: beside NumPy, by either matrix, and on sums of squares."""

import numpy as np
import pytest
from keras import ops

from keras_ch8.extend import Problem
from keras_ch8.integration import backend
from keras_ch8.second_order import _vector, minimize
from keras_ch8.second_order.line_search import Constant
from keras_ch8.second_order.methods import GaussNewton, NaturalGradient
from tests.second_order.test_levenberg_marquardt import curve, curve_jacobian

X = np.array([1.0, 2.0, 0.5])


def stepped(method, m):
    """Return where one iteration leads from X, with m residuals; r and J there, in NumPy; and the method's numbers."""
    problem = Problem.of_squares(lambda x: curve(x)[:m])
    x = ops.convert_to_tensor(X)

    def iterate(point, state):
        after, _, info = method.iterate(problem, point, state)
        return after.x, dict(info.numbers)

    end, numbers = backend.trace(iterate)(problem.at(x), method.init(3, "float64"))
    return end.numpy() - X, curve(x).numpy()[:m], curve_jacobian(X)[:m], numbers


@pytest.mark.parametrize("m", [7, 2], ids=["more residuals than parameters", "fewer"])
def test_a_step_of_gauss_and_newton_is_that_of_least_squares(m):
    delta, r, J, _ = stepped(GaussNewton(line_search=Constant(1.0)), m)
    np.testing.assert_allclose(delta, -np.linalg.pinv(J) @ r, rtol=1e-6)


@pytest.mark.parametrize("m", [7, 2], ids=["more residuals than parameters", "fewer"])
def test_a_step_of_the_natural_gradient_is_damped_and_follows_the_bend(m):
    delta, r, J, numbers = stepped(NaturalGradient(), m)
    alpha = float(numbers["damping"]) * np.sum(J**2) / min(m, 3)
    inverse = np.linalg.inv(J.T @ J + alpha * np.eye(3)) @ J.T
    v, h = -inverse @ r, 0.1
    ahead = curve(ops.convert_to_tensor(X + h * v)).numpy()[:m]
    a = -inverse @ (2 / h * ((ahead - r) / h - J @ v)) / 2
    assert 2 * np.linalg.norm(a) < 0.75 * np.linalg.norm(v)
    np.testing.assert_allclose(delta, v + a, rtol=1e-8)


@pytest.mark.parametrize("n", [3, 64, 65, 150])
def test_the_inverse_factor_is_that_of_cholesky(n):
    M = np.random.default_rng(0).normal(size=(n, n))
    A = M @ M.T + np.eye(n)
    W = backend.compile_xla(backend.inverse_factor)(ops.convert_to_tensor(A)).numpy()
    np.testing.assert_allclose(W, np.linalg.inv(np.linalg.cholesky(A)), atol=1e-9)
    assert np.isnan(backend.inverse_factor(ops.convert_to_tensor(-A)).numpy()).any()


def test_the_inverse_factor_has_as_many_digits_for_large_numbers():
    A = 1e36 * np.array([[2.0, 1.0], [1.0, 2.0]])
    W = backend.inverse_factor(ops.convert_to_tensor(A)).numpy()
    np.testing.assert_allclose(W, np.linalg.inv(np.linalg.cholesky(A)), rtol=1e-14)


@pytest.mark.parametrize("n", [3, 256, 515])
def test_products_of_columns_are_those_of_the_whole_matrix(n):
    J = np.random.default_rng(0).normal(size=(4, n))
    np.testing.assert_allclose(_vector.products_of_columns(ops.convert_to_tensor(J)).numpy(), J.T @ J, atol=1e-12)


@pytest.mark.parametrize("name", ["gauss_newton", "levenberg_marquardt", "natural_gradient"])
def test_a_function_without_residuals_is_refused(name):
    message = r"needs the residuals r\. Received: a problem without\. Make it with `Problem.of_squares\(residuals\)`"
    with pytest.raises(ValueError, match=message):
        minimize(lambda x: ops.sum(x**2), np.ones(2), name)
