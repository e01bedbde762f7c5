"""`keras_ch8.preflight`: what is wrong before a training begins, and nothing of the model is changed."""

import math

import keras
import numpy as np
import pytest
from keras import layers

import keras_ch8
from keras_ch8._preflight import _of_memorizing
from keras_ch8._sandbox import fingerprint
from tests.networks import Softmax
from tests.pasting import pasted

pytestmark = pytest.mark.filterwarnings("ignore:You are using a softmax over axis -1")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4)).astype("float32")
Y = X[:, 0] + X[:, 1]
BINARY = (X[:, 0] > 0).astype("float32")
THREE = np.digitize(X[:, 0], [-0.5, 0.5])


ZEROS = {"kernel_initializer": "zeros"}


def network(*last, loss="mse", optimizer="adam", shape=(4,), hidden="relu", **options):
    hidden_layers = [layers.Dense(8, hidden, name="hidden", **options)] if hidden else []
    model = keras.Sequential([keras.Input(shape), *hidden_layers, *(last or [layers.Dense(1, name="last")])])
    model.compile(optimizer, loss)
    return model


def last(units=1, activation=None):
    return layers.Dense(units, activation, name="last")


def sigmoid():
    return network(last(1, "sigmoid"), loss="binary_crossentropy")


def softmax(**options):
    return network(last(3, "softmax"), loss="sparse_categorical_crossentropy", **options)


def kinds(found):
    return {v.kind: v.level for v in found.verdicts}


def preflight(model, x, y, steps=0, **options):
    return keras_ch8.preflight(model, x, y, steps=steps, **options)


# --- what it says --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model, x, y, expected",
    [
        (lambda: network(last(3), loss="sparse_categorical_crossentropy"), X, THREE, {"wrong_output": "act"}),
        (lambda: network(last(1, "sigmoid")), X, Y, {"wrong_output": "act"}),
        (lambda: network(layers.BatchNormalization(), last(), hidden=None), 100 * X, Y, {}),
        (lambda: network(layers.Rescaling(0.01), last(), hidden=None), 100 * X, Y, {}),
        (lambda: network(bias_initializer=keras.initializers.Constant(-99.0)), X, Y, {"dead_units": "act"}),
        (sigmoid, X, np.ones(300), {"wrong_labels": "watch"}),
        (sigmoid, X, np.arange(300) < 5, {"imbalance": "act"}),
    ],
)
def test_what_is_wrong_is_said_of_a_model_and_its_data(model, x, y, expected):
    assert kinds(preflight(model(), x, y)) == expected


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind, model, x, y",
    [
        ("wrong_output", lambda: network(last(1, "softmax"), loss="binary_crossentropy"), X, BINARY),
        ("wrong_output", sigmoid, X, THREE),
        ("wrong_output", lambda: network(last(1, "relu")), X, 9 * Y),
        ("wrong_labels", softmax, X, THREE + 1),
        ("wrong_labels", sigmoid, X, 2 * BINARY - 1),
        ("wrong_labels", sigmoid, X, 1 + BINARY),
        ("wrong_loss", sigmoid, X, Y),
        ("bad_inputs", network, 100 * X, Y),
        ("bad_inputs", network, np.round(np.clip(90 * X + 128, 0, 255)), Y),
        ("bad_inputs", network, np.where(X > 2.5, np.nan, X), Y),
        ("equal_units", lambda: network(layers.Dense(1, **ZEROS), **ZEROS), X, Y),
    ],
)
def test_the_code_of_a_cure_runs_in_the_script_and_cures(kind, model, x, y):
    script = {"model": model(), "x": x, "y": y}
    (verdict,) = preflight(script["model"], x, y).verdicts
    assert (verdict.kind, verdict.level) == (kind, "act")
    assert verdict.expects
    assert verdict.then
    script = pasted(verdict.code, **script)
    cured = preflight(script["model"], script["x"], script["y"], steps=1)
    assert cured.verdicts == ()
    assert math.isfinite(cured.memorized[1])


