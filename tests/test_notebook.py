"""The notebook of results runs top to bottom: tables and pictures are seen, and names are text."""

import ast
import html
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parent.parent / "examples" / "results.ipynb"
HOSTILE = "<img src=x onerror=alert(1)>"
"""Name of a run and of a metric; TensorFlow lets nothing of HTML into the name of a layer."""
STRANGER = f"""
import numpy as np
stranger = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
stranger.compile(keras_ch8.optimizers.SGD(1e-9), "mse", metrics=[keras.metrics.MeanSquaredError(name={HOSTILE!r})])
watching = keras_ch8.callbacks.Diagnosis(measure_every=1, budget=None)
board = keras_ch8.callbacks.TensorBoard("logs_of_a_stranger/" + {HOSTILE!r})
found = np.random.default_rng(0).normal(size=(256, 2)).astype("float32")
_ = stranger.fit(found, found[:, :1], batch_size=8, epochs=2, verbose=0, callbacks=[board, watching])
"""
SHOWN = ('keras_ch8.report("logs_of_a_stranger")', 'keras_ch8.read_run("logs_of_a_stranger")', "watching")


def cell(number, source):
    return {
        "cell_type": "code", "id": f"stranger-{number}", "source": source, "metadata": {}, "outputs": [],
        "execution_count": None,
    }  # fmt: skip


def run(folder):
    """Run a copy with some cells more, and return of each cell by its source what it showed, by kind."""
    copy = folder / NOTEBOOK.name
    shutil.copy(NOTEBOOK, copy)
    notebook = json.loads(copy.read_text())
    notebook["cells"] += [cell(number, source) for number, source in enumerate((STRANGER, *SHOWN))]
    copy.write_text(json.dumps(notebook))
    execute(copy)
    executed = json.loads(copy.read_text())["cells"]
    return {"".join(one["source"]).strip(): shown_by(one) for one in executed if one["cell_type"] == "code"}


def execute(notebook):
    """Run a notebook by nbmake, which puts what its cells show into the file."""
    arguments = ["-m", "pytest", "--nbmake", "--overwrite", "--nbmake-timeout=600", "-p", "no:cacheprovider"]
    away = {"IPYTHONDIR": str(notebook.parent / "ipython"), "JUPYTER_RUNTIME_DIR": str(notebook.parent / "runtime")}
    done = subprocess.run(
        [sys.executable, *arguments, notebook.name],
        cwd=notebook.parent, env=os.environ | away, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:]


def shown_by(cell):
    """Return what a cell has shown, by kind of media; what it has printed is "stdout"."""
    shown = {}
    for output in cell["outputs"]:
        parts = output.get("data", {}) if "data" in output else {output.get("name", ""): output.get("text", "")}
        for kind, text in parts.items():
            shown[kind] = shown.get(kind, "") + ("".join(text) if isinstance(text, list) else str(text))
    return shown


def of(cells, source):
    (shown,) = [shown for text, shown in cells.items() if text.splitlines()[-1] == source]
    return shown


def test_it_is_kept_without_what_it_showed():
    notebook = json.loads(NOTEBOOK.read_text())
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert NOTEBOOK.stat().st_size < 10_000


@pytest.mark.slow
def test_report_tables_and_pictures_are_shown_and_names_are_text(tmp_path):
    """In one test, since the notebook takes half a minute."""
    for name in ("nbmake", "ipykernel", "sklearn", "matplotlib"):
        pytest.importorskip(name)
    cells = run(tmp_path)
    the_page_is_in_a_frame(of(cells, "keras_ch8.report(log_dir)"))
    for source in ("rates", "run"):
        is_a_table(of(cells, source))
    assert "<b>Diagnosis</b>" in of(cells, "diagnosis")["text/html"]
    assert "OK: " in of(cells, "print(diagnosis)")["stdout"]
    for source in ("rates.plot();", "run.plot();", *(source for source in cells if source.startswith("run.plot("))):
        assert len(of(cells, source)["image/png"]) > 5_000, source
    steps = next(shown for source, shown in cells.items() if source.startswith("validation = run["))["text/plain"]
    assert [int(step) for step in ast.literal_eval(steps)] == [43 * epoch for epoch in range(1, 11)]
    hostile = [of(cells, source)["text/html"] for source in SHOWN]
    assert not any("<img" in shown for shown in hostile)
    page, history, _ = hostile
    assert "<img" not in html.unescape(page)
    assert "\\u003cimg src=x" in page, "it does show the name"
    assert html.escape(HOSTILE) in history, "it does show the name"


def the_page_is_in_a_frame(shown):
    assert shown["text/html"].startswith('<iframe srcdoc="')
    assert html.unescape(shown["text/html"].split('"')[1]).startswith("<!doctype html>")


def is_a_table(shown):
    assert "<table><thead><tr><th>" in shown["text/html"]
    assert len(shown["text/plain"]) <= 400, "the line of `repr`"
