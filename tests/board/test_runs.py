"""Folders and locks: two writers never share a folder, and a run goes on only where it ended."""

import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from keras_ch8.board import _run_files
from keras_ch8.board.tags import REPORT
from keras_ch8.board.writer import RunWriter
from tests.board.readers import python_loader


def run(log_dir, first, last=None):
    """Write the steps first ... last, close, and return the folder's name."""
    writer = RunWriter.open(str(log_dir), first)
    for step in range(first, (last or first) + 1):
        writer.scalars(step, {"step/loss": 1.0})
    writer.close()
    assert not writer.failed
    return Path(writer.folder).name


def test_a_run_goes_on_where_it_ended(tmp_path):
    assert run(tmp_path, 1, 500) == "optimization"
    assert run(tmp_path, 1, 600) == "optimization_2"
    assert run(tmp_path, 501, 550) == "optimization"
    assert run(tmp_path, 601) == "optimization_2"
    assert run(tmp_path, 550) == "optimization_3"


@pytest.mark.parametrize("name", ["runs[1]", "a*", "w?", "lr {0.1}", "~", "größer #1%"])
def test_a_folder_may_have_any_name(tmp_path, name):
    """TensorFlow's glob, which read the folder once, takes [1] for a set of characters."""
    assert run(tmp_path / name, 1, 500) == "optimization"
    assert run(tmp_path / name, 1, 600) == "optimization_2"
    assert run(tmp_path / name, 501, 550) == "optimization"
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_files_of_one_second_are_read_in_the_order_they_were_written(tmp_path, monkeypatch):
    monkeypatch.setattr(_run_files, "_numbers", itertools.count(5))  # 10 sorts before 9
    opened = []
    for step in range(1, 13):
        run(tmp_path, step)
        opened += set((tmp_path / "optimization").glob("*tfevents*")).difference(opened)
    assert len(opened) == 12
    assert opened == sorted(opened)


def test_a_report_alone_is_no_reason_for_a_new_folder(tmp_path):
    writer = RunWriter.open(str(tmp_path), 1)
    writer.text(REPORT, "before the first step", 0)
    writer.text(REPORT, "again", 0)
    writer.close()
    assert run(tmp_path, 1) == "optimization"


def test_two_writers_at_once_have_two_folders(tmp_path):
    writers = [RunWriter.open(str(tmp_path), 1) for _ in range(3)]
    assert [Path(w.folder).name for w in writers] == ["optimization", "optimization_2", "optimization_3"]
    for writer in writers:
        writer.close()
        writer.close()
    assert run(tmp_path, 1) == "optimization"


HERE = socket.gethostname()


LEFT = ["", f"{HERE} {os.getpid()}", f"{HERE} {os.getppid()}", f"another-{HERE} 1", "\0"]


@pytest.mark.parametrize("text", LEFT, ids=["empty", "own", "parent", "elsewhere", "zero"])
def test_a_file_that_was_left_behind_is_no_lock(tmp_path, text):
    """F10: after a kill -9 in a container that has another name now, or with a number that is a stranger's by now."""
    run(tmp_path, 1)
    (tmp_path / "optimization" / _run_files.LOCK).write_text(text)
    assert run(tmp_path, 2) == "optimization"


HOLDS = """
import sys, time
from keras_ch8.board.writer import RunWriter
writer = RunWriter.open(sys.argv[1], int(sys.argv[2]))
writer.scalars(int(sys.argv[2]), {"step/loss": 1.0})
print(writer.folder, flush=True)
time.sleep(60)
"""


@pytest.mark.slow
def test_another_process_has_the_folder_until_it_dies_however_that_happens(tmp_path):
    command = [sys.executable, "-W", "ignore", "-c", HOLDS, str(tmp_path), "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline().strip() == str(tmp_path / "optimization")
        assert run(tmp_path, 2) == "optimization_2"
        time.sleep(2 * _run_files.FLUSH_SECONDS)  # F11: by now the point is on the disk
        other.send_signal(signal.SIGKILL)
    assert run(tmp_path, 2) == "optimization"
    with python_loader(tmp_path) as board:
        assert board.steps("step/loss") == [1, 2]


def test_a_fork_of_the_writer_s_process_does_not_give_its_folder_free(tmp_path):
    writer = RunWriter.open(str(tmp_path), 1)
    _, lock = writer._finish.peek()[2]
    lock._process += 1  # as it is in a fork
    lock.release()
    assert run(tmp_path, 2) == "optimization_2"
    lock._process -= 1
    writer.close()
    assert run(tmp_path, 3) == "optimization_2"  # which has ended nearer


def test_a_writer_that_is_forgotten_closes_itself(tmp_path):
    writer = RunWriter.open(str(tmp_path), 1)
    writer.scalars(1, {"step/loss": 1.0})
    del writer
    assert run(tmp_path, 1) == "optimization_2"
    assert run(tmp_path, 2) in ("optimization", "optimization_2")
