"""One command runs all benchmarks, each with the options that it takes; ratios and rounds are what they say."""

import argparse
import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.outside import loaded

ROOT = Path(__file__).parent.parent
ALL = loaded("benchmarks/all.py")


def test_every_benchmark_that_is_run_is_there_and_takes_the_options_that_it_is_given():
    for name, commands in ALL.BENCHMARKS.items():
        text = (ROOT / f"benchmarks/{name}.py").read_text()
        if "--seconds" in " ".join(commands):
            assert re.search(r"harness\.(rounds|in_turn)\(", text), f"{name} makes as many rounds in any time"
        for option in set(re.findall(r"--(\w+)", " ".join(commands))) - {"seconds"}:
            assert re.search(rf"\b{option}\b", text), f"{name} has no --{option}"


def test_rounds_end_by_their_number_or_after_some_seconds_once_there_are_five():
    harness = loaded("benchmarks/harness.py")
    begun = harness.rounds(argparse.Namespace(rounds=9, seconds=0.05))
    assert [next(begun), next(begun)] == [0, 1]
    time.sleep(0.1)
    assert list(begun) == [2, 3, 4]
    assert len(list(harness.rounds(argparse.Namespace(rounds=9, seconds=math.inf)))) == 9


def test_a_ratio_is_of_the_same_round_and_tells_its_spread():
    ratio = loaded("benchmarks/harness.py").ratio([2.0, 30.0, 400.0], [1.0, 10.0, 1000.0])
    assert ratio == (2.0, 0.4, 3.0)
    assert str(ratio) == "  2.00 x ( 0.40 to  3.00)"


def test_what_is_stopped_is_said(tmp_path, monkeypatch):
    (tmp_path / "slow.py").write_text("import time\nprint('begun', flush=True)\ntime.sleep(60)\n")
    (tmp_path / "broken.py").write_text("raise ValueError('no such thing')\n")
    monkeypatch.setattr(ALL, "HERE", tmp_path)
    assert ALL.run("slow", "", 0.3, None)["note"].startswith("stopped after")
    assert "no such thing" in ALL.run("broken", "", 60.0, None)["note"]


@pytest.mark.full
def test_the_quick_comparison_of_optimizers_ends(tmp_path):
    command = [sys.executable, str(ROOT / "benchmarks/compare.py"), "--quick"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    found = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600)
    assert found.returncode == 0, found.stderr[-2000:]
    assert '"digits MLP": ' in found.stdout
    assert not list(tmp_path.iterdir())
