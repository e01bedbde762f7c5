"""Windows: what they give back is the mean, the smallest and the largest of their steps, whatever the calls."""

import math

import numpy as np
import pytest

from keras_ch8._state import dump, load
from keras_ch8.board.tags import (
    EFFECTIVE_RATE,
    GRADIENT_NORM,
    LEARNING_RATE,
    LOSS,
    WEIGHT_NORM,
)  # fmt: skip
from keras_ch8.board.window import Stubs, Windows

NAN, INF = math.nan, math.inf
EXTREMES = GRADIENT_NORM.low, GRADIENT_NORM.high


def steps(first, last, every=1):
    return np.arange(first, last + 1, every)


def in_calls(windows, series, size):
    """Give series to `windows` in calls of `size` steps, then flush."""
    points = []
    for start in range(0, int(max(rows[0][-1] for rows in series.values())), size):
        inside = {tag: (rows[0] > start) & (rows[0] <= start + size) for tag, rows in series.items()}
        points += windows.add({tag: tuple(row[inside[tag]] for row in rows) for tag, rows in series.items()})
    return points + windows.flush()


@pytest.mark.parametrize("size", [1, 7, 100, 1000])
def test_windows_are_those_of_a_loop_over_the_steps(size):
    random = np.random.default_rng(8)
    every, tenth = steps(1, 1000), steps(10, 1000, every=10)
    low, middle, high = np.sort(random.normal(size=(3, 100)), axis=0)
    series = {
        LOSS: (every, random.normal(size=1000)),
        LEARNING_RATE: (every, random.normal(size=1000)),
        WEIGHT_NORM: (tenth, random.normal(size=100)),
        EFFECTIVE_RATE: (tenth, middle, low, high),
    }
    points = in_calls(Windows(1000, points=30), series, size)  # 34 steps each
    assert [step for step, _ in points] == [*range(34, 1000, 34), 1000]
    for number, (step, values) in enumerate(points):
        expected = {}
        for tag, (at, main, *extremes) in series.items():
            inside = (at > 34 * number) & (at <= step)
            expected[tag.name] = main[inside].mean()
            if tag.spiky:
                lows, highs = extremes or (main, main)
                expected |= {tag.low: lows[inside].min(), tag.high: highs[inside].max()}
        assert values == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_a_window_is_given_back_with_its_last_step_and_not_before():
    windows = Windows(1000, points=100)
    assert windows.add({LEARNING_RATE: (steps(1, 9), np.ones(9))}) == []
    assert windows.add({LEARNING_RATE: (steps(10, 10), np.ones(1))}) == [(10, {LEARNING_RATE.name: 1.0})]
    assert windows.flush() == []


def test_a_step_beyond_a_window_ends_it_at_the_last_step_seen():
    windows = Windows(1000, points=100)
    windows.add({LEARNING_RATE: (steps(1, 4), np.ones(4)), WEIGHT_NORM: (np.array([7]), np.ones(1))})
    both = {LEARNING_RATE.name: 1.0, WEIGHT_NORM.name: 1.0}
    assert windows.add({LEARNING_RATE: (np.array([25]), np.ones(1))}) == [(7, both)]
    assert windows.flush() == [(25, {LEARNING_RATE.name: 1.0})]


def test_a_second_fit_begins_in_the_middle_of_a_window():
    points = Windows(1000, points=100).add({LEARNING_RATE: (steps(506, 520), np.arange(15.0))})
    assert points == [(510, {LEARNING_RATE.name: 2.0}), (520, {LEARNING_RATE.name: 9.5})]


def test_windows_of_single_steps_have_no_copies_of_the_mean():
    assert Windows(900).add({GRADIENT_NORM: (steps(1, 1), np.array([3.0]))}) == [(1, {GRADIENT_NORM.name: 3.0})]
    points = in_calls(Windows(900), {GRADIENT_NORM: (steps(1, 900), np.arange(900.0))}, 100)
    assert all(set(values) == {GRADIENT_NORM.name} for _, values in points)


