"""The directions beside what the book says of them, and beside the same formulae in NumPy."""

import itertools

import numpy as np
import pytest
from keras import ops

from keras_ch8.extend import Descent
from keras_ch8.second_order._conjugate_gradient import BETAS
from keras_ch8.second_order.line_search import Constant, Exact, StrongWolfe
from keras_ch8.second_order.loop import Status
from keras_ch8.second_order.methods import BFGS, LBFGS, SSBFGS, ConjugateGradient, SSBroyden, SteepestDescent
from tests.second_order.functions import iterations, quadratic, rosenbrock, runner, start

ROSENBROCK = np.array([-1.2, 1.0, -1.2, 1.0, 0.5])
THREE = [1.0] * 4 + [7.0] * 3 + [50.0]


def path(f, x0, method, count):
    """Return the points, the first included, and the directions, up to their length."""
    _, first = start(f, x0)
    points = [first, *(point for point, _, _ in iterations(f, x0, method, count))]
    return points, [b.x.numpy() - a.x.numpy() for a, b in itertools.pairwise(points)]


@pytest.mark.slow
def test_all_betas_are_one_on_a_quadratic_with_exact_searches():
    f, hessian, x0 = quadratic(np.linspace(1, 20, 8))
    ways = {beta: path(f, x0, ConjugateGradient(beta, line_search=Exact()), 5)[0] for beta in BETAS}
    x, g = x0, hessian @ x0  # the linear method, as every book has it
    d = -g
    for k in range(1, 6):
        t = g @ g / (d @ hessian @ d)
        x, new = x + t * d, g + t * hessian @ d
        d, g = -new + new @ new / (g @ g) * d, new
        for beta, points in ways.items():
            np.testing.assert_allclose(points[k].x.numpy(), x, rtol=1e-10, atol=1e-10, err_msg=beta)


@pytest.mark.parametrize("part", [-0.6, -0.4, 0.0, 0.4, 0.6])
@pytest.mark.parametrize("beta", BETAS)
def test_betas_are_their_formulae(beta, part):
    g, across, d_old = np.random.default_rng(0).normal(size=(3, 6))
    g_old = part * g + across - g * (across @ g) / (g @ g)
    expected = {
        "fletcher_reeves": g @ g / (g_old @ g_old),
        "polak_ribiere": max(0, g @ (g - g_old) / (g_old @ g_old)) if abs(part) < 0.5 else 0,  # else it restarts
    }
    assert float(BETAS[beta](*map(ops.convert_to_tensor, (g, g_old, d_old)))) == pytest.approx(expected[beta])


def test_three_eigenvalues_need_three_steps_in_conjugate_directions():
    f, hessian, x0 = quadratic(THREE)
    points, steps = path(f, x0, ConjugateGradient(line_search=Exact()), 3)
    assert float(points[2].value) > 1e-4 * float(points[0].value)
    assert float(points[3].value) < 1e-24 * float(points[0].value)
    for a, b in itertools.combinations(steps, 2):
        assert abs(a @ hessian @ b) < 1e-10 * np.sqrt((a @ hessian @ a) * (b @ hessian @ b))


