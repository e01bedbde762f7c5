"""The loss of the best constant prediction, of what the nearest other examples predict, and of least squares."""

import math

import keras
import numpy as np
import pytest

from keras_ch8.verdicts.chance import chance_level, chance_losses, least_squares_level, neighbours_levels
from keras_ch8.verdicts.facts import Layer, Output, Start

RNG = np.random.default_rng(0)
LOSSES = (
    "mean_squared_error",
    "mean_absolute_error",
    "binary_crossentropy",
    "sparse_categorical_crossentropy",
    "categorical_crossentropy",
)

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


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("places", [1, 3])
def test_chance_is_the_mean_over_the_examples(loss, places):
    labels = RNG.integers(0, 3, (40, places))
    y = {"categorical_crossentropy": np.eye(3)[labels], "sparse_categorical_crossentropy": labels}.get(
        loss, (labels[..., None] > 0).astype(float)
    )
    output = Output(loss=loss, axes=3, label_smoothing=0.1 if loss == "categorical_crossentropy" else 0.0)
    each = chance_losses(output, y)
    assert each.shape == (40,)
    assert each.mean() == pytest.approx(chance_level(output, y))
    assert each.std() > 0
    assert np.ptp(each[(labels == labels[0]).all(axis=1)]) < 1e-12, "the same labels have the same loss"


def test_weights_of_0_leave_out_and_those_below_are_of_no_data():
    output, y = Output(loss="sparse_categorical_crossentropy"), np.array([0, 0, 1, 1, 2])
    assert chance_level(output, y, [1, 1, 1, 1, 0]) == pytest.approx(4 / 5 * np.log(2))
    assert math.isnan(chance_level(output, y, [1, 1, 1, 1, -0.5])), "of returns: there is no best constant"


# --- the nearest other examples ------------------------------------------------------------------------------------


def rings(rng, loss, noise):
    """Points of two rings, and of which; or any labels that have nothing to do with them."""
    y = rng.integers(0, 2, 256)
    turn = rng.uniform(0, 2 * np.pi, 256)
    x = (1 + 2 * y[:, None]) * np.stack([np.cos(turn), 5 * np.sin(turn)], axis=1)
    y = rng.integers(0, 2, 256) if noise else y
    return x, np.eye(2)[y] if loss == "categorical_crossentropy" else y


@pytest.mark.parametrize("loss", LOSSES)
def test_neighbours_know_rings_that_no_line_parts_and_nothing_of_noise(loss):
    output = Output(loss=loss)
    x, y = rings(np.random.default_rng(0), loss, noise=False)
    assert neighbours_levels(output, x, y)[0] < 0.4 * chance_level(output, y)
    x, y = rings(np.random.default_rng(1), loss, noise=True)
    assert neighbours_levels(output, x, y)[0] > 0.95 * chance_level(output, y)


@pytest.mark.parametrize("loss", ["binary_crossentropy", "categorical_crossentropy"])
def test_they_are_not_below_the_entropy_of_smoothed_labels(loss):
    x, y = rings(np.random.default_rng(0), loss, noise=False)
    plain, smoothed = (neighbours_levels(Output(loss=loss, label_smoothing=s), x, y)[0] for s in (0.0, 0.2))
    assert plain < 0.1
    entropy = -(0.1 * np.log(0.1) + 0.9 * np.log(0.9))
    assert entropy < smoothed < entropy + 0.1


def test_constant_features_and_scales_do_not_count():
    x, y = rings(np.random.default_rng(0), "mean_squared_error", noise=False)
    output = Output(loss="mean_squared_error")
    wide = np.concatenate([x * [1e6, 1e-6], np.full((256, 3), 7.0)], axis=1)
    assert neighbours_levels(output, wide, y)[0] == pytest.approx(neighbours_levels(output, x, y)[0])


