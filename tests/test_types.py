"""A script of a user is understood by two type checkers: what is right has its type, what is wrong is told."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]

USES = """
from keras_ch8 import Doctor, callbacks, clipping, extend, optimizers, read_run, stopping

optimizer: optimizers.Adam = optimizers.Adam(1e-3, clip=clipping.ByGlobalNorm(1.0))
doctor: Doctor = Doctor("logs", resume="states")
found: list[extend.Verdict] = doctor.verdicts
stop = callbacks.EarlyStopping("val_loss", criterion=stopping.Patience(3))
reason: extend.Reason | None = stop.reason
steps: int = read_run("logs").step
"""
WRONG = """
stopping.Patience("three")
Doctor(folder="logs")
"""


def in_a_file(folder, text):
    (folder / "uses.py").write_text(text)
    return str(folder / "uses.py")


@pytest.mark.slow
def test_mypy_understands_what_a_user_writes(tmp_path):
    api = pytest.importorskip("mypy.api")
    options = [
        "--strict",
        "--follow-imports=silent",
        "--cache-dir",
        str(tmp_path / "cache"),
        "--config-file",
        "setup.cfg",
    ]
    said, _, status = api.run([*options, in_a_file(tmp_path, USES)])
    assert status == 0, said
    said, _, status = api.run([*options, in_a_file(tmp_path, USES + WRONG)])
    assert status == 1
    assert said.count("error:") == 2, said


@pytest.mark.slow
def test_basedpyright_understands_what_a_user_writes(tmp_path):
    checker = shutil.which("basedpyright", path=str(sys.prefix + "/bin")) or pytest.skip(
        "basedpyright is not installed"
    )

    def errors(text):
        command = [
            checker,
            "--outputjson",
            "--level",
            "error",
            "--pythonpath",
            sys.executable,
            in_a_file(tmp_path, text),
        ]
        finds = os.environ | {"PYTHONPATH": str(ROOT)}  # which an editable installation leaves to an import hook
        said = json.loads(subprocess.run(command, cwd=tmp_path, env=finds, capture_output=True, text=True).stdout)
        assert said["summary"]["filesAnalyzed"] == 1
        return [one["message"] for one in said["generalDiagnostics"] if one["severity"] == "error"]

    assert errors(USES) == []
    assert len(errors(USES + WRONG)) == 2
