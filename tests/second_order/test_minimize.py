"""`minimize`, `Minimizer` and `Problem`, as a user meets them."""

import io
import re

import numpy as np
import pytest
from keras import ops

from keras_ch8.extend import Problem
from keras_ch8.second_order import Minimizer, minimize
from keras_ch8.second_order.loop import Status
from keras_ch8.second_order.methods import LBFGS
from tests.marks import mostly
from tests.second_order.functions import quadratic, rosenbrock

METHODS = [
    "bfgs", "conjugate_gradient", "lbfgs", "newton", "saddle_free_newton", "steepest_descent", "truncated_newton",
]  # fmt: skip


def shifted(x):
    """Return 3 where the last entry is above 100, where it does not depend on x, and a Rosenbrock's valley below."""
    return ops.where(x[-1] > 100, 3 + 0 * ops.sum(x), rosenbrock(x))


@pytest.mark.slow
def test_one_program_runs_from_every_start_and_says_how_it_ended():
    run = Minimizer(shifted, "lbfgs")
    for seed in range(5):
        found = run(np.random.default_rng(seed).normal(size=4), gtol=1e-7, max_iterations=500 + seed)
        assert found.success
        assert found.status == Status.CONVERGED_GRADIENT
        assert found.gradient_norm <= 1e-7
        assert found.fun == pytest.approx(float(rosenbrock(ops.convert_to_tensor(found.x))), abs=1e-20)
        assert found.nfev > found.nit > 10
        assert (found.nhev, found.restarts) == (0, 0)
    halted = run(np.zeros(4), max_iterations=3)
    assert (halted.nit, halted.success) == (3, False)
    assert halted.message == "Not converged: `max_iterations` was reached. Raise it, or continue from `x`."
    ends = {
        Status.CONVERGED_AT_START: (np.ones(4), "Converged at the start: no entry of the gradient is above `gtol`"),
        Status.FLAT: (np.full(4, 200.0), "Not started: the gradient is exactly 0, and so it is nearby"),
        Status.NOT_FINITE_AT_START: (np.full(4, -1e200), "Not started: value or gradient is infinite or NaN"),
    }
    for status, (x0, message) in ends.items():
        found = run(x0)
        assert found.status == status
        assert found.message.startswith(message)
        assert (found.nit, found.nfev) == (0, 1)
        np.testing.assert_array_equal(found.x, x0)
        assert found.success == (status == Status.CONVERGED_AT_START)
    assert run._gone_on.experimental_get_tracing_count() == 1
    assert run.__class__(shifted, LBFGS()) == Minimizer(shifted, LBFGS())


@pytest.mark.slow
@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_line_says_how_far_it_is_and_changes_nothing(is_terminal, monkeypatch):
    run, shown = Minimizer(rosenbrock, "lbfgs"), io.StringIO()
    shown.isatty = lambda: is_terminal
    quiet = run(np.zeros(4))
    monkeypatch.setattr("sys.stdout", shown)
    told = run(np.zeros(4), verbose=True)
    np.testing.assert_array_equal(told.x, quiet.x)
    for seen, expected in zip(told.history, quiet.history, strict=True):
        np.testing.assert_array_equal(seen, expected)
    lines = re.split(r" *[\r\n]", shown.getvalue())[:-1]
    assert 2 <= len(lines) <= 10
    assert lines[-1].startswith(f"iteration {told.nit}  f ")
    assert lines[-1].endswith(f"  evaluations {told.nfev}")
    assert shown.getvalue().count("\n") == (1 if is_terminal else len(lines))