def test_an_extreme_begins_where_it_is_not_the_mean_and_stays():
    windows = Windows(900, points=300)
    norms = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 1.0, 1.0, 4.0, 3.0, 3.0, 3.0])
    assert windows.add({GRADIENT_NORM: (steps(1, 12), norms)}) == [
        (3, {GRADIENT_NORM.name: 1.0}),
        (6, {GRADIENT_NORM.name: 2.0}),
        (9, {GRADIENT_NORM.name: 2.0, GRADIENT_NORM.low: 1.0, GRADIENT_NORM.high: 4.0}),
        (12, {GRADIENT_NORM.name: 3.0, GRADIENT_NORM.low: 3.0, GRADIENT_NORM.high: 3.0}),
    ]


def test_quantiles_that_are_known_are_a_band_of_single_steps_too():
    rows = (steps(1, 1), np.array([2.0]), np.array([1.0]), np.array([3.0]))
    band = {EFFECTIVE_RATE.name: 2.0, EFFECTIVE_RATE.low: 1.0, EFFECTIVE_RATE.high: 3.0}
    assert Windows(900).add({EFFECTIVE_RATE: rows}) == [(1, band)]
    equal = (steps(1, 1), np.array([2.0]), np.array([2.0]), np.array([2.0]))
    assert Windows(900).add({EFFECTIVE_RATE: equal}) == [(1, {EFFECTIVE_RATE.name: 2.0})]


def test_a_running_mean_begins_with_its_tenth_point_and_then_from_the_beginning():
    stubs, written = Stubs("step/running_"), []
    for step in range(1, 31):
        if step == 5:
            stubs = load(dump(stubs))
        values = {"step/loss": 1.0, "step/running_a": float(step)} | ({"step/running_b": 2.0} if step % 4 == 0 else {})
        written += stubs.pass_on([(step, values)])
        assert sum("step/loss" in values for _, values in written) == step
        assert any("step/running_a" in values for _, values in written) is (step >= 10)
    assert [(at, v["step/running_a"]) for at, v in written if "step/running_a" in v] == [(k, k) for k in range(1, 31)]
    assert not any("step/running_b" in values for _, values in written)


@pytest.mark.parametrize("values, main, low, high", [
    ([1, NAN, 2, 3], NAN, NAN, NAN), ([1, INF, 2, 3], INF, 1, INF), ([1, 2, -INF, 3], -INF, -INF, 3),
    ([INF, NAN, 2, 3], NAN, NAN, NAN), ([INF, 2, -INF, 3], NAN, -INF, INF),
])  # fmt: skip
@pytest.mark.parametrize("size", [1, 4])
def test_what_is_not_finite_is_not_hidden(values, main, low, high, size):
    series = {GRADIENT_NORM: (steps(1, 4), np.array(values, float)), LOSS: (steps(1, 4), np.ones(4))}
    ((step, point),) = in_calls(Windows(4, points=1), series, size)
    assert step == 4
    found = [point.get(name, point[GRADIENT_NORM.name]) for name in (GRADIENT_NORM.name, *EXTREMES)]
    np.testing.assert_equal(found, [main, low, high])
    assert point[LOSS.name] == 1


@pytest.mark.parametrize("total", [1, 899, 900, 901, 20_000])
def test_a_run_of_known_length_has_about_900_points(total):
    points = in_calls(Windows(total), {LEARNING_RATE: (steps(1, total), np.ones(total))}, 100)
    assert min(total, 450) <= len(points) <= 900


def test_a_run_of_unknown_length_has_windows_that_double():
    points = in_calls(Windows(None), {LEARNING_RATE: (steps(1, 20_000), np.arange(1.0, 20_001))}, 100)
    seen = [step for step, _ in points]
    widths = np.diff([0, *seen])
    assert (np.diff(seen[:900]) == 1).all()
    assert set(widths) == {1, 2, 4, 8, 16}
    assert len(seen) < 5 * 1000
    # No step is lost or counted twice: the means, each times the steps of its window, sum up to the sum of all.
    means = [values[LEARNING_RATE.name] for _, values in points]
    assert np.dot(widths, means) == 20_000 * 20_001 / 2


def test_no_steps_are_no_window():
    windows = Windows(10)
    assert windows.add({}) == windows.add({LOSS: (np.zeros(0, int), np.zeros(0))}) == windows.flush() == []
