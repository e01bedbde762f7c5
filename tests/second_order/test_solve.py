"""The loop: why it ends, that the unit of f does not matter, and that it goes on where it was left."""

import functools

import numpy as np
import pytest
from keras import ops

from keras_ch8.extend import Point, Problem
from keras_ch8.integration import backend
from keras_ch8.second_order.line_search import Constant, Exact
from keras_ch8.second_order.loop import Status, init_state, resume
from keras_ch8.second_order.methods import BFGS, LBFGS, ConjugateGradient, Newton, SteepestDescent, TruncatedNewton
from tests.marks import mostly
from tests.second_order.functions import barrier, iterations, poisson, rosenbrock, runner, stop

METHODS = {"lbfgs": LBFGS(), "bfgs": BFGS(), "cg": ConjugateGradient()}
X0 = np.array([-1.2, 1.0, -1.2, 1.0])


def status(run):
    return Status(int(run.status))


def in_units(x):
    """Rosenbrock times the first entry plus the second, which are no parameters: their gradient is 0."""
    unit, offset = ops.stop_gradient(x[0]), ops.stop_gradient(x[1])
    return unit * rosenbrock(x[2:]) + offset


@functools.cache
def run(name, f=in_units):
    return runner(f, METHODS[name])


def from_x0(x0=X0, unit=1.0, offset=0.0):
    return np.r_[unit, offset, x0]


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("name", mostly(pytest.mark.slow, METHODS, "lbfgs"))
def test_the_unit_of_f_does_not_change_the_path(name):
    most = 15 if name == "cg" else 1000  # its path of hundreds of iterations magnifies a change of rounding
    units = (1.0, 2.0**-27, 2.0**27, 1e-8, 1e8)
    found = {u: run(name)(from_x0(unit=u), gtol=1e-8 * u, max_iterations=most) for u in units}
    one = found[1.0]
    assert {int(f.totals.iterations) for f in found.values()} == {int(one.totals.iterations)}
    assert {int(f.totals.evaluations) for f in found.values()} == {int(one.totals.evaluations)}
    for unit in (1e-8, 1e8):
        np.testing.assert_allclose(found[unit].point.x.numpy()[2:], one.point.x.numpy()[2:], rtol=1e-7)
    for unit in (2.0**-27, 2.0**27):  # a power of 2 does not even change the rounding
        np.testing.assert_array_equal(found[unit].point.x.numpy()[2:], one.point.x.numpy()[2:])


