"""What a whole training is called: a dead one that hardly anything can be checked of is never all right."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ch8
from keras_ch8 import callbacks, optimizers
from keras_ch8.verdicts.kinds import title_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(128, 6)).astype("float32")
Y = X @ RNG.normal(size=(6, 1)).astype("float32")
NOT_CALLED = "ignore:.*continues without its probe.*does not call `model.x.`:RuntimeWarning"


class Inside(keras.Model):
    """Trains a model that it has, and never calls itself, as a VAE or a model of two towers."""

    def __init__(self):
        super().__init__()
        self.inside = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)])
        self.mean = keras.metrics.Mean("loss")

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(self.inside(x, training=True) - y))
        weights = self.inside.trainable_variables
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        self.mean.update_state(loss)
        return {"loss": self.mean.result()}


class Called(Inside):
    """The same, but it calls itself, and is compiled without a loss."""

    def call(self, x):
        return self.inside(x)

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(self(x, training=True) - y))
        self.optimizer.apply(tape.gradient(loss, self.trainable_variables), self.trainable_variables)
        self.mean.update_state(loss)
        return {"loss": self.mean.result()}


class Adversaries(keras.Model):
    """Compiled with two optimizers of its own: `compile` of Keras makes a third, which nothing uses."""

    def __init__(self):
        super().__init__()
        self.one, self.two = (keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)]) for _ in range(2))

    def compile(self, optimizer_of_one, optimizer_of_two):
        super().compile()
        self.optimizer_of_one, self.optimizer_of_two = optimizer_of_one, optimizer_of_two

    def train_step(self, data):
        x, _ = data
        losses = {}
        for name, sign in (("one", 1.0), ("two", -1.0)):
            weights = getattr(self, name).trainable_variables
            with tf.GradientTape() as tape:
                losses[f"{name}_loss"] = sign * tf.reduce_mean(self.one(x) * self.two(x))
            optimizer = getattr(self, f"optimizer_of_{name}")
            optimizer.apply(tape.gradient(losses[f"{name}_loss"], weights), weights)
        return losses


def plain(rate=0.05):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)])
    model.compile(optimizers.Adam(rate), "mse")
    return model


def watched(model, logs=None, epochs=6, **options):
    diagnosis = callbacks.Diagnosis(**options)
    others = [] if logs is None else [callbacks.TensorBoard(logs)]
    model.fit(X, Y, batch_size=16, epochs=epochs, callbacks=[*others, diagnosis], verbose=0)
    return diagnosis


@pytest.mark.slow
@pytest.mark.filterwarnings(NOT_CALLED)
def test_a_training_step_of_ones_own_that_learns_nothing_is_little_checked():
    model = Inside()
    model.compile(keras.optimizers.SGD(1e-9))
    diagnosis = watched(model, epochs=4)
    state = diagnosis.state
    assert state.name == "little_checked"
    assert 0 < state.judged < state.applicable / 2
    assert {"step_too_short", "plateau", "wrong_labels"} <= set(state.missing)
    assert "dead_units" in state.missing
    assert not {"short_horizon", "batch_norm_gap", "saturated_units", "vanishing"} & set(state.missing)
    assert "Use `self(x)` and `self.compute_loss" in state.reasons[0]
    assert state.reasons[1].startswith("The reported loss went from")
    assert "right" not in str(diagnosis)
    assert str(diagnosis).startswith(f"LITTLE CHECKED: {state.judged} of {state.applicable} checks could run.")
    assert "LITTLE CHECKED" in diagnosis._repr_html_()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*No loss to compute.*:RuntimeWarning")
@pytest.mark.parametrize(("targets", "name"), [(Y, "ok"), (10 * RNG.normal(size=(128, 1)), "little_checked")])
def test_a_loss_that_cannot_be_compared_with_chance_has_to_fall_before_all_is_right(targets, name):
    model = Called()
    model.compile(keras.optimizers.Adam(1e-2))
    diagnosis = callbacks.Diagnosis()
    model.fit(X, targets, batch_size=16, epochs=15, callbacks=[diagnosis], verbose=0)
    state = diagnosis.state
    assert state.judged >= state.applicable / 2
    assert state.name == name, str(diagnosis)
    assert state.reasons[-1].startswith("The reported loss went from")


@pytest.mark.slow
def test_a_loss_that_is_given_to_the_diagnosis_is_compared_with_chance():
    model = Called()
    model.compile(keras.optimizers.Adam(1e-2))
    y = 10 * RNG.normal(size=(128, 1))
    diagnosis = callbacks.Diagnosis((X, y), loss=keras.losses.MeanSquaredError())
    model.fit(X, y, batch_size=16, epochs=15, callbacks=[diagnosis], verbose=0)
    assert diagnosis.log.chance == pytest.approx(y.var(), rel=1e-4)
    assert "learns_nothing" not in diagnosis.state.missing


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*continues without its probe.*several losses:RuntimeWarning")
def test_of_several_optimizers_those_are_named_that_make_steps_and_the_run_is_little_checked(tmp_path):
    model = Adversaries()
    model.compile(keras.optimizers.Adam(1e-3), keras.optimizers.SGD(1e-3))
    assert watched(model, tmp_path).state.name == "little_checked"
    history = keras_ch8.read_run(tmp_path)
    assert history.hyperparameters["optimizer"] == "Adam + SGD"
    assert not [name for name in history.hyperparameters if name.startswith("optimizer: ")]
    assert "optimizer_of_one: learning_rate" in history.hyperparameters
    assert history.state.name == "little_checked"
    (reason,) = history.state.reasons
    assert "Only the step sizes of `optimizer_of_one` and `optimizer_of_two` were checked" in reason
    assert "one_loss" in history.panels
    assert keras_ch8.report(tmp_path).states[history.name] == history.state


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("probe", [None, (X[:64], Y[:64])], ids=["no probe", "probe"])
def test_a_plain_training_is_checked_by_all_that_applies(probe, tmp_path):
    diagnosis = watched(plain(), tmp_path, epochs=10, probe=probe)
    state = diagnosis.state
    assert state.judged >= 0.9 * state.applicable
    assert (state.name, state.reasons) == (diagnosis.verdicts[0].level, ())
    assert keras_ch8.read_run(tmp_path).state == state


@tf.custom_gradient
def square_of_the_wrong_sign(x):
    return tf.square(x), lambda upstream: -upstream * x


@pytest.mark.slow
def test_a_solver_that_fails_is_a_verdict_with_its_reason_and_its_advice_and_said_once(tmp_path, capsys):
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, "tanh"), keras.layers.Dense(1)])
    model.compile(optimizers.LBFGS(), lambda y, y_pred: square_of_the_wrong_sign(y - y_pred))
    doctor = keras_ch8.Doctor(str(tmp_path))
    model.fit(X, Y, batch_size=128, epochs=3, verbose=2, callbacks=[doctor])
    (found,) = (verdict for verdict in doctor.verdicts if verdict.level == "act")
    assert found.kind == "wrong_loss"
    assert "the value rises where the gradient says that it falls" in found.finding
    assert found.cure.startswith("Check `custom_gradient` and `stop_gradient`")
    assert found.cure in model.optimizer.stop_reason
    printed = capsys.readouterr().out
    assert printed.count("the value rises") == 1
    assert "Not converged" not in printed


@pytest.mark.slow
@pytest.mark.parametrize("solver", [optimizers.TruncatedNewton, optimizers.BFGS])
def test_a_solved_problem_needs_no_cure_however_its_solver_came_to_a_halt(solver):
    """Of features so correlated that each has used up its digits far above the least squares of float64."""
    x = (X @ np.array([[1, 0.99, 0.98], [0, 0.1, 0.1], [0, 0, 0.02]] * 2, "float32")).astype("float32")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(solver(), "mse")
    doctor = keras_ch8.Doctor(log_dir=None)
    loss = model.fit(x, x @ [[1.0], [30.0], [0.01]], batch_size=128, epochs=40, verbose=0, callbacks=[doctor])
    assert loss.history["loss"][-1] < 1e-6 * loss.history["loss"][0]
    assert [verdict for verdict in doctor.verdicts if verdict.level != "ok"] == []


@pytest.mark.slow
def test_what_nobody_asked_for_does_not_apply():
    few = watched(plain(), checks=["cliff"], preflight=False).state
    assert (few.judged, few.applicable, few.missing) == (2, 3, ("step_too_long",))
    assert watched(plain(), checks=["cliff"]).state.applicable > few.applicable


@pytest.mark.slow
def test_gradients_that_are_not_finite_stand_beside_a_probe_that_is_not_scaled():
    model = plain()
    model.compile(optimizers.SGD(1e6), "mse")
    diagnosis = watched(model, probe=(100 + 100 * X[:64], Y[:64]))
    found = {v.kind: v for v in diagnosis.verdicts}
    assert found["bad_inputs"].level == found["nonfinite"].level == "act"
    assert found["bad_inputs"].is_of_probe
    assert title_of("nonfinite") in str(diagnosis)
    assert "RMS" not in found["bad_inputs"].expects
