"""What `Diagnosis` sees before the first step: it is reported at once, changes nothing, and never ends a training."""

import math

import keras
import numpy as np
import pytest
from keras import layers

import keras_ch8
from keras_ch8 import callbacks

pytestmark = pytest.mark.filterwarnings(
    "ignore:You are using a softmax over axis -1", "ignore:`shuffle=True` was passed, but will be ignored"
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(256, 4)).astype("float32")
Y = (X[:, 0] > 0).astype("float32")
PROBE = RNG.normal(size=(64, 4)).astype("float32"), RNG.integers(0, 2, 64).astype("float32")


def network(activation="sigmoid", loss="binary_crossentropy", **options):
    keras.utils.set_random_seed(0)
    hidden = layers.Dense(8, "relu"), layers.Dropout(0.2)
    model = keras.Sequential([keras.Input((4,)), *hidden, layers.Dense(1, activation, name="last")])
    model.compile("adam", loss, **options)
    return model


def diagnosis(probe=PROBE, checks=("cliff",), **options):
    return callbacks.Diagnosis(probe, list(checks), **options)


def fit(model, watching, x=X, y=Y, **options):
    return model.fit(x, y, epochs=1, verbose=0, callbacks=[watching], **options)


def found(watching):
    return {v.kind: v.level for v in watching.verdicts if v.level != "ok"}


@pytest.mark.slow
@pytest.mark.broad(slow=1)
@pytest.mark.parametrize("probe", [PROBE, None])
def test_what_is_wrong_before_the_first_step_stands_in_the_verdicts_from_step_0_on(probe):
    watching = diagnosis(probe)
    fit(network("softmax"), watching)
    assert found(watching) == {"wrong_output": "act"}
    verdict = watching.verdicts[0]
    assert verdict.step == verdict.measured == 0
    assert "activation = keras.activations.sigmoid" in verdict.code
    assert "ACT Last layer does not fit the loss (wrong_output, " in str(watching)
    assert watching.log.chance == pytest.approx(0.69, abs=0.01)


@pytest.mark.slow
def test_a_model_without_a_trainable_weight_is_told_so():
    model, watching = network(), diagnosis()
    model.trainable = False
    with pytest.warns(RuntimeWarning, match="no trainable weights"), pytest.warns(UserWarning, match="not have any"):
        fit(model, watching)
    assert found(watching) == {"no_gradient": "act"}
    assert "None of the model's weights are trainable" in str(watching)
    exec(watching.verdicts[0].code, {"model": model, "keras_ch8": keras_ch8})
    fit(model, watching)
    assert found(watching) == {}


@pytest.mark.slow
@pytest.mark.broad(slow=1)
@pytest.mark.parametrize("order, said", [(slice(None), {}), (RNG.permutation(len(X)), {"wrong_labels": "act"})])
def test_targets_that_belong_to_other_inputs_are_seen_by_the_examples_of_the_probe(order, said):
    x = RNG.normal(size=(128, 4)).astype("float32")
    watching = diagnosis((3 * x, (x[:, 0] > 0).astype("float32")))
    fit(network(), watching, 3 * X, Y[order])
    assert found(watching) == said


def test_it_is_what_the_function_says():
    model, watching = network("softmax"), diagnosis()
    alone = keras_ch8.preflight(model, X, Y, steps=0)
    fit(model, watching)
    assert [v.finding for v in alone.verdicts] == [v.finding for v in watching.verdicts if v.level != "ok"]


@pytest.mark.slow
def test_a_training_that_is_well_has_no_verdict_of_it_and_none_is_made_where_it_is_not_asked_for():
    watching = diagnosis()
    fit(network(), watching)
    assert found(watching) == {}
    assert watching.log.chance > 0.5
    watching = diagnosis(preflight=False)
    fit(network("softmax"), watching)
    assert found(watching) == {}
    assert math.isnan(watching.log.chance)


