"""A run that goes on from a state stands on the disk as it did then: nothing twice, nothing lost."""

import json
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8._state import dump, load
from keras_ch8.board.record import Event
from keras_ch8.board.writer import RunWriter
from keras_ch8.callbacks import TensorBoard
from keras_ch8.trackers import JSONL
from keras_ch8.trackers._servers import ServerTracker
from keras_ch8.trackers.feeds import Feeds
from tests.board.readers import LOADERS, python_loader
from tests.board.test_faults import fails
from tests.faults.resuming import kept

LOSS = "step/loss"


def written(log_dir, steps):
    writer = RunWriter.open(str(log_dir), 1)
    for step in range(1, steps + 1):
        writer.scalars(step, {LOSS: float(step)})
    return writer


@pytest.mark.parametrize("loader", LOADERS)
def test_what_was_written_after_the_state_is_written_again_and_stands_there_once(tmp_path, loader):
    writer = written(tmp_path, 5)
    writer.lines("verdicts.jsonl", ["one"])
    position = load(kept(dump(writer.position())))
    for step in (6, 7, 8):
        writer.scalars(step, {LOSS: -1.0})
    writer.lines("verdicts.jsonl", ["two"])
    writer.lines("later.jsonl", ["one"])  # another that did not exist then
    writer.close()
    attempt = RunWriter.open(str(tmp_path), 9)  # a file that did not exist then
    attempt.scalars(9, {LOSS: -1.0})
    attempt.close()
    again = RunWriter.resume(str(tmp_path), position, 6)
    assert again.folder == writer.folder
    for step in (6, 7):
        again.scalars(step, {LOSS: float(step)})
    again.lines("verdicts.jsonl", ["three"])
    again.lines("later.jsonl", ["two"])
    again.close()
    with loader(tmp_path) as board:
        assert board.runs() == {"optimization"}
        assert board.scalars()[LOSS] == [(step, float(step)) for step in range(1, 8)]
    assert (tmp_path / "optimization" / "verdicts.jsonl").read_text() == "one\nthree\n"
    assert (tmp_path / "optimization" / "later.jsonl").read_text() == "two\n"


def test_files_of_trackers_go_on_too_beside_the_run_and_elsewhere(tmp_path):
    def fed(writer, reported):
        made = [JSONL(), JSONL(tmp_path / "mine.jsonl")]
        writer.add_listener(Feeds(made, writer.folder, "", reported, [""] * len(made)))
        return writer

    reported = '{"hyperparameters": {}, "verdicts": [], "events": [], "ended": false}'
    writer = fed(RunWriter.open(str(tmp_path / "logs"), 1), "")
    writer.scalars(1, {LOSS: 1.0})
    position = writer.position()
    writer.scalars(2, {LOSS: -1.0})
    writer.close()
    again = fed(RunWriter.resume(str(tmp_path / "logs"), position, 2), reported)
    again.scalars(2, {LOSS: 2.0})
    again.close()
    beside, elsewhere = (
        [line["values"][LOSS] for line in map(json.loads, path.read_text().splitlines()) if line["type"] == "row"]
        for path in (tmp_path / "logs" / "optimization" / "run.jsonl", tmp_path / "mine.jsonl")
    )
    assert beside == [1.0, 2.0]
    assert elsewhere == [1.0, -1.0, 2.0]  # of which the state knows no size: nothing is lost there


class Server(ServerTracker):
    """A server in memory: what each of its runs was told."""

    package = "json"  # any that is there

    def __init__(self, runs):
        super().__init__()
        self.runs = runs

    def active(self, package):
        return None

    def begin(self, package):
        run = self.own or f"run {len(self.runs)}"
        self.runs.setdefault(run, [])
        return run

    def send(self, rows):
        self.runs[self.run] += [(row.step, dict(row.values)) for row in rows]

    def close(self, report):
        self.runs[self.run] += [note["text"] for note in self.notes.get("events", ())]


def test_a_run_on_a_server_goes_on_in_another_process_with_its_tables():
    runs = {}
    first = Server(runs)
    first.open("")
    first.log(1, {LOSS: 1.0})
    first.event(Event(1, "stage", "It begins."))
    first.flush()
    again = Server(runs)
    again.go_on(first.state())
    again.open("")
    again.log(2, {LOSS: 2.0})
    again.event(Event(2, "stage", "It continues."))
    again.flush()
    again.close(None)
    assert runs == {"run 0": [(1, {LOSS: 1.0}), (2, {LOSS: 2.0}), "It begins.", "It continues."]}


@pytest.mark.slow
def test_a_state_says_which_run_each_tracker_has(tmp_path):
    runs = {}

    def train(state=None):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        server = Server(runs)
        board = TensorBoard(tmp_path / "logs", log_to=[server])
        if state is not None:
            board.set_state(kept(state))
        states = []

        def take(epoch, logs):
            until = time.monotonic() + 30
            while server.own is None and time.monotonic() < until:  # its thread has opened it
                time.sleep(0.01)
            states.append(board.get_state())

        taking = keras.callbacks.LambdaCallback(on_epoch_end=take)
        x, y = np.ones((8, 2)), np.ones((8, 1))
        model.fit(x, y, initial_epoch=1 if state else 0, epochs=2, callbacks=[board, taking], verbose=0)
        return states[0]

    train(train())
    assert list(runs) == ["run 0"]


def test_a_file_that_is_shorter_than_it_was_keeps_what_it_has(tmp_path):
    writer = written(tmp_path, 5)
    position = writer.position()
    writer.close()
    (path,) = (tmp_path / "optimization").glob("*tfevents*")
    path.write_bytes(path.read_bytes()[:-30])
    length = path.stat().st_size
    again = RunWriter.resume(str(tmp_path), position, 6)
    assert again.folder == writer.folder
    assert path.stat().st_size == length
    again.close()


def test_where_writing_had_failed_nothing_is_cut_off(tmp_path, monkeypatch):
    writer = written(tmp_path, 5)
    writer.flush()
    with monkeypatch.context() as patch:
        patch.setattr(tf.io.TFRecordWriter, "write", fails)
        writer.scalars(6, {LOSS: 6.0})
        with pytest.warns(RuntimeWarning, match="No space left on device"):
            position = writer.position()
    writer.close()
    assert position.files == {}
    again = RunWriter.resume(str(tmp_path), position, 7)
    again.scalars(7, {LOSS: 7.0})
    again.close()
    with python_loader(tmp_path) as board:
        assert board.steps(LOSS) == [1, 2, 3, 4, 5, 7]


def test_where_the_folder_is_gone_a_new_run_begins_and_a_warning_says_so(tmp_path):
    writer = written(tmp_path / "logs", 5)
    position = writer.position()
    writer.close()
    with pytest.warns(RuntimeWarning, match="The run 'optimization' for TensorBoard cannot continue in .* is gone"):
        again = RunWriter.resume(str(tmp_path / "moved"), position, 6)
    assert again.folder == str(tmp_path / "moved" / "optimization")
    again.close()


def test_where_another_training_writes_there_a_new_run_begins_and_nothing_of_the_other_is_cut_off(tmp_path):
    writer = written(tmp_path, 5)
    position = writer.position()
    writer.scalars(6, {LOSS: 6.0})
    writer.flush()
    (path,) = (tmp_path / "optimization").glob("*tfevents*")
    length = path.stat().st_size
    with pytest.warns(RuntimeWarning, match="cannot continue .*: another training writes there"):
        again = RunWriter.resume(str(tmp_path), position, 6)
    assert again.folder == str(tmp_path / "optimization_2")
    assert path.stat().st_size == length
    again.close()
    writer.close()
