"""What a tracker gets, in which order and thread; and that one which fails or blocks is in nobody's way."""

import copy
import json
import pickle
import sys
import threading
import time
import warnings

import keras
import numpy as np
import pytest

import keras_ch8
from keras_ch8.board import writer
from keras_ch8.board.writer import RunWriter
from keras_ch8.callbacks import TensorBoard
from keras_ch8.extend import Tracker
from keras_ch8.trackers import JSONL, MLflow, WandB, feeds
from keras_ch8.trackers.feeds import Feeds
from tests.board.readers import python_loader
from tests.small_callbacks import Dies

X, Y = np.ones((64, 3), "float32"), np.ones((64, 1), "float32")
VERDICT = {"kind": "cliff", "level": "act", "finding": "It is steep.", "cure": "Clip.", "section": "8.2.4", "step": 3}


def network():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile(keras_ch8.optimizers.SGD(0.01), "mse", run_eagerly=True)
    return model


def fit(log_dir, *log_to, model=None, **options):
    board = TensorBoard(log_dir, log_to=log_to)
    options = {"epochs": 2, "batch_size": 16, "verbose": 0, "callbacks": [board]} | options
    (model or network()).fit(X, Y, **options)
    return board


def read_scalars(log_dir):
    with python_loader(log_dir) as board:
        return board.scalars()


def record(verdicts=(), events=(), ended=False, **hyperparameters):
    said = {"hyperparameters": hyperparameters, "verdicts": verdicts, "events": events, "ended": ended}
    return json.dumps(said)


def threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("keras_ch8")]


class Remembers(Tracker):
    """Keeps each call, and the thread in which it came."""

    def __init__(self):
        super().__init__()
        self.calls, self.threads = [], {}

    def _keep(self, name, *arguments):
        self.calls.append((name, *arguments))
        self.threads[name] = threading.current_thread().name

    def prepare(self):
        self._keep("prepare")

    def open(self, folder):
        self._keep("open", folder)

    def hyperparameters(self, values):
        self._keep("hyperparameters", dict(values))

    def describe(self, name, description):
        self._keep("describe", name, description)

    def log(self, step, values):
        self._keep("log", step, dict(values))

    def verdict(self, verdict):
        self._keep("verdict", verdict)

    def event(self, event):
        self._keep("event", event)

    def flush(self):
        self._keep("flush")

    def close(self, report):
        self._keep("close", report)

    def of(self, name):
        return [call[1:] for call in self.calls if call[0] == name]


class Fails(Remembers):
    """Raises in one call."""

    def __init__(self, where):
        super().__init__()
        self.where = where

    def _keep(self, name, *arguments):
        super()._keep(name, *arguments)
        if name == self.where and arguments != (None,):
            raise ConnectionError("the server is gone")


class Waits(Remembers):
    """Does not come back from its first points until it is let go."""

    def __init__(self):
        super().__init__()
        self.let_go = threading.Event()

    def log(self, step, values):
        self.let_go.wait(20)


@pytest.fixture
def is_quick(monkeypatch):
    monkeypatch.setattr(feeds, "PATIENCE", 0.3)
    monkeypatch.setattr(feeds, "GRACE", 0.3)


