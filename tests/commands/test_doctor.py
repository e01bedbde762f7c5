"""`doctor`: a script is run as its user runs it, then in copies, and its files stay as it left them."""

import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_ch8 import __main__
from keras_ch8.commands.doctor import _process, _session
from keras_ch8.commands.doctor._messages import EVALUATE, HALVES, HELD_OUT, Ended, Score, SeenEvaluate, SeenFit
from keras_ch8.commands.doctor._process import Ran, Target, Workplace
from keras_ch8.commands.doctor._script import Scoring, Script, outcome_of
from keras_ch8.commands.doctor._seen import _held_out
from keras_ch8.integration.backend import random_numbers
from keras_ch8.verdicts.code import NORMALIZE_INPUTS
from keras_ch8.verdicts.verdict import Verdict
from tests import forked

DATA = """\
import keras
import numpy as np

rng = np.random.default_rng(0)
x = rng.normal(size=(256, 4)).astype("float32")
y = x @ np.ones((4, 1), "float32")
"""
MODEL = """\
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD(3.0), "mse")
"""
SICK = f"{DATA}{MODEL}model.fit(x, y, epochs=4, verbose=2)\n"
HEALTHY = SICK.replace("3.0", "0.05")


@pytest.fixture
def call(tmp_path, monkeypatch, capfd):
    """Return a function that writes files, calls the command in their folder, and returns its status and output."""

    def called(*line, **files):
        for name, text in {"train.py": files.pop("train", "")}.items() | files.get("others", {}).items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("sys.argv", ["keras_ch8", "doctor", *line])
        status = __main__.main()
        return status, *capfd.readouterr()

    return called


def digests(*folders):
    """Return a hash of each file."""
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


# --- what the command takes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line, said",
    [
        ([], "Name the script"),
        (["there_is_none.py"], "there_is_none.py is not there"),
        (["."], ". is a folder"),
        (["analysis.ipynb"], r"notebook: call `keras_ch8.cure\(model_factory, data\)` in it"),
        (["-m", "no.such.module"], "There is no module no.such.module in"),
    ],
)
def test_what_is_no_script_is_refused_in_a_sentence(call, line, said):
    status, out, err = call(*line)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert re.search(said, err)


def test_a_folder_that_is_too_large_to_copy_is_refused_unless_its_files_are_shared(call, monkeypatch):
    monkeypatch.setattr(_session, "LARGEST", 10**6)
    assert call("--dry-run", "train.py", others={"data/numbers": "0" * 10**6 + "0"})[0] == 2
    assert call("--dry-run", "--in-place", "train.py")[0] == 0


def test_options_of_the_command_stand_before_the_script_or_after_its_arguments_and_what_follows_two_dashes_is_not_its(
    call,
):
    status, out, _ = call("--minutes", "3", "train.py", "--lr", "1", "--dry-run", "--", "--minutes", "9")
    assert status == 0
    assert "train.py --lr 1 --minutes 9\n" in out
    assert "for at most 3 minutes" in out


# --- a script is run as its user runs it -----------------------------------------------------------------------------


def test_a_script_without_a_fit_runs_to_its_end_and_is_told_what_is_watched(call):
    status, out, _ = call("train.py", "--lr", "2", train="import sys\nprint(sys.argv[1:], __name__)")
    assert status == 2
    assert out.splitlines()[0] == "['--lr', '2'] __main__"
    assert "ended without a `fit` of a Keras model" in out


@pytest.mark.slow
def test_a_script_that_exits_with_a_status_before_any_fit_has_failed(call):
    status, _, err = call("train.py", train="import sys\nsys.exit('no data')")
    assert (status, err.splitlines()[-1]) == (4, "no data")


MAIN = """
def main():
    multiprocessing.set_start_method("spawn")
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int)
    os.chdir(os.path.dirname(__file__) + "/out")
    model.fit(x, y, epochs=parser.parse_args().epochs, verbose=2)
    open("done.txt", "a").write("done ")
    return 0

if __name__ == "__main__":
    sys.exit(main())
"""