@pytest.mark.broad
@pytest.mark.parametrize("name", METHODS)
def test_a_run_goes_on_bit_for_bit_from_its_state(name):
    whole = run(name)(from_x0(), max_iterations=14)
    first = run(name)(from_x0(), max_iterations=6)
    saved = {key: ops.convert_to_tensor(value.numpy().copy()) for key, value in first.state.items()}
    point = Point(*(ops.convert_to_tensor(value.numpy().copy()) for value in first.point[:3]))
    second = run(name)(point, saved, max_iterations=8)
    for a, b in zip(whole.point[:3], second.point[:3], strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    for key in whole.state:
        np.testing.assert_array_equal(whole.state[key].numpy(), second.state[key].numpy())
    assert int(whole.totals.evaluations) == int(first.totals.evaluations) + int(second.totals.evaluations)


@pytest.mark.slow
def test_xla_and_single_operations_take_the_same_path():
    method = LBFGS(3)  # 8 pairs go round in 3 rows
    compiled = runner(rosenbrock, method, backend.compile_xla)(X0, max_iterations=8)
    *_, (point, state, _) = iterations(rosenbrock, X0, method, 8)
    np.testing.assert_allclose(compiled.point.x.numpy(), point.x.numpy(), rtol=1e-9)
    np.testing.assert_allclose(compiled.state["S"].numpy(), state["S"].numpy(), rtol=1e-6, atol=1e-9)


@pytest.mark.broad
@pytest.mark.parametrize(
    "f, x0, minimum",
    [(poisson, [1.6], [10.0]), (poisson, [0.01], [10.0]), (barrier, [0.5, 0.49], None)],
    ids=["poisson", "poisson from near 0", "barrier"],
)
def test_functions_that_end_in_nan_are_solved(f, x0, minimum):
    found = run("lbfgs", f)(np.array(x0))
    assert status(found) == Status.CONVERGED_GRADIENT
    if minimum is None:
        x = found.point.x.numpy()
        assert x[0] == pytest.approx((1 - x[1]) / 2)
    else:
        np.testing.assert_allclose(found.point.x.numpy(), minimum, rtol=1e-6)


def test_each_reason_to_stop_has_its_status():
    go = run("lbfgs")
    assert status(go(from_x0())) == Status.CONVERGED_GRADIENT
    assert status(go(from_x0(), max_iterations=5)) == Status.ITERATION_LIMIT
    assert status(go(from_x0(), max_iterations=0)) == Status.ITERATION_LIMIT
    assert status(go(from_x0(np.ones(4)))) == Status.CONVERGED_AT_START
    assert status(go(from_x0(np.full(4, 1e200)))) == Status.NOT_FINITE_AT_START
    assert status(go(from_x0(np.array([np.nan, 1, 1, 1])))) == Status.NOT_FINITE_AT_START
    assert status(go(from_x0(offset=1.0), gtol=0.0, ftol=1e-6)) == Status.CONVERGED_VALUE
    assert status(go(from_x0(), gtol=0.0, xtol=1e-4)) == Status.CONVERGED_STEP
    wrong = runner(lambda x: ops.stop_gradient(2 * ops.sum(x)) - ops.sum(x), LBFGS())
    assert status(wrong(X0)) == Status.WRONG_GRADIENT


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("name", ["lbfgs", "cg"])
def test_float32_converges_as_far_as_its_digits_go_and_says_when_they_end(name):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(200, 5)).astype("float32"), rng.integers(0, 2, size=200).astype("float32")

    def logistic(w):
        z = ops.matmul(x, w[:, None])[:, 0]
        return ops.mean(ops.softplus(z) - y * z) + 1e-3 * ops.sum(w**2)

    go = runner(logistic, METHODS[name])
    found = go(np.zeros(5, "float32"), gtol=1e-6)
    assert status(found) == Status.CONVERGED_GRADIENT
    assert found.point.value.dtype.name == "float32"
    too_far = go(np.zeros(5, "float32"), gtol=1e-12)
    assert status(too_far) == Status.STALLED
    assert int(too_far.totals.iterations) < 100
    assert float(too_far.best.value) <= float(found.best.value) * (1 + 1e-6)
    assert not status(too_far).converged
    assert "float32 holds 7 digits: a smaller gradient needs float64" in status(too_far).message("float32")


@pytest.mark.slow
def test_the_best_point_is_kept_where_a_method_overshoots():
    method = SteepestDescent(line_search=Constant(2.1))
    found = runner(lambda x: ops.sum(x**2 / 2), method)(np.array([1.0]), max_iterations=10)
    assert status(found) == Status.ITERATION_LIMIT
    assert float(found.best.x[0]) == 1
    assert float(found.point.x[0]) == pytest.approx(1.1**10)


def half_a_parabola_of_the_wrong_gradient(x):
    return 2 * ops.stop_gradient(ops.sum(x**2)) - ops.sum(x**2)


UNBOUNDED = {
    "a line": ops.sum,
    "a hill": lambda x: -ops.sum(x**2),
    "an exponential": lambda x: -ops.sum(ops.exp(x)),
    "a saddle": lambda x: x[0] ** 2 - x[1] ** 2,
}


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("method", [LBFGS(), SteepestDescent(), TruncatedNewton()], ids=repr)
@pytest.mark.parametrize("f", UNBOUNDED.values(), ids=UNBOUNDED)
def test_a_function_without_a_minimum_is_not_blamed_on_the_gradient(f, method):
    for dtype in ("float32", "float64"):
        found = runner(f, method)(np.array([1.0, 0.5], dtype))
        assert status(found) == Status.UNBOUNDED, dtype
        assert "unbounded below" in status(found).message(dtype)


