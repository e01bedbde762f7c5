"""`python -m keras_ch8 doctor`: a script is run as its user runs it, then in copies, and its files stay as it left them."""

import hashlib
import os
import random
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
from keras_ch8.commands import doctor
from keras_ch8.commands.doctor import _process
from keras_ch8.commands.doctor._messages import EVALUATE, HELD_OUT, VALIDATION, Ended, Score, SeenEvaluate, SeenFit
from keras_ch8.commands.doctor._process import Ran, Target, Workplace
from keras_ch8.commands.doctor._script import Script, Scoring, outcome_of
from keras_ch8.integration.backend import random_numbers
from tests import forked

DATA = """
import keras
import numpy as np

rng = np.random.default_rng(0)
x = rng.normal(size=(256, 4)).astype("float32")
y = x @ np.ones((4, 1), "float32")
"""
MODEL = """
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD({rate}), "mse")
"""
SICK = f"{DATA}{MODEL.format(rate=3.0)}model.fit(x, y, epochs=4, verbose=2)\n"
HEALTHY = SICK.replace("3.0", "0.05")


@pytest.fixture
def call(tmp_path, monkeypatch, capfd):
    """Return a function that writes files into a folder, calls the command there, and returns status and output."""

    def called(*line, **files):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_py", ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("sys.argv", ["keras_ch8", "doctor", *line])
        status = __main__.main()
        return status, *capfd.readouterr()

    return called


def digests(*folders):
    """Return a hash of each file."""
    paths = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths if "__pycache__" not in str(path)}


def work_in(folder, text, *arguments):
    """Return the workplace of a script."""
    script = folder / "train.py"
    script.parent.mkdir(exist_ok=True)
    script.write_text(text)
    return Workplace(Target(script.resolve(), "", arguments, folder.resolve()), False, (1, 2))


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
    status, out, err = call(*line, train_py="")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    pytest.raises(AssertionError)


def test_a_folder_that_is_too_large_to_copy_is_refused_unless_its_files_are_shared(call, monkeypatch):
    monkeypatch.setattr(doctor, "LARGEST", 10**6)
    files = {"train_py": "", "data__numbers": "0" * 10**6}
    assert call("--dry-run", "train.py", **files)[0] == 2
    assert call("--dry-run", "--in-place", "train.py", **files)[0] == 0


def test_options_of_the_command_stand_before_the_script_or_after_its_arguments_and_what_follows_two_dashes_is_not_its(
    call,
):
    status, out, _ = call("--minutes", "3", "train.py", "--lr", "1", "--dry-run", "--", "--minutes", "9", train_py="")
    assert status == 0
    assert "train.py --lr 1 --minutes 9\n" in out
    assert "for at most 3 minutes" in out
