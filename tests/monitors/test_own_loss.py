"""A loss of the user's own is tried at predictions that are made up: what it says of labels and of right ones."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_ch8
from keras_ch8.monitors.own_loss import chance_of, tried
from keras_ch8.monitors.start import facts_of
from keras_ch8.verdicts.arrays import targets_of
from keras_ch8.verdicts.chance import chance_losses
from keras_ch8.verdicts.checks import claims_of
from keras_ch8.verdicts.facts import Output

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 4)).astype("float32")
BINARY = (X[:, :1] > 0).astype("float32")
NUMBERS = (X[:, :1] - 2 * X[:, 1:2]).astype("float32")
CLASSES = (BINARY + (X[:, 1:2] > 0)).astype("float32")
ONE_HOT = np.eye(3, dtype="float32")[CLASSES[:, 0].astype(int)]


LONG = {"mse": "mean_squared_error", "mae": "mean_absolute_error"}


def hinge(y, p):
    return ops.mean(ops.maximum(1 - y * p, 0), axis=-1)


def logistic(y, p):
    return ops.mean(ops.softplus(-y * p), axis=-1)


def likelihood(y, p):
    return ops.mean(y * ops.log(p + 1e-7) + (1 - y) * ops.log(1 - p + 1e-7), axis=-1)


def minus_likelihood(y, p):
    return -likelihood(y, p)


def dice(y, p):
    return 1 - overlap(y, p)


def overlap(y, p):
    return (2 * ops.sum(y * p) + 1) / (ops.sum(y) + ops.sum(p) + 1)


def focal(y, p):
    return -ops.mean(y * (1 - p) ** 2 * ops.log(p + 1e-7) + (1 - y) * p**2 * ops.log(1 - p + 1e-7), axis=-1)


def contrastive(y, p):
    """Of distances, which are small where the label is 1."""
    return ops.mean(y * p**2 + (1 - y) * ops.maximum(1 - p, 0) ** 2, axis=-1)


def critic(y, p):
    return ops.mean(y * p)


def of_rows(y, p):
    return -ops.sum(y * ops.log(p + 1e-7), axis=-1)


def minus_squares(y, p):
    return -ops.mean((y - p) ** 2, axis=-1)


def quantile(y, p):
    return ops.mean(ops.maximum(0.9 * (y - p), -0.1 * (y - p)), axis=-1)


def of_logarithms(y, p):
    return ops.mean((ops.log(1 + ops.abs(y)) - p) ** 2, axis=-1)


def stretched(y, p):
    return 1 + keras.losses.cosine_similarity(y, p)


def sigmoid_twice(y, p):
    return minus_likelihood(y, ops.sigmoid(p))


def logits_of_classes(y, p):
    return ops.mean(ops.sparse_categorical_crossentropy(ops.cast(y[:, 0], "int32"), p, from_logits=True))


def counts_by_logarithms(y, p):
    return ops.mean(ops.exp(p) - y * p)


def broken(y, p):
    raise TypeError("of something else")


def binary(y, p):
    return -ops.mean(y * ops.log(p) + (1 - y) * ops.log(1 - p))


def clipped_by(least):
    return lambda y, p: binary(y, ops.clip(p, least, 1 - least))


def where_it_is_defined(y, p):
    """Finite, but its gradient is 0 times infinity where the other branch is taken."""
    return -ops.mean(y * ops.where(p > 0, ops.log(p), -16.0) + (1 - y) * ops.where(p < 1, ops.log(1 - p), -16.0))


def categorical(y, p):
    return -ops.sum(y * ops.log(p), axis=-1)


def sparse(y, p):
    return -ops.log(ops.take_along_axis(p, ops.cast(y, "int32"), axis=-1))


def bare_focal(y, p):
    return -ops.mean(y * (1 - p) ** 2 * ops.log(p) + (1 - y) * p**2 * ops.log(1 - p))


def roots(y, p):
    return ops.mean((ops.sqrt(p) - ops.sqrt(y)) ** 2)


def compiled(loss, units=1, activation=None):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(units, activation)])
    model.compile("sgd", loss)
    return model


def claims_for(model, y):
    facts, _ = facts_of(model, (X, y, None))
    return claims_of(facts, lambda name, error: pytest.fail(f"{name}: {error}"))


def said(loss, y, *settings):
    return {claim.kind: claim.level for claim in claims_for(compiled(loss, *settings), y)}


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize(
    "loss, y, settings, expected",
    [
        (hinge, BINARY, (), "wrong_labels"),
        (logistic, BINARY, (), "wrong_labels"),
        (logistic, BINARY[:, 0], (), "wrong_labels"),
        (of_rows, CLASSES, (3, "softmax"), "wrong_labels"),
        (likelihood, BINARY, (1, "sigmoid"), "wrong_loss"),
        (overlap, BINARY, (1, "sigmoid"), "wrong_loss"),
        (lambda y, p: -of_rows(y, p), ONE_HOT, (3, "softmax"), "wrong_loss"),
        (minus_squares, NUMBERS, (), "wrong_loss"),
        (lambda y, p: ops.mean(p - y), NUMBERS, (), "wrong_loss"),  # the square is forgotten
        (sigmoid_twice, BINARY, (1, "sigmoid"), "wrong_loss"),
        (lambda y, p: -logits_of_classes(y, p), CLASSES, (3,), "wrong_loss"),
    ],
)
def test_labels_that_are_not_read_and_a_loss_of_the_wrong_sign_are_told(loss, y, settings, expected):
    assert said(loss, y, *settings) == {expected: "act"}


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize(
    "loss, y, settings",
    [
        (hinge, 2 * BINARY - 1, ()),
        (logistic, 2 * BINARY - 1, ()),
        (of_rows, ONE_HOT, (3, "softmax")),
        (minus_likelihood, BINARY, (1, "sigmoid")),
        (dice, BINARY, (1, "sigmoid")),
        (focal, BINARY, (1, "sigmoid")),
        (contrastive, BINARY, ()),
        (critic, 2 * BINARY - 1, ()),
        (quantile, NUMBERS, ()),
        (logits_of_classes, CLASSES, (3,)),
        (counts_by_logarithms, np.round(np.exp(NUMBERS)), ()),
        (of_logarithms, NUMBERS, ()),
        (stretched, NUMBERS, ()),
        (broken, NUMBERS, ()),
        (lambda y, p: ops.mean((y - p) ** 2), NUMBERS, ()),
        (lambda y, p: ops.sqrt(ops.mean((y - p) ** 2)), BINARY, (1, "sigmoid")),
        (clipped_by(1e-7), BINARY, (1, "sigmoid")),
        (lambda y, p: keras.losses.binary_crossentropy(y, p), BINARY, (1, "sigmoid")),
        (lambda y, p: categorical(y, ops.clip(p, 1e-7, 1)), ONE_HOT, (3, "softmax")),
        (lambda y, p: binary((1 + y) / 2, (1 + p) / 2), 2 * BINARY - 1, (1, "tanh")),
        (lambda y, p: binary(y, ops.clip(ops.sigmoid(p), 1e-7, 1 - 1e-7)), BINARY, ()),
        ("mean_squared_error", NUMBERS, ()),
    ],
)
def test_losses_that_are_well_or_cannot_be_tried_are_not(loss, y, settings):
    assert said(loss, y, *settings) == {}


@pytest.mark.parametrize(
    "loss, y, output",
    [
        ("mse", NUMBERS, Output(activation="linear", units=1, axes=2)),
        ("mae", NUMBERS, Output(activation="linear", units=1, axes=2)),
        ("binary_crossentropy", BINARY, Output(activation="sigmoid", units=1, axes=2)),
        ("sparse_categorical_crossentropy", CLASSES, Output(activation="softmax", units=3, axes=2)),
        ("categorical_crossentropy", ONE_HOT, Output(activation="softmax", units=3, axes=2)),
        (of_rows, ONE_HOT, Output(activation="", low=0.0, high=1.0, off=0.0, units=3, axes=2)),
        (keras.losses.BinaryCrossentropy(from_logits=True), BINARY, Output(activation="linear", units=1, axes=2)),
        (logits_of_classes, CLASSES, Output(activation="linear", units=3, axes=2)),
    ],
)
def test_the_best_of_some_constants_is_that_of_a_loss_with_a_formula(loss, y, output):
    name = "binary_crossentropy" if output.units == 1 else "sparse_categorical_crossentropy"
    name = "categorical_crossentropy" if y is ONE_HOT else name
    known = dataclasses.replace(output, loss=name if callable(loss) else LONG.get(loss, loss))
    expected = chance_losses(known, y)
    np.testing.assert_allclose(chance_of(loss, y, targets_of(y, 2), output).mean(), expected.mean(), rtol=1e-4)


@pytest.mark.parametrize(
    "loss, y, activation",
    [
        ("huber", NUMBERS, "linear"),
        ("poisson", np.round(np.exp(NUMBERS)), "linear"),
        (focal, BINARY, "sigmoid"),
        (dice, BINARY, "sigmoid"),
        (lambda y, p: ops.mean((y - p) ** 2), NUMBERS, "linear"),
    ],
)
def test_no_constant_on_a_grid_is_much_better_than_the_best_of_these(loss, y, activation):
    output = Output(activation=activation, units=1, axes=2)
    best = chance_of(loss, y, targets_of(y, 2), output).mean()
    function = keras.losses.get(loss)
    grid = np.linspace(0.01, 0.99, 99) if activation == "sigmoid" else np.linspace(y.min(), y.max(), 99)
    losses = [float(ops.mean(function(y, np.full_like(y, constant)))) for constant in grid]
    assert best <= np.nanmin(losses) + 0.01 * abs(np.nanmin(losses))


def test_of_what_no_constant_is_known_for_there_is_no_chance():
    embedding, output = Output(activation="linear", units=8, axes=2), Output(activation="linear", units=1, axes=2)
    assert np.isnan(chance_of(contrastive, BINARY, targets_of(BINARY, 2), embedding)).all()
    summed = dataclasses.replace(output, is_mean=False)
    assert np.isnan(chance_of("huber", NUMBERS, targets_of(NUMBERS, 2), summed)).all()
    assert np.isnan(chance_of(lambda y, p: 1 / 0, NUMBERS, targets_of(NUMBERS, 2), output)).all()


class Own(keras.Model):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean((y - y_pred) ** 2)


@pytest.mark.parametrize(
    "y, expected", [(NUMBERS[:, 0], {"wrong_labels": "act"}), (NUMBERS, {}), (np.ones(64, "float32"), {})]
)
def test_a_loss_that_compares_each_prediction_with_all_targets_is_told(y, expected):
    inputs = keras.Input((4,))
    model = Own(inputs, layers.Dense(1)(layers.Dropout(0.2)(inputs)))
    model.compile("sgd")
    claims = claims_for(model, y)
    assert {claim.kind: claim.level for claim in claims} == expected
    facts, _ = facts_of(compiled("mse"), (X, y, None), loss=lambda y, p: ops.mean((y - p) ** 2))
    assert facts.own_loss.compares_all == bool(expected)
    if claims:
        found = {"y": y}
        exec(claims[0].code, found)
        assert claims_for(model, found["y"]) == []


def test_a_loss_of_a_distance_which_is_to_be_small_for_the_label_1_rewards_no_errors():
    inputs = keras.Input((4,))
    length = ops.sqrt(ops.sum(layers.Dense(3)(inputs) ** 2, axis=-1, keepdims=True) / 1e3 + 1e-6)
    model = keras.Model(inputs, length)
    model.compile("sgd", lambda y, p: ops.mean(y * p + (1 - y) * ops.maximum(1 - p, 0), axis=-1))
    facts, _ = facts_of(model, (X, BINARY, None))
    assert facts.output.are_probabilities  # as far as its size tells
    assert claims_for(model, BINARY) == []


KERAS = {binary: "BinaryCrossentropy", categorical: "CategoricalCrossentropy", sparse: "SparseCategoricalCrossentropy"}


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize(
    "loss, y, settings, finding",
    [
        (binary, BINARY, (1, "sigmoid"), "The loss is NaN or infinite when a prediction is exactly 0 or 1,"),
        (binary, BINARY, (1, "hard_sigmoid"), "The loss is NaN or infinite when a prediction is exactly 0 or 1,"),
        (binary, ONE_HOT, (3, "sigmoid"), "The loss is NaN or infinite when a prediction is exactly 0 or 1,"),
        (binary, np.abs(X) / 5, (4, "sigmoid"), "The loss is NaN or infinite when a prediction is exactly 0 or 1,"),
        (categorical, ONE_HOT, (3, "softmax"), "The loss is NaN or infinite when a prediction is exactly 0,"),
        (sparse, CLASSES, (3, "softmax"), "The loss is NaN or infinite when a prediction is exactly 0,"),
        (bare_focal, BINARY, (1, "sigmoid"), "The loss is NaN or infinite when a prediction is exactly 0 or 1,"),
        (roots, BINARY, (1, "sigmoid"), "The gradient of the loss is NaN or infinite when a prediction is exactly 0,"),
        (where_it_is_defined, BINARY, (1, "sigmoid"), "The gradient of the loss is NaN or infinite"),
        (clipped_by(1e-8), BINARY, (1, "sigmoid"), "The loss is NaN or infinite when a prediction is exactly 1,"),
    ],
)
def test_a_loss_that_one_certain_prediction_breaks_is_told_before_the_first_step(loss, y, settings, finding):
    [claim] = claims_for(compiled(loss, *settings), y)
    assert (claim.kind, claim.level) == ("wrong_loss", "act")
    assert claim.finding.startswith(finding)
    if loss in KERAS:
        assert claim.cure.startswith(f"Compile with `keras.losses.{KERAS[loss]}`")


@pytest.mark.parametrize("loss, cure", [(binary, "Compile with"), (bare_focal, "Clip the predictions")])
def test_what_the_cure_of_such_a_loss_does_keeps_the_training_finite(loss, cure):
    def losses(code):
        model = compiled([loss], 1, "sigmoid")
        model.layers[0].kernel.assign(100 * np.eye(4, 1))  # which knows all labels for certain
        exec(code, {"keras": keras, "keras_ch8": keras_ch8, "model": model, "x": X, "y": BINARY})
        return model.fit(X, BINARY, epochs=2, verbose=0).history["loss"]

    [claim] = claims_for(compiled([loss], 1, "sigmoid"), BINARY)
    assert claim.cure.startswith(cure)
    assert np.isnan(losses("")).all()
    assert np.isfinite(losses(claim.code)).all()


def test_a_loss_that_clipping_does_not_mend_is_not_told_to_clip():
    assert said(lambda y, p: ops.mean((y - p) ** 2 + ops.sqrt(p - 0.01)), BINARY, 1, "sigmoid") == {}


@pytest.mark.parametrize(
    "loss, expected",
    [
        (lambda y, p: keras.losses.categorical_crossentropy(p, y), True),
        (lambda y, p: keras.ops.mean(keras.ops.abs(y - p), axis=-1), True),
        (lambda y, p: keras.losses.categorical_crossentropy(y, p), False),
        (lambda y, p: keras.ops.sum(keras.ops.square(y - p), axis=-1), False),
        (lambda y, p: 0.0 * keras.ops.sum(p, axis=-1), False),
    ],
)
def test_a_loss_that_is_linear_in_probabilities_is_told(loss, expected):
    y = np.eye(4, dtype="float32")[np.arange(64) % 4]
    output = Output("last", "softmax", 4, "")
    assert tried(loss, y, targets_of(y, 2), output, 2).is_linear is expected
