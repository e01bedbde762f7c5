"""`Doctor` in a search for hyperparameters: each result and run has the name and the values of its trial."""

import copy
import os
import pickle
from types import SimpleNamespace

import keras
import numpy as np
import pytest

import keras_ch8
from keras_ch8 import Doctor, callbacks
from keras_ch8.callbacks._watched_run import MOST, WatchedRun, search_report
from keras_ch8.integration.tuner import Trial, trial_of
from keras_ch8.verdicts.state import state_of
from keras_ch8.verdicts.verdict import Verdict

RNG = np.random.default_rng(0)
X = RNG.normal(size=(256, 4)).astype("float32")
Y = X @ np.ones((4, 1), "float32")
SICK, WELL = 1e-7, 0.05


class OfTuner(keras.callbacks.Callback):
    """As KerasTuner's own callback."""

    def __init__(self, number, **values):
        super().__init__()
        self.trial = SimpleNamespace(trial_id=number, hyperparameters=SimpleNamespace(values=values))


def network(rate):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(rate), "mse")
    return model


def train(doctor, rate, *others, epochs=6):
    listed = [*copy.deepcopy([doctor]), *others]
    network(rate).fit(X, Y, epochs=epochs, batch_size=16, shuffle=False, verbose=0, callbacks=listed)


def found(level, name="", **values):
    """Return what was found in a training: one verdict of a level."""
    verdict = Verdict("step_too_short", level, "It is slow.", "Raise it.", "8.1", 0)
    judged = SimpleNamespace(verdicts=[verdict], state=state_of([verdict]), further=())
    run = WatchedRun(judged, None, Trial(name, values) if name else None)
    run.end()
    return run


# --- which trial it is -----------------------------------------------------------------------------------------------


def test_callbacks_that_are_of_no_tuner_tell_of_no_trial():
    class Odd(keras.callbacks.Callback):
        trial = SimpleNamespace(trial_id=3, hyperparameters=SimpleNamespace(values={}))

    assert trial_of([]) is trial_of([keras.callbacks.TerminateOnNaN(), Odd()]) is None


def test_keras_tuner_tells_its_callback_which_trial_it_is():
    keras_tuner = pytest.importorskip("keras_tuner")
    space = keras_tuner.HyperParameters()
    space.Choice("units", [16, 32])
    space.Fixed("tuner/epochs", 2)
    from keras_tuner.src.engine import trial, tuner_utils

    callback = tuner_utils.TunerCallback(None, trial.Trial(space, "03"))
    assert trial_of([keras.callbacks.TerminateOnNaN(), callback]) == ("trial_03", {"units": 16, "tuner/epochs": 2})
    assert trial_of([callback]).tried == {"units": 16}


def build(hp):
    return network(hp.Choice("learning_rate", [SICK, WELL]))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:(currentThread|getName):DeprecationWarning")  # of KerasTuner
@pytest.mark.parametrize("kind", ["RandomSearch", "Hyperband"])
def test_a_search_of_keras_tuner_names_each_run_by_its_trial(kind, tmp_path):
    keras_tuner = pytest.importorskip("keras_tuner")
    size = {"max_trials": 2} if kind == "RandomSearch" else {"max_epochs": 4, "factor": 2}
    tuner = getattr(keras_tuner, kind)(
        build, "val_loss", executions_per_trial=2, seed=0, directory=tmp_path / "tuner", **size
    )
    doctor = Doctor(tmp_path / "logs", (X[:64], Y[:64]))
    tuner.search(X, Y, validation_data=(X[:64], Y[:64]), epochs=4, callbacks=[doctor], verbose=0)
    trials = {f"trial_{number}": trial.hyperparameters.values for number, trial in tuner.oracle.trials.items()}
    assert [run.name for run in doctor.runs] == [name for name in trials for _ in range(2)]
    assert {run.name for run in doctor.runs if run.state.name == "act"} >= {
        name for name, values in trials.items() if values["learning_rate"] == SICK
    }
    folders = [path.parent for path in tmp_path.glob("logs/*/*/report.html")]
    assert len(folders) == len(doctor.runs)
    for folder in folders:
        history = keras_ch8.read_run(folder)
        assert {f"trial: {name}": x for name, x in trials[folder.parent.name].items()}.items() <= (
            history.hyperparameters.items()
        )
    assert str(doctor).startswith(f"{len(trials)} trials: ")


@pytest.mark.parametrize(("turn", "kinds"), [(0, []), (1, ["too_short"])])
def test_only_the_last_round_of_hyperband_can_be_too_short(turn, kinds, tmp_path):
    doctor = Doctor(tmp_path, (X[:64], Y[:64]))
    train(doctor, 0.005, OfTuner("0000", **{"tuner/round": turn, "tuner/bracket": 1, "tuner/epochs": 4}), epochs=4)
    assert [verdict.kind for verdict in doctor.runs[0].verdicts if verdict.level == "act"] == kinds
    checks = {verdict.kind for verdict in doctor.runs[0].verdicts}
    assert ("too_short" in checks) == bool(kinds), "what was not asked was not checked either"


