"""Plain facts about inputs and targets, and the loss of the best constant prediction against a search for it."""

import math

import keras
import numpy as np
import pytest

from keras_ch8.verdicts.arrays import inputs_of, order_of, targets_of
from keras_ch8.verdicts.chance import chance_level
from keras_ch8.verdicts.facts import Inputs, Output, are_of_another_scale

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


# --- the best constant prediction ----------------------------------------------------------------------------------


def best_constant(loss, y, start, weights):
    """Find it with Keras's loss, by a search that knows nothing of the formulas."""
    from scipy import optimize

    def at(constant):
        constant = np.exp(constant) / np.exp(constant).sum() if "categorical" in loss.name else constant
        p = np.broadcast_to(constant, (len(y), len(start))).astype("float64")
        return float(loss(keras.ops.convert_to_tensor(y), keras.ops.convert_to_tensor(p), sample_weight=weights))

    return optimize.minimize(at, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}).fun


SKEWED = np.eye(2)[[0] * 30 + [1] * 10]


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize(
    "loss, y, start",
    [
        (keras.losses.MeanSquaredError(dtype="float64"), RNG.normal(size=(40, 2)), [0.0, 0.0]),
        (keras.losses.MeanAbsoluteError(dtype="float64"), RNG.normal(size=(40, 1)), [0.1]),
        (keras.losses.BinaryCrossentropy(dtype="float64"), RNG.integers(0, 2, (40, 1)).astype(float), [0.4]),
        (keras.losses.BinaryCrossentropy(label_smoothing=0.2, dtype="float64"), SKEWED, [0.5, 0.5]),
        (keras.losses.CategoricalCrossentropy(dtype="float64"), np.eye(3)[RNG.integers(0, 3, 40)], [0.1, 0.0, 0.0]),
        (keras.losses.CategoricalCrossentropy(label_smoothing=0.1, dtype="float64"), SKEWED, [0.1, 0]),
        (keras.losses.SparseCategoricalCrossentropy(dtype="float64"), RNG.integers(0, 3, 40), [0.1, 0.0, 0.0]),
    ],
)  # fmt: skip
def test_chance_is_the_smallest_loss_of_a_constant(loss, y, start):
    smoothing = loss.get_config().get("label_smoothing", 0.0)
    output = Output(loss=loss.name, label_smoothing=smoothing)
    weights = np.linspace(0.2, 2, 40)
    assert chance_level(output, y, weights) == pytest.approx(best_constant(loss, y, start, weights), rel=1e-3)


def test_chance_is_not_known_of_other_losses_sums_and_labels_that_the_loss_cannot_read():
    y = np.array([[0.0], [1.0]])
    assert chance_level(Output(loss="mean_squared_error"), y) == 0.25
    assert math.isnan(chance_level(Output(loss="mean_squared_error", is_mean=False), y))
    assert math.isnan(chance_level(Output(loss="huber"), y))
    assert math.isnan(chance_level(Output(loss=""), y))
    assert math.isnan(chance_level(Output(loss="binary_crossentropy"), 3 * y))
    assert math.isnan(chance_level(Output(loss="mean_squared_error"), np.array(["a"])))
    assert math.isnan(chance_level(Output(loss="mean_squared_error"), y, np.zeros(2)))
