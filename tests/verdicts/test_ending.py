"""The end of a model for its targets: what is asked for, and what its code makes of real models."""

import keras
import numpy as np
import pytest

import keras_ch8
from keras_ch8 import preflight
from keras_ch8.verdicts.arrays import targets_of
from keras_ch8.verdicts.ending import NUMBERED, ZERO_AND_ONE, Ending, are_a_quantity, ending_for
from keras_ch8.verdicts.facts import Facts, Output
from tests.pasting import pasted

LAYERS = keras.layers
RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 4)).astype("float32")
IMAGES = RNG.normal(size=(64, 8, 8, 1)).astype("float32")
FOUR = np.argsort(np.argsort(X[:, 0])) // 16
TWO, ROWS = FOUR // 2, np.eye(4)[FOUR]
SIZES = np.round(60 * X[:, 0] + 1300)
"""Whole numbers of which nearly all differ."""
CATEGORICAL, SPARSE, BINARY = "categorical_crossentropy", "sparse_categorical_crossentropy", "binary_crossentropy"
CLASSES = Ending(4, "softmax", SPARSE)
OF_ROWS, OF_TWO = Ending(4, "softmax", CATEGORICAL), Ending(1, "sigmoid", BINARY)
NUMBERS = Ending(1, "linear", "mean_squared_error")


def of(y, activation="softmax", units=1, loss=CATEGORICAL, *metrics):
    return Facts(targets=targets_of(y, 2), output=Output("last", activation, units, loss, metrics=metrics))


@pytest.mark.parametrize(
    "facts, expected",
    [
        (of(FOUR), CLASSES),
        (of(FOUR, "softmax", 1, "mean_squared_error", "accuracy"), CLASSES),
        (of(FOUR, "softmax", 1, "mean_squared_error"), NUMBERS),
        (of(FOUR, "softmax", 4), CLASSES),
        (of(FOUR, "softmax", 9), Ending(9, "softmax", SPARSE)),
        (of(FOUR, "softmax", 3), CLASSES),
        (of(10 * FOUR + 10), Ending(4, "softmax", SPARSE, NUMBERED)),
        (of(FOUR + 1), Ending(4, "softmax", SPARSE, NUMBERED)),
        (of(FOUR + 1, "softmax", 4), Ending(4, "softmax", SPARSE, NUMBERED)),
        (of(FOUR - 2), Ending(4, "softmax", SPARSE, NUMBERED)),
        (of(ROWS), OF_ROWS),
        (of(ROWS, "linear", 1, "mean_squared_error"), OF_ROWS),
        (of(ROWS, "softmax", 4, SPARSE), OF_ROWS),
        (of(np.maximum(ROWS, ROWS[::-1])), Ending(4, "sigmoid", BINARY)),
        (of(TWO), OF_TWO),
        (of(TWO, "softmax", 2), Ending(2, "softmax", SPARSE)),
        (of(2 * TWO - 1), Ending(1, "sigmoid", BINARY, ZERO_AND_ONE)),
        (of(np.zeros(64)), OF_TWO),  # examples that are all of one class
        (of(X[:, 0]), NUMBERS),
        (of(X[:, 0], "softmax", 1, "huber"), Ending(1, "linear", "huber")),
        (of(X[:, :3], "softmax", 1), Ending(3, "linear", "mean_squared_error")),
        (of(SIZES), NUMBERS),
        (of(SIZES, "sigmoid", 1, BINARY, "accuracy"), NUMBERS),
        (of(SIZES, "linear", 2, "mean_squared_error"), NUMBERS),
    ],
)
def test_labels_loss_output_and_metrics_together_say_how_a_model_should_end(facts, expected):
    assert ending_for(facts) == expected


def test_whole_numbers_are_a_quantity_by_what_the_program_does_with_them():
    many = np.arange(1024) % 64
    assert are_a_quantity(of(SIZES))
    assert are_a_quantity(of(many, "linear", 1, "mean_squared_error"))
    assert are_a_quantity(of(many, "softmax", 1, CATEGORICAL, "mae"))
    for classes in (of(many), of(many, "softmax", 64), of(FOUR), of(many, "linear", 1, "mean_squared_error", "acc")):
        assert not are_a_quantity(classes)


def sequential(*layers, shape=(4,)):
    return keras.Sequential([keras.Input(shape), *layers])


def functional(*layers, shape=(4,)):
    x = inputs = keras.Input(shape)
    for layer in layers:
        x = layer(x)
    return keras.Model(inputs, x)


