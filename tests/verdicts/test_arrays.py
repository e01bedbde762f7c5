"""Facts about arrays: inputs, targets, and what all examples together show."""

import math
import time

import numpy as np
import pytest

from keras_ch8.verdicts.arrays import (
    ALL_STEPS,
    copied_from,
    equal_rows,
    inputs_of,
    order_of,
    parts_of,
    targets_of,
    unseen_of,
)
from keras_ch8.verdicts.facts import Bar, Inputs, are_of_another_scale

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 4))


def inputs(x):
    return inputs_of({"x": np.asarray(x)})[0]


# --- inputs --------------------------------------------------------------------------------------------------------


def test_range_and_spread_of_inputs():
    known = inputs(X * [1, 10, 1, 1] + [0, 0, 5, 0])
    assert (known.of, known.examples, known.features, known.constant) == ("numbers", 200, 4, 0)
    assert known.spread == pytest.approx(10, rel=0.3)
    assert not known.are_pixels


def test_constant_features_are_left_out_of_the_spread_and_so_are_those_constant_but_for_rounding():
    x = X.copy()
    x[:, 0] = 3
    x[:, 1] = 0.1 + 1e-12 * X[:, 1]
    assert inputs(x).constant == 2
    assert inputs(x).spread < 2


def test_numbers_that_are_not_finite_are_counted_and_leave_the_rest_known():
    x = X.copy()
    x[3, 1], x[5, 2] = np.nan, np.inf
    assert inputs(x).nonfinite == 2
    assert math.isfinite(inputs(x).rms)
    assert inputs(np.full((3, 2), np.nan)).nonfinite == 6


def test_a_number_that_stands_for_what_is_missing_is_far_from_all_others():
    few = X.copy()
    few[RNG.random(X.shape) < 0.05] = -999
    assert inputs(few).stand_in == -999
    assert inputs(few).stand_ins == pytest.approx(0.05, abs=0.03)
    for usual in (X, np.maximum(X, 0), X.clip(-1, 1), np.eye(20)):
        assert inputs(usual).stand_ins == 0


@pytest.mark.parametrize("number, times, expected", [(-999.0, 5, 5 / 200), (-999.0, 2, 0.0), (3.0, 5, 0.0)])
def test_so_is_one_that_stands_for_a_target_that_is_missing(number, times, expected):
    y = np.random.default_rng(0).normal(size=(200, 1))
    y[:times] = number
    assert targets_of(y).stand_ins == pytest.approx(expected)


def test_pixels_words_and_what_is_no_number():
    assert inputs(RNG.integers(0, 256, (20, 8, 8))).are_pixels
    assert inputs(np.array([["a"], ["b"]])).of == "words"
    assert inputs(np.array([1j])).of == ""
    assert inputs(np.zeros((0, 3))).of == ""


def test_inputs_of_another_scale_are_told_by_mean_and_deviation():
    one, far, shifted, near = (inputs(a) for a in (X, 255 * X, X + 9, 2 * X + 1))
    assert are_of_another_scale(one, far)
    assert are_of_another_scale(one, shifted)
    assert not are_of_another_scale(one, near)
    assert not are_of_another_scale(one, Inputs())


# --- targets -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "y, of, classes",
    [
        ([0, 1, 1, 0], "0 and 1", 2),
        ([[0], [1], [1]], "0 and 1", 2),
        ([-1, 1, 1], "-1 and 1", 2),
        ([1, 2, 2, 1], "classes", 2),
        ([0, 1, 2, 2], "classes", 3),
        ([5, 5, 5], "one class", 1),
        ([0.5, 0.5], "one class", 0),
        ([0.5, 1.5, 2], "numbers", 0),
        (np.eye(3), "one-hot", 3),
        ([[0, 1], [0, 1]], "one class", 2),
        ([[1, 1], [0, 1]], "several labels", 2),
        ([[0.2, 0.8], [0.5, 0.5]], "probabilities", 2),
        (RNG.normal(size=(9, 2)), "numbers", 0),
        (["a", "b"], "words", 0),
        ([1j, 2j], "", 0),
    ],
)
def test_how_targets_are_written(y, of, classes):
    targets = targets_of(np.asarray(y))
    assert (targets.of, targets.classes) == (of, classes)


def test_what_is_predicted_tells_whether_the_last_axis_counts_steps_or_classes():
    steps = RNG.integers(0, 3, (10, 7))
    assert targets_of(steps, predicted_axes=3).of == "classes"
    assert targets_of(steps, predicted_axes=3).width == 1
    assert targets_of(np.eye(3)[steps], predicted_axes=3).of == "one-hot"