@pytest.mark.slow
@pytest.mark.parametrize("method", mostly(pytest.mark.full, METHODS, "newton"))
def test_a_wall_of_nan_is_not_passed(method):
    """The value is NaN at the start, or half way to the minimum."""
    walled = Minimizer(lambda x: ops.sum(x**2) * ops.where(ops.sum(x) < 1, np.float64("nan"), np.float64(1.0)), method)
    lost = walled([0.0, 0.5])
    assert (lost.status, lost.nfev) == (Status.NOT_FINITE_AT_START, 1)
    np.testing.assert_array_equal(lost.x, [0.0, 0.5])
    halted = walled([3.0, 3.0], max_iterations=200)
    assert not halted.success
    assert np.isfinite(halted.fun)
    assert halted.fun < 18


def test_second_derivatives_of_a_problem_are_those_of_the_function():
    f, hessian, x0 = quadratic([1.0, 2.0, 5.0])
    cubic = Problem.of(lambda x: f(x) + ops.sum(x**3))
    x, v = ops.convert_to_tensor(x0), ops.convert_to_tensor(np.array([1.0, -2.0, 0.5]))
    expected = hessian + np.diag(6 * x0)
    np.testing.assert_allclose(cubic.hessian(x).numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(cubic.product(x, v).numpy(), expected @ v.numpy(), rtol=1e-12)
    given = Problem(cubic.value_and_gradient, product=lambda x, v: 2 * v)
    np.testing.assert_array_equal(given.product(x, v).numpy(), 2 * v.numpy())
    squares = Problem.of_squares(lambda x: x - 1)
    value, gradient = squares.value_and_gradient(x)
    assert float(value) == pytest.approx(((x0 - 1) ** 2).sum())
    np.testing.assert_allclose(gradient.numpy(), 2 * (x0 - 1))
    np.testing.assert_allclose(squares.residuals(x).numpy(), x0 - 1)


@pytest.mark.parametrize(
    "f, x0, options, message",
    [
        (
            rosenbrock,
            np.zeros((2, 2)),
            {},
            r"`x0` must be a non-empty vector .* Received: shape \(2, 2\) and dtype float64",
        ),
        (rosenbrock, np.zeros(2, "float16"), {}, r"Received: shape \(2,\) and dtype float16. .*cast it"),
        (rosenbrock, np.zeros(2), {"gtol": -1}, r"`gtol` is a tolerance, .* Received: gtol=-1"),
        (rosenbrock, np.zeros(2), {"max_iterations": 2.5}, r"`max_iterations` .* Received: max_iterations=2.5"),
        (
            lambda x: x**2,
            [1.0, 2.0],
            {},
            r"`fun` must return a scalar of the type of x, float64, and no gradient. Received: shape \(2,\)",
        ),
        (lambda x: None, [1.0], {}, r"Received: None. .*`return` that alone"),
        (lambda x: (ops.sum(x), x), [1.0], {}, r"Received: \(<.*>, <.*>\). Sum or average"),
        (lambda x: ops.cast(ops.sum(x), "float32"), [1], {}, r"float64, .* Received: shape \(\) and dtype float32"),
    ],
)
def test_an_argument_of_the_wrong_kind_is_refused(f, x0, options, message):
    with pytest.raises(ValueError, match=message):
        minimize(f, x0, **options)


def test_numpy_on_the_numbers_of_x_is_refused():
    with pytest.raises(TypeError, match=r"must compute with `keras.ops`.*NumPy call.*Write `keras.ops.sum` for"):
        minimize(lambda x: np.square(x).sum(), [1.0])


def test_a_method_is_one_or_the_name_of_one():
    with pytest.raises(ValueError, match=r"must be one of \['bfgs', .*Received: method='sgd'"):
        Minimizer(rosenbrock, "sgd")
    with pytest.raises(
        TypeError, match=r"such as `keras_ch8.second_order.methods.LBFGS\(\)`.*Received: .* of type ABCMeta"
    ):
        Minimizer(rosenbrock, LBFGS)


def test_every_status_has_a_sentence():
    for status in Status:
        for dtype in ("float32", "float64"):
            assert re.fullmatch(r"[A-Z].*\.", status.message(dtype))
            assert status.message(dtype).startswith("Converged") == status.converged
