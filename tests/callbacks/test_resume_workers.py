"""Which state several workers go on from: the newest that each of them has whole. Threads stand for the workers."""

import os
import threading
import types
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8.callbacks import Resume
from keras_ch8.checkpoints import variables
from keras_ch8.checkpoints.folder import Folder, Workers
from keras_ch8.integration import backend
from tests import forked

from .resuming import small_model, source


def strategy(number, count):
    spec = tf.train.ClusterSpec({"worker": [f"localhost:{i}" for i in range(count)]})
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(spec, task_type="worker", task_id=number)
    return types.SimpleNamespace(cluster_resolver=resolver, num_replicas_in_sync=count)


@pytest.fixture
def ask_all(monkeypatch):
    """Return a function that lets each of several threads be a worker, and returns what each has got."""

    def ask(count, question):
        said, barrier = [0] * count, threading.Barrier(count, timeout=60)

        def gathered(number, own):
            said[backend.worker_number(own)] = number
            barrier.wait()
            found = list(said)
            barrier.wait()
            return found

        def answer(number):
            try:
                return question(Workers(strategy(number, count)))
            except ValueError as error:
                return str(error)

        monkeypatch.setattr(backend, "gathered_from_workers", gathered)
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(answer, range(count)))

    return ask


def write(folder, numbers, ended=()):
    for number in numbers:
        folder.number = number - 1
        folder.write({"a": np.array(number), "number": number, "has_ended": number in ended})
    folder.wait()


def newest(ask_all, directory, states, **options):
    """Return the numbers that workers with these states agree on, and those that each has left then."""

    def question(workers):
        folder = Folder(workers.folder_in(str(directory)), keep=9)
        folder.prepare()
        try:
            write(folder, states[workers.number], **options)
            found = workers.newest(folder, unfinished=bool(options))
            return found and found.number, folder._numbers(), folder.number
        finally:
            folder.close()

    return ask_all(len(states), question)


def test_they_go_on_from_the_newest_that_all_have_and_forget_what_came_after(ask_all, tmp_path):
    found = newest(ask_all, tmp_path, [[4, 5, 7], [4, 5, 6], [3, 4, 5]])
    assert found == [(5, [4, 5], 5), (5, [4, 5], 5), (5, [3, 4, 5], 5)]


def test_they_begin_where_no_one_has_any(ask_all, tmp_path):
    assert newest(ask_all, tmp_path, [[], []]) == [(None, [], 0)] * 2


def test_they_begin_anew_where_they_died_while_they_wrote_the_first(ask_all, tmp_path):
    assert newest(ask_all, tmp_path, [[1], []]) == [(None, [], 0)] * 2


def test_an_unfinished_one_is_agreed_on_likewise(ask_all, tmp_path):
    assert newest(ask_all, tmp_path, [[4, 5, 6], [4, 5, 6]], ended=(6,)) == [(5, [4, 5], 5)] * 2


@pytest.mark.parametrize("states", [[[4, 5], []], [[4, 5], [2, 3]]])
def test_that_none_is_common_is_an_error_of_all_that_says_who_has_what(ask_all, tmp_path, states):
    for error in newest(ask_all, tmp_path, states):
        assert "all of them have. Received: worker 0 with " in error
        assert "must find what it wrote" in error


def test_one_that_is_damaged_for_one_is_used_by_nobody(ask_all, tmp_path):
    newest(ask_all, tmp_path, [[1, 2], [1, 2]])
    with open(tmp_path / "worker-1-of-2" / "state-000002.npz", "r+b") as file:
        file.truncate(100)
    with pytest.warns(RuntimeWarning, match="The newest state of the training is damaged"):
        assert newest(ask_all, tmp_path, [[], []]) == [(1, [1], 1)] * 2


def test_that_one_has_damaged_ones_only_is_an_error_of_all(ask_all, tmp_path):
    newest(ask_all, tmp_path, [[1], [1]])
    with open(tmp_path / "worker-1-of-2" / "state-000001.npz", "r+b") as file:
        file.truncate(100)
    for error in newest(ask_all, tmp_path, [[], []]):
        assert "worker 0 with state 1, worker 1 with damaged ones only (this is worker " in error


def test_all_hear_what_one_says(ask_all):
    assert ask_all(3, lambda workers: workers.any_says(workers.number == 1)) == [True] * 3
    assert ask_all(3, lambda workers: workers.any_says(False)) == [False] * 3


@pytest.mark.parametrize("before, now", [(1, 2), (2, 1), (4, 2)])
def test_another_number_of_workers_is_refused(tmp_path, before, now):
    for number in range(before):
        folder = Folder(Workers(strategy(number, before)).folder_in(str(tmp_path)), keep=2)
        folder.prepare()
        write(folder, [1])
        folder.close()
    with pytest.raises(ValueError, match=f"Received: {now} of them, and in .* the states of {before}. Start as many"):
        Workers(strategy(0, now)).folder_in(str(tmp_path))
    assert os.listdir(tmp_path)


@pytest.mark.parametrize(
    "options, refused",
    [({"every": "30s"}, r"Received: every='30s', seconds. Pass batches"), ({"keep": 1}, "Pass keep=2")],
)
def test_what_workers_cannot_do_is_refused_before_anything_is_written(tmp_path, monkeypatch, options, refused):
    monkeypatch.setattr(backend, "workers", lambda strategy: 2)
    monkeypatch.setattr(backend, "worker_number", lambda strategy: 0)
    with pytest.raises(ValueError, match=refused):
        small_model().fit(source(), callbacks=[Resume(tmp_path / "states", **options)], verbose=0)
    assert not (tmp_path / "states").exists()


def copies(model):
    groups = *model.variables, *model.metrics_variables, *model.optimizer.variables
    return [[copy.numpy() for copy in backend.copies_of(variable)] for variable in groups]


def two_replicas_before_and_after():
    """Return the copies of all variables when they were taken, and when they were put into another model."""
    found, state = [], {}
    with forked.two_replicas().scope():
        for _ in range(2):
            keras.utils.set_random_seed(0)
            model = keras.Sequential([keras.Input((6,)), keras.layers.BatchNormalization(), keras.layers.Dense(3)])
            model.compile("adam", "mse", metrics=["mae"])
            x = np.random.default_rng(0).normal(size=(16, 6))
            model.fit(x[::-1] if found else x, np.ones((16, 3)), batch_size=16, shuffle=False, verbose=0)
            if found:
                variables.put(model, [], state)
            else:
                state, _ = variables.taken(model, [])
            found.append(copies(model))
    return found


@pytest.mark.slow
def test_each_replica_of_a_process_has_its_own_statistics_and_metrics_again():
    before, after = forked.call(two_replicas_before_and_after)
    assert sum(any((copy != first).any() for copy in others) for first, *others in before) >= 4  # two, loss, error
    for own, again in zip(before, after, strict=True):
        assert len(own) == 2
        np.testing.assert_array_equal(own, again)
