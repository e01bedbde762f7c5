"""`keras_ch8.cure`: fixes tried and proven, for a function that makes a model, and arrays."""

import dataclasses
import random

import keras
import numpy as np
import pytest

import keras_ch8
from keras_ch8 import Doctor
from keras_ch8.extend import Verdict
from keras_ch8.proof.cure import Functions, writing
from keras_ch8.proof.score import Measure

RNG = np.random.default_rng(0)
X = RNG.normal(size=(256, 3)).astype("float32")
Y = X[:, :1] - 2 * X[:, 1:2]
CLASSES = (X[:, 0] > 0).astype(int) + 1


def linear(rate=1.1):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(rate), "mse")
    return model


def verdict(code, kind="step_too_long", level="act", cure="Do so."):
    return Verdict(kind, level, "So it is.", cure, "8.2.1", 5, code=code)


LOWER = verdict("model.optimizer.learning_rate = 0.05")


def functions(*codes, make=linear, data=(X, Y), held=None):
    return Functions(make, data, held, (), {"epochs": 1}, (Measure("R2"),), codes)


@pytest.mark.slow
def test_a_rate_that_is_too_high_is_found_lowered_and_proven_with_fresh_seeds(capsys):
    found = keras_ch8.cure(linear, (X, Y), fit={"epochs": 8}, seeds=2)
    assert found.state == "proven"
    assert [pair.seed for pair in found.fresh.pairs] == [2, 3]
    assert "model.optimizer.learning_rate = 0." in found.patched.text
    assert str(found).startswith("Proven with 2 fresh seeds: ")
    assert "held out of the training at random" in str(found)
    told = capsys.readouterr().out.splitlines()
    assert told[1].startswith("  Proven. R2 is ")
    assert told[-1].startswith("All together, with fresh seeds: proven.")


@pytest.mark.slow
def test_a_last_layer_of_another_size_and_numbered_labels_are_scored_by_the_labels_that_were_passed(capsys):
    def one_unit():
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    found = keras_ch8.cure(one_unit, (X, CLASSES), fit={"epochs": 20}, seeds=1)
    assert found.state == "proven", found
    assert found.fresh.pairs[0].cured.score > 0.9
    assert found.first.measure == "accuracy"


@pytest.mark.slow
def test_a_fix_that_harms_is_never_proposed(capsys):
    harm = [verdict("model.optimizer.learning_rate = 1e-9")]
    found = keras_ch8.cure(lambda: linear(0.05), (X, Y), harm, fit={"epochs": 3}, seeds=1)
    assert (found.tried[0].cures, found.tried[0].judgement.level) == (tuple(harm), "harms")
    assert harm[0] not in found.cures
    assert len(found.tried[0].judgement.pairs) == 1


def test_scores_are_on_examples_that_no_step_and_no_callback_has_seen():
    held = (100 + np.arange(20, dtype="float32")[:, None], np.arange(20))
    data = (np.arange(50, dtype="float32")[:, None], np.arange(50))
    trained, watched, scored = functions(data=data, held=held)._parts(0)
    assert len(trained[0]) == 50
    assert {*watched[1]} & {*scored[1]} == set()
    assert {*watched[1]} | {*scored[1]} == {*held[1]}
    parts = [functions(data=data)._parts(seed) for seed in (0, 0, 1)]
    for trained, watched, scored in parts:
        assert watched is None
        assert sorted([*trained[1], *scored[1]]) == list(range(50))
        assert list(trained[1]) == sorted(trained[1])  # in the order of the user
        assert len(scored[1]) == 10
    assert list(parts[0][2][1]) == list(parts[1][2][1]) != list(parts[2][2][1])


def test_examples_with_a_missing_number_score_nothing():
    x, y = X.copy(), Y.copy()
    y[10:90] = -9999.0
    given = X, y.copy()
    x[3, 0], y[5] = np.nan, np.inf
    _, _, (_, scored) = functions(data=given, held=(np.repeat(x, 2, axis=0), np.repeat(y, 2, axis=0)))._parts(0)
    assert len(scored) == 256 - 2 - 80
    _, _, (all_missing, _) = functions(held=(np.full((8, 3), np.nan), Y[:8]))._parts(0)
    assert len(all_missing) == 4


@pytest.mark.parametrize(
    "code, lines",
    [
        ("model.optimizer.learning_rate = 0.1", []),
        ("order = np.random.default_rng(0).permutation(len(x))\nx, y = x[order], y[order]", []),
        (
            "labels, y = np.unique(y, return_inverse=True)\nmodel.layers",
            ["labels, y = np.unique(y, return_inverse=True)"],
        ),
        (
            "missing = np.isnan(x)\nx = np.where(missing, 0, x)",
            ["missing = np.isnan(x)", "x = np.where(missing, 0, x)"],
        ),
        ("y = y - 1\nfound = keras_ch8.find_learning_rate(model, x, y)", ["y = y - 1"]),
    ],
)
def test_of_code_other_examples_get_what_writes_them_and_not_what_chooses_rows_or_trains(code, lines):
    assert writing(code).splitlines() == lines


def test_a_fix_that_would_give_examples_the_weights_of_others_is_not_tried():
    weighted = dataclasses.replace(functions(), fit={"sample_weight": np.arange(256.0)})
    assert "`sample_weight`" in weighted.with_cure(verdict("x, y = x[::-1], y[::-1]"))
    assert weighted.with_cure(LOWER).text == LOWER.code


