"""Weights & Biases and MLflow themselves: what a training leaves in the files of one and the database of the other.

Without the packages nothing of this runs; `.ci/full` has a step with both.
"""

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.request

import keras
import numpy as np
import pytest

from keras_ch8.callbacks import Diagnosis, TensorBoard
from keras_ch8.extend import Verdict
from keras_ch8.trackers import JSONL, MLflow, WandB, feeds
from keras_ch8.trackers._servers import spelled
from keras_ch8.trackers.feeds import Feeds
from tests.trackers.test_feeds import fit, network, read_scalars, threads, warnings_of
from tests.trackers.test_files import NUMBERS, VERDICT, lines

# What the packages themselves warn of is none of ours.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


EVENT = {"step": 4, "kind": "spike", "text": "It jumps."}


@pytest.fixture
def wandb(tmp_path, monkeypatch):
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    yield wandb
    assert wandb.run is None


@pytest.fixture
def mlflow(tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.chdir(tmp_path)
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    yield mlflow
    mlflow.set_tracking_uri(before)


def runs_of(tmp_path):
    """Return the records of each offline run of Weights & Biases, the oldest first.

    The messages are read by the package; what frames them it reads in compiled code only, in version 0.31. Its `finish`
    may return a moment before all is in the file.
    """
    from wandb.proto import wandb_internal_pb2

    def records(path):
        return [wandb_internal_pb2.Record.FromString(data) for data in framed(path.read_bytes())]

    paths = list(tmp_path.rglob("offline-run-*/*.wandb"))
    for path in paths:
        wait_for(lambda path=path: any(record.HasField("exit") for record in records(path)), 20)
    return [records(path) for path in sorted(paths, key=lambda path: path.stat().st_ctime)]


def framed(file):
    """Yield what a log of LevelDB holds, which begins with seven bytes of Weights & Biases.

    A piece is its checksum in four bytes, its length in two, whether it is all (1), the first (2), a middle (3) or the
    last (4) of something, and its bytes. What is left of a block of 32 KB and too short for a piece is empty.
    """
    assert file[:4] == b":W&B"
    at, data = 7, b""
    while at + 7 <= len(file):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        length, kind = struct.unpack("<HB", file[at + 4 : at + 7])
        data += file[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            yield data
            data = b""


def items(message):
    """Return names and values of an update in a record of Weights & Biases."""
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in message}


def rows_of(records):
    return [items(record.history.item) for record in records if record.HasField("history")]


def points_of(records):
    """Return {(name, step): value} of a run of Weights & Biases."""
    rows = [row for row in rows_of(records) if "step/number" in row]
    return {
        (name, row["step/number"]): np.float32(value)
        for row in rows
        for name, value in row.items()
        if name != "step/number" and not name.startswith("_")
    }


def metrics_of(client, run):
    """Return {(name as it is spelled, step): value} of a run of MLflow."""
    names = client.get_run(run).data.metrics
    return {(name, m.step): np.float32(m.value) for name in names for m in client.get_metric_history(run, name)}


def artifact(mlflow, run, name):
    """Return a JSON artifact of a run of MLflow."""
    with open(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path=name)) as file:
        return json.load(file)


def tell(tracker, folder, numbers=NUMBERS):
    """Tell a tracker some of everything, as two trainings do; return what it warns of."""
    (folder / "report.html").write_text("<p>The page.</p>")

    def twice():
        for begin in (0, 10):
            told = Feeds([tracker], str(folder), str(folder / "report.html"))
            for name in numbers:
                told.describe(name, "A number.")
            told.points([(begin + 7, numbers), (begin + 8, numbers)])
            told.record(
                json.dumps(
                    {"hyperparameters": {"rate": begin}, "verdicts": [vars(VERDICT)], "events": [EVENT], "ended": False}
                )
            )
            told.close()

    return warnings_of(twice)


# --- all of them ------------------------------------------------------------------------------------------------------