@pytest.mark.slow
def test_a_second_fit_is_looked_at_anew():
    model, watching = network("softmax"), diagnosis()
    fit(model, watching)
    model.compile("adam", keras.losses.MeanSquaredError())
    fit(model, watching)
    assert found(watching) == {"wrong_output": "act"}
    well = network()
    fit(well, watching)
    assert found(watching) == {}


@pytest.mark.slow
def test_a_probe_on_another_scale_and_first_examples_of_one_class_are_told():
    watching = diagnosis((255 * PROBE[0], PROBE[1]))
    fit(network(), watching)
    assert found(watching) == {"bad_inputs": "act"}
    assert watching.verdicts[0].cure.startswith("Scale the inputs of the probe with the mean")
    watching = diagnosis(None)
    fit(network(), watching, validation_data=(255 * PROBE[0], PROBE[1]))
    assert found(watching)["bad_inputs"] == "act"
    assert watching.verdicts[0].cure.startswith("Scale the inputs of the validation data with the mean")
    order = np.argsort(np.arange(len(Y)) % 2, kind="stable")
    y = np.sort(np.repeat([0.0, 1.0], 512))
    watching = diagnosis()
    fit(network(), watching, np.concatenate([X[order]] * 4), y, shuffle=False)
    assert found(watching) == {"label_order": "act"}


@pytest.mark.slow
def test_the_alarm_is_printed_before_the_first_step(capsys):
    network("softmax").fit(X, Y, epochs=1, verbose=2, callbacks=[diagnosis()])
    out = capsys.readouterr().out
    assert out.index("ACT Last layer does not fit the loss (wrong_output) at step 0") < out.index("loss:")


# --- whatever is trained -------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_check_that_fails_is_left_out_with_one_warning_and_the_training_goes_on(monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("no such thing")

    monkeypatch.setattr("keras_ch8.callbacks.diagnosis.judging.claims_of", broken)
    with pytest.warns(RuntimeWarning, match="continues without 'preflight', which failed with Zero") as told:
        history = fit(network("softmax"), diagnosis())
    assert len([one for one in told if one.category is RuntimeWarning]) == 1
    assert len(history.history["loss"]) == 1


def test_labels_that_the_loss_cannot_read_are_told_before_the_error_that_ends_the_training():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, "softmax", name="last")])
    model.compile("adam", "sparse_categorical_crossentropy")
    watching, y = diagnosis(), RNG.integers(1, 4, 256)
    with pytest.raises(Exception, match="label value"):
        fit(model, watching, X, y)
    assert found(watching) == {"wrong_labels": "act"}
    assert watching.verdicts[0].code == "y = y - 1"


class Penalized(layers.Layer):
    """Adds to the loss when it is called, and is not asked again before the next call."""

    def call(self, inputs):
        self.add_loss(0.1 * keras.ops.mean(inputs**2))
        return inputs


@pytest.mark.slow
@pytest.mark.broad(slow=2)
@pytest.mark.parametrize(
    "options, extra, penalty",
    [
        ({"kernel_regularizer": "l2"}, [], lambda model: float(keras.ops.sum(model.losses[0]))),
        ({}, [Penalized()], lambda model: 0.1 * np.mean(PROBE[0] ** 2)),
        ({}, [], lambda model: 0.0),
    ],
)
def test_what_layers_add_to_a_loss_is_known_apart_from_what_a_constant_prediction_has(options, extra, penalty):
    keras.utils.set_random_seed(0)
    model, watching = (
        keras.Sequential([*extra, layers.Dense(1, "sigmoid", **options)]),
        diagnosis(checks=["gradient_norm"]),
    )
    model.compile("adam", "binary_crossentropy")
    fit(model, watching)
    assert np.isfinite([watching.log.chance, watching.log.neighbours]).all()
    assert watching.log.chance > 0.5
    assert watching.log.is_penalized == (penalty(model) > 0)
    assert watching.log.of("gradient_norm")[-1].penalty == pytest.approx(penalty(model), rel=1e-5)