def test_a_healthy_script_with_arguments_another_folder_and_an_exit_is_run_once_and_called_well(call, tmp_path):
    train = f"import argparse, multiprocessing, os, sys\n{DATA}{MODEL.replace('3.0', '0.05')}{MAIN}"
    status, out, _ = call("train.py", "--epochs", "7", train=train, others={"out/readme": ""})
    assert status == 0
    assert "Epoch 7/7" in out
    assert re.search(r"^(OK|LITTLE CHECKED|WATCH): ", out, re.MULTILINE)
    assert (tmp_path / "out" / "done.txt").read_text() == "done "


@pytest.mark.slow
def test_an_error_of_the_script_is_shown_as_python_shows_it(call):
    status, _, err = call("train.py", train=f"{HEALTHY}raise OSError('disk full')")
    own = err[err.index("Traceback") :]
    assert status == 4
    assert own.splitlines()[-1] == "OSError: disk full"
    assert "train.py" in own
    assert "keras_ch8" not in own


@pytest.mark.slow
def test_what_is_wrong_with_a_training_that_an_error_ends_in_its_first_step_is_said(call, monkeypatch):
    train = SICK.replace("Dense(1)", "Dense(3, 'softmax')").replace('"mse"', '"sparse_categorical_crossentropy"')
    train = train.replace("y = x @ np.ones((4, 1), 'float32')", "")
    status, out, err = call(
        "--minutes", "0", "train.py", train=train.replace("model.compile", "y = np.arange(256) % 9\nmodel.compile")
    )
    assert status == 4
    assert "InvalidArgumentError" in err
    assert "ACT Last layer does not fit the loss" in out
    assert "No fix was tried" in out


# --- no trace is left ------------------------------------------------------------------------------------------------

WRITES = """
import os, sys, time

callbacks = [keras.callbacks.ModelCheckpoint("best.keras"), keras.callbacks.CSVLogger("log.csv")]
callbacks += [keras.callbacks.ModelCheckpoint(sys.argv[1] + "/all.weights.h5", save_weights_only=True)]
if not os.path.exists("data.npz"):
    np.savez("data.npz", x=x)
model.fit(x, y, epochs=2, verbose=0, callbacks=callbacks)
open(sys.argv[1] + "/result.txt", "w").write(str(time.time()))
if "keras_ch8-doctor-" in os.getcwd():
    open(sys.argv[1] + "/older.txt", "w").write("of a trial")
"""


@pytest.mark.slow
def test_every_file_of_the_user_is_byte_for_byte_as_the_first_run_left_it(tmp_path):
    inside, outside = tmp_path / "project", tmp_path / "elsewhere"
    inside.mkdir()
    outside.mkdir()
    (inside / "train.py").write_text(f"{DATA}{MODEL}{WRITES}")
    (outside / "older.txt").write_text("of last week")
    target = Target(inside / "train.py", "", (str(outside),), inside)
    with Workplace(target, print) as work:
        assert work.first_run().ended.error == ""
        left = digests(inside, outside)
        assert {path.name for path in left} >= {"best.keras", "log.csv", "data.npz", "all.weights.h5", "result.txt"}
        assert work.outside == [str(outside / name) for name in ("all.weights.h5", "result.txt")]
        assert work.trial({}, seed=1, scored_on=HELD_OUT).ended.error == ""
        now = digests(inside, outside)
        assert {path.name for path in now if left[path] != now[path]} == {"all.weights.h5", "result.txt", "older.txt"}
    assert digests(inside, outside) == left
    assert not work.folder.exists()


@pytest.mark.slow
def test_data_of_pandas_are_trained_scored_evaluated_and_scaled_as_keras_reads_them(tmp_path):
    pandas = "import pandas\nx, y = pandas.DataFrame(200 * x), pandas.Series(y[:, 0])\n"
    fit = "model.fit(x, y, validation_split=0.5, epochs=4, verbose=0)\nmodel.evaluate(x, y, verbose=0)\n"
    (tmp_path / "train.py").write_text(f"{DATA}{pandas}{MODEL.replace('3.0', '1e-6')}{fit}")
    with Workplace(Target(tmp_path / "train.py", "", (), tmp_path), print) as work:
        first = work.first_run()
        assert first.fits[0].frames == {"x": ".to_numpy()", "y": ".to_numpy()[:, None]"}
        assert all(each.code for each in first.fits[0].verdicts)
        script = Script(work, Scoring(first), first.fits)
        scaled = script.with_cure(Verdict("bad_inputs", "act", "", "", "", 5, code=NORMALIZE_INPUTS))
        found = [each.train(0) for each in (script, scaled)]
        assert "+new_x = x.to_numpy()\n" in scaled.text
    assert [each.error for each in found] == ["", ""]
    assert found[1].score > found[0].score