def test_one_training_is_the_same_in_tensorboard_wandb_mlflow_and_jsonl(tmp_path, wandb, mlflow):
    model, log_dir = network(), tmp_path / "logs"
    log_to = [WandB(project="tests", mode="offline", dir=str(tmp_path)), MLflow(experiment="tests"), JSONL()]
    board = TensorBoard(log_dir, log_to=log_to)
    watching = [board, Diagnosis(measure_every=2, budget=None)]
    said = warnings_of(fit, log_dir, model=model, callbacks=watching, epochs=3, validation_split=0.25)
    assert not [sentence for sentence in said if "no more data" in sentence]
    assert not threads()
    written = {(name, step): np.float32(x) for name, points in read_scalars(log_dir).items() for step, x in points}
    assert {name.partition("/")[0] for name, _ in written} == {"step", "epoch", "diagnosis"}
    assert ("epoch/val_loss", 9) in written

    folder = log_dir / "optimization"
    told = lines(folder / "run.jsonl")
    assert {
        (n, r["step"]): np.float32(x) for r in told if r["type"] == "row" for n, x in r["values"].items()
    } == written

    (records,) = runs_of(tmp_path)
    assert points_of(records) == written

    client = mlflow.MlflowClient()
    (run,) = client.search_runs([client.get_experiment_by_name("tests").experiment_id])
    assert metrics_of(client, run.info.run_id) == written

    # verdicts, events, settings and the page
    verdicts = [line for line in told if line["type"] == "verdict"]
    assert verdicts
    summary = {}
    for record in records:
        summary |= items(record.summary.update) if record.HasField("summary") else {}
    last = {v["kind"]: str(Verdict(**{k: x for k, x in v.items() if k != "type"})) for v in verdicts}
    assert {name: x for name, x in summary.items() if name.startswith("verdict/")} == {
        f"verdict/{kind}": text for kind, text in last.items()
    }
    assert {name: x for name, x in run.data.tags.items() if name.startswith("verdict/")} == {
        f"verdict/{kind}": text for kind, text in last.items()
    }
    kept = artifact(mlflow, run, "verdicts.json")
    assert [(v["kind"], v["level"], v["step"]) for v in kept] == [(v["kind"], v["level"], v["step"]) for v in verdicts]
    events = {"events.json"} if any(line["type"] == "event" for line in told) else set()
    artifacts = {artifact.path for artifact in client.list_artifacts(run.info.run_id)}
    assert artifacts == {"verdicts.json", "report.html"} | events
    assert run.data.params["optimizer"] == "SGD"
    assert run.info.status == "FINISHED"
    config = {}
    for record in records:
        config |= items(record.config.update) if record.HasField("config") else {}
    assert config["optimizer"] == "SGD"
    media = list(tmp_path.rglob("media/**/*.html"))
    assert len(media) == 1
    assert media[0].read_text() == (folder / "report.html").read_text()
    assert list(tmp_path.rglob("media/table/diagnosis/verdicts*.json"))


# --- Weights & Biases -------------------------------------------------------------------------------------------------


def test_wandb_takes_every_name_and_number_and_both_trainings_have_one_id(tmp_path, wandb):
    numbers = NUMBERS | {"mine*": 1.0, "a.b": 2.0}
    assert tell(WandB(project="tests", mode="offline", dir=str(tmp_path)), tmp_path, numbers) == []
    first, second = runs_of(tmp_path)
    for records, step in ((first, 7), (second, 17)):
        expected = {(name, at): np.float32(x) for name, x in numbers.items() for at in (step, step + 1)}
        np.testing.assert_equal(points_of(records), expected)
    ids = {record.run.run_id for records in (first, second) for record in records if record.HasField("run")}
    assert len(ids) == 1
    axes = {record.metric.name or record.metric.glob_name for record in first if record.HasField("metric")}
    assert {"step/number", "f", "e"} <= axes
    (alert,) = [record.alert for record in first if record.HasField("alert")]
    assert (alert.title, alert.level) == ('cliff: It is "steep", by 3.', "WARN")


def test_a_run_of_the_users_goes_on_and_is_not_finished(tmp_path, wandb):
    theirs = wandb.init(project="theirs", mode="offline", dir=tmp_path, config={"learning_rate": "mine"})
    theirs.log({"theirs": 1})
    assert not warnings_of(fit, tmp_path / "logs", WandB(project="of no account"))
    assert wandb.run is theirs
    theirs.log({"theirs": 2})
    theirs.finish()
    (records,) = runs_of(tmp_path)
    assert [row["theirs"] for row in rows_of(records) if "theirs" in row] == [1, 2]
    assert {step for name, step in points_of(records) if name == "step/loss"} == set(range(1, 9))
    assert theirs.config["learning_rate"] == "mine"
    assert theirs.config["batch_size"] == 16


def test_a_run_of_wandb_that_is_finished_in_mid_training_is_one_warning(tmp_path, wandb):
    theirs = wandb.init(project="theirs", mode="offline", dir=tmp_path)
    finish = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: theirs.finish())
    board = TensorBoard(tmp_path / "logs", log_to=[WandB(), JSONL()])
    (said,) = warnings_of(fit, tmp_path / "logs", callbacks=[board, finish], epochs=3)
    assert "`WandB()` gets no more data, but training continues" in said
    assert lines(tmp_path / "logs" / "optimization" / "run.jsonl")[-1]["type"] == "end"
    assert not threads()