@pytest.mark.parametrize(
    "y, smallest", [([0.0] * 60 + [2.0] * 40, 0.0), ([1.0, 2.0, 4.0], 0.51), ([0.0] * 5, np.nan), ([-4.0] * 9, 1.0)]
)
def test_small_targets_are_small_beside_those_that_are_not_0(y, smallest):
    assert targets_of(np.array(y)).smallest == pytest.approx(smallest, nan_ok=True)


def test_of_targets_that_are_not_finite_only_their_number_is_known():
    targets = targets_of(np.array([1.0, np.nan]))
    assert targets.nonfinite == 1
    assert targets.of == ""


def test_fractions_of_the_classes():
    targets = targets_of(np.array([0] * 90 + [1] * 10))
    assert targets.commonest == pytest.approx(0.9)
    targets = targets_of(np.eye(2)[[0] * 90 + [1] * 10])
    assert targets.commonest == pytest.approx(0.9)


# --- all examples together -----------------------------------------------------------------------------------------


def test_order_by_labels():
    y = np.repeat(np.arange(3), 20)
    assert order_of(y) == order_of(np.eye(3)[y]) == 1
    assert order_of(RNG.permutation(y)) > 5
    assert math.isnan(order_of(RNG.normal(size=50)))
    assert math.isnan(order_of(np.zeros(50)))


def test_equal_rows_are_counted_and_told_from_those_that_are_equal_by_nature():
    assert equal_rows(X[:100], np.concatenate([X[:10], X[100:190]])) == (0.1, False)
    assert equal_rows(X[:100], X[100:])[0] == 0
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    assert equal_rows(bits, bits) == (1.0, True)
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 12)] * 2), -1).reshape(-1, 2)
    assert equal_rows(grid, grid[::3]) == (1.0, True)


def test_examples_repeated_before_the_split_are_told_from_answers_that_many_give():
    repeated = RNG.permutation(np.repeat(X, np.where(np.arange(200) < 40, 9, 1), axis=0))
    equal, by_nature = equal_rows(repeated[:400], repeated[400:])
    assert equal > 0.3
    assert not by_nature
    words = np.tile(RNG.integers(0, 30, (150, 12)), (3, 1))  # no column tells them apart
    order = RNG.permutation(450)
    equal, by_nature = equal_rows(words[order[:300]], words[order[300:]])
    assert equal > 0.8
    assert not by_nature
    answers = RNG.integers(0, 4, (40, 20))[RNG.integers(0, 40, 500)]  # of 40 kinds of people
    assert equal_rows(answers[:400], answers[400:]) == (pytest.approx(1.0, abs=0.1), True)


def test_equal_inputs_of_another_target_and_empty_images_are_not_counted():
    y = np.arange(200.0)
    assert equal_rows(X[:100], X[:50], (y[:100], y[:50]))[0] == 1
    assert equal_rows(X[:100], X[:50], (y[:100], y[100:150]))[0] == 0
    images = RNG.normal(size=(100, 8, 8))
    images[::2] = 0
    assert equal_rows(images[:60], images[60:])[0] == 0
    images[60:] = images[:40]
    assert equal_rows(images[:60], images[60:]) == (0.5, False)


def test_arrays_of_several_inputs_are_compared_together_and_in_all_their_numbers():
    other = RNG.normal(size=(200, 300))
    assert equal_rows([X[:100], other[:100]], [X[:50], other[:50]]) == (1.0, False)
    assert equal_rows([X[:100], other[:100]], [X[:50], other[50:100]])[0] == 0
    changed = other[:50].copy()
    changed[:, 1] += 1  # a number by which they are not looked for
    assert equal_rows(other, changed)[0] == 0


TOKENS = np.random.default_rng(0).integers(0, 9, (50, 6))
WINDOWS = np.random.default_rng(0).normal(size=(50, 6, 2))


