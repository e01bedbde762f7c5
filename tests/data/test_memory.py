"""Arrays on disk, and several replicas."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from keras_ch8.data import ArraySource
from tests import forked

from . import replica_cases
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
        model.fit(ArraySource({**x, "more": y}, y, batch_size=4, seed=0, last_batch="pad"), epochs=2)
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


@pytest.mark.slow
def test_two_replicas_train_as_one_with_the_same_order_and_position():
    forked.call(replica_cases.compare)