@pytest.mark.slow
def test_nor_is_one_that_newton_s_method_falls_down():
    found = runner(UNBOUNDED["a hill"], Newton())(np.array([1.0, 0.5], "float32"))
    assert status(found) == Status.UNBOUNDED


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize(
    "f", [ops.sum, UNBOUNDED["a hill"], UNBOUNDED["a saddle"]], ids=["a line", "a hill", "a saddle"]
)
def test_negative_curvature_is_not_blamed_on_the_gradient(f):
    for method in (SteepestDescent(line_search=Exact()), ConjugateGradient(line_search=Exact())):
        found = runner(f, method)(np.array([1.0, 0.5]))
        assert status(found) == Status.NEGATIVE_CURVATURE
        assert "TruncatedNewton" in status(found).message("float64")


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("method", [LBFGS(), SteepestDescent(), Newton(), TruncatedNewton()], ids=repr)
def test_a_wrong_gradient_still_is(method):
    for dtype in ("float32", "float64"):
        found = runner(half_a_parabola_of_the_wrong_gradient, method)(np.array([1.0, 0.5], dtype))
        assert status(found) == Status.WRONG_GRADIENT, dtype
        assert "it is not the gradient of the function" in status(found).message(dtype)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("method", [LBFGS(), Newton(), TruncatedNewton()], ids=repr)
@pytest.mark.parametrize("x0", [[2.0, 2.0], [0.0, 0.3]], ids=["from afar", "from the kink"])
def test_a_kink_is_not_called_a_wrong_gradient(method, x0):
    for dtype in ("float32", "float64"):
        found = runner(lambda x: ops.abs(x[0]) + ops.abs(x[1] - 0.3) + x[0] ** 2, method)(np.array(x0, dtype))
        assert status(found).converged or status(found) in (Status.STALLED, Status.ITERATION_LIMIT)


@pytest.mark.slow
def test_a_run_that_climbs_is_not_said_to_be_at_its_last_digits():
    found = runner(lambda x: ops.sum(x**2), SteepestDescent(line_search=Constant(1.01)))(np.array([1.0]))
    assert status(found) == Status.DIVERGED
    assert float(found.best.value) == 1


@pytest.mark.slow
def test_steps_that_only_rise_to_infinity_are_not_called_a_fall():
    found = runner(lambda x: ops.sum(x**4), SteepestDescent(line_search=Constant(1.0)))(np.array([3.0]))
    assert status(found) == Status.DIVERGED


@pytest.mark.slow
def test_a_failed_search_gives_the_last_point_back():
    found = runner(lambda x: ops.where(x[0] > 0.5, x[0] ** 2, float("nan")), LBFGS())(np.array([3.0]))
    assert status(found) == Status.UNBOUNDED
    assert "or becomes infinite there" in status(found).message("float64")
    assert np.isfinite(float(found.best.value))
    assert float(found.best.x[0]) > 0.5
    assert float(found.best.value) == float(found.best.x[0]) ** 2


def test_of_another_function_the_first_step_is_not_as_short_as_the_last_one_of_the_old():
    method, when = SteepestDescent(), stop("float32", max_iterations=1)
    problem = Problem.of(lambda x: ops.sum(np.array([1.0, 3.0, 10.0], "float32") * ops.square(x - 1)) + 1)

    def once(x):
        memory = init_state(method, 3, "float32")
        state = memory.state | {"known": ops.ones((), "int32"), "promise": ops.full((), -1e-25, "float32")}
        old = memory._replace(value=ops.full((), 0.5, "float32"), state=state)
        end, new, _ = resume(problem, method, problem.at(x), old, when)
        return end.value, new.totals

    value, totals = backend.trace(once)(ops.convert_to_tensor(np.array([0, 0.5, 2], "float32")))
    assert value < 5  # 12.75 at the start, where an entry of 0 shows each step, however short
    assert totals[1] < 10