def test_of_a_training_that_is_well_nothing_is_said_and_its_losses_are_right():
    model = softmax(optimizer=keras.optimizers.Adam(0.01))
    found = preflight(model, X, THREE, steps=30, validation_data=(X[:0:-3] + 0.5, THREE[:0:-3]))
    assert found.verdicts == ()
    assert (found.state.name, found.state.judged) == ("ok", found.state.applicable)
    assert str(found).startswith(f"OK: {found.state.judged} of {found.state.judged} checks ran, nothing to do.")
    shares = np.bincount(THREE) / 300
    assert found.chance == pytest.approx(-np.sum(shares * np.log(shares)), rel=0.1)
    assert found.start == pytest.approx(float(model.evaluate(X, THREE, verbose=0)), rel=0.1)
    before, after = found.memorized
    assert after < 0.9 * before
    assert after < found.blind


@pytest.mark.slow
def test_everything_ends_as_it_was_and_so_does_what_is_trained_afterwards():
    def trained(looks):
        keras.utils.set_random_seed(1)
        hidden = layers.Dropout(0.3), layers.BatchNormalization(), last(3, "softmax")
        model = network(*hidden, loss="sparse_categorical_crossentropy")
        model.fit(X, THREE, verbose=0)
        before = fingerprint(model)
        if looks:
            found = preflight(model, X, THREE, steps=5, validation_data=(X, THREE))
            assert not math.isnan(found.blind)
        assert fingerprint(model) == before
        model.fit(X, THREE, verbose=0)
        return model.get_weights()

    assert all((a == b).all() for a, b in zip(trained(True), trained(False), strict=True))


@pytest.mark.slow
def test_a_batch_that_is_not_learned_is_the_finding_and_no_note_beside_good_words():
    model = softmax(optimizer=keras.optimizers.Adam(1e-7))
    found = preflight(model, X, THREE, steps=30)
    assert (kinds(found), found.state.name) == ({"step_too_short": "watch"}, "watch")
    assert "30 steps on one batch do not lower its loss" in str(found)
    assert "right" not in str(found)


def test_of_a_loss_that_cannot_be_compared_and_no_steps_little_is_known():
    found = preflight(network(loss=keras.losses.Huber(reduction="sum")), X, Y, steps=0)
    assert found.state.name == "little_checked"
    assert str(found).startswith("LITTLE CHECKED: ")


def test_steps_that_are_too_long_for_one_batch_are_named():
    found = preflight(network(optimizer=keras.optimizers.SGD(50.0)), X, Y, steps=10)
    assert kinds(found) == {"step_too_long": "act"}
    assert "10 steps on one batch raise its loss" in found.verdicts[0].finding


def test_validation_data_are_compared_with_those_of_the_training():
    model = sigmoid()
    assert kinds(preflight(model, X, BINARY, validation_data=(255 * X, BINARY))) == {"bad_inputs": "act"}
    assert kinds(preflight(model, X, BINARY, validation_data=(X + 0.5, 2 * BINARY - 1))) == {"wrong_labels": "act"}
    mixed = np.concatenate([X[:20], X[20:100] + 0.1])
    assert kinds(preflight(model, X, BINARY, validation_data=(mixed, BINARY[:100]))) == {"leak": "act"}
    assert kinds(preflight(model, X, BINARY, validation_data=(X + 0.5, BINARY))) == {}


# --- models and data of all kinds ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_data_set_without_end_is_read_once():
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((X, BINARY)).repeat().batch(64)
    model = network(last(1, "softmax"), loss="binary_crossentropy")
    assert kinds(preflight(model, data, None, steps=2)) == {"wrong_output": "act"}


class OwnLoss(Softmax):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return keras.ops.mean(keras.ops.square(y_pred)) + 1.0


def test_of_a_subclassed_model_the_last_layer_is_seen_and_of_a_loss_of_its_own_nothing_is_said():
    model = Softmax()
    model.compile("adam", "binary_crossentropy")
    assert kinds(preflight(model, X, BINARY)) == {"wrong_output": "act"}
    model = OwnLoss()
    model.compile("adam")
    found = preflight(model, X, BINARY)
    assert math.isnan(found.chance)
    assert found.start == 2


