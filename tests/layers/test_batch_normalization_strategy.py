"""Two replicas with common statistics are one device with the whole batch."""

import json
import subprocess
import sys

import numpy as np
import pytest


@pytest.fixture(scope="module")
def found():
    command = [sys.executable, "-W", "ignore", "-m", "tests.layers.strategy_cases"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_synchronized_replicas_train_as_one_device(found):
    assert found["synchronized"] < 2e-6
    assert found["apart"] > 1e-3
    assert found["synchronized weight"] == pytest.approx(0.8**8)
    assert found["apart weight"] == pytest.approx(0.8**8)


@pytest.mark.slow
def test_their_variance_does_not_cancel(found):
    """Mean 3000, deviation 1, float32: E[x^2] - E[x]^2 would be off by about 1."""
    np.testing.assert_allclose(found["variance"], found["expected"], rtol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["synchronized", "apart"])
def test_a_replica_without_an_example_changes_nothing(kind, found):
    np.testing.assert_allclose(found[f"nothing {kind}"], found["expected nothing"], rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_their_gradient_proposes_no_common_shift(found):
    assert found["gradient"] > 0.1
    assert found["shift"] < 1e-5
