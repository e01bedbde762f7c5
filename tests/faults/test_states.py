"""F6, F8: a callback that goes on from its state ends bit for bit as if nothing had happened, also in mid-epoch."""

import copy
import shutil

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

from keras_ch8 import callbacks, clipping, continuation, data, layers, optimizers, schedules
from keras_ch8.callbacks import _resume
from keras_ch8.cockpit.history import read_run
from keras_ch8.monitors.base import members
from tests.faults.resuming import CutsOff, Training, assert_same, cut_off, kept
from tests.integration.everybody import CALLBACKS

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*so the average mostly covers its start", "ignore:The training ended after"
)
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(48, 6)).astype("float32"), RNG.normal(size=(48, 2)).astype("float32")
VALIDATION = RNG.normal(size=(16, 6)).astype("float32"), RNG.normal(size=(16, 2)).astype("float32")


def halved(epoch, rate):
    return rate / 2


def network(optimizer, dropout=0.3):
    keras.utils.set_random_seed(0)
    keras.backend.clear_session(free_memory=False)  # so that names are numbered from the beginning
    model = keras.Sequential([
        keras.Input((6,)), keras.layers.Dense(5, "tanh"), layers.BatchNormalization(),
        keras.layers.Dropout(dropout, seed=1), continuation.Temperature(2.0, name="temperature"),
        keras.layers.Dense(2),
    ])  # fmt: skip
    model.compile(optimizer, "mse", metrics=["mae"])
    return model


OURS = {
    "stop": lambda source: callbacks.EarlyStopping(min_delta=0.02, patience=3, restore_best_weights=True),
    "halved": lambda source: callbacks.LearningRateDecay(halved, logs=True),
    "plateau": lambda source: callbacks.LearningRateDecay(
        schedules.ReduceOnPlateau("loss", patience=1, min_delta=1.0), logs=True
    ),
    "curriculum": lambda source: callbacks.Curriculum(source, "model_loss", until="3ep", logs=True),
    "average": lambda source: callbacks.PolyakAveraging(half_life="1ep"),
    "gap": lambda source: callbacks.SurrogateGap(true="mae", patience=1, mode="min", logs=True),
    "continuation": lambda source: callbacks.Continuation([2.0, 1.5, 1.2], until="70%", logs=True),
    "clipping": lambda source: callbacks.GradientClippingLogger(logs=True),
}


def ours():
    source = data.ArraySource(X, Y, batch_size=8, seed=3)
    together = {name: make(source) for name, make in OURS.items()}
    rate = schedules.ExponentialDecay(0.05, "2ep", 0.5)
    return Training(network(optimizers.Adam(rate)), source, together, validation_data=VALIDATION)


def keras_own():
    """With Keras's optimizer, whose gradient `ClipGradients` clips by what it remembers."""
    source = data.ArraySource(X, Y, batch_size=8, seed=3)
    clips = callbacks.ClipGradients(clipping.ByPercentile(30, memory=7))
    return Training(network(keras.optimizers.SGD(0.05)), source, {"clip": clips}, epochs=2)


def switched():
    source = data.ArraySource(X, Y, batch_size=48, seed=3)
    model = network("sgd", dropout=0.0)
    switch = callbacks.SwitchOptimizer("1ep", to=optimizers.LBFGS())
    return Training(model, source, {"switch": switch, "clipping": callbacks.GradientClippingLogger()})


ALL = {name: lambda folder, make=make: make(folder) for name, make in CALLBACKS.items()}
ALL["Guard"] = lambda folder: callbacks.Guard()
ALL["Curriculum"] = lambda folder: OURS["curriculum"](data.ArraySource(X, Y, batch_size=8, seed=3))


def test_every_callback_of_the_suite_is_among_them(tmp_path):
    names = {type(make(tmp_path)).__name__ for make in ALL.values()}
    public = {name for name in callbacks.__all__ if isinstance(getattr(callbacks, name), type)}
    assert public - {"Callback", "Resume"} <= names


@pytest.mark.parametrize("name", ALL)
def test_before_a_training_what_was_set_is_got_and_can_be_set_again(tmp_path, name):
    callback = ALL[name](tmp_path)
    state = kept(callback.get_state())
    callback.set_state(state)
    assert_same(callback.get_state(), state)
    other = copy.deepcopy(callback)
    assert_same(other.get_state(), state)


RUBBISH = [None, 3, "state", [], {"x": 1}, {1: 2}, {"watched": None}, {"run": 7, "averaged": []}]


@pytest.mark.parametrize("name", ALL)
def test_what_is_no_state_of_such_a_callback_is_refused_with_its_name_and_what_came(tmp_path, name):
    callback = ALL[name](tmp_path)
    known = callback.get_state()
    for rubbish in RUBBISH:
        with pytest.raises(ValueError, match=rf"`set_state` of `{type(callback).__name__}` takes.*Received: "):
            callback.set_state(rubbish)
    for part in known:
        for damaged in ({k: v for k, v in known.items() if k != part}, known | {part: object}):
            with pytest.raises(ValueError, match=rf"`{type(callback).__name__}`.*Received: a dict; it.*{part}"):
                callback.set_state(damaged)
    assert_same(callback.get_state(), known)


