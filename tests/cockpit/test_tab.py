"""The tab as TensorBoard serves it, in this process: what it answers, and what it refuses."""

import argparse
import contextlib
import json
import subprocess
import sys
import time
import tomllib
import warnings
from pathlib import Path

import pytest
from werkzeug.test import Client

import keras_ch8
from keras_ch8.cockpit import event_files, loader, page
from tests.board.readers import LOADERS, python_loader
from tests.cockpit.runs import FINE, VERDICT, curve, record, write

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # about what TensorBoard brings along
    from tensorboard.backend import application

ENTRY = "/data/plugin_entry.html?name=keras_ch8"
OURS = "/data/plugin/keras_ch8"
HOSTILE = "<img src=x onerror=alert(1)>"


class Served:
    """TensorBoard with our tab only, asked as a browser asks."""

    def __init__(self, provider, log_dir, prefix=""):
        flags = argparse.Namespace(
            logdir=str(log_dir), path_prefix=prefix, samples_per_plugin={}, window_title="", generic_data="auto"
        )
        app = application.TensorBoardWSGIApp(flags, [loader.Loader], provider)
        self.client, self.prefix = Client(app), prefix

    def get(self, path, **options):
        return self.client.get(self.prefix + path, **options)

    def document(self, since=""):
        answer = self.get(f"{OURS}/document?since={since}")
        assert (answer.status_code, answer.content_type) == (200, "application/json")
        return json.loads(answer.data, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


@pytest.fixture(params=LOADERS)
def serve(request):
    """Return a function that returns what TensorBoard serves of a folder, by either loader."""
    with contextlib.ExitStack() as stack:
        yield lambda log_dir, **options: Served(
            stack.enter_context(request.param(log_dir)).provider, log_dir, **options
        )


@pytest.fixture
def served(tmp_path):
    """Return what TensorBoard serves of a folder with one run."""
    write(tmp_path / "logs", curve(3), record())
    with python_loader(tmp_path / "logs") as board:
        yield Served(board.provider, tmp_path / "logs")


def test_tab_and_file_have_the_same_document(serve, tmp_path):
    band = {"step/gradient_norm": 2.0, "step/gradient_norm/min": 1.0, "step/gradient_norm/max": 3.0}
    odd = {f"epoch/{HOSTILE}": float("nan"), "epoch/accuracy": float("inf")}
    write(tmp_path / "logs" / "deep", curve(40, **band, **odd), record(verdicts=[VERDICT, FINE]))
    write(tmp_path / "logs" / "live", curve(5), record(ended=False, now=time.time()))
    write(tmp_path / "logs" / HOSTILE, curve(1))
    write(tmp_path / "logs", curve(2), record(step=2))
    write(tmp_path / "logs", curve(2), record(step=2))
    made = serve(tmp_path / "logs").document()
    token = made.pop("token")
    assert token
    read = event_files.read(tmp_path / "logs")
    assert made == json.loads(json.dumps(read))
    assert [run["name"] for run in made["runs"]] == ["deep", "live", "logs", "optimization_2", HOSTILE]
    assert made["live"]


@pytest.mark.broad(slow="all")
def test_a_long_run_has_its_ends_and_its_newest_record(serve, tmp_path):
    writer = write(tmp_path / "logs", curve(1_200))
    for step in range(1_201, 1_221):
        write(tmp_path / "logs", [(step, {"step/loss": 1.0})], record(step=step))
    assert writer
    (run,) = serve(tmp_path / "logs").document()["runs"]
    assert (run["step"], run["record"]["step"]) == (1_220, 1_220)
    steps = run["series"]["step/loss"]["steps"]
    assert (steps[-1], steps) == (1_220, sorted(steps))
    assert 900 <= len(steps) <= 1000


def test_nothing_is_sent_again_until_something_has_changed(tmp_path):
    write(tmp_path / "logs" / "a", curve(3), record(ended=False, now=time.time()))
    write(tmp_path / "logs" / "b", curve(3), record())
    with python_loader(tmp_path / "logs") as board:
        served = Served(board.provider, tmp_path / "logs")
        first = served.document()
        assert served.document(first["token"]) == {"unchanged": True}
        assert served.document("other")["token"] == first["token"]
        write(tmp_path / "logs" / "a", [(4, {"step/loss": 0.5})], record(step=4))
        assert served.document(first["token"]) == {"unchanged": True}  # TensorBoard has not read it
        board.provider._multiplexer.Reload()
        second = served.document(first["token"])
        assert (first["live"], second["live"]) == (True, False)
        assert [run["series"]["step/loss"]["steps"] for run in second["runs"]] == [[1, 2, 3, 4], [1, 2, 3]]
        assert served.document(second["token"]) == {"unchanged": True}


def test_a_run_that_dies_is_no_longer_live(tmp_path, monkeypatch):
    write(tmp_path / "logs", curve(3), record(ended=False, now=time.time()))
    with python_loader(tmp_path / "logs") as board:
        served = Served(board.provider, tmp_path / "logs")
        first = served.document()
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 1e4)
        second = served.document(first["token"])
    assert (first["live"], second["live"]) == (True, False)


