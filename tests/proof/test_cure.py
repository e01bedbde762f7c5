"""The same training without and with a cure: whether the verdict left, and whether the loss fell."""

import dataclasses
import random

import keras
import numpy as np
import pytest

import keras_ch8
from keras_ch8 import Doctor
from keras_ch8._cure import CureTrial, Fit, compared, steps_like
from keras_ch8.extend import Verdict

RNG = np.random.default_rng(0)
X = RNG.normal(size=(256, 3)).astype("float32")
Y = X[:, :1] - 2 * X[:, 1:2]


def linear(rate=1.1):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(rate), "mse")
    return model


def verdict(code, kind="step_too_long", level="act", cure="Do so."):
    return Verdict(kind, level, "So it is.", cure, "8.2.1", 5, code=code)


@pytest.mark.slow
def test_of_a_cure_that_helps_the_verdict_leaves_and_the_loss_falls():
    found = keras_ch8.cure(linear, (X, Y), verdict("model.optimizer.learning_rate = 0.05"), epochs=8)
    assert found.levels[0] == "act"
    assert (found.has_left, found.has_fallen, found.helps) == (True, True, True)
    assert found.losses[1] < 0.01 < found.losses[0]
    assert str(found).startswith("step_too_long is gone, and the loss on the training data is lower: ")
    (steps, losses), (others, _) = found.curves
    assert steps.tolist() == others.tolist() == [8 * i for i in range(1, 9)]
    assert len(losses) == 8
    assert {v.kind for v in found.verdicts[0]} >= {"step_too_long"}


def test_what_is_said_names_what_is_to_be_cured_next_or_what_else_to_try():
    other = dataclasses.replace(verdict("b()", "oscillation"), cure="Lower the rate.")
    first = dataclasses.replace(verdict("a()"), then="Find the rate.")
    found = CureTrial(first, ("act", "watch"), (2.0, 0.5), verdicts=((first,), (other, first)))
    assert str(found).splitlines()[0] == (
        "step_too_long is less serious, and the loss on the training data is lower: 0.5 with the cure, 2 without it. "
        "What to do next: oscillation: Lower the rate."
    )
    stays = dataclasses.replace(found, levels=("act", "act"), verdicts=((first,), (first,)))
    assert str(stays).splitlines()[0] == (
        "step_too_long is still there, but the loss on the training data is lower: 0.5 with the cure, 2 without it. "
        "What to do next: Find the rate."
    )