@pytest.mark.parametrize(
    "output, x, y",
    [
        (Output(loss="mean_squared_error"), np.ones((32, 2)), np.ones(32)),  # few
        (Output(loss="mean_squared_error"), np.ones((256, 2), int), np.ones(256)),  # words, by their numbers
        (Output(loss="mean_squared_error"), np.full((256, 2), np.nan), np.ones(256)),
        (Output(loss=""), np.ones((256, 2)), np.ones(256)),
        (Output(loss="mean_squared_error", is_mean=False), np.ones((256, 2)), np.ones(256)),
    ],
)
def test_it_is_not_known_where_it_would_say_nothing(output, x, y):
    assert np.isnan(neighbours_levels(output, x, y)[0])


@pytest.mark.parametrize(
    "loss", [loss for loss in LOSSES if loss != "mean_absolute_error"]
)  # any guess of two costs a half
def test_they_know_whether_further_examples_have_their_own_targets(loss):
    output, rng = Output(loss=loss), np.random.default_rng(0)
    (x, y), (others, theirs) = rings(rng, loss, noise=False), rings(rng, loss, noise=False)
    chance = chance_level(output, y)
    assert neighbours_levels(output, x, y, (others, theirs))[1] < 0.4 * chance
    assert neighbours_levels(output, x, y, (others, theirs[rng.permutation(256)]))[1] > 1.25 * chance


def test_examples_that_are_far_from_them_are_predicted_by_each_other():
    output, rng = Output(loss="mean_squared_error"), np.random.default_rng(0)
    (x, y), (others, theirs) = (rings(rng, output.loss, noise=False) for _ in range(2))
    of_each_other, _ = neighbours_levels(output, others, theirs)
    assert neighbours_levels(output, x, y, (5 * others, theirs))[1] == pytest.approx(of_each_other)
    assert np.isnan(neighbours_levels(output, x, y, (others[:, :1], theirs))[1])


SQUARED = Output(loss="mean_squared_error")


def one_layer(x, **changes):
    size = float(np.sqrt(np.mean(x**2)))
    whole = {"activation": "linear", "has_matrix": True, "is_trained": True, "is_output": True, "input_rms": size}
    return Start(layers=(Layer("dense", **whole | changes),))


def test_least_squares_are_those_of_each_example_by_all_others_and_inputs_are_scaled():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 3)) * [1.0, 10.0, 0.1]
    x[:, 2] = 0.1 * x[:, 0] + 0.001 * rng.normal(size=64)
    y = x @ [[1.0], [0.3], [-5.0]] + 0.1 * rng.normal(size=(64, 1))
    with_one = np.column_stack([np.ones(64), x])
    left_out = []
    for i in range(64):
        others = np.arange(64) != i
        weights, *_ = np.linalg.lstsq(with_one[others], y[others], rcond=None)
        left_out.append(float((y[i] - with_one[i] @ weights)[0] ** 2))
    reached, uneven = least_squares_level(SQUARED, one_layer(x), x, y)
    assert reached == pytest.approx(np.mean(left_out), rel=1e-6)
    assert uneven == pytest.approx(np.linalg.cond(np.corrcoef(x.T)), rel=1e-6)


@pytest.mark.parametrize(
    "output, change",
    [
        (Output(loss="binary_crossentropy"), {}),
        (SQUARED, {"activation": "tanh"}),
        (SQUARED, {"is_trained": False}),
        (SQUARED, {"is_output": False}),
        (SQUARED, {"input_rms": 0.1}),  # it is given something else than the inputs
    ],
)
def test_what_least_squares_reach_is_known_of_linear_models_alone(output, change):
    x = np.random.default_rng(0).normal(size=(64, 3))
    assert np.isfinite(least_squares_level(SQUARED, one_layer(x), x, x[:, :1])).all()
    assert np.isnan(least_squares_level(output, one_layer(x, **change), x, x[:, :1])).all()


def test_inputs_that_do_not_vary_tell_nothing_of_least_squares():
    x = np.zeros((96, 3), "float32")
    assert np.isnan(least_squares_level(SQUARED, one_layer(x), x, x[:, :1])).all()
