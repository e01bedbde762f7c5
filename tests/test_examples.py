"""Every example runs with --quick and writes the TensorBoard run that it names."""

import subprocess
import sys
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(example, tmp_path):
    done = subprocess.run(
        [sys.executable, str(example), "--quick"], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    runs = {path.parent for path in tmp_path.rglob("events.out.tfevents.*")}
    assert runs, "no TensorBoard run"
    assert any(EventAccumulator(str(run)).Reload().Tags()["tensors"] for run in runs)
    assert "tensorboard --logdir" in done.stdout