@pytest.mark.slow
def test_what_layers_add_to_the_loss_is_no_tensor_of_the_training_that_is_over():
    def sparse():
        hidden = keras.layers.Dense(4, "relu", activity_regularizer=keras.regularizers.L1(0.1))
        model = keras.Sequential([keras.Input((3,)), hidden, keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(0.01), "mse")
        return model

    fit = Fit(X, Y, 64, 1, 0, None, {})
    fit.prepare(sparse, "")
    fit.run(None)
    assert np.isfinite([fit.at_start, fit.at_end]).all()
    assert fit.at_end < fit.at_start


@pytest.mark.slow
def test_a_cure_that_makes_it_worse_is_told():
    worse = keras_ch8.cure(linear, (X, Y), verdict("model.optimizer.learning_rate = 1.15"), epochs=8)
    assert (worse.has_left, worse.has_fallen, worse.helps) == (False, False, False)
    assert "step_too_long is still there, and the loss on the training data is not lower" in str(worse)


@pytest.mark.slow
@pytest.mark.parametrize("rate, helps", [("0.05", True), ("1.2", False)])
def test_where_a_cure_does_not_help_the_next_is_tried(rate, helps):
    code = "model.optimizer.learning_rate = {}".format
    first = dataclasses.replace(verdict(code("1.15")), then="Lower it.", then_code=code(rate))
    found = keras_ch8.cure(linear, (X, Y), first, epochs=8)
    assert found.helps == helps
    assert found.verdict.code == code(rate if helps else "1.15")
    if helps:
        assert not found.before.helps
        assert str(found).startswith("The first fix did not help, but this one does: Lower it. step_too_long is gone")


@pytest.mark.parametrize(
    "code, reason",
    [
        ("", "it has no code that fits every model. Do so."),
        (
            "model.layers[7]",
            "its code does not fit this model (IndexError: list index out of range)",
        ),
        ("x = missing", "its code does not fit this model (NameError: name 'missing' is not defined)"),
    ],
)
def test_a_cure_that_cannot_be_tried_says_why_and_trains_nothing(code, reason):
    found = keras_ch8.cure(linear, (X, Y), verdict(code))
    assert found.reason.rstrip(".") == reason.rstrip(".")
    assert (found.has_left, found.has_fallen, found.helps) == (False, False, False)
    assert str(found).startswith("The cure of step_too_long was not tried: it")


@pytest.mark.parametrize("data", [(X,), [X, Y], ((X, X), Y)])
def test_data_that_are_not_two_arrays_are_refused(data):
    with pytest.raises(ValueError, match=r"`data` must be two arrays \(x, y\).*Convert some batches"):
        keras_ch8.cure(linear, data, verdict("x = x"))


def test_an_error_of_the_training_itself_is_the_users():
    with pytest.raises(ZeroDivisionError):
        keras_ch8.cure(lambda: 1 / 0, (X, Y), verdict("x = x"))


def test_random_numbers_go_on_as_without_it():
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    keras_ch8.cure(linear, (X, Y), verdict("x = missing"))
    drawn = random.random(), np.random.random()  # noqa: NPY002
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    assert drawn == (random.random(), np.random.random())  # noqa: NPY002


def prepared(code, model=linear, **options):
    fit = Fit(X, Y, 32, 4, 0, options.get("validation_data"), {})
    fit.prepare(model, code)
    return fit


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind, code, steps",
    [
        ("noise_dominated", "batch_size = 100", 32),
        pytest.param("batch_wasteful", "batch_size = 16", 64, marks=pytest.mark.slow),
        pytest.param("too_short", "epochs = 9", 72, marks=pytest.mark.slow),
    ],
)
def test_steps_are_the_same_but_where_the_cure_is_about_their_number(kind, code, steps):
    sick, cured = (prepared(some, lambda: linear(0.05)) for some in ("", code))
    cured.run(steps_like(kind, sick, cured))
    assert int(cured.model.optimizer.iterations) == steps


OVER_START = "fraction of the initial loss that is left"


@pytest.mark.slow
def test_losses_are_those_of_training_of_validation_or_over_their_start():
    sick, cured = prepared("", validation_data=(X, Y)), prepared("", validation_data=(X, Y))
    sick.at_start, sick.at_end, sick.validated = 8.0, 2.0, 5.0
    cured.at_start, cured.at_end, cured.validated = 4.0, 3.0, 4.0
    assert compared("vanishing", sick, cured) == ("loss on the training data", (2.0, 3.0))
    assert compared("overfitting", sick, cured) == ("loss on the validation data", (5.0, 4.0))
    cured.model.compile("sgd", "mae")
    by_the_new = float(np.abs(sick.model.predict(X, verbose=0) - Y).mean())
    assert compared("vanishing", sick, cured)[1] == (pytest.approx(by_the_new), 3.0)
    cured.model.compile("sgd", lambda y, y_pred: 1 / 0)
    assert compared("vanishing", sick, cured) == (OVER_START, (0.25, 0.75))
    sick.at_start = 0.0
    assert compared("vanishing", sick, cured) == (OVER_START, (np.inf, 0.75))
    sick.at_start, sick.at_end = 0.7, -10.0  # as a cross-entropy of labels above 1
    assert compared("vanishing", sick, cured) == (OVER_START, (np.inf, 0.75))


@pytest.mark.slow
def test_targets_that_are_written_otherwise_are_those_of_both_and_classes_count_alike():
    sick, cured = prepared(""), prepared("y = y / 2")
    cured.at_end = 0.3
    assert compared("wrong_labels", sick, cured)[1] == (sick.evaluated(X, Y / 2), 0.3)
    rare = Fit(X, (np.arange(len(X)) < 5).astype("float32"), 32, 4, 0, None, {})
    rare.prepare(linear, "class_weight = {0: 0.5, 1: 20.0}")
    assert rare.fit_arguments == {"class_weight": {0: 0.5, 1: 20.0}}
    each = [rare.evaluated(X[part], rare.y[part]) for part in (slice(5), slice(5, None))]
    name = "loss averaged over the classes"
    assert compared("imbalance", rare, rare) == (name, (pytest.approx(np.mean(each)),) * 2)


