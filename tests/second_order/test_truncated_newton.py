"""The truncated method: its step beside the exact one, at negative curvature, and on whole problems."""

import numpy as np
import pytest
from keras import ops

from keras_ch8.second_order import Minimizer
from keras_ch8.second_order._trust import Bound, ProposedStep, TriedStep, TrustRadius
from keras_ch8.second_order.methods import TruncatedNewton
from tests.second_order.functions import iterations, quadratic, rosenbrock, runner
from tests.second_order.mgh import CASES
from tests.second_order.peers import ours
from tests.second_order.test_newton import EXITS, quick, saddle


def with_radius(method, n, radius, eta=0.0):
    """Return a state with a radius, and a last gradient so long that conjugate gradients are run to the end."""
    numbers = {"size": radius, "g_old": 1e20, "eta": eta}
    return method.init(n, "float64") | {name: ops.convert_to_tensor(np.array(v)) for name, v in numbers.items()}


def test_a_step_inside_the_region_is_that_of_newton():
    f, _, x0 = quadratic(np.geomspace(1e-2, 1, 6))
    method = TruncatedNewton()
    ((point, state, info),) = iterations(f, x0, method, 1, with_radius(method, 6, 100.0))
    np.testing.assert_allclose(point.x.numpy(), 0, atol=1e-10)
    assert float(info.numbers["trust_ratio"]) == pytest.approx(1)
    assert int(info.products) == int(info.numbers["cg_iterations"]) <= 18
    assert [float(info.numbers[name]) for name in ("radius", "negative_curvature")] == [100, 0]
    assert float(state["size"]) == 100


def test_a_step_to_the_boundary_is_as_long_as_the_radius_which_then_grows():
    f, _, x0 = quadratic(np.geomspace(1e-2, 1, 6))
    method = TruncatedNewton()
    ((point, state, info),) = iterations(f, x0, method, 1, with_radius(method, 6, 0.25))
    assert np.linalg.norm(point.x.numpy() - x0) == pytest.approx(0.25)
    assert float(info.numbers["negative_curvature"]) == 0
    assert float(state["size"]) == pytest.approx(0.5)


@pytest.mark.slow
def test_negative_curvature_leads_to_the_boundary_and_out_of_the_saddle_point():
    method = TruncatedNewton()
    ((point, _, info),) = iterations(saddle, np.array([0.1, 1.0]), method, 1, with_radius(method, 2, 3.0))
    assert np.linalg.norm(point.x.numpy() - [0.1, 1.0]) == pytest.approx(3)
    assert float(info.numbers["negative_curvature"]) == 1
    for dtype in ("float64", "float32"):
        *_, (point, _, _) = quick(saddle, np.array([1, 1e-3], dtype), method, 10)
        assert float(point.value) < -1e3


@pytest.mark.slow
def test_the_residual_is_what_was_asked_for():
    f, hessian, x0 = quadratic(np.geomspace(1e-3, 1, 30))
    g = hessian @ x0
    method, state = TruncatedNewton(), with_radius(TruncatedNewton(), 30, 1e3)
    for ratio, expected in ((0.5, 0.9 * 0.25), (0.1, 0.9 * 0.01), (10.0, 0.5)):
        state["g_old"] = ops.convert_to_tensor(np.linalg.norm(g) / ratio)
        ((point, after, _),) = iterations(f, x0, method, 1, state)
        assert float(after["eta"]) == pytest.approx(expected)
        assert np.linalg.norm(g + hessian @ (point.x.numpy() - x0)) <= expected * np.linalg.norm(g)
    state |= {"g_old": ops.convert_to_tensor(np.linalg.norm(g) / 0.1), "eta": ops.convert_to_tensor(0.4)}
    ((_, after, _),) = iterations(f, x0, method, 1, state)
    assert float(after["eta"]) == pytest.approx(0.9 * 0.4**2)  # not so much sharper than the last at once


def test_the_radius_follows_the_trust_ratio():
    rule = TrustRadius()

    def after(rho, length, change=0.0):
        radius, slope = ops.convert_to_tensor(8.0), ops.convert_to_tensor(-1.0)
        step = ProposedStep(None, None, {}, radius=radius, length=ops.convert_to_tensor(length))
        trial = TriedStep(None, -slope, ops.convert_to_tensor(rho), ops.convert_to_tensor(change), slope)
        return float(rule.after(Bound(radius, 0.0), step, trial, rule.accepts(trial)).size)

    assert after(0.9, 8.0) == 16
    assert after(0.9, 2.0) == after(0.5, 8.0) == after(0.11, 5.0) == 8
    assert after(0.09, 5.0) == after(-1.0, 5.0) == 2.5  # the parabola: half of the step
    assert after(-1.0, 5.0, change=1.0) == 1.25
    assert after(-np.inf, 5.0, change=np.inf) == after(-np.inf, 5.0, change=np.nan) == 0.5


def test_another_function_begins_with_the_largest_radius_since_it_was_last_tightened():
    rule, slope = TrustRadius(), ops.convert_to_tensor(-1.0)
    bound = rule.begin("float32")
    for rho, radius, length, largest in [
        (0.5, 8.0, 8.0, 8),
        (0.5, 1.0, 1.0, 8),
        (0.9, 1.0, 6.0, 12),
        (0.01, 5.0, 4.0, 2),
    ]:
        trial = TriedStep(None, -slope, ops.convert_to_tensor(rho), ops.zeros(()), slope)
        step = ProposedStep(None, None, {}, radius=ops.convert_to_tensor(radius), length=ops.convert_to_tensor(length))
        bound = rule.after(bound, step, trial, rule.accepts(trial))
        assert float(rule.on_new(bound).size) == largest


@pytest.mark.slow
def test_a_thousand_parameters_take_some_products_and_no_matrix():
    run = Minimizer(rosenbrock, "truncated_newton")
    for x0 in (0.9, 1.1):
        found = run(np.full(1000, x0), gtol=1e-8)
        assert found.success
        np.testing.assert_allclose(found.x, 1, atol=1e-6)
        assert found.nhev < 1000
    assert run._gone_on.experimental_get_tracing_count() == 1


@pytest.mark.full
def test_it_solves_the_problems_of_more_garbow_and_hillstrom():
    solved, _, statuses = ours(TruncatedNewton())
    assert solved.all(), [str(case) for case, is_solved in zip(CASES, solved, strict=True) if not is_solved]
    assert set(statuses) <= set(EXITS)


@pytest.mark.full
@pytest.mark.parametrize("case", CASES, ids=str)
def test_float32_ends_with_numbers_and_a_reason(case):
    found = runner(case.f, TruncatedNewton())(case.start.astype("float32"), gtol=1e-5)
    assert np.isfinite([found.best.value, *found.best.x]).all()
    assert int(found.status) in EXITS
