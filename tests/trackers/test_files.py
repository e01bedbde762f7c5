"""The lines of a training, as others read them."""

import json
import math
import os
import time

import numpy as np
import pytest

from keras_ch8.board.record import Event
from keras_ch8.extend import Verdict
from keras_ch8.trackers import JSONL, feeds
from keras_ch8.trackers.feeds import Feeds
from tests.forked import PROCESSES
from tests.trackers.test_feeds import fit, network, read_scalars, warnings_of

VERDICT = Verdict("cliff", "act", 'It is "steep", by 3.', "Clip,\nor wait.", "8.2.4", 3, why=("It jumps.",), value=2.0)
NUMBERS = {"a, b": math.nan, 'c"d': math.inf, "ä/é": -math.inf, "e": 1e-300, "f": 0.1}


def lines(path):
    def refuse(name):
        raise ValueError(f"{name} is no JSON")

    return [json.loads(line, parse_constant=refuse) for line in path.read_text().splitlines()]


def tell(tracker, folder):
    """Tell a tracker some of everything."""
    tracker.prepare()
    tracker.open(str(folder))
    tracker.hyperparameters({"rate": 0.5, "nesterov": True, "loss": "mse"})
    tracker.describe("f", "A number.")
    tracker.log(7, NUMBERS)
    tracker.verdict(VERDICT)
    tracker.event(Event(4, "spike", "It jumps."))
    tracker.flush()
    tracker.close(str(folder / "report.html"))


def test_each_line_is_an_object_that_says_what_it_is(tmp_path):
    tell(JSONL(), tmp_path)
    settings, series, row, verdict, event, end = lines(tmp_path / "run.jsonl")
    assert settings == {"type": "hyperparameters", "values": {"rate": 0.5, "nesterov": True, "loss": "mse"}}
    assert series == {"type": "series", "name": "f", "description": "A number."}
    assert (row["type"], row["step"], row["values"]["a, b"], row["values"]['c"d']) == ("row", 7, "NaN", "Infinity")
    assert repr({name: float(value) for name, value in row["values"].items()}) == repr(NUMBERS)
    assert verdict.pop("type") == "verdict"
    assert Verdict(**verdict) == VERDICT
    assert event == {"type": "event", "step": 4, "kind": "spike", "text": "It jumps."}
    assert end == {"type": "end", "report": str(tmp_path / "report.html")}


def test_one_training_is_the_same_as_in_tensorboard(tmp_path):
    fit(tmp_path, JSONL(), validation_split=0.25, epochs=3)
    folder = tmp_path / "optimization"
    written = {(name, step): np.float32(x) for name, points in read_scalars(tmp_path).items() for step, x in points}
    rows = [line for line in lines(folder / "run.jsonl") if line["type"] == "row"]
    assert {(n, row["step"]): np.float32(x) for row in rows for n, x in row["values"].items()} == written
    assert ("epoch/val_loss", 9) in written
    assert lines(folder / "run.jsonl")[-1] == {"type": "end", "report": str(folder / "report.html")}


def steps_of(path):
    """Return the steps of the points of the loss."""
    rows = [line for line in lines(path) if line["type"] == "row"]
    return [row["step"] for row in rows if "step/loss" in row["values"]]


@pytest.mark.slow
def test_a_run_that_goes_on_in_its_folder_goes_on_in_its_file(tmp_path):
    model = network()
    fit(tmp_path, JSONL(), model=model, epochs=1)
    fit(tmp_path, JSONL(), model=model, epochs=1)
    assert steps_of(tmp_path / "optimization" / "run.jsonl") == [*range(1, 9)]
    fit(tmp_path, JSONL(), epochs=1)  # another model begins again
    assert steps_of(tmp_path / "optimization_2" / "run.jsonl") == [*range(1, 5)]


def test_a_file_of_ones_own_is_overwritten_by_another_tracker_and_goes_on_with_the_same(tmp_path):
    path = tmp_path / "deeper" / "mine.jsonl"
    tell(JSONL(path), tmp_path)
    tracker = JSONL(path)
    tell(tracker, tmp_path)
    assert len(lines(path)) == 6
    tell(tracker, tmp_path)
    assert len(lines(path)) == 12


def tells_and_stays(folder):
    feeds.FLUSH_SECONDS = 0.05
    told = Feeds([JSONL()], folder, "")
    told.points([(step, {"a": 1.0}) for step in range(100)])
    time.sleep(60)


@pytest.mark.slow
def test_what_was_flushed_survives_a_process_that_is_killed(tmp_path):
    process = PROCESSES.Process(target=tells_and_stays, args=(str(tmp_path),))
    process.start()
    path, deadline = tmp_path / "run.jsonl", time.monotonic() + 50
    while time.monotonic() < deadline and not (path.exists() and path.read_text().count("\n") == 100):
        time.sleep(0.02)
    time.sleep(0.1)
    process.kill()
    process.join()
    assert len(lines(path)) == 100


def test_a_file_that_cannot_be_written_is_one_warning(tmp_path):
    (tmp_path / "file").write_text("")
    (said,) = warnings_of(lambda: Feeds([JSONL(tmp_path / "file" / "mine")], str(tmp_path), "").close())
    assert "gets no more data, but training continues: " in said
    assert "Error: [Errno" in said
    assert "mine" in said


def test_a_file_that_is_deleted_in_mid_training_is_one_warning(tmp_path):
    path = tmp_path / "mine"
    told = Feeds([JSONL(path)], str(tmp_path), "")
    told.points([(1, {"a": 1.0})])
    deadline = time.monotonic() + 10
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    path.unlink()
    (said,) = warnings_of(told.close)
    assert f"FileNotFoundError: {path} is gone" in said


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a disk that is full")
def test_a_disk_that_is_full_is_one_warning(monkeypatch, tmp_path):
    (tmp_path / "mine").symlink_to("/dev/full")
    told = Feeds([JSONL(tmp_path / "mine")], str(tmp_path), "")
    told.points([(1, {"a": 1.0})])
    (said,) = warnings_of(told.close)
    assert "OSError: [Errno 28] No space left on device" in said


@pytest.mark.slow
def test_no_file_is_left_open(tmp_path):
    tracker = JSONL()
    fit(tmp_path, tracker)
    assert tracker._file is None
    told = Feeds([JSONL(tmp_path / "mine")], str(tmp_path), "")
    told._put(lambda _: 1 / 0)
    (said,) = warnings_of(told.close)
    assert "ZeroDivisionError" in said
    assert told._feeds[0].tracker._file is None
