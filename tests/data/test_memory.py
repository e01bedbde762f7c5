"""Arrays on disk, and several replicas."""

import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest

from keras_ch8.data import ArraySource
from tests import forked

from .recorder import Recorder


def run(module, *arguments):
    command = [sys.executable, "-W", "error::UserWarning", "-m", f"tests.data.{module}", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_arrays_on_disk_give_the_batches_of_those_in_memory(tmp_path):
    numbers = np.random.default_rng(0).uniform(0, 9, size=(10, 2, 3))
    arrays = {dtype: numbers.astype(dtype) for dtype in ("float32", "float64", "uint8")}
    mapped = {}
    for dtype, array in arrays.items():
        np.save(tmp_path / f"{dtype}.npy", array)
        mapped[dtype] = np.load(tmp_path / f"{dtype}.npy", mmap_mode="r")
    mapped["float64"] = mapped["float64"][::1].transpose(0, 1, 2)  # a view of one that is mapped
    y, model, given = np.arange(10), Recorder(), []
    for x in (arrays, mapped):
        model.fit(ArraySource({**x, "more": y}, y, batch_size=4, seed=0), epochs=2)
        given.append(model.given)
    for a, b in zip(keras.tree.flatten(given[0]), keras.tree.flatten(given[1]), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    assert {name: x.dtype for name, x in given[1][0][0].items() if name != "more"} == {
        "float32": "float32", "float64": "float32", "uint8": "uint8"
    }  # fmt: skip


def test_evaluate_and_predict_read_from_disk_too(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(5.0))
    source = ArraySource(np.load(tmp_path / "x.npy", mmap_mode="r"), batch_size=2, seed=0)
    assert Recorder().predict(source, verbose=0).tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]


@pytest.mark.full
def test_memory_does_not_grow_with_two_gigabytes_that_are_mapped(tmp_path):
    assert "were read of 1907" in run("memory_case", tmp_path)


@pytest.mark.slow
def test_a_process_ends_after_an_error_while_a_disk_is_read(tmp_path):
    command = [sys.executable, "-m", "tests.data.ending_case", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "an error of the user's" in done.stderr


X = np.random.default_rng(0).normal(size=(22, 3)).astype("float32")
Y = X.sum(axis=1)


def train(last_batch):
    """Return what comes of two fits of one source: weights, position, loss, predictions."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(1)])  # built by its first batch
    model.compile(keras.optimizers.SGD(0.1), "mse")
    source, seen = ArraySource(X, Y, batch_size=8, seed=0, last_batch=last_batch), []
    watch = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(source.step))
    for _ in range(2):
        model.fit(source, epochs=2, verbose=0, validation_data=source, callbacks=[watch])
    loss = model.evaluate(source, verbose=0)
    return [*model.get_weights(), [source.epoch, source.step], seen, loss, model.predict(source, verbose=0)]


def compare_replicas():
    warnings.simplefilter("error", UserWarning)
    strategy = forked.two_replicas()
    for last_batch in ("wrap", "keep"):
        one = train(last_batch)
        with strategy.scope():
            two = train(last_batch)
        for a, b in zip(one, two, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
        assert one[2] == [4, 0], one[2]
        assert one[3] == [1, 2, 3] * 4, one[3]


@pytest.mark.slow
def test_two_replicas_train_as_one_with_the_same_order_and_position():
    forked.call(compare_replicas)
