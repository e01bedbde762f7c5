"""F6, F8: a callback that goes on from its state ends bit for bit as if nothing had happened, also in mid-epoch."""

import copy

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

from keras_ch8 import callbacks, clipping, continuation, data, layers, optimizers, schedules
from keras_ch8.callbacks import _resume
from keras_ch8.cockpit.history import read_run
from keras_ch8.monitors.base import members
from tests.callbacks import resuming
from tests.faults.resuming import assert_same, kept, without_time
from tests.integration.everybody import CALLBACKS
from tests.marks import mostly

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


def script(model, listed, batch_size=8, **options):
    """Return what `resuming.train` takes; callbacks are made for the source of their start."""
    made = []

    def source():
        made[:] = [data.ArraySource(X, Y, batch_size=batch_size, seed=3)]
        return made[0]

    given = {"model": model, "data": source, "callbacks": lambda: listed(made[0])}
    return given | {"epochs": 4, "validation_data": VALIDATION} | options


def ours():
    rate = schedules.ExponentialDecay(0.05, "2ep", 0.5)
    return script(lambda: network(optimizers.Adam(rate)), lambda source: [make(source) for make in OURS.values()])


def keras_own():
    """With Keras's optimizer, whose gradient `ClipGradients` clips by what it remembers."""
    clip = clipping.ByPercentile(30, memory=7)
    return script(lambda: network(keras.optimizers.SGD(0.05)), lambda _: [callbacks.ClipGradients(clip)], epochs=2)


def switched():
    def listed(source):
        return [callbacks.SwitchOptimizer("1ep", to=optimizers.LBFGS()), callbacks.GradientClippingLogger()]

    return script(lambda: network("sgd", dropout=0.0), listed, batch_size=48)


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
    checks = [*(m.name for m in members("standard") if m.name != "spectrum"), "spectrum"]

    def listed(source):
        measured = {"measure_every": 3, "budget": None, "logs": ["diagnosis_loss"], "verbose": False}
        return [
            OURS["average"](source), callbacks.TensorBoard(folder, measure_every=1),
            callbacks.Diagnosis(checks=checks, **measured), OURS["stop"](source), OURS["clipping"](source),
        ]  # fmt: skip

    return script(lambda: network(optimizers.Adam(3.0, global_clipnorm=1.0)), listed)


def of_kind(run, kind):
    return next((callback for callback in run.callbacks if isinstance(callback, kind)), None)


def assert_alike(run, other):
    """Two trainings have ended bit for bit alike, and so have what their callbacks remember."""
    resuming.assert_same(run, other)
    for one, two in zip(run.callbacks, other.callbacks, strict=True):
        assert_same(without_time(one.get_state()), without_time(two.get_state()), type(one).__name__)


def interrupted_and_whole(make, die_at, folder, every):
    """Return a training that has died at a batch and gone on from the states before, and one that has not died."""
    whole = resuming.train(callbacks.Resume(folder / "states of the whole", every), **make(folder / "whole"))
    states = folder / "states"
    return resuming.interrupted(lambda: callbacks.Resume(states, every), (die_at,), **make(folder / "left")), whole


BY_THE_CLOCK = ("diagnosis/cost", "step/weight_norm", "step/running_")
"""What it took, and what has a point whenever telemetry is read."""


def points(folder):
    """Return the scalars as they stand in the files, but those by the clock, and the lines on verdicts."""
    found = []
    for path in sorted((folder / "optimization").glob("*tfevents*")):
        for event in LegacyEventFileLoader(str(path)).Load():
            for value in event.summary.value:
                if value.HasField("simple_value") and not value.tag.startswith(BY_THE_CLOCK):
                    found.append((event.step, value.tag, value.simple_value))
    assert len({point[:2] for point in found}) == len(found), "a point stands there twice"
    lines = (folder / "optimization" / "verdicts.jsonl").read_text().splitlines()
    return {"points": sorted(found), "lines": lines, "runs": sorted(path.name for path in folder.iterdir())}


@pytest.mark.parametrize(
    "die_at", [pytest.param(13, marks=pytest.mark.slow), *(pytest.param(n, marks=pytest.mark.full) for n in (6, 20))]
)
def test_verdicts_and_points_go_on_too(tmp_path, die_at):
    """What was written after the last state is written again, and stands there once."""
    again, whole = interrupted_and_whole(watched, die_at, tmp_path, every="5ba")
    verdicts = [of_kind(run, callbacks.Diagnosis).verdicts for run in (again, whole)]
    assert verdicts[0] == verdicts[1] != []
    assert_alike(again, whole)
    assert_same(points(tmp_path / "left"), points(tmp_path / "whole"))
    events = [read_run(of_kind(run, callbacks.TensorBoard).log_dir).events for run in (again, whole)]
    assert events[0] == events[1] != []


CASES = {"ours": ours, "keras_own": keras_own, "switched": switched}


@pytest.mark.parametrize(
    "name, die_at",
    [
        *(pytest.param(*at, marks=pytest.mark.slow) for at in (("keras_own", 8), ("ours", 9))),
        *(pytest.param("ours", at, marks=pytest.mark.full) for at in (1, 18, 23)),
        *(pytest.param("switched", at, marks=pytest.mark.full) for at in (1, 3)),
    ],
)
def test_a_training_that_goes_on_from_its_states_ends_as_one_that_was_not_interrupted(name, die_at, tmp_path):
    assert_alike(*interrupted_and_whole(lambda folder: CASES[name](), die_at, tmp_path, every="1ba"))


def tells(run):
    """Return what the callbacks of a training that has ended tell their user, but what the diagnosis has cost."""
    average, diagnosis = of_kind(run, callbacks.PolyakAveraging), of_kind(run, callbacks.Diagnosis)
    shown = [[callback.findings()[: -1 if callback is diagnosis else None] for callback in run.callbacks]]
    shown += [average.updates, average.weights, average.raw_weights, average.model.get_weights()]
    if diagnosis is not None:
        shown += [[str(verdict) for verdict in diagnosis.verdicts], diagnosis.measurements]
    return shown


@pytest.mark.slow
@pytest.mark.parametrize("name", mostly(pytest.mark.full, ["ours", "watched"], "watched"))
def test_one_that_has_ended_tells_in_another_process_what_it_has_come_to_and_the_next_begins_anew(
    tmp_path, name, capsys, monkeypatch
):
    def train():
        given = ours() if name == "ours" else watched(tmp_path / "board")
        return resuming.train(callbacks.Resume(tmp_path / "states"), **given)

    first = train()
    monkeypatch.setattr(_resume, "_ended_here", set())  # as in another process
    again = train()
    assert capsys.readouterr().out.count("has already ended") == 1
    assert_same(tells(again), tells(first))
    for run in (first, again):
        run.model.fit(run.data, epochs=2, callbacks=run.callbacks, validation_data=VALIDATION, verbose=0)
    for one, other in zip(again.variables, first.variables, strict=True):
        np.testing.assert_array_equal(one, other)
    assert_same(tells(again), tells(first))
