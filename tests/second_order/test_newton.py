"""Newton's method beside equations 8.27 and 8.28, at saddle points, and where the model of f does not hold."""

import numpy as np
import pytest
from keras import ops

from keras_ch8.extend import Problem
from keras_ch8.integration import backend
from keras_ch8.second_order import Minimizer, minimize
from keras_ch8.second_order._trust import Bound, GainRatio, TriedStep, within_radius
from keras_ch8.second_order._vector import rounding
from keras_ch8.second_order.loop import Status
from keras_ch8.second_order.methods import Newton, SaddleFreeNewton, TruncatedNewton
from tests.marks import mostly
from tests.second_order.functions import barrier, poisson, quadratic, rosenbrock, runner, start
from tests.second_order.mgh import CASES

ROSENBROCK = np.array([-1.2, 1.0, 0.7])
PRINTED = Newton(damping=0.0)
EXITS = [Status.CONVERGED_GRADIENT, Status.STALLED, Status.WRONG_GRADIENT, Status.ITERATION_LIMIT]


def saddle(x):
    return (x[0] ** 2 - x[1] ** 2) / 2


def two_valleys(x):
    """A saddle point at 0 between minima of -0.25 at x[1]^2 = 0.5."""
    return x[0] ** 2 - x[1] ** 2 + x[1] ** 4


def quick(f, x0, method, count):
    """Yield what `iterations` does, from a graph that is made once."""
    problem, point = start(f, x0)
    iterate, state = backend.trace(lambda *at: method.iterate(problem, *at)), method.init(len(x0), point.x.dtype.name)
    for _ in range(count):
        point, state, info = iterate(point, state)
        yield point, state, info


def hessian_at(f, x):
    return Problem.of(f).hessian(ops.convert_to_tensor(x)).numpy()


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_a_step_is_that_of_the_book(alpha):
    _, first = start(rosenbrock, ROSENBROCK)
    H = hessian_at(rosenbrock, ROSENBROCK)
    ((point, _, info),) = quick(rosenbrock, ROSENBROCK, Newton(damping=alpha), 1)
    expected = ROSENBROCK - np.linalg.solve(H + alpha * np.eye(3), first.gradient.numpy())
    np.testing.assert_allclose(point.x.numpy(), expected, rtol=1e-10)
    found = [float(info.numbers[name]) for name in ("damping", "eigenvalue_smallest", "eigenvalue_largest")]
    np.testing.assert_allclose(found, [alpha, *np.linalg.eigvalsh(H)[[0, -1]]], rtol=1e-9)
    assert (int(info.evaluations), int(info.products)) == (1, 3)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("method", [PRINTED, Newton()], ids=["as printed", "by default"])
@pytest.mark.parametrize("dtype, within", [("float64", 1e-10), ("float32", 1e-3)])
def test_the_minimum_of_a_quadratic_of_condition_1e4_is_one_step_away(dtype, within, method):
    _, hessian, x0 = quadratic(np.geomspace(1e-4, 1, 20))

    def f(x):
        return ops.sum(x * ops.matmul(ops.cast(hessian, x.dtype), x)) / 2

    ((point, _, info),) = quick(f, x0.astype(dtype), method, 1)
    assert np.abs(point.x.numpy()).max() < within
    assert float(info.numbers["trust_ratio"]) == pytest.approx(1, abs=1e-3)
    assert float(info.numbers["damping"]) == 0


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("a", [1.0, 1e-3])
def test_two_coupled_parameters_take_one_step(a):
    def f(x):
        return (x[0] - x[1]) ** 2 + a * ops.sum(x**2)

    for method in (PRINTED, Newton()):
        ((point, _, _),) = quick(f, np.array([3.0, -2.0]), method, 1)
        np.testing.assert_allclose(point.x.numpy(), 0, atol=1e-12)


@pytest.mark.slow
def test_as_printed_it_goes_up_to_a_saddle_point_and_damped_it_leaves():
    x0 = np.array([1e-3, 1.0])
    ((up, _, info),) = quick(saddle, x0, PRINTED, 1)
    assert float(saddle(x0)) < -0.49 < float(up.value) == 0
    assert [float(info.numbers[f"eigenvalue_{end}"]) for end in ("smallest", "largest")] == pytest.approx([-1, 1])
    *_, (down, _, info) = quick(saddle, np.array([1.0, 1e-3]), Newton(), 6)
    assert float(down.value) < -1e3
    assert float(info.numbers["eigenvalue_smallest"]) == pytest.approx(-1)
    assert float(info.numbers["damping"]) > 1


