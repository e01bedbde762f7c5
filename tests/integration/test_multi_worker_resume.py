"""Two workers of which one is killed: both end, and started again they end bit for bit as if nothing had happened."""

import json
import signal
import time

import numpy as np
import pytest

from tests.forked import PROCESSES
from tests.integration import resuming_workers, workers

SECONDS = 240


def start(folder, given=({}, {}), resumes=True, first=None):
    """Let two workers train, given what `resuming_workers.main` takes; return their exit codes, None if it hangs.

    Where `first` is the number of one, the other is killed as soon as that has ended.
    """
    ports = workers.free_ports(2)
    both = []
    for index, own in enumerate(given):
        arguments = {"folder": str(folder), "resumes": resumes} | own
        both.append(PROCESSES.Process(target=resuming_workers.main, args=(index, ports), kwargs=arguments))
        both[-1].start()
    until = time.monotonic() + SECONDS
    for process in both if first is None else [both[first]]:
        process.join(max(1.0, until - time.monotonic()))
    codes = [process.exitcode for process in both]
    for process in both:
        process.kill()
        process.join()
    return codes


def result(folder, index):
    with np.load(folder / f"result-{index}.npz", allow_pickle=False) as content:
        arrays = dict(content)
    return json.loads(str(arrays.pop("plain"))), arrays


def check_same(folder, whole):
    for index in range(2):
        (plain, arrays), (plain_too, arrays_too) = result(whole, index), result(folder, index)
        assert arrays_too.keys() == arrays.keys()
        for name, array in arrays.items():
            np.testing.assert_array_equal(arrays_too[name], array, err_msg=f"worker {index}: {name}")
        np.testing.assert_equal(plain_too, plain)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A training without `Resume` that nothing kills."""
    folder = tmp_path_factory.mktemp("whole")
    assert start(folder, resumes=False) == [0, 0]
    return folder


def killed_and_going_on(folder, kills):
    """Kill one of the workers at each start, see the other end by itself, and let both come to the end at last."""
    for index, batch, while_writing in kills:
        given = [{}, {}]
        given[index] = {"kill": (batch, while_writing)}
        codes = start(folder, given)
        assert codes[index] == -signal.SIGKILL
        assert codes[1 - index] not in (0, None)
    assert start(folder) == [0, 0]


@pytest.mark.slow
def test_a_worker_is_killed_and_both_go_on(tmp_path, whole):
    codes = start(tmp_path, [{}, {"kill": (8, False)}], first=1)
    assert codes[1] == -signal.SIGKILL
    assert start(tmp_path) == [0, 0]
    check_same(tmp_path, whole)


@pytest.mark.full
def test_three_kills_are_survived(tmp_path, whole):
    killed_and_going_on(tmp_path, [(0, 8, False), (1, 5, True), (0, 3, False)])
    check_same(tmp_path, whole)


@pytest.mark.full
def test_a_sigterm_to_one_ends_both_at_the_next_state(tmp_path, whole):
    assert start(tmp_path, [{}, {"term": 7}]) == [143, 143]
    assert start(tmp_path) == [0, 0]
    check_same(tmp_path, whole)
