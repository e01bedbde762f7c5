"""`Doctor`: one callback for all that watches, and says what is wrong, in Keras's `fit` and in a loop of one's own."""

import copy
import pickle
import sys
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ch8
from keras_ch8 import Doctor, _net, callbacks, extend, integration, trackers
from keras_ch8.callbacks.base import Callback
from keras_ch8.integration import fit as integration_fit
from keras_ch8.verdicts.verdict import VerdictTracker
from tests.small_callbacks import Dies

RNG = np.random.default_rng(0)
X = RNG.normal(size=(256, 4)).astype("float32")
Y = X @ np.ones((4, 1), "float32")


MODELS = {}
"""Models that are traced once, by a name, with what all their variables were at first."""


def new(rate=1e-7):
    """Return a model whose rate is far too low."""
    keras.utils.set_random_seed(0)
    layers = [keras.Input((4,)), keras.layers.Dropout(0.1, name="dropout"), keras.layers.Dense(1, name="last")]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.SGD(rate), "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def network(rate=1e-7, name="first"):
    """Return a model as `new` makes it; one that was trained before, and is as it was at first."""
    if name not in MODELS:
        model = new()
        MODELS[name] = model, [np.array(v) for v in (*model.variables, *model.optimizer.variables)]
    model, start = MODELS[name]
    for variable, value in zip((*model.variables, *model.optimizer.variables), start, strict=True):
        variable.assign(value)
    model.optimizer.learning_rate = rate
    return model


def fit(given, model=None, **options):
    """Train, and return history and weights."""
    model = network() if model is None else model
    options = {"epochs": 6, "batch_size": 16, "shuffle": False, "verbose": 0} | options
    history = model.fit(X, Y, callbacks=given, **options).history
    return history, [w.tobytes() for w in model.get_weights()]