@pytest.mark.slow
def test_the_way_out_of_a_saddle_point_is_seen_where_the_gradient_hides_it():
    run = Minimizer(two_valleys, "newton")
    for x0 in ([1.0, 0.0], [0.0, 0.01], [1.0, -1e-3]):
        found = run(np.array(x0))
        assert found.success
        assert found.fun == pytest.approx(-0.25, abs=1e-6)
    assert run._gone_on.experimental_get_tracing_count() == 1
    *_, (point, _, _) = quick(two_valleys, np.array([1, 0], "float32"), Newton(), 12)
    assert float(point.value) == pytest.approx(-0.25, abs=1e-6)
    *_, (point, _, _) = quick(two_valleys, np.array([1.0, 0.0]), PRINTED, 2)
    assert float(point.value) == 0


def wavy(x):
    """Indefinite nearly everywhere."""
    return ops.sum(ops.cos(3 * x)) + ops.sin(ops.sum(x)) + ops.sum(x**2) / 10


@pytest.mark.slow
def test_damped_the_matrix_is_positive_and_the_value_never_rises_by_more_than_rounding(compiled_well):
    x0 = np.random.default_rng(0).normal(size=8)
    before, negative = start(wavy, x0)[1], 0
    hessian = backend.trace(Problem.of(wavy).hessian)
    for after, _, info in quick(wavy, x0, Newton(), 15):
        values = np.linalg.eigvalsh(hessian(before.x).numpy())
        assert float(info.numbers["eigenvalue_smallest"]) == pytest.approx(values[0], abs=1e-9)
        assert values[0] + float(info.numbers["damping"]) > 0
        assert float(after.value) <= float(before.value + rounding(before.value))
        assert bool(info.moved) == (float(info.numbers["trust_ratio"]) > 1e-4)
        before, negative = after, negative + (values[0] < 0)
    assert negative >= 3
    assert np.abs(before.gradient.numpy()).max() < 1e-8


@pytest.mark.slow
@pytest.mark.parametrize("method", [SaddleFreeNewton(), TruncatedNewton()], ids=lambda m: type(m).__name__)
def test_a_first_trial_that_is_nan_was_too_far(method):
    ((point, _, info),) = quick(poisson, np.array([25.0]), method, 1)
    assert float(point.value) < float(start(poisson, np.array([25.0]))[1].value)
    assert int(info.evaluations) > 1


@pytest.mark.slow
@pytest.mark.parametrize("damping", mostly(pytest.mark.slow, [0.0, 1e-3, "adaptive"], "adaptive"))
def test_a_trial_that_is_nan_was_too_far(damping):
    ((point, _, info),) = quick(poisson, np.array([25.0]), Newton(damping=damping), 1)  # the whole step: -12.5
    assert np.isfinite(point.x.numpy()).all()
    assert int(info.evaluations) > 1
    *_, (point, _, _) = quick(barrier, np.array([0.5, 0.49]), Newton(damping=damping), 12)
    assert np.abs(point.gradient.numpy()).max() < 1e-5


def scaled(x):
    """The function of Rosenbrock times 10^x[0], which nothing depends on and rounding alone moves."""
    return 10 ** ops.round(ops.stop_gradient(x[0])) * rosenbrock(x[1:])


def goes_the_same_way_in_all_units(method):
    """Whether f times 1e-8 and 1e8 takes the same path to the minimum, and float32 ends there or says why not."""
    run = runner(scaled, method)
    ends = [run(np.array([k, *ROSENBROCK]), gtol=1e-8 * 10.0**k) for k in (0, -8, 8)]
    # At the minimum the smallest eigenvalue is 0.4: what is left of the gradient is 0.4 times the distance at least.
    small = [run(np.array([k, *ROSENBROCK], "float32"), gtol=4e-4 * 10.0**k) for k in (0, -8, 8)]
    assert {int(end.status) for end in ends + small} == {Status.CONVERGED_GRADIENT}
    assert len({int(end.totals.iterations) for end in ends}) == 1
    np.testing.assert_allclose([end.best.x[1:] for end in ends], 1, atol=1e-6)
    np.testing.assert_allclose([end.best.x[1:] for end in small], 1, atol=1e-3)
    last = run(np.array([0, *ROSENBROCK], "float32"), gtol=0.0)
    assert int(last.status) in EXITS
    return np.isfinite(last.best.x).all()