def test_only_runs_that_have_changed_are_read(tmp_path, monkeypatch):
    for name in "ab":
        write(tmp_path / "logs" / name, curve(3), record())
    with python_loader(tmp_path / "logs") as board:
        served, asked = Served(board.provider, tmp_path / "logs"), []
        theirs = board.provider.read_scalars

        def read_scalars(**options):
            if options["plugin_name"] == "scalars":
                asked.append(sorted(options["run_tag_filter"].runs))
            return theirs(**options)

        monkeypatch.setattr(board.provider, "read_scalars", read_scalars)
        served.document()
        write(tmp_path / "logs" / "a", [(4, {"step/loss": 0.5})], record(step=4))
        board.provider._multiplexer.Reload()
        served.document()
        served.document()
    assert asked == [["a/optimization", "b/optimization"], ["a/optimization"]]


def test_the_tab_is_active_where_a_run_has_a_record(serve, tmp_path):
    write(tmp_path / "with", curve(3), record())
    write(tmp_path / "without", curve(3))
    for name, active in (("with", True), ("without", False)):
        served = serve(tmp_path / name)
        listing = served.get("/data/plugins_listing").json["keras_ch8"]
        assert (listing["enabled"], listing["tab_name"]) == (active, "Optimization")
        assert len(served.document()["runs"]) == 1


def test_a_folder_without_runs_is_an_empty_page(serve, tmp_path):
    (tmp_path / "logs").mkdir()
    made = serve(tmp_path / "logs").document()
    assert (made["runs"], made["live"]) == ([], False)


@pytest.mark.parametrize("prefix", ["", "/foo/bar"])
def test_all_that_the_page_loads_is_served_with_its_type(tmp_path, prefix):
    write(tmp_path / "logs", curve(3), record())
    with python_loader(tmp_path / "logs") as board:
        served = Served(board.provider, tmp_path / "logs", prefix)
        for name, kind in {**page.FILES, page.TAB: "text/javascript"}.items():
            answer = served.get(f"{OURS}/static/{name}")
            assert answer.status_code == 200
            assert answer.content_type.split(";")[0] == kind
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.data == page.asset(name).encode()
        entry = served.get(ENTRY)
        assert b'"./static/tab.js"' in entry.data
        policy = entry.headers["Content-Security-Policy"]
        assert "script-src 'self' 'unsafe-eval' 'sha256-" in policy
        assert len(served.document()["runs"]) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/static/../plugin.py", "/static/%2e%2e/plugin.py", "/static/..%2fplugin.py", "/static/..\\plugin.py",
        "/static//etc/passwd", "/static/vendor/../../plugin.py", "/static/", "/static", "/static/vendor/LICENSE",
        "/../../../etc/passwd",
    ],
)  # fmt: skip
def test_what_is_not_listed_is_not_served(served, path):
    assert served.get(OURS + path).status_code == 404


def test_tensorboard_has_nothing_to_warn_of(served, caplog):
    for path in (f"{OURS}/document", f"{OURS}/static/tab.js", ENTRY, "/data/plugins_listing"):
        served.get(path, headers={"Accept-Encoding": "gzip"})
        served.get(path, headers={"If-None-Match": "x"})
    assert not [row for row in caplog.records if row.levelname in ("WARNING", "ERROR")]


def test_a_tab_that_cannot_be_made_leaves_tensorboard_standing(tmp_path, monkeypatch, caplog):
    from keras_ch8.cockpit import plugin

    monkeypatch.setattr(plugin, "Documents", lambda *_: 1 / 0)
    write(tmp_path / "logs", curve(3), record())
    with python_loader(tmp_path / "logs") as board:
        served = Served(board.provider, tmp_path / "logs")
        assert "keras_ch8" not in served.get("/data/plugins_listing").json
    assert "Failed to load plugin" in caplog.text


def test_the_package_says_where_tensorboard_finds_the_tab():
    pyproject = tomllib.loads((Path(keras_ch8.__file__).parent.parent / "pyproject.toml").read_text())
    assert pyproject["project"]["entry-points"]["tensorboard_plugins"] == {
        "keras_ch8": f"{loader.__name__}:{loader.Loader.__name__}"
    }


def test_tensorboard_loads_next_to_nothing_for_it():
    code = (
        "import sys\nfrom tensorboard import default\nfrom tensorboard.plugins import base_plugin\n"
        "before = set(sys.modules)\n"
        "from keras_ch8.cockpit import loader\nprint(sorted(set(sys.modules) - before))\n"
        "from keras_ch8.cockpit import event_files, page, plugin\n"
        "print({'keras', 'tensorflow', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    for_the_tab, heavy = done.stdout.splitlines()
    assert "keras_ch8.cockpit.loader" in for_the_tab
    assert not [name for name in ("numpy", "keras'", "tensorflow", "google") if name in for_the_tab]
    assert heavy == "set()"
