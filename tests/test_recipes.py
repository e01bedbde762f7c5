"""Each recipe of CONTRIBUTING.md, followed in a copy as it is printed: what it adds works, and nothing turns red."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.outside import ROOT, loaded

tool = loaded("tools/recipes.py")
RECIPES = tool.recipes((ROOT / "CONTRIBUTING.md").read_text())
FIT = """
model.compile({optimizer}, "mse")
board = ch8.callbacks.TensorBoard("logs", log_to=[{log_to}])
model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=[board, {more}])
"""
MODEL = "model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), {layer} keras.layers.Dense(1)])\n"


def watched(optimizer="ch8.optimizers.SGD(0.01)", more="", layer="", log_to=""):
    return MODEL.format(layer=layer) + FIT.format(optimizer=optimizer, more=more, log_to=log_to)


CURRICULUM = watched() + (
    "source = ch8.data.ArraySource(x, y, batch_size=8)\n"
    'hard = ch8.callbacks.Curriculum(source, y[:, 0], pacing="cubic")\n'
    'model.fit(source, epochs=2, verbose=0, callbacks=[hard, ch8.callbacks.TensorBoard("more_logs")])\n'
)
IN_TENSORBOARD = {
    "An optimizer": (watched("ch8.optimizers.Signum(0.01)"), "step/gradient_norm"),
    "A clipping rule": (watched("ch8.optimizers.SGD(0.01, clip=ch8.clipping.Halving(1e-3))"), "step/clip_coefficient"),
    "A monitor with a verdict": (
        watched(more='ch8.callbacks.Diagnosis((x, y), checks=["loss_level"], measure_every=1, budget=None)'),
        "diagnosis/loss_level",
    ),
    "A pacing": (CURRICULUM, "epoch/curriculum_share"),
    "A stopping criterion": (
        watched(more="ch8.callbacks.EarlyStopping('loss', criterion=ch8.stopping.AfterEpochs(1))"),
        "1 epochs have been run",
    ),
    "A line search": (
        watched("ch8.optimizers.SteepestDescent(line_search=ch8.second_order.line_search.Tenths())"),
        "step/solver_step_length",
    ),
    "An initializer": (
        watched(layer="keras.layers.Dense(3, kernel_initializer=ch8.initializers.Signs()),"),
        "step/loss",
    ),
    "A schedule": (watched('ch8.optimizers.SGD(ch8.schedules.Halvings(0.1, "1ep"))'), "step/learning_rate"),
    "A tracker": (
        watched(log_to="ch8.trackers.Epochs()"),
        "epoch/loss at step 8",
    ),
    "A part for continuation": (
        watched(more='ch8.callbacks.Continuation(until="1ep")', layer="ch8.continuation.Leak(name='leak'),"),
        "epoch/continuation_leak.slope",
    ),
}
"""A training with what the recipe adds, and what of it is in the files of TensorBoard, or on the screen."""

TWO_FILES = (
    "A function of the backend seam",
    "A rule in a monitor that is there",
    "A monitor with a verdict",
    "A chart",
    "A command",
    "A pacing",
)

ALONE = [pytest.param([name], tool.READERS, marks=pytest.mark.full, id=name) for name in RECIPES]
FOLLOWED = [
    pytest.param(list(RECIPES), tool.READERS, marks=pytest.mark.slow, id="all of them"),
    *ALONE,
]


SERVER = """
import json, os, sys, traceback
import keras, numpy, tensorboard, tensorflow
for line in sys.stdin:
    code, folder, screen = json.loads(line)
    if not (child := os.fork()):
        os.chdir(folder)
        sys.path.insert(0, folder)
        with open(screen, "w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        status = 0
        try:
            exec(code, {"__name__": "__main__"})
        except BaseException:
            traceback.print_exc()
            status = 1
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Runs each code that it reads in a fork of a process that has imported Keras, and not `keras_ch8`."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", SERVER],
        cwd=tmp_path_factory.mktemp("server"),  # where there is no `keras_ch8` to be imported
        env=os.environ | {"PYTHONPATH": "", "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


def copied(folder, *names):
    for name in names:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for file in ROOT.iterdir():
        if file.is_file() and not file.name.startswith("."):
            shutil.copy(file, folder)


def run(server, code, folder):
    """Return what the code prints, in a process of its own in this folder."""
    screen = folder / "screen.txt"
    print(json.dumps([code, str(folder), str(screen)]), file=server.stdin, flush=True)
    status, said = server.stdout.readline().strip(), screen.read_text()
    assert status == "0", said[-3000:]
    return said


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_touches_two_or_three_files_and_one_is_a_test(name):
    assert set(TWO_FILES) < set(RECIPES)
    assert len({piece.path for piece in RECIPES[name]}) == (2 if name in TWO_FILES else 3)
    assert RECIPES[name][-1].path.startswith("tests/")


def test_a_recipe_is_followed_in_the_repository_by_its_name(tmp_path, monkeypatch):
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    for path in ("CONTRIBUTING.md", "keras_ch8/curriculum/pacings.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    assert tool.main("A pace").splitlines()[1:] == [f"  {name}" for name in RECIPES]
    said = tool.main("A pacing").splitlines()
    assert said[1:-1] == [f"  {path}" for path in dict.fromkeys(piece.path for piece in RECIPES["A pacing"])]
    changed = (tmp_path / said[1].strip()).read_text()
    assert "class Cubic(Pacing):" in changed
    assert '    "Cubic",\n' in changed
    assert (tmp_path / said[2].strip()).read_text().startswith("from keras_ch8 import")


@pytest.mark.slow
def test_what_recipes_add_works_everywhere(server, tmp_path):
    copied(tmp_path, "keras_ch8", "tests", "tools")
    (tmp_path / "docs").mkdir()
    for piece in (piece for pieces in RECIPES.values() for piece in pieces):
        piece.apply(tmp_path)
    code = "import os, runpy, keras, numpy as np, keras_ch8 as ch8\n"
    code += f"assert ch8.__file__.startswith({str(tmp_path)!r}), ch8.__file__\n"
    code += "x = np.random.default_rng(0).normal(size=(32, 3)).astype('float32'); y = x.sum(1, keepdims=True)\n"
    for name, pieces in RECIPES.items():
        code += f"for name, test in runpy.run_path({pieces[-1].path!r}).items():\n"
        code += f"    if name.startswith('test_'): test(); print('passed', {name!r})\n"
        (tmp_path / "trained" / name).mkdir(parents=True)
        code += f"os.chdir('trained/{name}')\n{IN_TENSORBOARD.get(name, [''])[0]}os.chdir('../..')\n"
    code += "from tools import chapter; open('docs/index.md', 'w').write(chapter.index())\n"
    said = run(server, code, tmp_path)

    for name, pieces in RECIPES.items():
        assert f"passed {name}\n" in said
        for piece in pieces:
            package = ".".join(Path(piece.path).parent.parts[1:])
            for added in piece.exported:
                assert f'"{added}"' in (tmp_path / piece.path).read_text()
                assert f"`{package}.{added}`" in (tmp_path / "docs" / "index.md").read_text()
    for name, (_, shown) in IN_TENSORBOARD.items():
        files = [file.read_bytes() for file in (tmp_path / "trained" / name).rglob("*tfevents*")]
        assert any(shown.encode() in content for content in [*files, said.encode()]), name


@pytest.mark.parametrize("names, readers", FOLLOWED)
def test_with_the_files_of_a_recipe_alone_no_test_turns_red(server, names, readers, tmp_path):
    """Nor do its own test and the examples in its docstrings."""
    copied(tmp_path, ".ci", "keras_ch8", "tests", "docs", "tools", "examples", "benchmarks")
    touched = dict.fromkeys(piece.path for name in names for piece in RECIPES[name])
    for piece in (piece for name in names for piece in RECIPES[name]):
        piece.apply(tmp_path)
    files = [*readers, *(path for path in touched if "__init__" not in path)]
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    run(server, f"import pytest\nassert pytest.main({[*options, *files]}) == 0", tmp_path)


@pytest.mark.slow
def test_what_recipes_add_passes_lint_and_types_once_it_is_formatted_and_make_docs_says_what_is_missing(tmp_path):
    pytest.importorskip("ruff")
    pytest.importorskip("mypy")
    copied(tmp_path, "keras_ch8", "tests", "docs", "tools", "examples", "benchmarks")
    for piece in (piece for pieces in RECIPES.values() for piece in pieces):
        piece.apply(tmp_path)
    for tool in ("ruff check --fix -q .", "ruff format -q .", "ruff check .", "mypy"):
        done = python(["-m", *tool.split()], tmp_path)
        assert done.returncode == 0, done.stdout[-3000:]
    said = python(["tools/missing.py"], tmp_path).stdout.splitlines()
    for line in (
        "made: docs/index.md",
        "made: docs/diagnosis.md",
        "missing: optimizers.Signum has no card in docs/methods",
        "missing: curriculum.pacings.Cubic has no card in docs/methods",
        "missing: optimizers.Signum has no case in tests/faults/cases_of_parts.py",
        "missing: the verdict high_loss has no picture: `python tools/verdict_pictures.py high_loss`",
        "missing: schedules.Halvings works on JAX and PyTorch, and tests/integration/pure_parts.py does not compare it",
    ):
        assert line in said
    again = python(["tools/missing.py"], tmp_path).stdout
    assert "made: " not in again
    assert "`optimizers.Signum`: Step by the signs" in (tmp_path / "docs" / "index.md").read_text()


def python(arguments, folder):
    command = [sys.executable, "-W", "ignore", *arguments]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
