"""What the code of cures makes of a model."""

import dataclasses

import keras
import numpy as np
import pytest

import keras_ch8
from keras_ch8.monitors.start import flat_in
from keras_ch8.verdicts import code
from keras_ch8.verdicts.arrays import targets_of
from keras_ch8.verdicts.code import for_numbers, with_loss
from keras_ch8.verdicts.fact import Fact
from keras_ch8.verdicts.facts import Facts, Output
from keras_ch8.verdicts.remedies import REMEDIES

LAYERS = keras.layers
X = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")


def changed(code, *layers, optimizer="sgd"):
    model = keras.Sequential([keras.Input((3,)), *layers])
    model.compile(optimizer, "mse", run_eagerly=True)
    names = {"model": model, "x": X, "y": X[:, :1], "keras": keras, "keras_ch8": keras_ch8}
    exec(code, names)
    return names["model"]


def test_a_larger_model_has_more_units_one_more_layer_the_same_end_and_no_penalties_or_dropout():
    hidden = LAYERS.Dense(2, "tanh", kernel_regularizer="l2")
    model = changed(code.LARGER, hidden, LAYERS.Dropout(0.5), LAYERS.Dense(3), LAYERS.Activation("softmax"))
    made = [(type(layer).__name__, getattr(layer, "units", 0), layer.activation.__name__) for layer in model.layers]
    assert made == [("Dense", 8, "tanh"), ("Dense", 64, "relu"), ("Dense", 3, "linear"), ("Activation", 0, "softmax")]
    assert not model.losses
    (one,) = changed(code.LARGER, LAYERS.Dense(1)).layers[:-1]  # a linear model gets a hidden layer
    assert one.units == 64


def test_a_rate_that_fades_falls_over_the_whole_training_from_where_it_began():
    optimizer = keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.2, 3, 0.1))
    model = changed(code.SLOWER_FALL.format(rate="0.2"), LAYERS.Dense(1), optimizer=optimizer)
    model.fit(X, X[:, :1], batch_size=8, epochs=10, verbose=0)
    schedule = keras_ch8.schedules.LinearDecay(0.2, 20)
    assert float(model.optimizer.learning_rate) == pytest.approx(float(schedule(20)))


@pytest.mark.parametrize(
    "loss, fitting, unfit",
    [
        ("binary_crossentropy", ("accuracy", "acc", "auc", "binary_accuracy", "mse"), "sparse_categorical_accuracy"),
        ("categorical_crossentropy", ("accuracy", "top_k_categorical_accuracy"), "sparse_categorical_crossentropy"),
        ("sparse_categorical_crossentropy", ("accuracy", "sparse_top_k_categorical_accuracy"), "auc"),
        ("mean_squared_error", ("mae", "r2_score", "root_mean_squared_error"), "binary_accuracy"),
    ],
)
def test_metrics_stay_where_all_fit_the_loss_and_one_that_does_takes_the_place_of_all_where_not(loss, fitting, unfit):
    kept = with_loss(Facts(output=Output(metrics=fitting)), loss)
    assert kept == f'keras_ch8.training.compile_as(model, model, loss="{loss}")'
    other = with_loss(Facts(output=Output(metrics=fitting, weighted_metrics=(unfit,))), loss, "body")
    new = "mean_absolute_error" if loss == "mean_squared_error" else "accuracy"
    assert other.splitlines() == [
        f"# {new}, since {unfit} is for other outputs",
        f'keras_ch8.training.compile_as(model, body, loss="{loss}", metrics=["{new}"], weighted_metrics=None)',
    ]


def test_the_output_gets_no_relu_and_no_normalization_where_its_softmax_is_a_layer_of_its_own():
    model = changed(code.ACTIVE, LAYERS.Dense(8), LAYERS.Dense(3), LAYERS.Softmax())
    assert [layer.activation.__name__ for layer in model.layers[:2]] == ["relu", "linear"]
    model = changed(code.NORMALIZE_LAYERS, LAYERS.Dense(8, "relu"), LAYERS.Dense(3), LAYERS.Softmax())
    assert [type(layer).__name__ for layer in model.layers] == ["Dense", "BatchNormalization", "Dense", "Softmax"]


def test_a_model_inside_keeps_its_weights_in_a_larger_one():
    inner = keras.Sequential([keras.Input((3,)), LAYERS.Dense(4, "relu")])
    assert inner in changed(code.LARGER, inner, LAYERS.Dense(1)).layers


@pytest.mark.parametrize("lines", [code.NORMALIZE_INPUTS, code.LARGER])
def test_inputs_of_one_number_without_an_axis_of_its_own_are_made_a_column(lines):
    x = np.linspace(0, 100, 64).astype("float32")
    model = keras.Sequential([keras.Input((1,)), LAYERS.Dense(4, "relu"), LAYERS.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    assert flat_in(model, x) == {Fact.FLAT_INPUTS}
    assert flat_in(model, x[:, None]) == set()
    assert flat_in(keras.Sequential([keras.Input(()), LAYERS.Embedding(9, 4), LAYERS.Dense(1)]), x) == set()
    names = {"model": model, "x": x, "y": x / 100, "keras": keras, "keras_ch8": keras_ch8}
    exec(code.fitting(lines, flat_in(model, x)), names)
    names["model"].fit(names["x"], names["y"], verbose=0)
    if lines == code.NORMALIZE_INPUTS:
        assert names["scale"](names["x"]).numpy().std() == pytest.approx(1, rel=1e-3)


def test_code_for_one_array_of_inputs_is_not_given_for_several():
    lines = {remedy.code for remedies in REMEDIES.values() for remedy in remedies}
    of_several = {code.fitting(each, {Fact.SEVERAL_INPUTS}) for each in lines}
    assert code.FIND_RATE in of_several
    assert not of_several & {code.SCALE_TO_DATA, code.WITH_CURVATURE, code.NORMALIZE_LAYERS}


def test_a_squared_error_of_large_targets_is_minimized_by_steps_of_the_rate():
    """SGD(0.01) with targets of some hundreds came to a loss that is no number."""
    large = Facts(targets=targets_of(np.linspace(0.0, 1000.0, 64)))
    assert "optimizer=keras_ch8.optimizers.Adam(0.001)" in with_loss(large, "mean_squared_error")
    assert "`optimizers.Adam`" in for_numbers(large)
    small = Facts(targets=targets_of(np.linspace(0.0, 10.0, 64)))
    ready = [dataclasses.replace(large, has=frozenset({has})) for has in (Fact.ADAPTIVE_RATES, Fact.OWN_STEP_LENGTH)]
    for facts in (small, *ready):
        assert "Adam" not in with_loss(facts, "mean_squared_error") + for_numbers(facts)
    assert "Adam" not in with_loss(large, "poisson")
