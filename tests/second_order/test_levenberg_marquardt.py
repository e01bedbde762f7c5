"""Levenberg and Marquardt's method: its step beside NumPy, its Jacobian, and sums of squares that are hard."""

import functools

import numpy as np
import pytest
from keras import ops

from keras_ch8.extend import Problem
from keras_ch8.integration import backend
from keras_ch8.second_order import Minimizer
from keras_ch8.second_order.loop import Status, solve
from keras_ch8.second_order.methods import LevenbergMarquardt
from tests.marks import mostly
from tests.second_order.functions import stop
from tests.second_order.mgh import CASES, meyer, wood
from tests.second_order.test_newton import EXITS

METHOD = LevenbergMarquardt()


def curve(x):
    """Seven residuals of three parameters."""
    t = ops.cast(np.linspace(0, 2, 7), x.dtype)
    return x[0] * ops.exp(-x[1] * t) + x[2] - ops.cos(t)


def curve_jacobian(x):
    t = np.linspace(0, 2, 7)
    return np.stack([np.exp(-x[1] * t), -x[0] * t * np.exp(-x[1] * t), np.ones(7)], axis=1)


def step_from(residuals, x0, state=None):
    problem = Problem.of_squares(residuals)
    point = problem.at(ops.convert_to_tensor(x0))
    iterate = backend.trace(functools.partial(METHOD.iterate, problem))
    return iterate(point, state or METHOD.init(len(x0), point.x.dtype.name))


def two(x):
    return curve(x)[:2]


@pytest.mark.parametrize("residuals, n", [(curve, 3), (wood, 4), (two, 3)], ids=["7x3", "6x4", "2x3"])
def test_the_jacobian_is_the_derivative_of_each_residual(residuals, n):
    x = np.random.default_rng(0).normal(size=n)
    r, J = backend.value_and_jacobian(residuals, ops.convert_to_tensor(x))
    np.testing.assert_allclose(r, residuals(ops.convert_to_tensor(x)))
    steps = 1e-6 * np.eye(n)
    sides = [[residuals(ops.convert_to_tensor(x + s)).numpy() for s in sign * steps] for sign in (1, -1)]
    np.testing.assert_allclose(J, (np.array(sides[0]) - sides[1]).T / 2e-6, atol=1e-7)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("dtype, within", [("float64", 1e-10), ("float32", 1e-5)])
def test_a_step_solves_the_damped_equations_scaled_by_the_columns(dtype, within):
    x0 = np.array([1.0, 2.0, 0.5])
    point, state, info = step_from(curve, x0.astype(dtype))
    J, r = curve_jacobian(x0), curve(ops.convert_to_tensor(x0)).numpy()
    D = np.linalg.norm(J, axis=0)
    alpha = float(info.numbers["damping"])
    delta = np.linalg.solve(J.T @ J + alpha * np.diag(D**2), -J.T @ r)
    np.testing.assert_allclose(point.x.numpy() - x0, delta, rtol=within)
    np.testing.assert_allclose(state["D"], D, rtol=within)
    promise = r @ r - np.sum((r + J @ delta) ** 2)
    assert float(info.numbers["trust_ratio"]) == pytest.approx((r @ r - float(point.value)) / promise, rel=1e-3)
    _, again, _ = step_from(curve, point.x.numpy(), state)
    assert (again["D"].numpy() >= state["D"].numpy()).all()


def ends(residuals, x0, **options):
    """Return where a run ends, as one graph: quicker to make than XLA."""
    problem, x0 = Problem.of_squares(residuals), ops.convert_to_tensor(x0)
    program = backend.trace(functools.partial(solve, problem, METHOD))
    return program(problem.at(x0), METHOD.init(x0.shape[0], x0.dtype.name), stop(x0.dtype.name, **options))


def test_linear_residuals_take_the_step_of_least_squares():
    rng = np.random.default_rng(0)
    A, b = rng.normal(size=(20, 4)), rng.normal(size=20)
    end = ends(lambda x: ops.matmul(A, x) - b, np.zeros(4), gtol=1e-10)
    np.testing.assert_allclose(end.best.x, np.linalg.lstsq(A, b, rcond=None)[0], rtol=1e-9)
    assert int(end.totals.iterations) < 12


@pytest.mark.slow
def test_fewer_residuals_than_parameters_are_made_0():
    end = ends(two, np.ones(3))
    assert int(end.status) == Status.CONVERGED_GRADIENT
    assert float(end.best.value) < 1e-10


def meyer_in_units(x):
    """The problem of Meyer, r times x[0], with its parameters x[1:4] in units x[4:]."""
    c, units = ops.stop_gradient(x[0]), ops.stop_gradient(x[4:])
    return c * meyer(x[1:4] / units)


@pytest.mark.slow
def test_meyer_is_solved_in_any_units_by_the_same_path_and_one_program():
    run, start, ends = Minimizer(Problem.of_squares(meyer_in_units), METHOD), np.array([0.02, 4000, 250]), set()
    for c, units in ((1.0, [1.0] * 3), (2.0**-13, [1.0] * 3), (2.0**13, [1.0] * 3), (1.0, [2.0**17, 2.0**-13, 0.5])):
        found = run(np.concatenate([[c], start * units, units]), max_iterations=5000, gtol=0, ftol=1e-12)
        ends.add((found.nit, found.fun / c**2, *(found.x[1:4] / units)))
    ((_, value, *_),) = ends  # equal bit for bit: the units are powers of 2, and a stop by `gtol` would have a unit
    assert value == pytest.approx(87.945855171, rel=1e-9)
    assert run._gone_on.experimental_get_tracing_count() == 1


@pytest.mark.slow
def test_a_trial_that_is_nan_was_too_far():
    for dtype, gtol in (("float64", 1e-9), ("float32", 1e-6)):
        for x0 in (100, 1e-3):
            end = ends(lambda x: ops.log(x) - np.log(10), np.array([x0], dtype), gtol=gtol)
            assert int(end.status) == Status.CONVERGED_GRADIENT
            assert float(end.best.x[0]) == pytest.approx(10, rel=1e-5)


@pytest.mark.slow
def test_a_parameter_that_nothing_depends_on_stays():
    end = ends(lambda x: ops.stack([x[0] - 3, x[0] * x[1] - 6]), np.array([1.0, 1.0, 7.0]))
    np.testing.assert_allclose(end.best.x, [3, 2, 7], atol=1e-6)


@pytest.mark.parametrize("case", mostly(pytest.mark.full, CASES, *CASES[::9]), ids=str)
@pytest.mark.slow
def test_it_solves_the_problems_of_more_garbow_and_hillstrom(case):
    found = ends(case.residuals, case.start, max_iterations=5000)
    assert case.is_solved_by(float(found.best.value))
    assert int(found.status) in EXITS[:3]
    small = ends(case.residuals, case.start.astype("float32"), gtol=1e-5)
    assert np.isfinite([small.best.value, *small.best.x]).all()
    assert int(small.status) in EXITS