# --- its name and its values -----------------------------------------------------------------------------------------


def test_a_trial_has_a_folder_of_its_name_and_its_values_among_the_settings(tmp_path):
    doctor = Doctor(tmp_path, (X[:64], Y[:64]))
    train(doctor, SICK, OfTuner("07", learning_rate=3.0, act="relu", **{"tuner/round": 1}), epochs=2)
    (run,) = doctor.runs
    assert (run.name, run.log_dir) == ("trial_07", os.path.join(tmp_path, "trial_07"))
    assert run.hyperparameters == {"learning_rate": 3.0, "act": "relu", "tuner/round": 1}
    settings = keras_ch8.read_run(tmp_path / "trial_07").hyperparameters
    assert settings["learning_rate"] == pytest.approx(SICK)  # what trains is not hidden
    assert {name: x for name, x in settings.items() if name.startswith("trial")} == {
        "trial": "trial_07", "trial: learning_rate": 3.0, "trial: act": "relu", "trial: tuner/round": 1,
    }  # fmt: skip
    assert repr(run).startswith("<WatchedRun trial_07: ACT: ")
    assert str(run).startswith("trial_07 (learning_rate=3, act=relu)\nACT ")
    assert run._repr_html_().startswith("<div><p><b>trial_07 (learning_rate=3, act=relu)</b> ")


@pytest.mark.slow
def test_a_board_that_the_user_lists_stays_where_the_tuner_has_put_it(tmp_path):
    folder = tmp_path / "7" / "execution0"
    doctor = Doctor(tmp_path, (X[:64], Y[:64]))
    with pytest.warns(UserWarning, match="only one `TensorBoard`"):
        train(doctor, SICK, callbacks.TensorBoard(tmp_path / "after"), OfTuner("7"), epochs=1)
    board = callbacks.TensorBoard(folder)
    listed = [board, callbacks.Diagnosis(verbose=False), OfTuner("8", units=3)]
    network(SICK).fit(X, Y, verbose=0, callbacks=listed)
    assert keras_ch8.read_run(folder).hyperparameters["trial: units"] == 3
    assert doctor.runs[0].log_dir == os.path.join(tmp_path, "trial_7")
    assert not (tmp_path / "after").exists()


@pytest.mark.slow
def test_a_training_after_the_search_is_told_as_ever(tmp_path):
    doctor, alone = (Doctor(None, (X[:64], Y[:64])) for _ in range(2))
    train(doctor, WELL, OfTuner("0", rate=WELL))
    train(doctor, SICK, OfTuner("1", rate=SICK))
    assert str(doctor) == (
        "2 trials: 1 needs action, 1 is OK.\nACT trial_1 (rate=1e-07): Learning rate too low\n"
        "In full: print(doctor.runs[1])"
    )
    train(doctor, SICK)
    train(alone, SICK)
    assert (doctor.runs[2].name, doctor.runs[2].hyperparameters) == ("", {})
    assert str(doctor) == str(doctor.runs[2]).replace("run.", "doctor.") == str(alone)
    assert repr(doctor.runs[2]) == repr(alone.runs[0])
    assert doctor._repr_html_() == alone._repr_html_()


# --- what a search comes to ------------------------------------------------------------------------------------------


def test_a_search_says_which_trials_are_sick_and_counts_each_once():
    runs = [
        found("act"),  # of no trial
        *(found(level, "trial_0", rate=0.1) for level in ("ok", "watch")),  # twice the same trial
        found("ok", "trial_1", rate=0.2),
        *(found("act", "trial_2", rate=1e-7, units=32, **{"tuner/round": 1}) for _ in range(2)),
        found("act", "trial_1", rate=0.25),  # of a second search
    ]
    assert search_report(runs, "logs") == (
        "4 trials: 2 need action, 1 is worth watching, 1 is OK.\n"
        "ACT trial_2 (rate=1e-07, units=32): Learning rate too low\n"
        "ACT trial_1 (rate=0.25): Learning rate too low\n"
        "WATCH trial_0 (rate=0.1): Learning rate too low\n"
        "In full: print(doctor.runs[4])\n"
        "All trials, the best first: python -m keras_ch8 diagnose logs"
    )
    assert search_report(pickle.loads(pickle.dumps(runs)), None) == search_report(runs, "").rpartition("\n")[0]
    assert search_report(runs[3:4], None) == "1 trial: 1 is OK."


def test_of_many_sick_trials_and_of_many_values_it_says_the_first():
    values = {f"a_long_name_{number}": 0.5 for number in range(20)}
    lines = search_report([found("act", f"trial_{number}", **values) for number in range(MOST + 3)], None).splitlines()
    assert lines[0] == "13 trials: 13 need action."
    assert lines[-2:] == ["... and 3 more", "In full: print(doctor.runs[0])"]
    assert len([line for line in lines if line.startswith("ACT ")]) == MOST
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 3 + 2 * MOST
