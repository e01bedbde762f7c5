"""Bounds: the step beside the dense quadratic of the pairs, the minima beside SciPy's, and what is refused."""

import itertools
import re

import keras
import numpy as np
import pytest
from keras import ops

from keras_ch8.second_order import _bounded_step, bounds, methods, minimize
from keras_ch8.second_order.loop import Status
from tests.optimizers.closure_cases import X, Y, fit, network
from tests.second_order.bounded import CASES, ours, rosenbrock, scipys


def dense_step(x, g, B, low, high):
    """Return the step by its definition: stretch after stretch of the bent path, then systems of what is still free."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ends = np.where(g < 0, (x - high) / g, np.where(g > 0, (x - low) / g, np.inf))
    corners = np.unique([0, *ends[ends > 0], np.inf])
    for begin, end in itertools.pairwise(corners):
        d, z = np.where(ends > begin, -g, 0), np.clip(x - begin * g, low, high) - x
        slope, bend = g @ d + d @ B @ z, d @ B @ d
        t = begin - slope / bend if slope < 0 else begin
        if t <= end:
            break
    place = cauchy = np.clip(x - t * g, low, high)
    free, leaves = ends > t, ends > t
    while leaves.any() and free.any():
        on = np.zeros_like(x)
        on[free] = np.linalg.solve(B[np.ix_(free, free)], -(g + B @ (place - x))[free])
        leaves = free & ((place + on < low) | (place + on > high))
        place, free = np.clip(place + on, low, high), free & ~leaves
    return (place if g @ (place - x) < 0 else cauchy) - x


@pytest.mark.parametrize("seed", range(12))
def test_the_step_is_that_of_the_dense_hessian_of_the_pairs(seed):
    rng = np.random.default_rng(seed)
    n, rows, known = int(rng.integers(2, 9)), 4, int(rng.integers(1, 9))
    Q = np.linalg.qr(rng.normal(size=(n, n)))[0]
    hessian = (Q * np.exp(rng.normal(size=n))) @ Q.T
    steps = rng.normal(size=(known, n)) * 10.0 ** rng.integers(-2, 3, size=(known, 1))
    S, Y = np.zeros((2, rows, n))
    for k, s in enumerate(steps):
        S[k % rows], Y[k % rows] = s, hessian @ s
    gamma = steps[-1] @ hessian @ steps[-1] / np.sum((hessian @ steps[-1]) ** 2)
    B = np.eye(n) / gamma
    for s in steps[-rows:]:
        y, Bs = hessian @ s, B @ s
        B = B - np.outer(Bs, Bs) / (s @ Bs) + np.outer(y, y) / (s @ y)
    low, high = np.sort(rng.normal(size=(2, n)), axis=0)
    low[rng.random(n) < 0.3], high[rng.random(n) < 0.3] = -np.inf, np.inf
    x, g = np.clip(rng.normal(size=n), low, high), 3 * rng.normal(size=n)
    pairs = _bounded_step.compact(*map(ops.convert_to_tensor, (S, Y, gamma, np.int32(known))))
    found = _bounded_step.step(*map(ops.convert_to_tensor, (x, gamma * g)), pairs, low, high).numpy()
    expected = dense_step(x, g, B, low, high)
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9 * np.abs(expected).max())


@pytest.mark.full
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_all_are_solved_within_the_bounds_with_no_more_evaluations_than_scipy():
    ends, peers = ours(methods.LBFGS()), scipys()
    solved = []
    for case, (value, _, _, x), (theirs, _) in zip(CASES, ends, peers, strict=True):
        assert ((case.low <= x) & (x <= case.high)).all(), case.name
        lowest = min(value, theirs)
        solved.append([f - lowest <= 1e-6 * abs(lowest) + 1e-8 for f in (value, theirs)])
    solved = np.array(solved)
    assert solved[:, 0].all()
    both = solved.all(axis=1)
    evaluations = np.array([(end[1], peer[1]) for end, peer in zip(ends, peers, strict=True)])[both].sum(axis=0)
    assert evaluations[0] <= evaluations[1]


def test_a_search_that_found_nothing_is_not_the_length_of_the_next_one():
    case = CASES[2]  # a valley so narrow that the last step across it changes no digit of x
    seen = minimize(case.f, case.start, bounds=(case.low, case.high), gtol=1e-8, max_iterations=1000)
    assert seen.fun < 1e-8


def test_a_start_outside_is_moved_inside_and_the_end_is_the_lowest_point_there():
    seen = minimize(rosenbrock, np.array([5.0, 9.0]), bounds=(-np.inf, np.array([0.5, 4.0])))
    assert seen.success
    np.testing.assert_allclose(seen.x, [0.5, 0.25], atol=1e-5)
    assert seen.x[0] == 0.5
    corner = minimize(lambda x: ops.sum(x), np.zeros(2), bounds=(0.0, 1.0))
    assert (corner.status, corner.gradient_norm) == (Status.CONVERGED_AT_START, 0.0)


@pytest.mark.parametrize(
    "given, low, high",
    [
        ((None, 1.0), [-np.inf, -np.inf], [1.0, 1.0]),
        ((0.0, None), [0.0, 0.0], [np.inf, np.inf]),
        (np.transpose([(0.0, None), (None, 1.0)]), [0.0, -np.inf], [np.inf, 1.0]),
    ],
)
def test_none_is_no_bound(given, low, high):
    np.testing.assert_array_equal(bounds.of_vector(given, np.zeros(2)), [low, high])


@pytest.mark.parametrize(
    "bounds, method, received",
    [
        ((0.0, 1.0), "bfgs", r"`BFGS` cannot keep x within bounds.*Use `LBFGS\(\)`"),
        ((1.0, 0.0), "lbfgs", r"low <= high. Received: low=1.0 and high=0.0 at entry 0. Swap them"),
        ((0.0, [1.0, np.nan]), "lbfgs", r"low=0.0 and high=nan at entry 1"),
        ((np.inf, np.inf), "lbfgs", r"low=inf and high=inf"),
        (([0.0] * 3, 1.0), "lbfgs", r"each a number, an array of shape \(2,\), or None"),
        ([(0, None), (0, None)], "lbfgs", r"becomes `np.transpose\(pairs\)`"),
        ([(0, 1)] * 3, "lbfgs", r"becomes `np.transpose\(pairs\)`"),
        (0.0, "lbfgs", r"`bounds` must be `\(low, high\)`"),
    ],
)
def test_bad_bounds_are_refused(bounds, method, received):
    with pytest.raises(ValueError, match=received):
        minimize(rosenbrock, np.zeros(2), method, bounds=bounds)


@pytest.mark.slow
def test_weights_stay_within_their_bounds_and_a_saved_model_goes_on_within_them(tmp_path):
    from keras_ch8 import optimizers

    model = network(
        optimizers.LBFGS(bounds={"*/kernel": (0.0, 0.7)}, iterations_per_step=20), layers=[keras.layers.Dense(2)]
    )
    losses = fit(model, epochs=3)["loss"]
    kernel, bias = (v.numpy() for v in model.trainable_variables)
    assert kernel.max() <= np.float32(0.7)
    assert kernel.min() == 0  # the free minimum has negative weights
    assert losses[-1] < losses[0]
    errors = X @ kernel + bias - Y
    slope = X.T @ errors / Y.size * 2  # of the mean of squares
    assert np.abs(np.clip(kernel - slope, 0, 0.7) - kernel).max() < 1e-4
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.optimizer.bounds == {"*/kernel": [0.0, 0.7]}
    fit(again, epochs=1)
    assert again.trainable_variables[0].numpy().min() == 0


def test_bounds_of_weights_are_refused_before_a_weight_has_changed():
    from keras_ch8 import optimizers

    with pytest.raises(ValueError, match="`BFGS` cannot keep x within bounds"):
        optimizers.BFGS(bounds={"*": (0.0, 1.0)})
    with pytest.raises(TypeError, match=re.escape("`bounds` must be a dict from patterns")):
        optimizers.LBFGS(bounds=(0.0, 1.0))
    with pytest.raises(ValueError, match=r"`bounds\['a'\]` must have low <= high"):
        optimizers.LBFGS(bounds={"a": (1.0, 0.0)})
    model = network(optimizers.LBFGS(bounds={"*": (0.0, 1.0), "*kernel": (0.0, 2.0)}))
    before = [v.numpy() for v in model.trainable_variables]
    with pytest.raises(ValueError, match=r"first that matches some weight. Received: '\*kernel'"):
        fit(model)
    for v, old in zip(model.trainable_variables, before, strict=True):
        np.testing.assert_array_equal(v.numpy(), old)