def test_the_state_of_another_setting_is_refused_with_both():
    def refused(one, other, message):
        with pytest.raises(ValueError, match=message):
            other.set_state(one.get_state())

    stop = callbacks.EarlyStopping
    refused(stop("loss"), stop("val_loss"), "Received: a state with monitor='loss', where .* monitor='val_loss'")
    plateau = callbacks.LearningRateDecay(schedules.ReduceOnPlateau("loss"))
    refused(plateau, callbacks.LearningRateDecay(halved), "rule='`ReduceOnPlateau`', where .*='a function")
    refused(callbacks.LearningRateDecay(halved), plateau, "rule='a function'")
    small, large = (data.ArraySource(X[:n], Y[:n], batch_size=4, seed=0) for n in (8, 16))
    refused(OURS["curriculum"](small), OURS["curriculum"](large), r"shape of 'seen'=\(8,\), where .*\(16,\)")


def watched(folder):
    source = data.ArraySource(X, Y, batch_size=8, seed=3)
    checks = [*(m.name for m in members("standard") if m.name != "spectrum"), "spectrum"]
    together = {
        "average": OURS["average"](source),
        "board": callbacks.TensorBoard(folder, measure_every=1, layers=True),
        "diagnosis": callbacks.Diagnosis(checks=checks, measure_every=3, budget=None, logs=True, verbose=False),
        "stop": OURS["stop"](source),
        "clipping": OURS["clipping"](source),
    }
    model = network(optimizers.Adam(3.0, global_clipnorm=1.0))
    return Training(model, source, together, validation_data=VALIDATION)


def points(folder):
    """Return all scalars as they stand in the files, and the lines on verdicts; the time that it took is another."""
    found = []
    for path in sorted((folder / "optimization").glob("*tfevents*")):
        for event in LegacyEventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.HasField("simple_value") and value.tag != "diagnosis/cost":
                    found.append((event.step, value.tag, value.simple_value))
    assert len({point[:2] for point in found}) == len(found), "a point stands there twice"
    lines = (folder / "optimization" / "verdicts.jsonl").read_text().splitlines()
    return {"points": sorted(found), "lines": lines, "runs": sorted(path.name for path in folder.iterdir())}


@pytest.mark.parametrize(
    "epoch, batch, later",
    [
        pytest.param(1, 2, 3, marks=pytest.mark.slow),
        *(pytest.param(*at, marks=pytest.mark.full) for at in ((2, None, 2), (0, 0, 1))),
    ],
)
def test_verdicts_and_points_go_on_too(tmp_path, epoch, batch, later):
    whole = watched(tmp_path / "whole")
    whole.fit(CutsOff(whole, epoch, batch, later=None))
    left = tmp_path / "left"
    state = cut_off(
        watched(tmp_path / "first"), epoch, batch, later, end=lambda: shutil.copytree(tmp_path / "first", left)
    )
    again = watched(left).go_on(state)
    verdicts = [training.callbacks["diagnosis"].verdicts for training in (again, whole)]
    assert verdicts[0] == verdicts[1] != []
    assert_same(again.result(), whole.result())
    assert_same(points(left), points(tmp_path / "whole"))
    events = [read_run(training.callbacks["board"].log_dir).events for training in (again, whole)]
    assert events[0] == events[1] != []


CASES = {"ours": ours, "keras_own": keras_own, "switched": switched}
WHOLE = {}


@pytest.mark.parametrize(
    "name, epoch, batch",
    [
        pytest.param("keras_own", 1, 1, marks=pytest.mark.slow),
        pytest.param("ours", 1, 2, marks=pytest.mark.slow),
        *(pytest.param("ours", *at, marks=pytest.mark.full) for at in ((0, 0), (2, None), (3, 4))),
        *(pytest.param("switched", *at, marks=pytest.mark.full) for at in ((0, None), (2, None))),
    ],
)
def test_a_training_that_goes_on_from_its_states_ends_as_one_that_was_not_interrupted(name, epoch, batch):
    make = CASES[name]
    if name not in WHOLE:
        WHOLE[name] = make().fit().result()
    state = cut_off(make(), epoch, batch)
    assert_same(make().go_on(state).result(), WHOLE[name])


def tells(training):
    """Return what the callbacks of a training that has ended tell their user."""
    shown = {name: callback.findings() for name, callback in training.callbacks.items()}
    average, diagnosis = training.callbacks["average"], training.callbacks.get("diagnosis")
    shown["averages"] = [average.updates, average.weights, average.raw_weights, average.model.get_weights()]
    if diagnosis is not None:
        shown["diagnosis"] = [[str(verdict) for verdict in diagnosis.verdicts], diagnosis.measurements]
    return shown


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) for name in ("ours", "watched")])
def test_one_that_has_ended_tells_in_another_process_what_it_has_come_to_and_the_next_begins_anew(
    tmp_path, name, capsys, monkeypatch
):
    def train():
        training = ours() if name == "ours" else watched(tmp_path / "board")
        return training.fit(callbacks.Resume(tmp_path / "states"))

    first = train()
    monkeypatch.setattr(_resume, "_ended_here", set())  # as in another process
    again = train()
    assert capsys.readouterr().out.count("has already ended") == 1
    assert_same(tells(again), tells(first))
    for training in (first, again):
        training.options |= {"epochs": 2}
        training.fit()
    assert_same(again.result(), first.result())
    assert_same(tells(again), tells(first))
