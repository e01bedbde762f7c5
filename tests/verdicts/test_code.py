"""What the code of cures makes of a model."""

import ast

import keras
import numpy as np
import pytest

import keras_ch8
from keras_ch8.monitors.start import flat_in
from keras_ch8.verdicts import code
from keras_ch8.verdicts.arrays import targets_of
from keras_ch8.verdicts.ending import code_by, cure_by, same_end
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


@pytest.mark.parametrize("nested", [False, True])
def test_what_unfreezes_a_model_reaches_layers_that_alone_are_frozen(nested):
    dense = LAYERS.Dense(2)
    frozen = keras.Sequential([keras.Input((3,)), dense]) if nested else dense
    frozen.trainable = False
    assert len(changed(code.UNFREEZE, frozen, LAYERS.Dense(1)).trainable_variables) == 4


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
    def lines(**metrics):
        facts = Facts(output=Output(**metrics))
        return code_by(facts, same_end(facts, loss=loss))

    def same(one, other):
        return ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))

    call = f'keras_ch8.training.compile_as(model, model, loss="{loss}"'
    assert same(lines(metrics=fitting), f"{call})\n{code.FIND_RATE}")
    new = "mean_absolute_error" if loss == "mean_squared_error" else "accuracy"
    changed = lines(metrics=fitting, weighted_metrics=(unfit,))
    assert changed.startswith(f"# {new}, because {unfit} does not fit this output\n")
    assert same(changed, f'{call}, metrics=["{new}"], weighted_metrics=None)\n{code.FIND_RATE}')
    assert max(map(len, changed.splitlines())) <= 80


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


def test_a_stateful_model_whose_batches_have_one_size_is_not_made_anew_from_inputs_of_any():
    assert code.fitting(code.NORMALIZE_LAYERS, {Fact.STATEFUL}) == ""
    facts = Facts(targets=targets_of(np.linspace(0.0, 1000.0, 64)),
                  output=Output(activation="sigmoid", units=1, loss="mean_squared_error", can_be_set=True, replaced=1),
                  has=frozenset({Fact.SEQUENTIAL, Fact.STATEFUL}))  # fmt: skip
    lines = code_by(facts, same_end(facts, "linear"))
    assert "output = targets(model.layers[-1].output)" in lines
    assert code.fitting(lines, facts.has) == lines


def test_a_squared_error_of_targets_far_from_1_is_of_a_scaled_output_by_steps_of_the_rate_at_one_that_is_found():
    """SGD(0.01) with targets of some hundreds came to a loss that is no number, and Adam(0.001) stayed far off."""

    def told(targets, *has, loss="mean_squared_error", **output):
        output = Output(activation="linear", units=1, can_be_set=True, replaced=1, **output)
        facts = Facts(targets=targets, output=output, has=frozenset({Fact.SEQUENTIAL, *has}))
        return [of(facts, same_end(facts, loss=loss)) for of in (code_by, cure_by)]

    far, near = targets_of(np.linspace(0.0, 1000.0, 64)), targets_of(np.linspace(-10.0, 10.0, 64))
    lines, cure = told(far)
    for part in (
        "Rescaling(293, 500)",
        "*model.layers, targets",
        "optimizer=keras_ch8.optimizers.Adam",
        code.FIND_RATE,
    ):
        assert part in lines
    for part in ("`keras.layers.Rescaling(y.std(), y.mean())`", "`optimizers.Adam`", "`keras_ch8.find_learning_rate`"):
        assert part in cure
    for has in (Fact.ADAPTIVE_RATES, Fact.OWN_STEP_LENGTH):
        lines, cure = told(far, has)
        assert "Rescaling" in lines
        assert "Adam" not in lines + cure
    assert "find_learning_rate" not in "".join(told(far, Fact.LEARNING_RATE_SCHEDULE))
    for others in (told(near), told(far, loss="binary_crossentropy"), told(far, ends_with="Rescaling")):
        assert "keras.layers.Rescaling" not in "".join(others)