@pytest.mark.slow
def test_steepest_descent_zigzags_at_the_rate_of_the_condition_number():
    condition = 30.0
    f, _, _ = quadratic([1.0, condition])
    vectors = np.linalg.qr(np.random.default_rng(0).normal(size=(2, 2)))[0]
    points, steps = path(f, vectors @ [condition, 1.0], SteepestDescent(line_search=Exact()), 12)  # the slowest start
    for a, b in itertools.pairwise(steps):
        assert abs(a @ b) < 1e-8 * np.linalg.norm(a) * np.linalg.norm(b)
    values = np.array([float(point.value) for point in points])
    np.testing.assert_allclose(values[1:] / values[:-1], ((condition - 1) / (condition + 1)) ** 2, rtol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("method", [BFGS(line_search=Exact()), LBFGS(8, line_search=Exact())], ids=["BFGS", "LBFGS"])
def test_quasi_newton_with_exact_searches_walks_with_conjugate_gradients(method):
    f, _, x0 = quadratic(THREE)
    quasi, _ = path(f, x0, method, 3)
    conjugate, _ = path(f, x0, ConjugateGradient(line_search=Exact()), 3)
    for a, b in zip(quasi, conjugate, strict=True):
        np.testing.assert_allclose(a.x.numpy(), b.x.numpy(), atol=1e-9)
    assert float(quasi[3].value) < 1e-20


def inverse_of(pairs):
    """Return the inverse Hessian of BFGS from these pairs, the oldest first, as a product of matrices."""
    s, y = pairs[-1]
    matrix = np.eye(len(s)) * (s @ y / (y @ y))
    for s, y in pairs:
        rho = 1 / (s @ y)
        left = np.eye(len(s)) - rho * np.outer(s, y)
        matrix = left @ matrix @ left.T + rho * np.outer(s, s)
    return matrix


def at_end(last, point, s, y):
    """Return y of the length with which s . y is the curvature of the cubic through both ends, at the second."""
    cubic = 6 * float(last.value - point.value) + s @ (4 * point.gradient.numpy() + 2 * last.gradient.numpy())
    return y * np.clip(cubic / (s @ y), 0.1, 10)


@pytest.mark.slow
@pytest.mark.parametrize("memory", [1, 3])
def test_the_two_loops_are_the_matrix_of_the_last_pairs(memory):
    method = LBFGS(memory)
    problem, last = start(rosenbrock, ROSENBROCK)
    pairs = []
    for point, state, info in iterations(rosenbrock, ROSENBROCK, method, 7):
        assert not bool(info.skipped)
        s, y = point.x.numpy() - last.x.numpy(), point.gradient.numpy() - last.gradient.numpy()
        pairs.append((s, at_end(last, point, s, y)))
        own = {name: state[name] for name in ("S", "Y", "rho", "gamma")}
        d = method.direction(problem, point, state["known"], **own)
        expected = -inverse_of(pairs[-memory:]) @ point.gradient.numpy()
        np.testing.assert_allclose(d.numpy(), expected, rtol=1e-8, atol=1e-8 * np.abs(expected).max())
        last = point


class Told(Descent):
    """Proposes what it is told."""

    takes_unit_steps = True

    def init_memory(self, n, dtype):
        return {"told": ops.zeros((n,), dtype)}

    def direction(self, problem, point, known, told):
        return told

    def learn(self, move, known, told):
        return {"told": told}, ops.ones((), "bool")


@pytest.mark.parametrize(
    "told, restarts", [([1.0, 1.0], True), ([np.nan, -1.0], True), ([np.inf, -1.0], True), ([0.0, 0.0], True),
                       ([1.0, -1.0], True), ([-1.0, -1.0], False)],
)  # fmt: skip
def test_a_direction_that_is_not_downhill_is_given_up_for_the_gradient(told, restarts):
    state = {**Told().init(2, "float64"), "told": ops.convert_to_tensor(np.array(told))}
    state["known"] = ops.convert_to_tensor(np.array(7, "int32"))
    ((point, state, info),) = iterations(lambda x: ops.sum(x**2), np.array([3.0, 3.0]), Told(), 1, state)
    assert bool(info.restarted) == restarts
    assert bool(info.moved)
    assert int(state["known"]) == (1 if restarts else 8)
    if restarts:
        assert float(info.slope) == -72
        assert float(point.x[0]) == float(point.x[1])


@pytest.mark.slow
def test_a_pair_with_negative_curvature_is_skipped_and_nothing_is_lost():
    # Short steps before the inflection of a sine, each to where the slope is steeper.
    f, x0 = lambda x: ops.sum(ops.sin(x)), np.array([1.7])
    for method in (LBFGS(line_search=Constant()), BFGS(line_search=Constant())):
        (_, _, first), (_, state, second) = list(iterations(f, x0, method, 2))
        assert [bool(first.skipped), bool(second.skipped)] == [True, True]
        assert int(state["known"]) == 0
        assert float(runner(f, method)(x0).point.value) == pytest.approx(-1)


@pytest.mark.broad(slow=7)
@pytest.mark.parametrize(
    "method", [LBFGS(3), BFGS(), ConjugateGradient(), SteepestDescent()], ids=lambda m: type(m).__name__
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_state_keeps_names_shapes_and_types(method, dtype):
    first = method.init(5, dtype)
    (_, state, info), *_ = iterations(rosenbrock, ROSENBROCK.astype(dtype), method, 1)
    shapes = [{name: (tuple(t.shape), t.dtype.name) for name, t in each.items()} for each in (first, state)]
    assert shapes[0] == shapes[1]
    assert {t.dtype.name for t in (info.step, info.slope)} == {dtype}
    assert tuple(info.numbers) == method.numbers


def test_conjugate_gradients_want_more_of_the_slope_taken_away():
    assert ConjugateGradient().line_search == StrongWolfe(c2=0.2)
    assert LBFGS(5, line_search=Exact()) == LBFGS(history_size=5, line_search=Exact())


def broyden(B, s, y, kind, is_first):
    """Return the next Hessian from this one, of the self-scaled Broyden family as Al-Baali and Khalfan print it."""
    b, h = s @ B @ s / (s @ y), y @ np.linalg.solve(B, y) / (s @ y)
    a, smaller = b * h - 1, min(1, 1 / b)
    c = np.sqrt(a / (1 + a))
    r = min(1, h * (1 - c))
    theta = {"BFGS": 0, "SSBFGS": 0, "SSBroyden": max((r - 1) / a, min(1 / r, (1 - b) / b))}[kind]
    sigma = 1 + a * theta
    root = sigma ** (-1 / (len(s) - 1))
    tau = {
        "BFGS": 1,
        "SSBFGS": smaller,
        "SSBroyden": min(smaller * root, sigma) if theta <= 0 else smaller * min(root, 1 / theta),
    }[kind]
    tau = h / sigma if is_first else tau
    Bs = B @ s
    w = np.sqrt(s @ Bs) * (y / (s @ y) - Bs / (s @ Bs))
    return tau * (B - np.outer(Bs, Bs) / (s @ Bs) + theta * np.outer(w, w)) + np.outer(y, y) / (s @ y)


@pytest.mark.parametrize("method", [BFGS(), SSBFGS(), SSBroyden()], ids=lambda m: type(m).__name__)
def test_the_matrix_is_the_inverse_of_the_hessian_of_the_paper_and_stays_positive(method):
    f = lambda x: rosenbrock(x) + 1e4 * x[0] ** 4  # noqa: E731
    _, last = start(f, ROSENBROCK)
    B = np.eye(5)
    for k, (point, state, _) in enumerate(iterations(f, ROSENBROCK, method, 15)):
        s, y = point.x.numpy() - last.x.numpy(), point.gradient.numpy() - last.gradient.numpy()
        y = at_end(last, point, s, y) if isinstance(method, BFGS) else y
        B, matrix = broyden(B, s, y, type(method).__name__, is_first=k == 0), state["M"].numpy()
        np.testing.assert_allclose(matrix @ B, np.eye(5), atol=1e-6)
        np.testing.assert_allclose(matrix, matrix.T, rtol=1e-12, atol=1e-15 * np.abs(matrix).max())
        assert np.linalg.eigvalsh(matrix).min() > 0
        last = point


@pytest.mark.parametrize("method", [SSBFGS(), SSBroyden()], ids=lambda m: type(m).__name__)
def test_scaling_saves_half_of_the_evaluations_where_curvatures_differ_and_change(method):
    f, _, _ = quadratic(np.logspace(0, 4, 50))
    curved = lambda x: f(x) + ops.sum(x**4) / 4  # noqa: E731
    plain, scaled = (runner(curved, each)(np.full(50, 3.0), gtol=1e-6) for each in (BFGS(), method))
    assert int(scaled.status) == Status.CONVERGED_GRADIENT
    assert int(scaled.totals.evaluations) < 0.6 * int(plain.totals.evaluations)