def test_other_examples_are_written_as_those_of_the_training():
    numbered = functions("labels, y = np.unique(y, return_inverse=True)", "x = x - x.min()")
    names = {"np": np}
    x, y = numbered._written(names, (np.array([5.0, 7.0]), np.array([3, 9]), None), (np.array([6.0]), np.array([9])))
    assert (x.tolist(), y.tolist()) == ([1.0], [1])


@pytest.mark.parametrize("code", ["x = missing", "model.layers[7].units = 3"])
def test_code_that_does_not_run_is_told_and_not_proposed(code, capsys):
    found = keras_ch8.cure(lambda: linear(0.05), (X, Y), [verdict(code)], fit={"epochs": 1}, seeds=1)
    assert found.tried[0].cures[-1].code == code
    assert found.tried[0].judgement.level != "proven"
    assert code not in [each.code for each in found.cures]
    assert "The training fails with it: " in capsys.readouterr().out


@pytest.mark.parametrize("data", [(X,), X, (X, None), (X, Y[:7])])
def test_data_that_are_not_arrays_of_x_and_y_are_refused(data):
    with pytest.raises((TypeError, ValueError), match=r"`data"):
        keras_ch8.cure(linear, data)


@pytest.mark.parametrize("fit", [{"validation_data": (X, Y)}, {"epoch": 3}, 7])
def test_arguments_that_fit_does_not_have_or_that_have_their_own_place_are_refused(fit):
    with pytest.raises(ValueError, match=r"`fit` must be a dict of .*batch_size, .*Received: fit=.*by themselves"):
        keras_ch8.cure(linear, (X, Y), fit=fit)


def test_an_error_of_the_function_itself_is_the_users():
    with pytest.raises(ZeroDivisionError):
        keras_ch8.cure(lambda: 1 / 0, (X, Y))


def test_random_numbers_go_on_as_without_it():
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    keras_ch8.cure(lambda: linear(0.05), (X, Y), [], fit={"epochs": 1})
    drawn = random.random(), np.random.random()  # noqa: NPY002
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    assert drawn == (random.random(), np.random.random())  # noqa: NPY002


def test_the_code_of_a_fix_can_set_all_that_fit_is_given_by_name():
    one, other = functions(), functions("epochs = 3\nbatch_size = 64\nclass_weight = None")
    assert len(one.train(1).curve) == 1
    assert other.train(1).curve[-1][0] == 3 * -(-205 // 64)


@pytest.mark.slow
def test_a_function_that_sets_a_seed_gives_trainings_that_differ_and_the_same_seed_the_same():
    def seeded():
        keras.utils.set_random_seed(0)
        return linear(0.05)

    scores = [functions(make=seeded, held=(X, Y)).train(seed).score for seed in (1, 1, 2)]
    assert scores[0] == scores[1] != scores[2]


# --- a function that makes no new model, and callbacks ----------------------------------------------------------------

SHARED = keras.optimizers.SGD(0.1)
LAYER = keras.layers.Dense(1)


def with_one_optimizer():
    model = linear()
    model.compile(SHARED, "mse")
    return model


def with_one_layer():
    model = keras.Sequential([keras.Input((3,)), LAYER])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("make", [None, with_one_layer, with_one_optimizer])
def test_a_factory_of_one_model_is_refused_and_the_model_left_as_it_is(make):
    """Its second training went on from the first, and the model of the user had been trained."""
    given = linear()
    before = given.get_weights(), given.optimizer, given.optimizer.variables[:], given.train_function
    with pytest.raises(ValueError, match=r"`model_factory` must create a new model.*Received: a factory that returns"):
        keras_ch8.cure(make or (lambda: given), (X, Y), [LOWER])
    for one, other in zip(before[0], given.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert (given.optimizer, given.optimizer.variables, given.train_function) == before[1:]
    assert not given.optimizer.iterations.numpy()


@pytest.mark.slow
def test_each_training_has_the_callbacks_in_a_fresh_state_and_those_of_the_user_stay_as_they_are():
    plateaus = keras.callbacks.ReduceLROnPlateau("loss", factor=0.1, patience=0, min_delta=10.0)
    stops = keras.callbacks.EarlyStopping("loss", patience=2, min_delta=10.0)
    own = linear(0.05)
    own.fit(X, Y, epochs=2, verbose=0, callbacks=[plateaus, stops, doctor := Doctor(log_dir=None)])
    before = plateaus.wait, stops.wait, stops.best
    found = keras_ch8.cure(
        lambda: linear(0.05), (X, Y), [LOWER], fit={"epochs": 6}, callbacks=[plateaus, stops, doctor], seeds=1
    )
    [pair] = found.tried[0].judgement.pairs
    assert [len(outcome.curve) for outcome in (pair.without, pair.cured)] == [3, 3]  # both are stopped, each by its own
    assert (plateaus.wait, stops.wait, stops.best) == before
    assert plateaus.model is own
    assert len(doctor.runs) == 1


def test_callbacks_that_are_none_and_verdicts_that_are_none_are_refused():
    with pytest.raises(TypeError, match=r"`callbacks` must be a list of callbacks of Keras\. Received: callbacks="):
        keras_ch8.cure(linear, (X, Y), callbacks=["early stopping"])
    with pytest.raises(TypeError, match=r"`verdicts` must be a list of verdicts, as `doctor\.verdicts` is"):
        keras_ch8.cure(linear, (X, Y), LOWER)
