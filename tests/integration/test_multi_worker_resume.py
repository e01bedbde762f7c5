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


def unharmed(tmp_path_factory, case):
    """Let two workers train without `Resume`, and kill none."""
    folder = tmp_path_factory.mktemp(case)
    assert start(folder, [{"case": case}] * 2, resumes=False) == [0, 0]
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return unharmed(tmp_path_factory, "averaged")


@pytest.fixture(scope="module")
def whole_guarded(tmp_path_factory):
    return unharmed(tmp_path_factory, "guarded")


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


# --- a guard, a curriculum and the diagnosis --------------------------------------------------------------------------


def lines_of_guard(folder):
    """Return what `guard.jsonl` has; the chief alone has written it."""
    (path,) = folder.rglob("guard.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.full
def test_both_workers_leave_out_the_same_steps_go_back_together_and_the_chief_tells(whole_guarded):
    (one, weights), (other, weights_too) = (result(whole_guarded, index) for index in range(2))
    left_out, rollbacks, reason = one["guard"]
    assert other["guard"] == one["guard"]
    assert other["verdicts"] == one["verdicts"]
    for name in weights:
        if not name.startswith("model"):  # which has statistics of its own, and of its part of the batches
            np.testing.assert_array_equal(weights_too[name], weights[name], err_msg=name)
    not_finite = [record for record in left_out if record["place"] == "x"]
    assert sorted({example for record in not_finite for example in record["examples"]}) == resuming_workers.BAD
    assert {record["examples_in"] for record in left_out} == {"source"}
    assert len(rollbacks) == 1
    assert reason is None
    assert all(np.isfinite(array).all() for array in weights.values())
    lines = lines_of_guard(whole_guarded)
    assert [line for line in lines if line["action"] == "left out"] == left_out
    assert [line["step"] for line in lines if line["action"] == "went back"] == rollbacks


@pytest.mark.full
def test_a_guarded_training_is_killed_and_both_go_on(tmp_path, whole_guarded):
    """Between a state that is kept to go back to and the steps that make it necessary."""
    codes = start(tmp_path, [{"case": "guarded"}, {"case": "guarded", "kill": (23, False)}], first=1)
    assert codes[1] == -signal.SIGKILL
    assert start(tmp_path, [{"case": "guarded"}] * 2) == [0, 0]
    check_same(tmp_path, whole_guarded)
    assert lines_of_guard(tmp_path) == lines_of_guard(whole_guarded)