def warned(action):
    """Return what an action warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", DeprecationWarning)  # of NumPy, about TensorFlow
        action()
    return [str(warning.message) for warning in caught]


def kinds(some):
    return {verdict.kind for verdict in some}


# --- the script of a user --------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_script_of_a_user(tmp_path, capsys, monkeypatch):
    doctor = keras_ch8.Doctor(tmp_path, probe=(X[:64], Y[:64]))
    assert str(doctor).startswith("It has watched no training yet")
    fit([doctor], verbose=2)
    said = capsys.readouterr().out
    assert "ACT" in said
    assert "Page: " in said
    assert doctor.verdicts[0].kind == "step_too_short"
    assert {verdict.level for verdict in doctor.verdicts} <= {"act", "watch"}
    assert str(doctor).startswith("ACT Learning rate too low (step_too_short, ")
    assert "Learning rate too low" in doctor._repr_html_()
    page = doctor.report(tmp_path / "page.html")
    (of_page,) = page.verdicts.values()
    assert kinds(doctor.verdicts) <= kinds(of_page)
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    with pytest.raises(extend.VerdictError, match="step_too_short") as found:
        doctor.raise_if("act")
    assert [verdict.level for verdict in found.value.verdicts] == ["act"] * len(found.value.verdicts)
    assert repr(keras_ch8.Doctor("logs", (X, Y))) == "Doctor(log_dir='logs', probe=256 examples)"
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert str(doctor).startswith("ACT Learning rate too low"), "without colour, even in a terminal"


FORMS = {
    "in a list": lambda doctor, model: [doctor],
    "alone": lambda doctor, model: doctor,
    "in a list of lists": lambda doctor, model: [[keras.callbacks.TerminateOnNaN()], [doctor]],
    "in a ready list": lambda doctor, model: keras.callbacks.CallbackList(
        [doctor], add_history=True, model=model, epochs=6, steps=16, verbose=0
    ),
    "as a ready list": lambda doctor, model: keras.callbacks.CallbackList(
        doctor, add_history=True, model=model, epochs=6, steps=16, verbose=0
    ),
}


@pytest.mark.broad(slow=2)
@pytest.mark.parametrize("form", FORMS)
def test_it_watches_wherever_it_stands_and_changes_nothing(form):
    bare, model = fit([]), network()
    doctor = Doctor(None, (X[:64], Y[:64]))
    given = FORMS[form](doctor, model)
    assert fit(given, model) == bare
    assert doctor.verdicts[0].kind == "step_too_short"
    assert [run.state.name for run in doctor.runs] == ["act"]
    if isinstance(given, keras.callbacks.CallbackList):
        assert given.callbacks[0] is doctor
    assert integration_fit.running() == ()


class Calls(Callback):
    """Keeps in which order the callbacks of its training stand."""

    def on_open(self):
        self.order = [type(each).__name__ for each in self.session.training.callbacks]


@pytest.mark.slow
def test_its_parts_stand_in_its_place(tmp_path):
    calls = Calls()
    stop = callbacks.EarlyStopping("loss", patience=9)
    fit([stop, Doctor(tmp_path / "logs", resume=tmp_path / "states"), calls], epochs=1)
    assert calls.order == ["Resume", "EarlyStopping", "TensorBoard", "Diagnosis", "Calls"]
    calls = Calls()
    fit([Doctor(None), calls], epochs=1)
    assert calls.order == ["Diagnosis", "Calls"]


@pytest.mark.slow
def test_what_it_writes_is_what_its_parts_write(tmp_path):
    probe = X[:64], Y[:64]
    parts = callbacks.TensorBoard(tmp_path / "parts"), callbacks.Diagnosis(probe, verbose=False)
    fit([*parts], new())
    doctor = Doctor(tmp_path / "doctor", probe, log_to=[trackers.JSONL(tmp_path / "numbers.jsonl")])
    fit([doctor], new())
    one, other = (keras_ch8.read_run(tmp_path / folder) for folder in ("parts", "doctor"))
    assert one.verdicts == other.verdicts == doctor.runs[0].verdicts == parts[1].verdicts
    assert one.state == other.state == doctor.runs[0].state == parts[1].state
    assert (tmp_path / "numbers.jsonl").read_text().count("\n") > 16


# --- several trainings -----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_it_has_one_result_for_each_fit_and_keeps_its_probe():
    doctor, parts = Doctor(None), [callbacks.Diagnosis(verbose=False)]
    of_doctor, of_parts = new(0.05), new(0.05)
    expected = []
    for _ in range(3):
        fit([doctor], of_doctor, epochs=2)
        fit(parts, of_parts, epochs=2)
        expected.append((parts[0].verdicts, parts[0].state))
    assert [(run.verdicts, run.state) for run in doctor.runs] == expected
    assert doctor.verdicts == [verdict for verdict in expected[-1][0] if verdict.level != "ok"]
    assert repr(doctor) == "Doctor(log_dir=None, probe=256 examples)"


@pytest.mark.slow
def test_copies_report_to_the_one_they_are_copies_of():
    """As a search for hyperparameters does: a deep copy of the callbacks for each trial."""
    doctor = Doctor(None, (X[:64], Y[:64]), ignore=["too_short"])
    for rate in (1e-7, 0.05):
        copied = copy.deepcopy([keras.callbacks.TerminateOnNaN(), doctor])
        assert copied[1] is not doctor
        assert repr(copied[1]) == repr(doctor)
        fit(copied, network(rate))
    fit([copy.copy(doctor)], network(1e-7))
    names = [[verdict.kind for verdict in run.verdicts if verdict.level == "act"] for run in doctor.runs]
    assert names == [["step_too_short"], [], ["step_too_short"]]
    assert str(doctor).startswith("ACT Learning rate too low (step_too_short, ")


@pytest.mark.slow
def test_it_can_be_pickled_before_and_after_a_training(tmp_path):
    doctor = Doctor(tmp_path, (X[:64], Y[:64]), ignore=("too_short",))
    fit([pickle.loads(pickle.dumps(doctor))], epochs=1)
    fit([doctor])
    again = pickle.loads(pickle.dumps(doctor))
    assert again.runs[0].verdicts == doctor.runs[0].verdicts != []
    assert str(again) == str(doctor)
    fit([again], epochs=1)
    assert (len(again.runs), len(doctor.runs)) == (2, 1)
    with pytest.raises(TypeError, match=r"can be pickled only after.*Received: probe=.*Pass arrays"):
        pickle.dumps(Doctor(None, tf.data.Dataset.from_tensor_slices((X, Y)).batch(32)))


@pytest.mark.slow
def test_a_training_inside_a_training_has_a_result_of_its_own():
    doctor = Doctor(None, (X[:64], Y[:64]))

    class Trains(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 2:
                fit([doctor], network(0.05, "second"))

    assert fit([doctor, Trains()]) == fit([])
    outer, inner = doctor.runs
    assert (outer.state.name, outer.verdicts[0].kind) == ("act", "step_too_short")
    assert "step_too_short" not in kinds(verdict for verdict in inner.verdicts if verdict.level != "ok")


@pytest.mark.slow
def test_the_result_of_a_training_that_runs_or_has_died_is_there():
    doctor, seen = Doctor(None, (X[:64], Y[:64])), []
    look = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(str(doctor)))
    with pytest.raises(KeyboardInterrupt):
        fit([doctor, look, Dies("on_epoch_begin", 6)])
    assert len(doctor.runs) == 1
    assert seen[-1].startswith("ACT Learning rate too low (step_too_short, ")
    assert doctor.verdicts[0].kind == "step_too_short"


@pytest.mark.slow
def test_with_resume_a_training_goes_on_and_one_that_has_ended_is_shown(tmp_path):
    def train(folder, *more):
        doctor = Doctor(None, (X[:64], Y[:64]), resume=tmp_path / folder)
        return doctor, fit([doctor, *more], new())

    first, whole = train("whole")
    with pytest.raises(KeyboardInterrupt):
        train("dies", Dies("on_epoch_begin", 4))
    second, again = train("dies")
    assert again == whole
    assert second.runs[0].verdicts == first.runs[0].verdicts
    with pytest.warns(UserWarning, match="Nothing is trained"):  # in the same process
        third, _ = train("dies")
    assert third.runs[0].verdicts == first.runs[0].verdicts
    given = callbacks.Resume(tmp_path / "mine", allow=["epochs"])
    assert given in Doctor(None, resume=given)._parts_in_fit()


# --- what is ignored -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_what_is_ignored_is_counted_wherever_verdicts_are_shown(tmp_path, capsys):
    loud, quiet = (
        Doctor(None, (X[:64], Y[:64])),
        Doctor(tmp_path, (X[:64], Y[:64]), ignore=("step_too_short", "too_short", "learns_nothing")),
    )
    fit([loud])
    bare = fit([])
    assert fit([quiet], verbose=2) == bare
    terminal = capsys.readouterr().out
    counted = "`ignore` mutes 3 verdicts: step_too_short (act), too_short (act), learns_nothing (act)."
    assert "step_too_short" in kinds(loud.verdicts)
    assert "step_too_short" not in kinds(quiet.verdicts)
    assert quiet.runs[0].state.name != "act"
    page = quiet.report()
    record = keras_ch8.read_run(tmp_path)
    for said in (terminal, str(quiet), str(page), quiet._repr_html_(), page._repr_html_(), *record.state.reasons[:1]):
        assert counted in " ".join(said.split())
    for said in (terminal, str(quiet), str(page), quiet._repr_html_()):
        assert said.count("step_too_short") == 1
    quiet.raise_if("act")
    assert "step_too_short" not in (tmp_path / "optimization" / "verdicts.jsonl").read_text()
    fine = Doctor(None, (X[:64], Y[:64]), ignore=("saddle",))
    fit([fine])
    assert "`ignore`" not in str(fine)  # it mutes nothing
    assert fine.runs[0].state.applicable == loud.runs[0].state.applicable - 1


def test_what_is_ignored_explains_nothing():
    def tracked(**options):
        tracker = VerdictTracker(**options)
        claims = [extend.Claim(kind, "act", "So it is.") for kind in ("bad_inputs", "ill_conditioned")]
        for step in range(2):
            tracker.update(step, claims)
        return {verdict.kind: verdict.level for verdict in tracker.verdicts}

    assert tracked() == {"bad_inputs": "act", "ill_conditioned": "ok"}
    assert tracked(ignore=("bad_inputs",)) == {"ill_conditioned": "act"}


@pytest.mark.parametrize("make", [Doctor, callbacks.Diagnosis])
def test_a_kind_that_there_is_not_is_refused_with_the_nearest(make):
    with pytest.raises(ValueError, match=r"`ignore` .*Received: .*to_short.*Did you mean `too_short`\?"):
        make(None, ignore=("to_short",))
    with pytest.raises(ValueError, match=r"`ignore` .*Received: ignore=3.*`keras_ch8.verdicts.kinds.KINDS`"):
        make(None, ignore=3)
    assert make(None, ignore="too_short").ignore == ("too_short",)


# --- for a script ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_raise_if_says_what_is_wrong_at_a_level_and_above():
    doctor = Doctor(None, (X[:64], Y[:64]))
    with pytest.raises(ValueError, match=r"has watched no training.*fit"):
        doctor.raise_if("act")
    with pytest.raises(ValueError, match=r"must be 'watch' or 'act'. Received: level='acts'. Did you mean `act`"):
        doctor.raise_if("acts")
    fit([doctor])
    with pytest.raises(extend.VerdictError, match=r"step_too_short(.|\n)*Fix:"):
        doctor.raise_if("watch")
    fit([doctor], network(0.05))
    doctor.raise_if("act")


@pytest.mark.slow
def test_without_a_folder_there_is_no_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    doctor = Doctor(log_dir=None)
    fit([doctor], epochs=1)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match=r"`report` .*Received: log_dir=None.*`Doctor\(\"logs\"\)`"):
        doctor.report()
    with pytest.raises(FileNotFoundError):
        Doctor(tmp_path / "nothing").report()
    with pytest.raises(ValueError, match=r"`log_to` .*so it needs a `log_dir`. Received"):
        Doctor(None, log_to=[trackers.JSONL()])


# --- beside others, and where it cannot watch ------------------------------------------------------------------------


@pytest.mark.slow
def test_a_second_doctor_is_told_and_does_nothing(tmp_path):
    first, second = Doctor(tmp_path / "a"), Doctor(tmp_path / "b")
    (told,) = warned(lambda: fit([first, second], epochs=1))
    assert told.startswith("A training can have only one `Doctor`")
    assert repr(second) in told
    assert (len(first.runs), len(second.runs)) == (1, 0)
    assert not (tmp_path / "b").exists()
    assert len(warned(lambda: fit([first, first], epochs=1))) == 1


@pytest.mark.slow
def test_beside_parts_of_ones_own_there_is_one_of_a_kind(tmp_path):
    own = callbacks.Diagnosis((X[:64], Y[:64]), checks="cheap", verbose=False)
    doctor = Doctor(tmp_path / "logs")
    (told,) = warned(lambda: fit([own, doctor]))
    assert told.startswith("A training can have only one `Diagnosis`: the first")
    assert doctor.runs[0].verdicts == own.verdicts != []
    late = callbacks.TensorBoard(tmp_path / "late")
    (told,) = warned(lambda: fit([doctor, late], epochs=1))
    assert "`TensorBoard`" in told
    assert not (tmp_path / "late").exists()
    early = callbacks.TensorBoard(tmp_path / "early")
    warned(lambda: fit([early, doctor], epochs=1))
    assert doctor.report().path is None
    assert [run.log_dir for run in doctor.runs] == [str(tmp_path / "logs")] * 2 + [str(tmp_path / "early")]


def test_evaluate_and_predict_are_as_without_it(tmp_path):
    doctor, model = Doctor(tmp_path / "logs"), network()
    assert model.evaluate(X, Y, verbose=0, callbacks=[doctor]) == model.evaluate(X, Y, verbose=0)
    assert (model.predict(X, verbose=0, callbacks=[doctor]) == model.predict(X, verbose=0)).all()
    assert doctor.runs == []
    assert not (tmp_path / "logs").exists()
    assert pickle.loads(pickle.dumps(doctor)).model is None


@pytest.mark.slow
def test_where_something_else_trains_it_says_once_that_it_cannot_watch(tmp_path):
    doctor, model = Doctor(tmp_path / "logs"), network()
    integration.uninstall()
    (told,) = warned(lambda: fit([doctor], model, epochs=2))
    assert "`Doctor` watches `Model.fit`" in told
    assert "doctor.watch(model)" in told

    class Own(keras.Sequential):
        def fit(self, x, y, callbacks):
            listed = keras.callbacks.CallbackList(callbacks, model=self, epochs=2, steps=1)
            listed.on_train_begin()
            for epoch in range(2):
                listed.on_epoch_begin(epoch)
                listed.on_train_batch_begin(0)
                listed.on_train_batch_end(0)
                listed.on_epoch_end(epoch)
            listed.on_train_end()

    doctor = Doctor(tmp_path / "logs")  # and the hook is there again
    assert len(warned(lambda: Own([keras.Input((4,)), keras.layers.Dense(1)]).fit(X, Y, [doctor]))) == 1
    assert doctor.runs == []
    assert not (tmp_path / "logs").exists()


@pytest.mark.slow
def test_what_it_does_at_the_end_of_a_training_ends_none(monkeypatch):
    bare = fit([])

    def boom(*args, **kwargs):
        raise ZeroDivisionError("it broke")

    monkeypatch.delenv(_net.RAISE, raising=False)
    monkeypatch.setattr(callbacks.Diagnosis, "state", property(boom))
    doctor, found = Doctor(None, (X[:64], Y[:64])), []
    told = warned(lambda: found.append(fit([doctor])))
    assert found == [bare]
    assert len(told) == 1
    assert doctor.runs[0].state.name == "little_checked"
    assert str(doctor).startswith("LITTLE CHECKED")


# --- a loop of one's own ---------------------------------------------------------------------------------------------


def loop(doctor, model, optimizers=None, steps=60):
    optimizer = model.optimizer if optimizers is None else optimizers
    with doctor.watch(model, optimizers) as run:
        for i in range(steps):
            at = slice(16 * i % 256, 16 * i % 256 + 16)
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((model(X[at]) - Y[at]) ** 2)
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            run.step(loss=loss)
    return run


@pytest.mark.slow
def test_a_loop_has_the_compiled_optimizer_and_a_result(tmp_path):
    doctor, model = Doctor(tmp_path, (X[:64], Y[:64])), network()
    run = loop(doctor, model)
    assert run.steps == 60
    assert list(run.optimizers.values()) == [model.optimizer]
    assert doctor.runs[0].verdicts == run.diagnosis.verdicts != []
    assert str(doctor) == str(run.diagnosis)
    assert keras_ch8.read_run(tmp_path).step == 60
    assert doctor.report().verdicts
    fit([doctor], model, epochs=1)
    assert len(doctor.runs) == 2


@pytest.mark.slow
def test_a_loop_without_an_optimizer_says_what_to_give():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match=r"optimizers of the loop.*Received: optimizers=None.*watch\(model, "):
        Doctor(None).watch(model)
    assert list(loop(Doctor(None), model, keras.optimizers.SGD()).optimizers) == ["optimizer"]


def test_a_loop_cannot_be_resumed(tmp_path):
    with pytest.raises(ValueError, match=r"`resume` .*`fit`.*Received: resume=.*Remove `resume`"):
        Doctor(None, resume=tmp_path).watch(network())


def test_several_models_have_the_optimizers_that_they_are_compiled_with():
    models = [network(), network(name="second")]
    with Doctor(None).watch(models) as run:
        assert list(run.optimizers.values()) == [model.optimizer for model in models]
