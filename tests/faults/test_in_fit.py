"""What the page of faults says of `fit`, seen in `fit`."""

import errno
import functools
import shutil
import warnings

import keras
import numpy as np
import pytest

from keras_ch8 import callbacks, clipping
from keras_ch8.board import _run_files
from keras_ch8.extend import Tracker
from keras_ch8.trackers import JSONL
from tests.small_callbacks import Dies

X, Y = np.ones((32, 3), "float32"), np.ones((32, 1), "float32")


def network():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    return model


def fit(watching, x=X, model=None):
    model = model or network()
    model.fit(x, Y, batch_size=8, epochs=3, shuffle=False, verbose=0, callbacks=watching)
    return model.get_weights()


@functools.cache
def bare():
    return fit([])


def same_as_bare(weights):
    for one, other in zip(bare(), weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_disk_that_fills_up_is_one_warning(tmp_path, monkeypatch):
    board, calls = callbacks.TensorBoard(str(tmp_path)), []

    def full(*args):
        calls.append(args)
        raise OSError(errno.ENOSPC, "No space left on device")

    class Fills(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                monkeypatch.setattr(_run_files.EventFile, "write", full)

    with pytest.warns(RuntimeWarning, match="No space left on device") as found:
        same_as_bare(fit([board, Fills()]))
    [told] = [str(w.message) for w in found if "Writing for TensorBoard has stopped in" in str(w.message)]
    assert "but training continues" in told
    assert len(calls) == 1


@pytest.mark.slow
def test_a_folder_that_is_deleted_meanwhile_is_one_warning(tmp_path):
    class Deletes(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                shutil.rmtree(tmp_path / "optimization")

    with pytest.warns(RuntimeWarning) as found:
        same_as_bare(fit([callbacks.TensorBoard(str(tmp_path)), Deletes()]))
    assert [w for w in found if "Writing for TensorBoard has stopped in" in str(w.message)]
    assert all("but training continues" in str(w.message) for w in found if w.category is RuntimeWarning)


@pytest.mark.slow
def test_two_trainings_at_once_have_two_folders(tmp_path):
    class Trains(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                fit([callbacks.TensorBoard(str(tmp_path))])

    same_as_bare(fit([callbacks.TensorBoard(str(tmp_path)), Trains()]))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["optimization", "optimization_2"]


class Gone(Tracker):
    """Writes to a server that is gone."""

    def log(self, step, values):
        raise ConnectionError("the server is gone")


@pytest.mark.slow
def test_a_server_that_is_gone_is_one_warning_and_the_others_go_on(tmp_path):
    with pytest.warns(RuntimeWarning, match="gets no more data, but training continues: ConnectionError") as found:
        same_as_bare(fit([callbacks.TensorBoard(str(tmp_path), log_to=[Gone(), JSONL()])]))
    assert len([w for w in found if "gets no more data" in str(w.message)]) == 1
    assert (tmp_path / "optimization" / "run.jsonl").read_text().count("step/loss") > 0


@pytest.mark.slow
def test_a_gradient_beyond_float32_that_is_clipped_is_no_step(tmp_path):
    model = network()
    model.compile("sgd", lambda y, predicted: keras.ops.mean(predicted - y), run_eagerly=True)
    x, kept = X.copy(), []
    x[8:16] = 3e38  # the gradient is the mean of these, and the norm of three of them infinite in float32

    class Keeps(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            kept.append([np.array(weight) for weight in model.get_weights()])

    watching = [callbacks.ClipGradients(clipping.ByGlobalNorm(1e-6)), callbacks.TensorBoard(str(tmp_path)), Keeps()]
    weights = fit(watching, x, model)
    assert all(np.isfinite(weight).all() for weight in weights)
    for before, after in zip(kept[0], kept[1], strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.slow
def test_where_the_folder_of_a_run_is_gone_a_new_run_begins(tmp_path):
    def watching():
        return [callbacks.Resume(str(tmp_path / "states")), callbacks.TensorBoard(str(tmp_path / "logs"))]

    with pytest.raises(KeyboardInterrupt):
        fit([*watching(), Dies("on_epoch_begin", 3)])
    shutil.rmtree(tmp_path / "logs")
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        same_as_bare(fit(watching()))
    assert [w for w in found if "cannot continue in" in str(w.message) and "starts there" in str(w.message)]
    assert (tmp_path / "logs" / "optimization").is_dir()
