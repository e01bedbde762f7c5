"""Every example runs with --quick and writes the TensorBoard run that it names."""

import os
import runpy
import sys
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests import forked

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))


def run(example, folder, screen):
    """Run an example as `python example --quick` does."""
    os.chdir(folder)
    with open(screen, "wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.argv = [str(example), "--quick"]
    sys.path.insert(0, str(example.parent))
    runpy.run_path(str(example), run_name="__main__")


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(example, tmp_path):
    screen = tmp_path / "screen.txt"
    forked.call(run, example, tmp_path, screen)
    said = screen.read_text()
    runs = {path.parent for path in tmp_path.rglob("events.out.tfevents.*")}
    assert runs, "no TensorBoard run"
    assert any(EventAccumulator(str(run)).Reload().Tags()["tensors"] for run in runs)
    assert "tensorboard --logdir" in said