@pytest.mark.slow
def test_a_layer_that_only_changes_the_type_is_not_taken_for_the_last_activation():
    for after in (layers.Activation("linear", dtype="float64"), layers.Activation("linear")):
        model = network(last(1, "sigmoid"), after, loss="binary_crossentropy")
        assert preflight(model, X, BINARY).verdicts == ()
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.ops.sigmoid(layers.Dense(1)(inputs)))
    model.compile("adam", "binary_crossentropy")
    assert preflight(model, X, BINARY).verdicts == ()


def test_a_dead_layer_that_others_go_around_is_not_flagged():
    inputs = keras.Input((4,))
    dead = layers.Dense(2, "relu", bias_initializer=keras.initializers.Constant(-99.0))
    hidden = layers.Dense(8, "relu")(inputs)
    model = keras.Model(inputs, layers.Dense(1)(layers.Concatenate()([hidden, dead(hidden)])))
    model.compile("adam", "mse")
    assert preflight(model, X, Y).verdicts == ()


@pytest.mark.slow
def test_of_a_loss_of_the_user_chance_is_that_of_the_best_of_some_constants_and_of_several_outputs_nothing_is_guessed():
    y = Y[:200] * 1000
    found = preflight(network(loss=lambda y, p: keras.ops.mean(keras.ops.abs(y - p))), X[:200], y, steps=3)
    assert found.verdicts == ()
    assert found.chance == pytest.approx(np.mean(np.abs(y - np.median(y))), rel=1e-3)
    inputs = keras.Input((4,))
    model = keras.Model(inputs, [layers.Dense(1, "relu")(inputs), layers.Dense(1, "sigmoid")(inputs)])
    model.compile("adam", ["mse", "binary_crossentropy"])
    assert preflight(model, X, [BINARY, BINARY], steps=3).verdicts == ()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gan", "mixed_precision"])
def test_several_optimizers_are_not_tried_and_mixed_precision_is(kind):
    if kind == "gan":

        class Two(Softmax):
            def train_step(self, data):
                return {"loss": keras.ops.sum(data[0])}

        model = Two()
        model.compile("adam", "mse")
        model.other = keras.optimizers.SGD(0.1)
        assert math.isnan(preflight(model, X, BINARY, steps=3).blind)
        return
    before = keras.config.dtype_policy()
    try:
        keras.config.set_dtype_policy("mixed_float16")
        model = network(last(1, "softmax"), loss="binary_crossentropy")
    finally:
        keras.config.set_dtype_policy(before)
    assert kinds(preflight(model, X, BINARY, steps=3)) == {"wrong_output": "act"}


# --- bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "x, y, says",
    [
        (X[:0], BINARY[:0], r"`x` must be an array with one entry per example"),
        (X, BINARY[:7], r"Received: 300 in `x`, 7 in `y`"),
        (X[:, :2], BINARY, r"Received: float32 of shape \(256, 2\) .* fails with"),
        (np.array([["a"] * 4] * 300), BINARY, r"Received: <U1 of shape \(256, 4\) .* fails with"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_in_one_sentence(x, y, says):
    with pytest.raises(ValueError, match=says) as error:
        preflight(network(), x, y)
    assert "\n" not in str(error.value)


def test_a_model_that_is_not_compiled_is_refused():
    with pytest.raises(ValueError, match=r"which is not compiled\. Compile it"):
        preflight(keras.Sequential([keras.Input((4,)), last()]), X, BINARY)
    with pytest.raises(ValueError, match="`steps` is the steps that are made on one batch"):
        preflight(network(), X, BINARY, steps=-1)


def test_a_check_that_fails_is_left_out_with_a_warning(monkeypatch):
    monkeypatch.setattr("keras_ch8._preflight.sandbox", lambda model: 1 / 0)
    with pytest.warns(RuntimeWarning, match="skips its check 'memorizing a batch', which failed with Zero"):
        found = preflight(network(), X, Y, steps=3)
    assert math.isnan(found.blind)
    assert found.start > 0


def test_a_loss_below_0_that_falls_has_not_diverged():
    assert _of_memorizing((-1.0, -5.0), 30) == []
    assert [claim.kind for claim in _of_memorizing((-1.0, 50.0), 30)] == ["step_too_long"]