def stateful(*layers):
    return keras.Sequential([keras.Input((4, 1), batch_size=16), LAYERS.LSTM(4, stateful=True), *layers])


def told(model, x, y, loss, optimizer="adam"):
    """What is said before the first step that calls for action."""
    model.compile(optimizer, loss, metrics=["accuracy"])
    return [verdict for verdict in preflight(model, x, y, steps=0).verdicts if verdict.level == "act"]


def cured(verdict, model, x, y):
    """The loss of the model with its cure, over that of the best constant prediction."""
    names = pasted(verdict.code, model=model, x=x, y=y)
    model, y = names["model"], names["y"]
    left = told(model, x, y, model.loss, model.optimizer)
    assert not left, left
    losses = model.fit(x, y, batch_size=16, epochs=20, verbose=0).history["loss"]
    chance = {BINARY: 0.693, SPARSE: 1.386, CATEGORICAL: 1.386}.get(model.loss)
    return losses[-1] / (np.var(y) if chance is None else chance)


def hidden():
    return LAYERS.Dense(16, "relu")


CASES = {
    "one unit, whole labels": (lambda: sequential(hidden(), LAYERS.Dense(1, "softmax")), X, FOUR, CATEGORICAL),
    "labels with gaps": (
        lambda: sequential(hidden(), LAYERS.Dense(1, "sigmoid")), X, 10 * FOUR + 10, CATEGORICAL,
    ),
    "an activation of its own": (
        lambda: sequential(hidden(), LAYERS.Dense(1), LAYERS.Activation("softmax")), X, FOUR, CATEGORICAL,
    ),
    "a softmax of its own": (
        lambda: sequential(hidden(), LAYERS.Dense(1), LAYERS.Softmax()), X, TWO, BINARY,
    ),
    "functional": (lambda: functional(hidden(), LAYERS.Dense(1), LAYERS.Softmax()), X, FOUR, CATEGORICAL),
    "rows, one unit": (lambda: sequential(hidden(), LAYERS.Dense(1)), X, ROWS, "mse"),
    "a unit for each, whole labels": (
        lambda: sequential(hidden(), LAYERS.Dense(4, "softmax")), X, FOUR, CATEGORICAL,
    ),
    "a unit for each, rows": (lambda: sequential(hidden(), LAYERS.Dense(4, "softmax")), X, ROWS, SPARSE),
    "labels of -1 and 1": (lambda: sequential(hidden(), LAYERS.Dense(1, "softmax")), X, 2 * TWO - 1, "mse"),
    "whole numbers": (lambda: sequential(hidden(), LAYERS.Dense(1, "softmax")), X, SIZES, CATEGORICAL),
    "far away": (lambda: sequential(hidden(), LAYERS.Dense(1, "sigmoid")), X, 900 * X[:, 0] + 4000, "mse"),
    "far away, functional": (
        lambda: functional(hidden(), LAYERS.Dense(1), LAYERS.Activation("tanh")), X, 900 * X[:, 0], "mse",
    ),
    "noise before the end": (
        lambda: sequential(hidden(), LAYERS.Dense(4), LAYERS.Dropout(0.5), LAYERS.Activation("softmax")),
        X, FOUR, SPARSE,
    ),
    "stateful": (lambda: stateful(LAYERS.Dense(1, "softmax")), X[..., None], TWO, BINARY),
}  # fmt: skip


@pytest.mark.broad(slow="all")
@pytest.mark.usefixtures("in_graphs")
@pytest.mark.parametrize("make, x, y, loss", CASES.values(), ids=CASES)
def test_with_the_code_of_the_cure_the_training_runs_and_learns_and_nothing_more_is_said(make, x, y, loss):
    keras.utils.set_random_seed(0)
    model = make()
    verdict = told(model, x, y, loss, keras.optimizers.SGD(0.1))[0]
    assert verdict.kind in ("wrong_output", "wrong_loss")
    left = cured(verdict, model, x, y)
    assert left < (0.7 if "find_learning_rate" in verdict.code else 1.0)


@pytest.mark.slow
def test_a_relu_before_pooling_and_softmax_is_found_and_is_none_with_the_cure():
    model = sequential(
        LAYERS.Conv2D(4, 3), LAYERS.ReLU(), LAYERS.GlobalAveragePooling2D(), LAYERS.Softmax(), shape=(8, 8, 1)
    )
    (verdict,) = told(model, IMAGES, FOUR, SPARSE)
    assert "never negative" in verdict.finding
    exec(verdict.code, {"model": model, "keras": keras, "keras_ch8": keras_ch8})
    assert not told(model, IMAGES, FOUR, SPARSE)
    normalized = sequential(LAYERS.Dense(4, "relu"), LAYERS.BatchNormalization(), LAYERS.Softmax())
    assert not told(normalized, X, FOUR, SPARSE)  # which gives numbers below 0


