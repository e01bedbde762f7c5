"""Faults: a log_dir that cannot be written is refused before the training, and nothing later stops it."""

import errno
import shutil
import threading
import time

import pytest
import tensorflow as tf

from keras_ch8.board import _run_files
from keras_ch8.board.tags import REPORT
from keras_ch8.board.writer import RunWriter
from tests.board.readers import LOADERS

LOSS = "step/loss"


def in_time(action, seconds=10):
    """Run `action` in a thread, and fail if it is not done in time."""
    errors = []

    def work():
        try:
            action()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "it hangs"
    assert errors == []


def everything(writer):
    """Call everything a writer has, with enough points to fill a small queue."""
    for step in range(1, 100):
        writer.scalars(step, {LOSS: 1.0})
    writer.text(REPORT, "text", 1)
    writer.flush()
    writer.close()
    writer.close()


@pytest.mark.parametrize("where", ["logs", "logs/deeper", "optimization"])
def test_a_file_in_the_way_is_refused_with_the_fix(tmp_path, where):
    (tmp_path / where.split("/")[0]).write_text("a file")
    log_dir = tmp_path if where == "optimization" else tmp_path / where
    with pytest.raises(OSError, match=r"`log_dir` is .* Received: log_dir='.*', which fails .* Pass another folder"):
        RunWriter.open(str(log_dir), 1)
    assert (tmp_path / where.split("/")[0]).read_text() == "a file"


def fails(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_is_full_at_the_start_is_refused_and_leaves_no_lock(tmp_path, monkeypatch):
    monkeypatch.setattr(tf.io.TFRecordWriter, "write", fails)
    with pytest.raises(OSError, match=r"No space left on device.*Pass another folder, or make this one writable"):
        RunWriter.open(str(tmp_path), 1)
    monkeypatch.undo()
    assert RunWriter.open(str(tmp_path), 1).folder.endswith("optimization")


@pytest.mark.parametrize("method", ["write", "flush"])
def test_a_disk_that_fills_up_is_one_warning(tmp_path, monkeypatch, method):
    writer = RunWriter.open(str(tmp_path), 1)
    monkeypatch.setattr(tf.io.TFRecordWriter, method, fails)
    with pytest.warns(RuntimeWarning) as caught:
        in_time(lambda: everything(writer))
    assert [str(w.message).count("training continues: OSError: [Errno 28] No space left") for w in caught] == [1]
    assert writer.failed
    monkeypatch.undo()
    assert RunWriter.open(str(tmp_path), 100).folder.endswith("optimization")


@pytest.mark.parametrize(
    "queue, reason", [(1000, "the disk took more than 0.2 s"), (10, "10 writes wait for the disk")]
)
def test_a_disk_that_does_not_answer_is_one_warning(tmp_path, monkeypatch, queue, reason):
    threads = set(threading.enumerate())
    monkeypatch.setattr(_run_files, "PATIENCE", 0.2)
    monkeypatch.setattr(_run_files, "QUEUE", queue)
    writer = RunWriter.open(str(tmp_path), 1)
    answers = threading.Event()
    with monkeypatch.context() as patch:
        patch.setattr(tf.io.TFRecordWriter, "write", lambda *_: answers.wait())
        with pytest.warns(RuntimeWarning, match=reason) as caught:
            in_time(lambda: everything(writer))
        answers.set()
    assert len(caught) == 1
    for thread in set(threading.enumerate()) - threads:
        thread.join(10)
        assert not thread.is_alive(), "a thread is left behind"


def test_a_writer_that_is_closed_says_so_once(tmp_path):
    writer = RunWriter.open(str(tmp_path), 1)
    writer.close()
    with pytest.warns(RuntimeWarning, match="the file is closed") as caught:
        everything(writer)
    assert len(caught) == 1


def test_a_folder_that_is_deleted_in_mid_run_is_one_warning(tmp_path):
    writer = RunWriter.open(str(tmp_path / "logs"), 1)
    writer.scalars(0, {LOSS: 1.0})
    writer.flush()
    shutil.rmtree(tmp_path / "logs")
    with pytest.warns(RuntimeWarning, match="training continues: FileNotFoundError: .* is gone") as caught:
        in_time(lambda: everything(writer))
    assert len(caught) == 1


def test_points_are_on_the_disk_some_seconds_later_without_a_flush(tmp_path, monkeypatch):
    monkeypatch.setattr(_run_files, "FLUSH_SECONDS", 0.05)
    writer = RunWriter.open(str(tmp_path), 1)
    (path,) = (tmp_path / "optimization").glob("*tfevents*")
    before = path.stat().st_size
    writer.scalars(1, {LOSS: 1.0})
    deadline = time.monotonic() + 10
    while path.stat().st_size == before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert path.stat().st_size > before
    writer.close()


@pytest.mark.parametrize("loader", LOADERS)
def test_a_file_that_is_cut_short_keeps_its_earlier_points_and_the_run_goes_on(tmp_path, loader):
    writer = RunWriter.open(str(tmp_path / "logs"), 1)
    for step in range(1, 11):
        writer.scalars(step, {LOSS: 1.0})
    writer.close()
    (path,) = (tmp_path / "logs").rglob("*tfevents*")
    path.write_bytes(path.read_bytes()[:-7])
    writer = RunWriter.open(str(tmp_path / "logs"), 10)
    assert writer.folder.endswith("optimization")
    writer.scalars(10, {LOSS: 2.0})
    writer.close()
    with loader(tmp_path / "logs") as board:
        assert board.scalars()[LOSS] == [(step, 1.0) for step in range(1, 10)] + [(10, 2.0)]