@pytest.mark.parametrize(
    "x, y, is_sequence, expected",
    [
        (X, X[:, 1:2], False, "feature 1"),
        (X, X[:, 1], False, "feature 1"),
        (X, X, False, ""),  # an autoencoder
        (X[:, :1], X[:, 0], False, ""),  # a line through the origin
        (X, X[:, 1] + 1e-3, False, ""),
        (np.ones((50, 3)), np.ones(50), False, ""),
        (X[:0], X[:0, 1], False, ""),
        (X, np.float32(1.0), False, ""),
        (WINDOWS, WINDOWS[:, -1, 1], True, "the last time step"),
        (WINDOWS, WINDOWS[:, -3:, 0], True, "the last 3 time steps"),
        (WINDOWS, WINDOWS[:, 0, 0], True, ""),  # what was read long ago is what memory is for
        (TOKENS, TOKENS, True, ALL_STEPS),
        (TOKENS[:, :-1], TOKENS[:, 1:], True, ""),
    ],
)
def test_targets_that_are_among_the_inputs_are_told_by_where_they_stand(x, y, is_sequence, expected):
    assert copied_from(x, y, is_sequence) == expected


def test_many_examples_are_compared_quickly():
    x = RNG.normal(size=(60_000, 64)).astype("float32")
    begin = time.process_time()
    assert equal_rows(x, x[:10_000]) == (1.0, False)
    assert time.process_time() - begin < 2.0  # 0.2 s on a machine that is not busy


def test_of_large_data_some_examples_are_compared(monkeypatch):
    monkeypatch.setattr("keras_ch8.verdicts.arrays.MOST_BYTES", X.nbytes // 2)
    assert 0.2 < equal_rows(X, X)[0] < 0.5


# --- bars ----------------------------------------------------------------------------------------------------------


def test_labels_have_a_bar_each_also_as_one_hot_rows():
    labels = np.repeat([1, 2, 4], [10, 20, 10])
    expected = (Bar(1, 1, 0.25), Bar(2, 2, 0.5), Bar(4, 4, 0.25))
    assert targets_of(labels).bars == targets_of(np.eye(5)[labels]).bars == expected


@pytest.mark.parametrize(
    "y",
    [
        RNG.normal(size=1000),
        np.arange(500) % 100,
        np.arange(8.0),
        RNG.normal(size=(50, 3)),
    ],
)
def test_of_many_values_no_bar_is_of_one_and_there_are_ten_at_most(y):
    bars = targets_of(y).bars
    assert 2 < len(bars) <= 10
    assert all(bar.low < bar.high for bar in bars)
    assert sum(bar.share for bar in bars) == pytest.approx(1)
    assert (bars[0].low, bars[-1].high) == (y.min(), y.max())


@np.errstate(all="ignore")
def test_the_largest_numbers_have_bars_too():
    assert [bar.share for bar in targets_of([-1.7e308, 1.0, 1.7e308]).bars] == [1 / 3] * 3
    assert [bar.low for bar in inputs([[1.7e308], [-1.7e308]]).bars] == [1e5]


def test_inputs_have_a_bar_for_each_power_of_ten_and_one_for_what_is_not_finite():
    bars = inputs([[0.0, 3.0], [-20.0, 2e7], [3.0, np.nan], [-np.inf, 5.0]]).bars
    assert {type(number) for bar in bars for number in (bar.low, bar.high, bar.share)} == {float}  # as JSON knows
    inf = math.inf
    assert bars == (
        Bar(0, 1e-4, 0.125),
        Bar(1, 10, 0.375),
        Bar(10, 100, 0.125),
        Bar(1e5, inf, 0.125),
        Bar(inf, inf, 0.25),
    )


def test_sorted_labels_have_one_commonest_label_in_each_part_and_shuffled_ones_have_not():
    labels = np.repeat(np.arange(4), 16)
    assert parts_of(labels) == parts_of(np.eye(4)[labels]) == (1,) * 8
    assert max(parts_of(RNG.permutation(np.tile(labels, 10)))) < 0.5
    assert parts_of(labels[:3]) == ()


@pytest.mark.parametrize(
    "read, classes, expected",
    [
        (np.arange(64) % 9, 10, False),  # one of ten may be missing in 64
        (np.arange(64) % 7, 10, True),
        (np.arange(400) % 92, 100, False),  # of a hundred some are
        (np.arange(256) % 40, 100, True),
        (np.arange(64) % 2, 10, True),
    ],
)
def test_classes_that_a_part_of_the_examples_may_lack_by_chance_are_not_called_unseen(read, classes, expected):
    other = np.arange(10 * classes) % classes
    missing = 1 - len(np.unique(read)) / classes
    assert unseen_of(read, other) == pytest.approx(missing)
    assert unseen_of(read, other, are_all=False) == pytest.approx(missing if expected else np.nan, nan_ok=True)