def test_an_axis_of_1_that_the_targets_have_not_is_left_out_as_keras_does(in_graphs):
    y = np.eye(20)[np.arange(128) % 20]
    x = np.tile(X, (2, 1))
    model = sequential(LAYERS.Dense(20, "softmax"), LAYERS.Reshape((20, 1)))
    for loss in (CATEGORICAL, "mse"):
        assert told(model, x, y, loss) == []
    assert "has only 1." in told(model, x, y[..., None], CATEGORICAL)[0].finding


@pytest.mark.slow
def test_where_no_pass_can_be_made_the_end_of_the_model_is_known_all_the_same():
    class Fails(LAYERS.Layer):
        def call(self, x):
            if x.shape[0]:
                raise ValueError("such as for a size of batch that it is not made for")
            return x

    model = sequential(Fails(), LAYERS.Dense(1, "softmax"))
    (verdict,) = told(model, X, TWO, BINARY)
    assert (verdict.kind, "sigmoid" in verdict.code) == ("wrong_output", True)


@pytest.mark.slow
def test_fractions_for_an_embedding_are_told_and_whole_numbers_are_not():
    model = sequential(LAYERS.Embedding(10, 4), LAYERS.Flatten(), LAYERS.Dense(1))
    (verdict,) = told(model, RNG.random((64, 4)).astype("float32"), X[:, 0], "mse")
    assert (verdict.kind, verdict.finding[:5]) == ("bad_inputs", "100 %")
    assert not told(model, RNG.integers(0, 10, (64, 4)).astype("float32"), X[:, 0], "mse")


@pytest.mark.parametrize("y", [np.maximum(np.round(9 * X[:, 0]), 0), np.where(np.arange(64) == 5, 0, 2 + X[:, 1] ** 2)])
def test_zeros_among_targets_that_a_loss_divides_by_are_told(y):
    model = sequential(LAYERS.Dense(1))
    (verdict,) = told(model, X, y, "mape")
    assert verdict.kind == "wrong_loss"
    assert "are 0" in verdict.finding
    assert not told(model, X, np.where(y == 0, 1, y), "mape")


class OfClass(keras.Model):
    """A model of a class: its layer for the output is an attribute, or the last one in a sequential model that is."""

    def __init__(self, units, is_inside=False):
        super().__init__()
        self.body = keras.Sequential([hidden(), *([LAYERS.Dense(units)] if is_inside else [])])
        self.head = None if is_inside else LAYERS.Dense(units)

    def call(self, x):
        return self.body(x) if self.head is None else self.head(self.body(x))


@pytest.mark.usefixtures("in_graphs")
@pytest.mark.parametrize(("is_inside", "at"), [(False, "model.head."), (True, "model.body.layers[-1].")])
def test_the_end_of_a_model_of_a_class_is_changed_where_an_attribute_has_it(is_inside, at):
    keras.utils.set_random_seed(0)
    model = OfClass(4, is_inside)
    (verdict,) = told(model, X, FOUR, SPARSE, keras.optimizers.SGD(0.1))
    assert f"{at}activation = keras.activations.softmax" in verdict.code
    assert cured(verdict, model, X, FOUR) < 1


@pytest.mark.usefixtures("in_graphs")
@pytest.mark.parametrize(
    ("make", "y", "loss", "says"),
    [
        (lambda: sequential(hidden(), LAYERS.Dense(1)), TWO, BINARY, 'BinaryAccuracy("accuracy", threshold=0)'),
        (
            lambda: functional(hidden(), LAYERS.Dense(4)),
            FOUR,
            SPARSE,
            "SparseCategoricalCrossentropy(from_logits=True)",
        ),
        (lambda: OfClass(4), ROWS, keras.losses.CategoricalCrossentropy(label_smoothing=0.1), "label_smoothing=0.1"),
    ],
    ids=["sequential", "functional", "class"],
)
def test_in_place_of_another_end_a_loss_takes_logits(make, y, loss, says):
    model = make()
    (verdict,) = told(model, X, y, loss)
    assert says in verdict.then_code
    pasted(verdict.then_code, model=model, x=X, y=y)
    assert keras.losses.get(model.loss).from_logits
    assert np.isfinite(model.fit(X, y, verbose=0).history["accuracy"][-1])
    assert not [each for each in preflight(model, X, y, steps=0).verdicts if each.level == "act"]
