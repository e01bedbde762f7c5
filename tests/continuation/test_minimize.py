"""Continuation on functions: it finds the best minimum of many where blur helps, and says so where it does not."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops

from keras_ch8 import continuation
from keras_ch8.continuation._minimize import Continued

STAGES = np.linspace(1.0, 0.1, 10)


def rastrigin(x):
    return ops.sum(10 + x**2 - 10 * ops.cos(2 * np.pi * x))


def blurred_rastrigin(x, sigma):
    """E cos(2 pi (x + sigma z)) = exp(-2 pi^2 sigma^2) cos(2 pi x)."""
    return ops.sum(10 + x**2 + sigma**2 - 10 * ops.exp(-2 * np.pi**2 * sigma**2) * ops.cos(2 * np.pi * x))


def starts(count, n=10):
    return np.random.default_rng(0).uniform(-5.12, 5.12, (count, n))


@pytest.fixture(scope="module")
def found():
    return continuation.minimize(rastrigin, starts(100), STAGES, blurred=blurred_rastrigin, method="steepest_descent")


def share_at_0(x):
    return np.mean((np.abs(x) < 0.1).all(axis=-1))


@pytest.mark.slow
def test_of_100_starts_on_rastrigin_in_10_dimensions_plain_descent_finds_none(found):
    assert share_at_0(found.plain_x) == 0
    assert share_at_0(found.x) >= 0.9
    assert found.helped
    assert "Of 100 starts continuation ended below plain descent at 100, above it at 0" in found.message


@pytest.mark.slow
def test_each_stage_ends_at_a_minimum_of_its_cost(found):
    np.testing.assert_array_equal(found.stddevs, [*STAGES, 0.0])
    assert found.path.shape == (11, 100, 10)
    for sigma, x in zip(found.stddevs, found.path, strict=True):
        waves = np.exp(-2 * np.pi**2 * sigma**2)
        gradient = 2 * x + 20 * np.pi * waves * np.sin(2 * np.pi * x)
        curvature = 2 + 40 * np.pi**2 * waves * np.cos(2 * np.pi * x)
        assert np.abs(gradient).max() < 1e-5
        assert curvature.min() > 0


@pytest.mark.slow
def test_values_are_those_of_the_real_cost(found):
    def value(x):
        return np.sum(10 + x**2 - 10 * np.cos(2 * np.pi * x), axis=-1)

    np.testing.assert_allclose(found.path_values, value(found.path), rtol=1e-12, atol=1e-10)
    np.testing.assert_allclose(found.value, value(found.x), atol=1e-10)
    np.testing.assert_allclose(found.plain_value, value(found.plain_x), rtol=1e-12)
    np.testing.assert_allclose(found.start_value, value(starts(100)), rtol=1e-12)
    np.testing.assert_array_equal(found.x, found.path[-1])


@pytest.mark.slow
def test_another_method_descends_too():
    found = continuation.minimize(rastrigin, starts(50), STAGES, blurred=blurred_rastrigin, method="lbfgs")
    assert share_at_0(found.plain_x) == 0
    assert share_at_0(found.x) >= 0.9


DEEP, BROAD, NARROW_WIDTH, BROAD_WIDTH = np.array([-2.0, 0.0]), np.array([2.0, 0.0]), 0.4, 1.5


def wells(x):
    """A narrow well of depth 1.5, and a broad one of depth 1."""
    return blurred_wells(x, ops.zeros((), x.dtype))


def blurred_wells(x, sigma):
    """A Gaussian blurred is a broader one, its volume kept."""

    def well(depth, place, width):
        variance = width**2 + sigma**2
        distance = ops.sum((x - ops.cast(place, x.dtype)) ** 2)
        return depth * width**2 / variance * ops.exp(-distance / (2 * variance))

    return -well(1.5, DEEP, NARROW_WIDTH) - well(1.0, BROAD, BROAD_WIDTH)


@pytest.mark.slow
def test_where_a_broad_shallow_minimum_outlives_a_narrow_deep_one_it_is_reported_as_no_better():
    near_deep = DEEP + np.random.default_rng(0).uniform(-0.3, 0.3, (20, 2))
    found = continuation.minimize(wells, near_deep, [2.0, 1.0, 0.5, 0.2], blurred=blurred_wells)
    assert (np.abs(found.plain_x - DEEP) < 0.1).all()
    assert (np.abs(found.x - BROAD) < 0.1).all()
    assert (found.value > found.plain_value + 0.4).all()
    assert not found.helped
    assert "below plain descent at 0, above it at 20" in found.message
    assert found.message.endswith(": no better than plain descent.")
    assert "the minimum of the blurred cost led to a worse one: no better" in found.of_start(0).message


@pytest.mark.slow
def test_a_cost_without_a_closed_form_is_sampled_with_every_draw_and_its_opposite():
    """Of f = |x - 1|^2 + |x - 1|^4 the opposite draws cancel at x = 1 exactly: the blurred minimum stays there."""

    def even(x):
        return ops.sum((x - 1) ** 2 + (x - 1) ** 4)

    found = continuation.minimize(even, [3.0, -2.0, 0.5], [1.0, 0.3, 0.0], samples=6, gtol=1e-9)
    np.testing.assert_allclose(found.path, 1.0, atol=1e-6)


@pytest.mark.slow
def test_sampling_comes_near_the_closed_form():
    sampled = continuation.minimize(rastrigin, starts(20, 2), STAGES, samples=512, seed=1)
    assert share_at_0(sampled.x) >= 0.9
    assert share_at_0(sampled.plain_x) < 0.2
    assert np.abs(sampled.path[0]).max() < 1  # where the closed form has one minimum, the draws leave some near it


def outcome(value, plain_value, start_value=10.0):
    names = [field.name for field in dataclasses.fields(Continued)]
    values = {"value": value, "plain_value": plain_value, "start_value": start_value}
    return Continued(**dict.fromkeys(names, np.zeros(np.shape(value))) | {n: np.asarray(v) for n, v in values.items()})


ONE = "Continuation ended at {}, plain descent from the same start at {}"
MANY = (
    "Of {} starts continuation ended below plain descent at {}, above it at {}; "
    "the mean is {}, that of plain descent {}"
)
NO_BETTER = ": no better than plain descent."


@pytest.mark.parametrize(
    "value, plain_value, message",
    [
        (0.0, 5.0, ONE.format(0, 5) + "."),
        (5.0, 5.0004, ONE.format(5, 5) + NO_BETTER),
        (5.0, 1.0, ONE.format(5, 1) + "; the minimum of the blurred cost led to a worse one" + NO_BETTER),
        (np.nan, 1.0, ONE.format("nan", 1) + NO_BETTER),
        ([0.0, 2.0, 1.0], [1.0, 1.0, 1.0], MANY.format(3, 1, 1, 1, 1) + NO_BETTER),
        ([0.0, 0.0], [1.0, 0.0], MANY.format(2, 1, 0, 0, 0.5) + "."),
    ],
)
def test_the_message_says_which_ended_lower(value, plain_value, message):
    assert outcome(value, plain_value).message == message


@pytest.mark.parametrize(
    "x0, stddevs, options, message",
    [
        ([[[1.0]]], [1.0], {}, r"`x0` must be a non-empty vector, or one a row.*shape \(1, 1, 1\)"),
        ([], [1.0], {}, "`x0` must be a non-empty vector"),
        (np.ones(2, "float16"), [1.0], {}, "dtype float16"),
        ([1.0], [], {}, "`stddevs` must be a falling list"),
        ([1.0], [0.1, 1.0], {}, "must be a falling list"),
        ([1.0], [1.0, -1.0], {}, "must be a falling list"),
        ([1.0], [np.inf, 1.0], {}, "must be a falling list"),
        ([1.0], 1.0, {}, "must be a falling list"),
        ([1.0], [1.0], {"samples": 3}, "`samples` must be even.*Try 4"),
    ],
)
def test_an_argument_out_of_range_is_named(x0, stddevs, options, message):
    with pytest.raises(ValueError, match=message):
        continuation.minimize(lambda x: keras.ops.sum(x**2), x0, stddevs, **options)


@pytest.mark.parametrize("method", ["newton", "truncated_newton", "saddle_free_newton"])
def test_a_method_that_needs_the_hessian_needs_the_closed_form(method):
    with pytest.raises(ValueError, match=r"Hessian products.*without `blurred`\. Pass the mean"):
        continuation.minimize(rastrigin, starts(2), STAGES, method=method)
