"""A training that is killed (`kill -9`) at random batches, or while a state is written, ends as if it had not been."""

import json
import signal

import numpy as np
import pytest

from tests.faults import killing
from tests.forked import PROCESSES
from tests.marks import mostly


def start(folder, kill=None, resumes=True):
    """Run the training in a process of its own, and return how that has ended."""
    process = PROCESSES.Process(target=killing.main, args=(str(folder), kill, resumes))
    process.start()
    process.join(300)
    return process.exitcode


def result(folder):
    with np.load(folder / "result.npz", allow_pickle=False) as content:
        arrays = dict(content)
    return json.loads(str(arrays.pop("plain"))), arrays


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What a training that nothing kills, and that has no `Resume`, comes to."""
    folder = tmp_path_factory.mktemp("whole")
    assert start(folder, resumes=False) == 0
    return result(folder)


def kills_of(seed):
    """Return at which batches of each start the process is killed, and whether while it writes: one to three times."""
    rng = np.random.default_rng(seed)
    at = rng.integers(1, killing.EPOCHS * killing.STEPS // 2, size=rng.integers(1, 4))
    return [(int(batch), bool(rng.integers(3) == 0)) for batch in at]


@pytest.mark.slow
@pytest.mark.parametrize("seed", mostly(pytest.mark.full, range(20), 0))
def test_everything(seed, tmp_path, whole):
    for kill in kills_of(seed):
        code = start(tmp_path, kill)
        if code == 0:  # it had stopped early before
            break
        assert code == -signal.SIGKILL
    assert start(tmp_path) == 0
    (plain, arrays), (plain_too, arrays_too) = whole, result(tmp_path)
    assert arrays_too.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(arrays_too[name], array, err_msg=name)
    for name, part in plain.items():
        np.testing.assert_equal(plain_too[name], part, err_msg=name)