@pytest.mark.slow
@pytest.mark.parametrize("method", [Newton(), SaddleFreeNewton(), TruncatedNewton()], ids=lambda m: type(m).__name__)
def test_the_unit_of_f_does_not_change_the_path(method):
    assert goes_the_same_way_in_all_units(method)


def test_the_damping_follows_nielsen():
    def after(mu, nu, rho):
        trial = TriedStep(None, ops.convert_to_tensor(1.0), ops.convert_to_tensor(rho), None, None)
        bound = Bound(ops.convert_to_tensor(mu), ops.convert_to_tensor(nu))
        return [float(t) for t in GainRatio().after(bound, None, trial, GainRatio().accepts(trial))]

    assert after(0.3, 8.0, 1.0) == pytest.approx([0.1, 2])
    assert after(0.3, 8.0, 0.5) == pytest.approx([0.3, 2])
    assert after(0.3, 8.0, 0.25) == pytest.approx([0.3 * 1.125, 2])
    assert after(0.3, 8.0, -1.0) == pytest.approx([2.4, 16])
    assert after(0.3, 8.0, -np.inf) == pytest.approx([2.4, 16])


def test_a_step_of_newton_within_the_radius_is_the_radius_until_f_is_another_function():
    (f, *_), far = quadratic([1.0, 2.0, 3.0]), np.array([50.0, -40.0, 30.0])
    *_, (near, state, _) = quick(f, far, Newton(), 3)
    assert float(state["size"]) < 1e-6
    problem = Problem.of(lambda x: f(x - far) + 1)
    again = Newton().on_new(state, near)
    point, _, info = Newton().iterate(problem, problem.at(near.x), again)
    np.testing.assert_allclose(point.x, far, rtol=1e-6)
    assert (int(info.evaluations), float(info.numbers["damping"])) == (1, 0)


@pytest.mark.parametrize("eigenvalues", [[1, 2, 3], [0, 0, 1], [0, 1e-9, 1e9], [0, 1, 2]], ids=str)
@pytest.mark.parametrize("radius", [1e-9, 0.3, 1e3])
def test_a_step_is_the_best_of_its_length_or_shorter_if_nothing_pulls_it_on(eigenvalues, radius):
    A, b = np.diag(np.array(eigenvalues, "float64")), np.array([0.0 if eigenvalues == [0, 1, 2] else 1, 2, 3])
    delta, alpha = within_radius(*(ops.convert_to_tensor(a, "float64") for a in (A, b, radius, 1e-12)))
    length = np.linalg.norm(delta)
    np.testing.assert_allclose(delta, np.linalg.solve(A + float(alpha) * np.eye(3), -b), rtol=1e-9)
    assert length <= 1.1 * radius
    assert length >= 0.9 * radius or float(alpha) == 1e-12


def test_it_refuses_what_it_cannot_do():
    with pytest.raises(ValueError, match=r"at most 2000 parameters\. Received: 2001\. Use `TruncatedNewton\(\)`"):
        minimize(lambda x: ops.sum(x**2), np.ones(2001), "newton")
    with pytest.raises(ValueError, match=r"Received: damping='tikhonov'"):
        Newton(damping="tikhonov")


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("method", [Newton(), PRINTED, SaddleFreeNewton(), TruncatedNewton()], ids=repr)
def test_state_and_numbers_keep_names_shapes_and_types(method):
    first = method.init(2, "float32")
    ((_, state, info),) = quick(saddle, np.array([1, 0.1], "float32"), method, 1)
    shapes = [{name: (tuple(t.shape), t.dtype.name) for name, t in each.items()} for each in (first, state)]
    assert shapes[0] == shapes[1]
    assert tuple(info.numbers) == method.numbers
    assert {t.dtype.name for t in (*info.numbers.values(), info.step, info.slope)} == {"float32"}


@pytest.mark.parametrize("case", mostly(pytest.mark.full, CASES, *CASES[::9]), ids=str)
@pytest.mark.slow
def test_it_solves_the_problems_of_more_garbow_and_hillstrom(case):
    run = runner(case.f, Newton())
    value = float(run(case.start, max_iterations=5000).best.value)
    assert case.is_solved_by(value)
    small = run(case.start.astype("float32"), gtol=1e-5)
    assert np.isfinite([small.best.value, *small.best.x]).all()
    assert int(small.status) in EXITS
