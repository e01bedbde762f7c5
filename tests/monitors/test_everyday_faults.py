"""Faults of everyday scripts: what is seen of each, and what is advised; each beside a neighbour that has none."""

import keras
import numpy as np
import pytest

import keras_ch8
from keras_ch8 import preflight
from keras_ch8.monitors.held_out import validated_on
from keras_ch8.monitors.measurement_log import MeasurementLog
from keras_ch8.monitors.model_facts import facts, facts_of_model
from keras_ch8.monitors.start import facts_of, large_targets_in
from keras_ch8.verdicts.arrays import unseen_of
from keras_ch8.verdicts.fact import Fact
from keras_ch8.verdicts.facts import Output
from keras_ch8.verdicts.remedies import REMEDIES, applicable
from tests.monitors.logs import AT_REST, faded, log_of
from tests.pasting import pasted

LAYERS = keras.layers
RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 10, 3)).astype("float32")
ONE, OF_EACH_STEP = np.tanh(X[:, 0, :1]), np.tanh(X[:, :, :1])
CLASSES = np.arange(64) % 4


def compiled(*layers, loss="mse", shape=(10, 3)):
    model = keras.Sequential([keras.Input(shape), *layers])
    model.compile("sgd", loss)
    return model


def told(model, x, y):
    """What is said before the first step, by kind."""
    return {verdict.kind: verdict for verdict in preflight(model, x, y, steps=0).verdicts if verdict.level == "act"}


def cured(verdict, model, x, y):
    return pasted(verdict.code, model=model, x=x, y=y)["model"]


@pytest.mark.slow
def test_one_target_is_not_compared_with_a_prediction_for_each_time_step():
    model = compiled(LAYERS.LSTM(4, return_sequences=True), LAYERS.Dense(1, "tanh"))
    said = told(model, X, ONE)["wrong_output"]
    assert "1 target but 10 predictions" in said.finding
    better = cured(said, model, X, ONE)
    assert better.output_shape == (None, 1)
    assert better.layers[-1].activation is keras.activations.tanh
    assert "wrong_output" not in told(better, X, ONE)
    assert "wrong_output" not in told(model, X, OF_EACH_STEP)
    assert "wrong_output" not in told(model, X, OF_EACH_STEP[..., 0])


@pytest.mark.slow
@pytest.mark.parametrize("relu", [LAYERS.Dense(4, "relu"), LAYERS.ReLU()], ids=["activation", "layer"])
def test_no_relu_comes_before_the_softmax_of_the_output(relu):
    model = compiled(LAYERS.Flatten(), LAYERS.Dense(4), relu, LAYERS.Softmax(), loss="sparse_categorical_crossentropy")
    said = told(model, X, CLASSES)["wrong_output"]
    assert "never negative" in said.finding
    assert "wrong_output" not in told(cured(said, model, X, CLASSES), X, CLASSES)
    hidden = compiled(LAYERS.Flatten(), LAYERS.ReLU(), LAYERS.Dense(4), LAYERS.Softmax(),
                      loss="sparse_categorical_crossentropy")  # fmt: skip
    assert "wrong_output" not in told(hidden, X, CLASSES)


@pytest.mark.parametrize(
    "layers, expected",
    [
        ([LAYERS.Dense(4), LAYERS.Dropout(0.1), LAYERS.Dense(2, "tanh")], {Fact.LINEAR_LAYERS}),
        ([LAYERS.Conv1D(4, 3), LAYERS.Flatten()], {Fact.LINEAR_LAYERS}),
        ([LAYERS.Dense(4), LAYERS.LeakyReLU()], set()),
        ([LAYERS.Dense(4, "softmax")], {Fact.SOFTMAX_UNITS}),
    ],
)
def test_hidden_layers_without_an_activation_and_softmaxes_are_seen_and_made_relus(layers, expected):
    model = compiled(*layers, LAYERS.Dense(1))
    assert facts_of_model(model) - {Fact.SEQUENTIAL} == expected
    for kind, fact in (("underfitting", Fact.LINEAR_LAYERS), ("vanishing", Fact.SOFTMAX_UNITS)):
        if fact in expected:
            remedy = next(applicable(REMEDIES[kind], {}, facts_of_model(model)))
            exec(remedy.code, {"model": model, "keras": keras})
            assert not facts_of_model(model) & {Fact.LINEAR_LAYERS, Fact.SOFTMAX_UNITS}
            assert model.layers[-1].activation is keras.activations.linear


