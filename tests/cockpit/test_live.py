"""The page in the folder of a run: written as the training goes on, and never in its way."""

import json
import re
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ch8
from keras_ch8.board.writer import RunWriter
from keras_ch8.cockpit import event_files
from keras_ch8.cockpit import page as pages
from keras_ch8.cockpit.page import LivePage
from tests.cockpit.runs import curve, record
from tests.small_callbacks import Dies

X, Y = np.ones((64, 3), "float32"), np.ones((64, 1), "float32")


def document_in(text):
    return json.loads(re.search(r'<script type="application/json" id="document">(.*?)</script>', text)[1])


def fit(log_dir, epochs=3, callbacks=(), model=None, **options):
    if model is None:
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile(keras_ch8.optimizers.Adam(), "mse", metrics=["mae"])
    board = keras_ch8.callbacks.TensorBoard(log_dir)
    model.fit(X, Y, epochs=epochs, batch_size=16, verbose=0, callbacks=[board, *callbacks], **options)
    return model


class Looks(keras.callbacks.Callback):
    """Reads the page at the end of each epoch."""

    def __init__(self, path):
        super().__init__()
        self.path, self.seen = path, []

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(document_in(self.path.read_text()) if self.path.exists() else None)


@pytest.mark.slow
def test_fit_writes_the_page_as_it_goes_on_and_at_its_end(tmp_path):
    looks = Looks(tmp_path / "logs" / "optimization" / "report.html")
    fit(tmp_path / "logs", callbacks=[looks])
    assert looks.seen[0] is None
    assert looks.seen[1]["live"]
    assert looks.seen[1]["runs"][0]["series"]["step/loss"]["steps"] == [*range(1, 5)]
    made = document_in(looks.path.read_text())
    assert (made["live"], made["runs"][0]["ended"], made["runs"][0]["name"]) == (False, True, "logs")
    assert made["runs"][0]["series"]["step/loss"]["steps"] == [*range(1, 13)]


@pytest.mark.slow
def test_the_page_of_memory_is_that_of_the_event_files(tmp_path):
    model = fit(tmp_path / "logs", validation_split=0.25)
    fit(tmp_path / "logs", model=model, validation_split=0.25)  # goes on in the same folder
    made = document_in((tmp_path / "logs" / "optimization" / "report.html").read_text())
    read = json.loads(json.dumps(event_files.read(tmp_path / "logs")))
    assert read["runs"][0]["series"]["step/loss"]["steps"] == [*range(1, 19)]
    assert made == read


@pytest.mark.slow
def test_a_training_that_fails_leaves_its_page(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "logs", callbacks=[Dies("on_epoch_end")])
    made = document_in((tmp_path / "logs" / "optimization" / "report.html").read_text())
    assert made["runs"][0]["series"]["step/loss"]["steps"] == [*range(1, 5)]


def test_the_page_takes_a_five_hundredth_of_the_time(tmp_path, monkeypatch):
    now, written = [0.0], []

    def write(path, text):
        now[0] += 2.0
        written.append(now[0])

    monkeypatch.setattr(pages.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(event_files, "write", write)
    shown = LivePage(str(tmp_path), str(tmp_path))
    for _ in range(4000):
        now[0] += 1.0
        shown.refresh()
    assert written[0] == 3.0
    assert set(np.diff(written)) == {1002.0}
    shown.close()
    assert written[-1] == now[0]


@pytest.mark.slow
def test_a_page_that_cannot_be_written_is_one_warning_and_the_training_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(event_files, "write", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit(tmp_path / "logs")
    said = [str(w.message) for w in caught if issubclass(w.category, RuntimeWarning)]
    assert len(said) == 1
    assert "report.html' can no longer be written, but training continues: OSError: full" in said[0]
    assert event_files.read(tmp_path / "logs")["runs"][0]["ended"]


def test_a_folder_that_is_reached_by_a_protocol_has_its_page_too():
    writer = RunWriter.open("ram://bucket/logs", 1)
    shown = LivePage(writer.folder, "ram://bucket/logs")
    writer.add_listener(shown)
    writer.points(curve(5))
    writer.record(record, 5)
    writer.close()
    with tf.io.gfile.GFile("ram://bucket/logs/optimization/report.html") as file:
        (run,) = document_in(file.read())["runs"]
    assert (run["name"], run["series"]["step/loss"]["steps"]) == ("logs", [1, 2, 3, 4, 5])
    assert event_files.read("ram://bucket/logs")["runs"] == [run]
    saved = keras_ch8.report("ram://bucket", "ram://bucket/all.html")
    assert list(saved.verdicts) == ["logs"]
    assert tf.io.gfile.exists("ram://bucket/all.html")
