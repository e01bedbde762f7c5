"""F3, F4, F12: of several workers that train one model together only the chief writes, and all read at the same steps.

What is asked of the strategy is tested here with the answers of a real `ClusterResolver`; that two workers train so, in
tests/integration/test_multi_worker.py.
"""

import types

import pytest
import tensorflow as tf

from keras_ch8 import callbacks
from keras_ch8.callbacks.session import batch_counter
from keras_ch8.integration import backend
from tests.callbacks.runs import X, Y, fit, network

TWO_WORKERS = {"worker": ["localhost:1", "localhost:2"]}
WITH_CHIEF = {"chief": ["localhost:1"], "worker": ["localhost:2"], "evaluator": ["localhost:3"]}


def strategy(cluster, task, number):
    spec = tf.train.ClusterSpec(cluster)
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(spec, task_type=task, task_id=number)
    return types.SimpleNamespace(cluster_resolver=resolver)


@pytest.mark.parametrize(
    "cluster, task, number, workers, is_chief",
    [
        (TWO_WORKERS, "worker", 0, 2, True),
        (TWO_WORKERS, "worker", 1, 2, False),
        (WITH_CHIEF, "chief", 0, 2, True),
        (WITH_CHIEF, "worker", 0, 2, False),
        ({"worker": ["localhost:1"]}, "worker", 0, 1, True),
        ({}, "", None, 1, True),
    ],
)
def test_the_first_worker_is_the_chief_where_no_other_is_named(cluster, task, number, workers, is_chief):
    asked = strategy(cluster, task, number)
    assert (backend.workers(asked), backend.is_chief(asked)) == (workers, is_chief)


def test_a_strategy_of_one_process_has_one_worker():
    for alone in (tf.distribute.get_strategy(), tf.distribute.OneDeviceStrategy("CPU:0"), None):
        assert (backend.workers(alone), backend.is_chief(alone)) == (1, True)


@pytest.mark.slow
def test_a_worker_that_is_not_the_chief_writes_nothing_and_trains_as_the_chief_does(tmp_path, monkeypatch):
    def trained(folder):
        board = callbacks.TensorBoard(folder)
        model = network("sgd")
        history = fit(model, [board, callbacks.Diagnosis((X, Y), "cheap", measure_every=4, verbose=False)], epochs=2)
        return history, model.get_weights(), board.get_state()

    expected = trained(tmp_path / "chief")
    monkeypatch.setattr(backend, "is_chief", lambda strategy: False)
    found = trained(tmp_path / "worker")
    assert found[0] == expected[0]
    assert all((a == b).all() for a, b in zip(found[1], expected[1], strict=True))
    assert not (tmp_path / "worker").exists()
    assert (tmp_path / "chief" / "optimization").is_dir()


def test_of_several_workers_no_clock_decides_when_telemetry_is_read(monkeypatch):
    monkeypatch.setattr(batch_counter, "READ_SECONDS", -1.0)
    alone, together = batch_counter.Reading(), batch_counter.Reading(by_clock=False)
    for reading in (alone, together):
        reading.every, reading.pending = 500, 1
        reading.restart()
        reading.pending = 1
    assert (alone.is_due, together.is_due) == (True, False)
    together.pending = 500
    assert together.is_due