# --- MLflow -----------------------------------------------------------------------------------------------------------


def test_mlflow_takes_every_name_and_number_and_both_trainings_are_one_run(tmp_path, mlflow):
    numbers = NUMBERS | {"a//b": 1.0, "../c": 2.0, "d-x40-": 3.0, "d@": 4.0, "n" * 300: 5.0, "n" * 301: 6.0, "a:b": 7.0}
    assert tell(MLflow(experiment="tests"), tmp_path, numbers) == []
    client = mlflow.MlflowClient()
    (run,) = client.search_runs([client.get_experiment_by_name("tests").experiment_id])
    expected = {(spelled(name), at): np.float32(x) for name, x in numbers.items() for at in (7, 8, 17, 18)}
    with np.errstate(over="ignore"):  # the largest float of 64 bits is infinite with 32
        np.testing.assert_equal(metrics_of(client, run.info.run_id), expected)
    assert run.data.params["rate"] == "0"
    assert run.data.tags["verdict/cliff"] == str(VERDICT)
    assert len(artifact(mlflow, run, "verdicts.json")) == len(artifact(mlflow, run, "events.json")) == 2


def test_an_active_run_goes_on_and_is_left_active(tmp_path, mlflow):
    with mlflow.start_run() as theirs:
        mlflow.log_param("batch_size", "theirs")
        assert not warnings_of(fit, tmp_path / "logs", MLflow())
        assert mlflow.active_run().info.run_id == theirs.info.run_id
        assert mlflow.MlflowClient().get_run(theirs.info.run_id).info.status == "RUNNING"
    run = mlflow.MlflowClient().get_run(theirs.info.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["batch_size"] == "theirs"
    points = metrics_of(mlflow.MlflowClient(), run.info.run_id)
    assert {step for name, step in points if name == "step/loss"} == {*range(1, 9)}
    assert len(mlflow.search_runs()) == 1


def test_the_experiment_that_is_set_is_taken(tmp_path, mlflow):
    mlflow.set_experiment("set before")
    try:
        assert not warnings_of(fit, tmp_path / "logs", MLflow())
        assert len(mlflow.search_runs(experiment_names=["set before"])) == 1
    finally:
        mlflow.set_experiment(experiment_id="0")


@pytest.mark.parametrize("retries", ["0", "7"], ids=["it says so at once", "it tries for minutes"])
def test_a_server_that_is_gone_in_mid_training_is_one_warning(tmp_path, mlflow, monkeypatch, retries):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", retries)
    monkeypatch.setattr(feeds, "PATIENCE", 3.0)
    monkeypatch.setattr(feeds, "FLUSH_SECONDS", 0.2)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    store = [
        "--backend-store-uri",
        f"sqlite:///{tmp_path}/server.db",
        "--artifacts-destination",
        str(tmp_path / "kept"),
    ]
    uri, quiet = f"http://127.0.0.1:{port}", {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen([*command, *store], start_new_session=True, **quiet)
    tracker = MLflow(uri)

    def goes_down(epoch, logs):
        if epoch == 1:
            wait_for(lambda: tracker.run and mlflow.MlflowClient(uri).get_run(tracker.run).data.metrics, 60)
            os.killpg(server.pid, signal.SIGKILL)

    try:
        wait_for(lambda: is_up(uri), 120)
        down = keras.callbacks.LambdaCallback(on_epoch_end=goes_down)
        board = TensorBoard(tmp_path / "logs", log_to=[tracker, JSONL()])
        begun = time.monotonic()
        (said,) = warnings_of(fit, tmp_path / "logs", callbacks=[board, down], epochs=20)
        assert time.monotonic() - begun < 100
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    assert f"`MLflow(tracking_uri='{uri}')` gets no more data, but training continues" in said
    assert ("TimeoutError: it has not kept all within 3 s" in said) == (retries == "7")
    assert [step for step, _ in read_scalars(tmp_path / "logs")["step/loss"]] == [*range(1, 81)]
    assert lines(tmp_path / "logs" / "optimization" / "run.jsonl")[-1]["type"] == "end"


def is_up(uri):
    try:
        with urllib.request.urlopen(f"{uri}/health", timeout=1) as answer:
            return answer.status == 200
    except OSError:
        return False


def wait_for(condition, seconds):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.05)