@pytest.mark.slow
def test_a_trial_that_is_only_scored_has_the_score_of_one_that_is_watched_and_no_verdicts(tmp_path):
    (tmp_path / "train.py").write_text(SICK.replace("3.0", "1.1"))
    with Workplace(Target(tmp_path / "train.py", "", (), tmp_path), print) as work:
        how = {"seed": 1, "scored_on": HELD_OUT}
        (watched,), (scored,) = (work.trial({}, **how, watched=each).fits for each in (True, False))
    assert watched.verdicts
    assert scored.verdicts == scored.further == ()
    assert (scored.score.value, scored.curve) == (watched.score.value, watched.curve)


@pytest.fixture
def short():
    """Return a folder with a short path: that of a socket has at most 107 characters."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="Ctrl-C goes to a group of processes")
@pytest.mark.parametrize(
    "end", [lambda process: os.killpg(process.pid, signal.SIGINT), subprocess.Popen.terminate], ids=["Ctrl-C", "kill"]
)
def test_ctrl_c_or_a_kill_says_what_was_found_and_leaves_nothing(tmp_path, short, end):
    (tmp_path / "train.py").write_text(f"{SICK}print('waiting', flush=True)\nimport time\ntime.sleep(600)\n")
    environment = os.environ | {"TMPDIR": str(short), "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-m", "keras_ch8", "doctor", "train.py"],
        cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        lines = iter(process.stdout.readline, "")
        assert "waiting\n" in lines
        end(process)
        rest = process.communicate(timeout=300)[0]
    assert process.returncode == 130
    assert "ACT " in rest
    assert not list(short.glob("keras_ch8*"))


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="a trial leads a group of processes")
def test_where_the_command_is_killed_for_good_its_trial_ends_too_and_the_copies_go(tmp_path, short):
    wait = "import os, time\nif 'keras_ch8-doctor-' in os.getcwd():\n    print(os.getpid(), file=open(PID, 'w', 1))\n"
    pid = tmp_path / "pid"
    (tmp_path / "train.py").write_text(f"PID = {str(pid)!r}\n{SICK}{wait}    time.sleep(600)\n")
    environment = os.environ | {"TMPDIR": str(short), "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen([sys.executable, "-m", "keras_ch8", "doctor", "train.py"], cwd=tmp_path, env=environment)
    assert waited(lambda: pid.exists() and pid.read_text())
    process.kill()
    process.wait()
    assert waited(lambda: not Path(f"/proc/{pid.read_text().strip()}").exists())
    assert waited(lambda: not list(short.glob("keras_ch8*")))


def waited(for_what):
    """Return whether something comes to be true in time."""
    return any(for_what() or time.sleep(0.1) for _ in range(1200))


def test_what_trials_change_behind_a_link_or_remove_is_put_back_and_a_text_that_its_user_saves_meanwhile_stays(
    tmp_path, monkeypatch
):
    project, disk = tmp_path / "project", tmp_path / "disk"
    weights, states, notes = project / "out/w.h5", disk / "states", project / "notes.md"
    weights.parent.mkdir(parents=True)
    disk.mkdir()
    (project / "train.py").write_text("")
    (project / "link").symlink_to(disk)
    began_with = []

    def first(*_, **options):
        time.sleep(0.05)  # a clock of files is that coarse
        weights.write_bytes(b"\0 first")
        states.write_text("first")
        notes.write_text("one line")
        return Ran((), Ended(written=(str(states),)))

    def trial(*_, **options):
        began_with.append(states.read_text())
        shutil.rmtree(weights.parent)
        states.write_text("trial")
        notes.write_text("two lines")
        return Ran((), Ended())

    with Workplace(Target(project / "train.py", "", (), project), print) as work:
        monkeypatch.setattr(work, "_run", first)
        work.first_run()
        assert work.outside == [str(states)]
        monkeypatch.setattr(work, "_run", trial)
        work.trial({})
        work.trial({})
    assert began_with == ["first", "first"]
    assert (weights.read_bytes(), states.read_text(), notes.read_text()) == (b"\0 first", "first", "two lines")


def test_a_copy_has_links_where_nothing_is_written_and_with_in_place_to_all_that_is_not_python(tmp_path):
    source, own = tmp_path / "source", f"{_process.PREFIX}1"
    for name in ("train.py", "data/x.npy", ".git/HEAD", "env/pyvenv.cfg", f"{own}/found"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(name)
    (source / "elsewhere").symlink_to(tmp_path)
    links = {}
    for in_place in (False, True):
        there = tmp_path / str(in_place)
        _process.copy(source, there, in_place)
        assert (there / "data/x.npy").read_text() == "data/x.npy"
        names = ("train.py", "data/x.npy", ".git", "env", own, "elsewhere")
        links[in_place] = [name for name in names if (there / name).is_symlink()]
    assert links[False] == [".git", "env", own, "elsewhere"]
    assert links[True] == ["data/x.npy", *links[False]]


# --- seeds and scores ------------------------------------------------------------------------------------------------


def drawn(by):
    """Return what each generator gives first after a script has set its seed."""
    random_numbers.shift_seeds(by)
    keras.utils.set_random_seed(1)
    found = [float(keras.random.uniform(())), random.random(), np.random.random()]  # noqa: NPY002
    found += [keras.initializers.GlorotUniform(seed=1).seed, int(keras.random.SeedGenerator(1).state[0])]
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    assert isinstance(np.random.mtrand._rand, np.random.RandomState)  # which scikit-learn asks
    found += [random.random(), np.random.random(), random.Random(1).random()]  # noqa: NPY002
    return [*found, *(of(1).random() for of in (np.random.default_rng, np.random.RandomState))]


@pytest.mark.slow
def test_seeds_are_others_where_a_script_sets_them_and_the_same_after_equal_shifts():
    own, other, again = (forked.call(drawn, by) for by in (0, 7, 7))
    assert again == other
    assert all(a != b for a, b in zip(own, other, strict=True))


def seen(line, model=0, scored_on=HALVES, score=0.0, verdicts=()):
    return SeenFit(
        ("train.py", (line, line, 0, 9)), model, scored_on, verdicts=tuple(verdicts), score=Score(score, "accuracy")
    )


def test_a_script_is_scored_where_it_trains_last_over_all_models_of_a_cross_validation_after_their_last_fit():
    folds = Ran(
        (seen(3, 0, score=0.1), *(seen(9, fold, score=s) for fold, s in ((1, 0.2), (1, 0.6), (2, 0.8)))), Ended()
    )
    assert Scoring(folds).score(folds).value == pytest.approx(0.7)


def test_a_script_without_validation_is_scored_where_it_evaluates_last():
    ran = Ran((seen(3, scored_on=HELD_OUT), SeenEvaluate(Score(0.5)), SeenEvaluate(Score(0.9))), Ended())
    assert Scoring(ran).on == EVALUATE
    assert Scoring(ran).score(ran).value == 0.9


@pytest.mark.parametrize(
    "given", [{"validation_data": (np.arange(100, 180), np.arange(80))}, {"validation_split": 0.5}]
)
def test_no_validation_example_both_scores_a_trial_and_may_choose_its_epoch(given):
    scored, own = [], set(range(100, 180)) if "validation_data" in given else set(range(80, 160))
    for seed in (0, 1):
        arguments = {"x": np.arange(160), "y": np.arange(160), **given}
        held_out = _held_out(arguments, HALVES, seed)
        scored.append({*held_out.x})
        assert {*arguments["validation_data"][0]} == own - scored[-1]
        assert len(scored[-1]) == 40
        assert {*arguments["x"]} == ({*range(160)} if "validation_data" in given else {*range(80)})
    assert scored[0] != scored[1]


def test_of_each_kind_the_gravest_verdict_of_all_trainings_counts_and_a_script_that_fails_has_no_score():
    mild, grave = (Verdict("plateau", level, level, "", "8.2", 5) for level in ("watch", "act"))
    ran = Ran((seen(3, verdicts=[mild]), seen(5, verdicts=[grave])), Ended(error="OSError: disk full"))
    outcome = outcome_of(ran, Score(0.5))
    assert outcome.verdicts == (grave,)
    assert np.isnan(outcome.score)


# --- from a sick script to a patch that is proven --------------------------------------------------------------------


@pytest.fixture
def quickly(monkeypatch):
    """One seed chooses, and one proves."""
    monkeypatch.setattr(_session, "SEEDS", 1)


@pytest.mark.slow
def test_a_flat_script_gets_a_patch_that_git_applies_and_that_write_puts_into_the_file(call, quickly, tmp_path):
    status, out, err = call("--write", "--json", "train.py", train=SICK)
    assert status == 1, out
    found = json.loads(out)
    evidence = [each["evidence"] for each in found["runs"][0]["findings"]]
    assert [bool(each["unit"]) for each in evidence] == [bool(each["series"]) for each in evidence]
    assert found["gain"]["result"] == "proven"
    assert any(each.startswith("Scores are from ") for each in found["runs"][0]["not_checked"])
    assert found["patch"] in err
    assert "original" in Path(found["page"]).read_text()
    patched = (tmp_path / "train.py").read_text()
    assert (tmp_path / "train.py.orig").read_text() == SICK
    (tmp_path / "train.py").write_text(SICK)
    (tmp_path / "fix.diff").write_text(found["patch"])
    subprocess.run(["git", "apply", "fix.diff"], cwd=tmp_path, check=True)
    assert (tmp_path / "train.py").read_text() == patched != SICK


def test_the_diff_of_a_script_that_is_not_below_the_current_folder_is_for_its_own(tmp_path):
    folder, cwd = tmp_path / "project", tmp_path / "here"
    for each in (folder, cwd):
        each.mkdir()
    (folder / "train.py").write_text("a = 1\n")
    with Workplace(Target(folder / "train.py", "", (), cwd), print) as work:
        assert Script(work, None, files={"train.py": "a = 2\n"}).text.startswith("--- a/train.py\n+++ b/train.py\n")


@pytest.mark.slow
def test_a_module_with_functions_and_relative_imports_gets_a_patch(call, quickly):
    net = f"import keras\ndef build():\n{textwrap.indent(MODEL, '    ')}\n    return model\n"
    fit = "    build().fit(x, y, validation_data=(x[:50], y[:50]), epochs=4, verbose=0)"
    main = f"from .net import build\n\ndef main():\n{fit}\n\nif __name__ == '__main__':\n    main()\n"
    others = {"lab/__init__.py": "", "lab/net.py": net, "lab/train.py": DATA + main}
    status, out, _ = call("-m", "lab.train", others=others)
    assert status == 1, out
    assert "--- a/lab/train.py" in out
    assert "scored on one half of the script's validation data" in out


@pytest.mark.slow
def test_a_script_with_a_data_set_that_evaluates_gets_a_patch(call, quickly):
    made = "import tensorflow as tf\ndata = tf.data.Dataset.from_tensor_slices((x, y)).batch(32)\nmodel.fit(data,"
    status, out, _ = call("train.py", train=f"{SICK.replace('model.fit(x, y,', made)}model.evaluate(x, y)\n")
    assert status == 1, out
    assert "scored on the data that the script evaluates on" in out


def test_what_the_command_prints_to_a_file_of_the_folder_stays(tmp_path, monkeypatch):
    (tmp_path / "train.py").write_text("")
    screen = os.dup(1)
    with (tmp_path / "doctor.json").open("wb") as file:
        os.dup2(file.fileno(), 1)
    try:
        with Workplace(Target(tmp_path / "train.py", "", (), tmp_path), print) as work:
            monkeypatch.setattr(work, "_run", lambda *_, **options: Ran((), Ended()))
            os.write(1, b"found, ")
            work.first_run()
            os.write(1, b"and proven")
    finally:
        os.dup2(screen, 1)
        os.close(screen)
    assert (tmp_path / "doctor.json").read_bytes() == b"found, and proven"
