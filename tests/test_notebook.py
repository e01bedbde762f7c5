"""examples/results.ipynb runs in a real notebook, where report, tables and pictures are seen, and names are text."""

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
watching = keras_ch8.callbacks.Diagnosis(when=1, budget=None)
board = keras_ch8.callbacks.TensorBoard("logs_of_a_stranger/" + {HOSTILE!r}, layers=True)
found = np.random.default_rng(0).normal(size=(256, 2)).astype("float32")
_ = stranger.fit(found, found[:, :1], batch_size=8, epochs=2, verbose=0, callbacks=[board, watching])
"""
SHOWN = ('keras_ch8.report("logs_of_a_stranger")', 'keras_ch8.read_run("logs_of_a_stranger")', "watching")


def cell(number, source):
    return {
        "cell_type": "code", "id": f"stranger-{number}", "source": source, "metadata": {}, "outputs": [],
        "execution_count": None,
    }  # fmt: skip


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    """Run a copy with some cells more; return of each cell its source, what it showed by kind, and what it printed."""
    for name in ("nbmake", "ipykernel", "sklearn", "matplotlib"):
        pytest.importorskip(name)
    folder = tmp_path_factory.mktemp("notebook")
    copy = folder / NOTEBOOK.name
    shutil.copy(NOTEBOOK, copy)
    notebook = json.loads(copy.read_text())
    notebook["cells"] += [cell(number, source) for number, source in enumerate((STRANGER, *SHOWN))]
    copy.write_text(json.dumps(notebook))
    arguments = ["-m", "pytest", "--nbmake", "--overwrite", "--nbmake-timeout=600", "-p", "no:cacheprovider", copy.name]
    away = {"IPYTHONDIR": str(folder / "ipython"), "JUPYTER_RUNTIME_DIR": str(folder / "runtime")}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=os.environ | away, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-4000:]
    run = json.loads(copy.read_text())["cells"]
    return {"".join(one["source"]).strip(): shown_by(one) for one in run if one["cell_type"] == "code"}


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
def test_the_page_is_shown_in_a_frame(cells):
    shown = of(cells, "keras_ch8.report(log_dir)")["text/html"]
    assert shown.startswith('<iframe srcdoc="')
    assert html.unescape(shown.partition('srcdoc="')[2].partition('"')[0]).startswith("<!doctype html>")


@pytest.mark.slow
@pytest.mark.parametrize("source", ["rates", "diagnosis", "run"])
def test_results_are_tables(source, cells):
    shown = of(cells, source)
    assert "<table><thead><tr><th>" in shown["text/html"]
    assert len(shown["text/plain"].splitlines()) <= 5
    assert len(shown["text/plain"]) <= 410, "the line of `repr`, which Jupyter wraps"


@pytest.mark.slow
def test_print_is_the_report(cells):
    said = of(cells, "print(diagnosis)")["stdout"]
    assert "All right: " in said


@pytest.mark.slow
@pytest.mark.parametrize(
    "source",
    [
        "rates.plot();", "run.plot();", 'run.plot("Gradient norm, before and after clipping");', 'run.plot("8.2.5");',
    ],
)  # fmt: skip
def test_plots_are_pictures(source, cells):
    assert len(of(cells, source)["image/png"]) > 5_000


@pytest.mark.slow
def test_numbers_of_the_run_are_those_that_fit_returned(cells):
    shown = of(cells, "dict(zip(validation.steps.tolist(), validation.values.round(4).tolist(), strict=True))")
    assert [int(step) for step in eval(shown["text/plain"])] == [43 * epoch for epoch in range(1, 11)]


@pytest.mark.slow
@pytest.mark.parametrize("source", SHOWN)
def test_a_name_that_is_html_is_text(source, cells):
    shown = of(cells, source)["text/html"]
    assert "<img" not in shown
    if source.startswith("keras_ch8.report"):
        assert "<img" not in html.unescape(shown)
        assert "\\u003cimg src=x" in shown, "it does show the name"
    elif source.startswith("keras_ch8.read_run"):
        assert html.escape(HOSTILE) in shown, "it does show the name"