def test_validation_data_are_written_as_the_training_data_are():
    fit = prepared("y = (y + 1) / 2", validation_data=(X[:8], Y[:8]))
    np.testing.assert_array_equal(fit.validation_data[1], (Y[:8] + 1) / 2)
    np.testing.assert_array_equal(
        prepared("model.optimizer.learning_rate = 1.0", validation_data=(X, Y)).validation_data[1], Y
    )


def test_the_same_seed_makes_the_same_model_and_names_of_the_script_are_taken_back():
    one, other = prepared(""), prepared("x, y = x[:64], y[:64]\nbatch_size = 8\nepochs = 2\ncallbacks = [None]")
    for a, b in zip(one.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert (len(other.x), len(other.y), other.batch_size, other.epochs, other.callbacks) == (64, 64, 8, 2, [None])
    assert (one.steps_of_epoch, other.steps_of_epoch) == (8, 8)


# --- a factory that makes no new model, and callbacks -----------------------------------------------------------------

SHARED = keras.optimizers.SGD(0.1)


def with_one_optimizer():
    model = linear()
    model.compile(SHARED, "mse")
    return model


def with_one_layer():
    model = keras.Sequential([keras.Input((3,)), LAYER])
    model.compile("sgd", "mse")
    return model


LAYER = keras.layers.Dense(1)


@pytest.mark.parametrize("make", [None, with_one_layer, with_one_optimizer])
@pytest.mark.parametrize("code", ["model.optimizer.learning_rate = 0.05", ""])
def test_a_factory_of_one_model_is_refused_and_the_model_left_as_it_is(make, code):
    """Its second training went on from the first, with "is gone", and the model of the user had been trained."""
    given = linear()
    before = given.get_weights(), given.optimizer, given.optimizer.variables[:], given.train_function
    with pytest.raises(ValueError, match=r"`model_factory` must create a new model.*Received: a factory that returns"):
        keras_ch8.cure(make or (lambda: given), (X, Y), verdict(code), epochs=1)
    for one, other in zip(before[0], given.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert (given.optimizer, given.optimizer.variables, given.train_function) == before[1:]
    assert float(given.optimizer.learning_rate) == pytest.approx(1.1)
    assert not given.optimizer.iterations.numpy()


@pytest.mark.slow
def test_each_training_has_the_callbacks_in_a_fresh_state_and_those_of_the_user_stay_as_they_are():
    """`callbacks` had been given twice to `fit`."""
    plateaus = keras.callbacks.ReduceLROnPlateau("loss", factor=0.1, patience=0, min_delta=10.0)
    stops = keras.callbacks.EarlyStopping("loss", patience=2, min_delta=10.0)
    own = linear(0.05)
    own.fit(X, Y, epochs=2, verbose=0, callbacks=[plateaus, stops])
    before = plateaus.wait, stops.wait, stops.best
    found = keras_ch8.cure(
        linear, (X, Y), verdict("model.optimizer.learning_rate = 0.05"), epochs=6, callbacks=[plateaus, stops]
    )
    assert not found.reason
    assert [len(losses) for _, losses in found.curves] == [3, 3]  # both are stopped, each after its own epochs
    assert (plateaus.wait, stops.wait, stops.best) == before
    assert plateaus.model is own


@pytest.mark.slow
def test_a_doctor_of_ones_own_does_not_stand_in_the_way_of_that_of_the_trial():
    doctor = Doctor(log_dir=None)
    linear().fit(X, Y, epochs=1, verbose=0, callbacks=[doctor])
    cure = verdict("model.optimizer.learning_rate = 0.05")
    found = [keras_ch8.cure(linear, (X, Y), cure, callbacks=some).verdicts for some in ((), [doctor])]
    alone, beside = ([(v.kind, v.level) for said in verdicts for v in said] for verdicts in found)
    assert beside == alone != []
    assert len(doctor.runs) == 1


def test_callbacks_that_are_none_are_refused():
    with pytest.raises(TypeError, match=r"`callbacks` must be a list of callbacks of Keras\. Received: callbacks="):
        keras_ch8.cure(linear, (X, Y), verdict("x = x"), callbacks=["early stopping"])