def warnings_of(action, *arguments, **options):
    """Return what is warned of while an action runs."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        action(*arguments, **options)
    return [str(each.message) for each in caught if issubclass(each.category, RuntimeWarning)]


# --- what it gets --------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_tracker_is_told_what_tensorboard_is_written_in_a_thread_of_its_own(tmp_path):
    tracker = Remembers()
    fit(tmp_path, tracker)
    names = [name for name, *_ in tracker.calls]
    assert names[:2] == ["prepare", "open"]
    assert names[-2:] == ["flush", "close"]
    assert tracker.threads.pop("prepare") == threading.current_thread().name
    assert set(tracker.threads.values()) == {"keras_ch8 tracker Remembers"}
    assert tracker.of("open") == [(str(tmp_path / "optimization"),)]
    assert tracker.of("close") == [(str(tmp_path / "optimization" / "report.html"),)]
    told = {(step, name): x for step, values in tracker.of("log") for name, x in values.items()}
    written = {(step, name): x for name, points in read_scalars(tmp_path).items() for step, x in points}
    assert {key: np.float32(x) for key, x in told.items()} == {key: np.float32(x) for key, x in written.items()}
    assert told[8, "epoch/loss"] > 0
    described = dict(tracker.of("describe"))
    assert described.keys() == {name for _, name in told}
    assert "(section 8." in described["step/loss"]
    settings = {name: value for (values,) in tracker.of("hyperparameters") for name, value in values.items()}
    assert (settings["optimizer"], settings["batch_size"], settings["epochs"]) == ("SGD", 16, 2)
    assert not threads()


def test_of_records_what_is_new_is_told_once(tmp_path):
    tracker = Remembers()
    told = Feeds([tracker], str(tmp_path), "")
    spike = {"step": 2, "kind": "spike", "text": "It jumps."}
    milder = VERDICT | {"level": "watch", "step": 9}
    told.record(record(rate=0.1, batch_size=None))
    told.record(record([VERDICT], [spike], rate=0.1, batch_size=8))
    told.record(record([VERDICT | {"finding": "It is steeper."}], [spike], rate=0.2, batch_size=8))
    told.record(record([milder], [spike, spike | {"step": 7}], rate=0.2, batch_size=8))
    told.record(record([milder], [spike], ended=True))
    told.record(record([milder | {"finding": "It is flat by now."}], [spike], ended=True))
    told.close()
    assert tracker.of("hyperparameters") == [({"rate": 0.1},), ({"batch_size": 8},), ({"rate": 0.2},)]
    assert [(v.level, v.step, v.finding) for (v,) in tracker.of("verdict")] == [
        ("act", 3, "It is steep."), ("watch", 9, "It is steep."), ("watch", 9, "It is flat by now."),
    ]  # fmt: skip
    assert [(e.kind, e.step) for (e,) in tracker.of("event")] == [("spike", 2), ("spike", 7)]
    assert tracker.of("close") == [(None,)]


def test_what_was_told_before_an_interruption_is_not_told_again(tmp_path):
    tracker, spike = Remembers(), {"step": 2, "kind": "spike", "text": "It jumps."}
    told = Feeds([tracker], str(tmp_path), "", reported=record([VERDICT], [spike], rate=0.1))
    told.record(record([VERDICT], [spike, spike | {"step": 7}], rate=0.1, batch_size=8))
    told.close()
    assert (tracker.of("hyperparameters"), tracker.of("verdict")) == ([({"batch_size": 8},)], [])
    assert [(e.kind, e.step) for (e,) in tracker.of("event")] == [("spike", 7)]


def test_points_of_a_step_come_together_and_in_order(tmp_path):
    tracker = Remembers()
    told = Feeds([tracker], str(tmp_path), "")
    told.points([(2, {"a": 1.0}), (1, {"a": np.float32(0.5)}), (2, {"b": np.nan}), (3, {})])
    told.close()
    assert repr(tracker.of("log")) == "[(1, {'a': 0.5}), (2, {'a': 1.0, 'b': nan})]"


def test_a_tracker_is_flushed_now_and_then(tmp_path, monkeypatch):
    monkeypatch.setattr(feeds, "FLUSH_SECONDS", 0.02)
    tracker = Remembers()
    told = Feeds([tracker], str(tmp_path), "")
    deadline = time.monotonic() + 10
    while len(tracker.of("flush")) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(tracker.of("flush")) >= 3
    told.close()


@pytest.mark.slow
def test_one_that_wants_to_hear_of_verdicts_alone_need_not_define_more(tmp_path):
    heard = []

    class Hears(Tracker):
        def __init__(self):  # without that of the base
            pass

        def verdict(self, verdict):
            heard.append(verdict.kind)

    fit(tmp_path, Hears(), callbacks=[TensorBoard(tmp_path, log_to=[Hears()]), keras_ch8.callbacks.Diagnosis()])
    assert "nonfinite" in heard


@pytest.mark.slow
def test_a_second_training_goes_on_with_the_same_tracker(tmp_path):
    tracker, model = Remembers(), network()
    fit(tmp_path, tracker, model=model)
    fit(tmp_path, tracker, model=model)
    assert [name for name, *_ in tracker.calls if name in ("open", "close")] == ["open", "close"] * 2
    assert [step for step, values in tracker.of("log") if "step/loss" in values] == [*range(1, 17)]


@pytest.mark.slow
def test_a_training_that_dies_closes_it_all_the_same(tmp_path):
    tracker = Remembers()
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path, callbacks=[TensorBoard(tmp_path, log_to=[tracker]), Dies("on_epoch_end")])
    assert tracker.of("close") == [(str(tmp_path / "optimization" / "report.html"),)]
    assert not threads()


def test_a_loop_of_ones_own_tells_it_too(tmp_path):
    tracker, model = Remembers(), network()
    with keras_ch8.Doctor(tmp_path, log_to=[tracker]).watch(model) as run:
        for loss in (3.0, 2.0):
            run.step(loss)
    assert [(s, v["step/loss"]) for s, v in tracker.of("log") if "step/loss" in v] == [(1, 3.0), (2, 2.0)]
    with pytest.raises(ValueError, match=r"so it needs a `log_dir`\. Received: .* Pass a folder too"):
        keras_ch8.Doctor(None, log_to=[tracker])


# --- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.broad(slow=3)
@pytest.mark.parametrize("where", ["log", "prepare", "open", "describe", "hyperparameters", "flush", "close"])
def test_one_that_fails_is_one_warning_and_all_others_go_on(tmp_path, where):
    tracker, other = Fails(where), Remembers()
    (said,) = warnings_of(fit, tmp_path, tracker, other)
    assert "gets no more data, but training continues: ConnectionError: the server is gone" in said
    assert "Fails(" in said
    assert tracker.of("close")[-1:] == ([] if where == "prepare" else [(None,)])
    steps = [step for step, values in other.of("log") if "step/loss" in values]
    assert steps == [step for step, _ in read_scalars(tmp_path)["step/loss"]] == [*range(1, 9)]
    assert not threads()


@pytest.mark.slow
def test_one_that_has_failed_is_tried_again_in_the_next_training(tmp_path):
    tracker, model = Fails("log"), network()
    assert len(warnings_of(fit, tmp_path, tracker, model=model)) == 1
    tracker.where = None
    assert not warnings_of(fit, tmp_path, tracker, model=model)
    assert [step for step, values in tracker.of("log") if "step/loss" in values][-8:] == [*range(9, 17)]


def test_one_that_blocks_delays_the_end_by_a_limited_time_and_nothing_else(tmp_path, is_quick):
    tracker, other = Waits(), Remembers()
    begun = time.monotonic()
    told = Feeds([tracker, other], str(tmp_path), "")
    for step in range(1000):
        told.points([(step, {"a": 1.0})])
    assert time.monotonic() - begun < 2  # of the 20 s that the tracker takes, also where a busy machine is slow
    (said,) = warnings_of(told.close)
    assert time.monotonic() - begun < 5
    assert "TimeoutError: it has not kept all within 0.3 s after the end of the training" in said
    assert len(other.of("log")) == 1000
    tracker.let_go.set()
    for thread in threads():
        thread.join(10)
    assert tracker.of("close") == [(None,)]
    assert not threads()


def test_where_too_much_waits_for_one_it_is_given_up(tmp_path, is_quick, monkeypatch):
    monkeypatch.setattr(feeds, "QUEUE", 10)
    tracker = Waits()
    told = Feeds([tracker], str(tmp_path), "")

    def tell():
        for step in range(100):
            told.points([(step, {"a": 1.0})])

    (said,) = warnings_of(tell)
    assert "TimeoutError: 10 calls wait for it" in said
    assert not warnings_of(told.close)
    tracker.let_go.set()


def test_nobody_waits_for_the_flush_of_one_that_has_failed_before_it(tmp_path):
    class Fills(JSONL):
        def log(self, step, values):
            time.sleep(0.2)
            raise OSError("full")

    told, begun = Feeds([Fills()], str(tmp_path), ""), time.monotonic()
    told.points([(1, {"a": 1.0})])
    told.flush()
    assert time.monotonic() - begun < feeds.PATIENCE / 2
    (said,) = warnings_of(told.close)
    assert "OSError: full" in said


def test_they_go_on_where_the_disk_of_tensorboard_fails(tmp_path, monkeypatch):
    def fails(*_):
        raise OSError("full")

    tracker = Remembers()
    board = RunWriter.open(str(tmp_path), 1)
    board.add_listener(Feeds([tracker], board.folder, ""))
    monkeypatch.setattr(writer.EventFile, "write", fails)
    (said,) = warnings_of(board.points, [(1, {"step/loss": 1.0})])
    assert "Writing for TensorBoard has stopped" in said
    board.points([(2, {"step/loss": 2.0})])
    board.record(lambda: record(rate=0.5), 2)
    board.close()
    assert tracker.of("log") == [(1, {"step/loss": 1.0}), (2, {"step/loss": 2.0})]
    assert tracker.of("hyperparameters") == [({"rate": 0.5},)]
    assert tracker.calls[-1] == ("close", None)


def test_a_package_that_is_not_installed_is_one_warning_with_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for cls in (WandB, MLflow):
        monkeypatch.delitem(sys.modules, cls.package, raising=False)
        other = Remembers()
        (said,) = warnings_of(lambda cls=cls, other=other: Feeds([cls(), other], str(tmp_path), "").close())
        assert f"`{cls.__name__}()` gets no more data" in said
        assert f'`{cls.package}` is not installed. Install it with `pip install "keras_ch8[{cls.package}]"`' in said
        assert other.of("close") == [(None,)]


@pytest.mark.parametrize(
    "log_to, message",
    [
        (["wandb"], r"must be a list of trackers.* Received: 'wandb' of type str\. Pass, for example"),
        ([JSONL], r"Received: <class .*JSONL'> of type type\. Make one: `JSONL\(\)`"),
        (JSONL(), r"must be a list in which .* Received: JSONL\(\)\. .* put them in a list"),
        ([JSONL("a")] * 2, r"each tracker stands once\. Received: \[JSONL\(path='a'\), JSONL\(path='a'\)\]"),
        ("wandb", r"Received: 'wandb' of type str"),
    ],
    ids=["a word in a list", "a class", "no list", "twice", "a word"],
)
def test_what_is_no_list_of_trackers_is_refused_with_the_fix(log_to, message):
    with pytest.raises(TypeError, match=message):
        TensorBoard(log_to=log_to)
    with pytest.raises(TypeError, match=message):
        keras_ch8.Doctor("logs", log_to=log_to)


# --- copies -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize(
    "way", [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))], ids=["copy", "pickle"]
)
def test_a_tracker_can_be_copied_with_its_callback_in_the_middle_of_a_training(tmp_path, way):
    copies = []
    board = TensorBoard(tmp_path / "one", log_to=[JSONL()])
    look = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: copies.append(way(board)))
    fit(tmp_path, callbacks=[board, look])
    copies[0].log_dir = str(tmp_path / "two")
    fit(tmp_path, callbacks=[copies[0]])
    one, two = ((tmp_path / name / "optimization" / "run.jsonl").read_text() for name in ("one", "two"))
    assert one.count('"row"') == two.count('"row"') > 8
    assert repr(WandB(project="vision", mode="offline")) == "WandB(project='vision', mode='offline')"
    assert repr(way(MLflow(experiment="vision"))) == "MLflow(experiment='vision')"
