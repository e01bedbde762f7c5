"""The tables and the lines of a training, as others read them."""

import csv
import json
import math
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from keras_ch8.board.record import Event
from keras_ch8.extend import Verdict
from keras_ch8.trackers import CSV, JSONL
from keras_ch8.trackers.feeds import Feeds
from tests.trackers.test_feeds import fit, network, read_scalars, warnings_of

VERDICT = Verdict("cliff", "act", 'It is "steep", by 3.', "Clip,\nor wait.", "8.2.4", 3, why=("It jumps.",), value=2.0)
NUMBERS = {"a, b": math.nan, 'c"d': math.inf, "ä/é": -math.inf, "e": 1e-300, "f": 0.1}


def table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


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


def test_the_table_of_points_is_long(tmp_path):
    tell(CSV(), tmp_path)
    found = {row["name"]: float(row["value"]) for row in table(tmp_path / "run.csv")}
    assert repr(found) == repr(NUMBERS)
    assert {row["step"] for row in table(tmp_path / "run.csv")} == {"7"}


def test_the_table_of_notes_has_the_rest(tmp_path):
    tell(CSV(), tmp_path)
    assert [tuple(row.values()) for row in table(tmp_path / "run_notes.csv")] == [
        ("0", "hyperparameter", "rate", "0.5", "0.5"),
        ("0", "hyperparameter", "nesterov", "", "True"),
        ("0", "hyperparameter", "loss", "", "mse"),
        ("3", "verdict", "cliff", "2", 'It is "steep", by 3. Clip,\nor wait.'),
        ("4", "event", "spike", "", "It jumps."),
    ]


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


def test_one_training_is_the_same_in_both_and_in_tensorboard(tmp_path):
    fit(tmp_path, CSV(), JSONL(), validation_split=0.25, epochs=3)
    folder = tmp_path / "optimization"
    written = {(name, step): np.float32(x) for name, points in read_scalars(tmp_path).items() for step, x in points}
    rows = [line for line in lines(folder / "run.jsonl") if line["type"] == "row"]
    assert {(n, row["step"]): np.float32(x) for row in rows for n, x in row["values"].items()} == written
    assert {(r["name"], int(r["step"])): np.float32(r["value"]) for r in table(folder / "run.csv")} == written
    assert ("epoch/val_loss", 9) in written
    assert lines(folder / "run.jsonl")[-1] == {"type": "end", "report": str(folder / "report.html")}


@pytest.mark.slow
def test_a_run_that_goes_on_in_its_folder_goes_on_in_its_files(tmp_path):
    model = network()
    fit(tmp_path, CSV(), model=model, epochs=1)
    fit(tmp_path, CSV(), model=model, epochs=1)
    steps = [int(row["step"]) for row in table(tmp_path / "optimization" / "run.csv") if row["name"] == "step/loss"]
    assert steps == [*range(1, 9)]
    fit(tmp_path, CSV(), epochs=1)  # another model begins again
    assert len(table(tmp_path / "optimization_2" / "run.csv")) > 4


def test_a_file_of_ones_own_is_overwritten_by_another_tracker_and_goes_on_with_the_same(tmp_path):
    path = tmp_path / "deeper" / "mine.csv"
    tell(CSV(path), tmp_path)
    tracker = CSV(path)
    tell(tracker, tmp_path)
    assert len(table(path)) == len(NUMBERS)
    tell(tracker, tmp_path)
    assert len(table(path)) == 2 * len(NUMBERS)
    assert (tmp_path / "deeper" / "mine_notes.csv").exists()


@pytest.mark.slow
def test_what_was_flushed_survives_a_process_that_is_killed(tmp_path):
    code = (
        "import sys, time\nfrom keras_ch8.trackers import CSV, JSONL, feeds\nfeeds.FLUSH_SECONDS = 0.05\n"
        "told = feeds.Feeds([CSV(), JSONL()], sys.argv[1], '')\n"
        "told.points([(step, {'a': 1.0}) for step in range(100)])\nprint('told', flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        path, deadline = tmp_path / "run.jsonl", time.monotonic() + 50
        while time.monotonic() < deadline and not (path.exists() and path.read_text().count("\n") == 100):
            time.sleep(0.02)
        time.sleep(0.1)
        os.kill(process.pid, signal.SIGKILL)
    assert len(table(tmp_path / "run.csv")) == len(lines(tmp_path / "run.jsonl")) == 100


@pytest.mark.parametrize("cls", [CSV, JSONL])
def test_a_file_that_cannot_be_written_is_one_warning(tmp_path, cls):
    (tmp_path / "file").write_text("")
    (said,) = warnings_of(lambda: Feeds([cls(tmp_path / "file" / "mine")], str(tmp_path), "").close())
    assert "gets no more data, but training continues: " in said
    assert "Error: [Errno" in said
    assert "mine" in said


@pytest.mark.parametrize("cls", [CSV, JSONL])
def test_a_file_that_is_deleted_in_mid_training_is_one_warning(tmp_path, cls):
    path = tmp_path / "mine"
    told = Feeds([cls(path)], str(tmp_path), "")
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
    assert not tracker._files
    told = Feeds([CSV(tmp_path / "mine.csv")], str(tmp_path), "")
    told._put(lambda _: 1 / 0)
    (said,) = warnings_of(told.close)
    assert "ZeroDivisionError" in said
    assert not told._feeds[0].tracker._files


def test_pandas_reads_the_table(tmp_path):
    pandas = pytest.importorskip("pandas")
    tell(CSV(), tmp_path)
    points = pandas.read_csv(tmp_path / "run.csv")
    assert repr(dict(zip(points["name"], points["value"], strict=True))) == repr(NUMBERS)
    wide = points.pivot(index="step", columns="name", values="value")
    assert wide.loc[7, "f"] == 0.1