def test_large_targets_are_scaled_where_steps_are_of_the_rate(in_graphs):
    model, y = compiled(LAYERS.Flatten(), LAYERS.Dense(1)), 5000 * ONE + 200
    assert large_targets_in(model, y) == {Fact.LARGE_TARGETS}
    for other, of in ((model, ONE), (compiled(LAYERS.Dense(1), LAYERS.Rescaling(9.0)), y)):
        assert not large_targets_in(other, of)
    has = {Fact.LARGE_TARGETS, Fact.STEPS_OF_THE_RATE}
    assert "Rescaling" in next(applicable(REMEDIES["step_too_short"], {"longer_rate": "1", "rate": "0"}, has)).cure
    names = {"model": model, "x": X, "y": y, "keras": keras, "keras_ch8": keras_ch8}
    exec(next(applicable(REMEDIES["step_too_short"], {}, has)).code, names)
    assert names["model"].predict(X, verbose=0).std() > 100
    assert not large_targets_in(names["model"], y)


def test_targets_that_plain_gradient_steps_overshoot_are_scaled_with_an_optimizer_that_does_not():
    for kind in ("step_too_long", "dead_units", "nonfinite"):
        first = [next(applicable(REMEDIES[kind], {"shorter_rate": "1", "rate": "2"}, has)) for has in (
            frozenset({Fact.LARGE_TARGETS}), frozenset({Fact.LARGE_TARGETS, Fact.ADAPTIVE_RATES}))]  # fmt: skip
        assert ["Rescaling" in one.code and "Adam" in one.code for one in first] == [True, False]


def test_the_momentum_of_batch_normalization_is_lowered_inside_a_model_too():
    body = keras.Sequential([keras.Input((4,)), LAYERS.Dense(4), LAYERS.BatchNormalization()])
    model = keras.Sequential([body, LAYERS.Dense(1)])
    exec(next(applicable(REMEDIES["batch_norm_gap"], {"momentum": "0.9"}, set())).code, {"model": model})
    assert body.layers[-1].momentum == 0.9


def test_a_batch_of_all_examples_is_to_be_smaller_before_there_are_more_epochs():
    log = MeasurementLog()
    log.see(0.1, batch_size=100, batches=1)
    assert Fact.ONE_BATCH in facts(log)
    assert next(applicable(REMEDIES["too_short"], {}, facts(log))).code == "batch_size = 32"
    for batch_size, batches in ((50, 2), (64, 1)):
        log = MeasurementLog()
        log.see(0.1, batch_size=batch_size, batches=batches)
        assert Fact.ONE_BATCH not in facts(log)


@pytest.mark.slow
def test_classes_that_only_the_validation_data_have_are_in_the_way_of_the_split(in_graphs):
    y = np.sort(CLASSES)
    found = validated_on({"x": X, "y": y, "validation_split": 0.25}, Output())
    assert found["unseen"] == 1.0
    assert validated_on({"x": X, "y": CLASSES, "validation_split": 0.25}, Output())["unseen"] == 0.0
    assert unseen_of(np.eye(4)[y[:32]], np.eye(4)[y]) == 0.5
    for numbers in (RNG.normal(size=64), np.zeros(64)):  # which are no classes
        assert np.isnan(unseen_of(numbers, numbers))
    model = compiled(LAYERS.Flatten(), LAYERS.Dense(4, "softmax"), loss="sparse_categorical_crossentropy")
    diagnosis = keras_ch8.callbacks.Diagnosis()
    model.fit(X, y, validation_split=0.25, shuffle=True, verbose=0, callbacks=diagnosis)
    said = next(verdict for verdict in diagnosis.verdicts if verdict.kind == "label_order")
    assert "100 % of the validation examples belong to classes" in said.finding
    assert "permutation" in said.code


@pytest.mark.parametrize("val_loss, expected", [(1.2, True), (0.7, False)])
def test_held_out_examples_that_a_constant_predicts_better_may_be_of_another_kind(val_loss, expected):
    log = log_of(AT_REST)
    log.chance, log.epochs = 1.0, [{"loss": 0.5, "val_loss": 1.5}, {"loss": 0.1, "val_loss": val_loss}]
    assert (Fact.HELD_OUT_OF_ANOTHER_KIND in facts(log)) is expected
    second = list(applicable(REMEDIES["overfitting"], {}, facts(log)))[1].cure
    assert ("shuffle the data before you split" in second) is expected


def test_a_rate_that_has_faded_is_to_fall_more_slowly_not_to_be_raised():
    for left, first in ((1e-3, "Decay the learning rate more slowly"), (1.0, "Raise the learning rate")):
        has = facts(faded(left)) | {Fact.LEARNING_RATE_SCHEDULE}
        assert first in next(applicable(REMEDIES["step_too_short"], {"longer_rate": "1", "rate": "0"}, has)).cure


def test_places_are_what_is_predicted_for_each_example():
    of = facts_of(compiled(LAYERS.Dense(2), shape=(10, 3)), (X, X[..., :2], None))[0]
    assert (of.output.places, of.targets.places, of.targets.width) == (10, 10, 2)
    images = np.zeros((8, 4, 4, 1), "float32")
    of = facts_of(compiled(LAYERS.Conv2D(1, 1), shape=(4, 4, 1)), (images, images[..., 0], None))[0]
    assert (of.output.places, of.targets.places) == (16, 16)
