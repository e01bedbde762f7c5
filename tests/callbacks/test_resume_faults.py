"""Disks, folders, callbacks and states that are not as they should be, and other trainings in the same folder."""

import contextlib
import errno
import os

import keras
import numpy as np
import pytest

from keras_ch8 import _arrays_file, _state
from keras_ch8.callbacks import Resume
from keras_ch8.checkpoints import fingerprint
from keras_ch8.checkpoints.folder import Folder
from keras_ch8.checkpoints.state import TrainingState

from .resuming import Died, X, Y, train

PLAIN = {"a": np.zeros(3), "has_ended": False}


def not_a_step(batch, logs=None):
    pytest.fail("a step was made")


# --- the folder is the user's --------------------------------------------------------------------------------------


def test_what_the_user_calls_new_stays(tmp_path):
    for name in ("thesis.new", "model.keras.new", "state-1.npz.new", "state-000001.npz"):
        (tmp_path / name).write_text("mine")
    for name in ("state-000009.npz.new", "can-be-written.new"):
        (tmp_path / name).write_text("half")
    (tmp_path / "x.new").mkdir()
    (tmp_path / "state-000008.npz.new").mkdir()
    folder = Folder(str(tmp_path), 2)
    folder.prepare()
    folder.close()
    left = {"thesis.new", "model.keras.new", "state-1.npz.new", "state-000001.npz", "x.new", "state-000008.npz.new"}
    assert {path.name for path in tmp_path.iterdir()} - {"lock"} == left


def test_a_disk_that_is_full_from_the_start_leaves_nothing(tmp_path, monkeypatch):
    @contextlib.contextmanager
    def full(*args):
        with open(*args) as file:
            yield file
            raise OSError(errno.ENOSPC, "No space left on device")  # as when it is flushed

    monkeypatch.setattr("keras_ch8.checkpoints.folder.open", full, raising=False)
    with pytest.raises(OSError, match="must be a writable folder"):
        Folder(str(tmp_path / "states"), 2).prepare()
    assert not list((tmp_path / "states").iterdir())


def written(tmp_path, count=5):
    folder = Folder(str(tmp_path), 2)
    folder.prepare()
    for _ in range(count):
        folder.write(PLAIN)
        folder.wait()
    folder.close()
    return sorted(path.name for path in tmp_path.glob("state-*"))


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP])
def test_a_folder_that_cannot_be_synchronized_does_not_fill_up(tmp_path, monkeypatch, code):
    sync = os.fsync

    def fsync(handle):
        if os.path.isdir(os.readlink(f"/proc/self/fd/{handle}")):
            raise OSError(code, "not here")
        sync(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    assert written(tmp_path) == ["state-000004.npz", "state-000005.npz"]


def test_old_states_that_cannot_be_removed_are_one_warning(tmp_path, monkeypatch):
    def remove(path):
        if "state-" in os.path.basename(path):
            raise PermissionError(errno.EACCES, "Permission denied")
        os.unlink(path)

    monkeypatch.setattr(os, "remove", remove)
    with pytest.warns(RuntimeWarning, match="cannot be removed from .*, but training continues: Permission") as told:
        assert len(written(tmp_path)) == 5
    assert len(told) == 1


@pytest.mark.slow
@pytest.mark.broad(slow=1)
@pytest.mark.parametrize("where", ["write", "copy"])
def test_a_memory_that_is_full_is_one_warning(resume, tmp_path, monkeypatch, where):
    def no_memory(*args, **kwargs):
        raise MemoryError

    if where == "write":
        monkeypatch.setattr(np, "savez", no_memory)
    else:
        monkeypatch.setattr("keras_ch8.checkpoints.variables.taken", no_memory)
    with pytest.warns(RuntimeWarning, match="could not be saved in .*, but training continues: MemoryError") as t:
        assert train(resume()).epochs == [0, 1, 2]
    assert len([each for each in t if each.category is RuntimeWarning]) == 1
    assert not list((tmp_path / "states").glob("state-*"))


# --- callbacks of somebody else ------------------------------------------------------------------------------------


@pytest.mark.broad(slow=2)
@pytest.mark.parametrize("state", [{"seen": object()}, {"seen": b"1"}, RuntimeError("not today")])
def test_a_state_that_cannot_be_written_is_refused_before_the_first_step(resume, state):
    class Mine(keras.callbacks.Callback):
        def get_state(self):
            if isinstance(state, Exception):
                raise state
            return state

        def set_state(self, state):
            """Forget it."""

    see = keras.callbacks.LambdaCallback(on_train_batch_begin=not_a_step)
    with pytest.raises(ValueError, match=r"Received from `Mine`: .* Fix `get_state`"):
        train(resume(), callbacks=lambda: [Mine(), see])


@pytest.mark.slow
def test_one_that_gives_no_state_later_is_one_warning(resume):
    class Mine(keras.callbacks.Callback):
        batches = 0

        def on_train_batch_end(self, batch, logs=None):
            self.batches += 1

        def get_state(self):
            return {"odd": object() if 2 < self.batches < 9 else 1}

        def set_state(self, state):
            """Forget it."""

    with pytest.warns(RuntimeWarning, match="could not be saved in .*`Mine`: TypeError") as told:
        assert train(resume(), callbacks=lambda: [Mine()]).epochs == [0, 1, 2]
    assert len([each for each in told if each.category is RuntimeWarning]) == 1


# --- other trainings in the same folder ----------------------------------------------------------------------------

ARRAYS = {"batch_size": 16, "epochs": 1}
OTHER_VALUES = {
    "x": {"data": lambda: (X + 1, Y)},
    "y": {"data": lambda: (X, Y[::-1])},
    "sample_weight": {"sample_weight": np.arange(70.0)},
    "validation": {"validation_data": (X[:20], Y[1:21])},
}


@pytest.mark.slow
@pytest.mark.broad(slow=1)
@pytest.mark.parametrize("what", OTHER_VALUES)
def test_other_values_of_arrays_are_refused_and_named(resume, what):
    first = {"data": lambda: (X, Y), "sample_weight": np.ones(70), **ARRAYS}
    with pytest.raises(Died):
        train(resume(), 4, **first)
    with pytest.raises(ValueError, match=rf"data\..*{what}.*checksum.* then, .* now\n.*another `directory`.*fold"):
        train(resume(), **first | OTHER_VALUES[what])


def test_of_arrays_some_rows_are_looked_at_and_nothing_is_iterated():
    class Rows:
        shape, dtype, taken = (10**9, 10**6), np.dtype("float32"), 0

        def __getitem__(self, place):
            self.taken += 1
            return np.arange(100) + place

        def __iter__(self):
            pytest.fail("it was iterated")

        def __array__(self, dtype=None, copy=None):
            pytest.fail("it was read whole")

    rows = Rows()
    assert list(fingerprint.of_arrays({"x": rows, "y": None, "z": iter([1])})) == ["x"]
    assert rows.taken == fingerprint.ROWS
    one = fingerprint.of_arrays({"x": {"a": X, "b": Y}})
    assert one == fingerprint.of_arrays({"x": {"a": X.copy(), "b": Y}})
    assert one != fingerprint.of_arrays({"x": {"a": X, "b": Y + 1}})


@pytest.mark.slow
def test_four_trainings_of_one_epoch_in_one_folder_are_told_that_nothing_is_trained(resume):
    train(resume("1ep"), epochs=1)
    for _ in range(3):
        with pytest.warns(UserWarning, match="Nothing is trained. This training has already ended: .* another dir"):
            train(resume("1ep"), epochs=1)


# --- names that Keras counts up ------------------------------------------------------------------------------------


def with_counted_names():
    class Scaled(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.scale = self.add_weight(shape=())
            self.shift = keras.Variable(0.0)

        def call(self, x):
            return x * self.scale + self.shift

    inputs = keras.Input((6,))
    outputs = keras.layers.Dense(3)(Scaled()(inputs))
    model = keras.Model(inputs, {model_name(outputs): outputs})
    model.compile("sgd", {model_name(outputs): "sparse_categorical_crossentropy"})
    return model


def model_name(outputs):
    return outputs._keras_history.operation.name


@pytest.mark.slow
def test_a_cell_of_a_notebook_that_is_run_again_goes_on(resume, capsys):
    """Keras counts the names of layers and variables up in one process."""
    with pytest.raises(Died):
        train(resume(), 4, model=with_counted_names)
    train(resume(), model=with_counted_names)
    assert "in epoch 1, after 2 of its batches" in capsys.readouterr().out


# --- states that somebody has written --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole_state(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    with pytest.raises(Died):
        train(Resume(folder / "states", "2ba"), 4)
    return _arrays_file.read(str(max((folder / "states").glob("state-*.npz"))))


@pytest.mark.parametrize(
    "change, said",
    [
        ({"epoch": None}, "it lacks 'epoch'"),
        ({"more": 1}, "it has 'more'"),
        ({"epoch": "x"}, r"it\['epoch'\] is of type str and not int"),
        ({"epoch": 10**9}, "epoch=1000000000"),
        ({"epoch": -3}, "epoch=-3"),
        ({"batch": True}, "bool"),
        ({"history": {}}, r"it\['history'\] is of type dict and not tuple"),
        ({"history": _state.dump(([0], [1]))}, r"it\['history'\]\[1\] is of type list and not dict"),
        ({"history": _state.dump(([0],))}, r"it\['history'\] has 1 entries and not 2"),
        ({"random": {}}, r"it\['random'\] lacks 'python'"),
        ({"variables": {"x": 1.0}}, r"it\['variables'\]\['x'\] is of type float and not ndarray"),
        ({"data": {_state.KIND: "object", "class": "os:system", "fields": {}}}, "'os:system' names no dataclass"),
        ({"fingerprint": {"epochs": 3}}, "fingerprint"),
        ({"callbacks": {"a": 3}}, "callbacks"),
        ({"validation": {_state.KIND: "tuple"}}, "no 'tuple' is made of"),
    ],
)
def test_a_state_of_other_content_is_one_error(whole_state, change, said):
    TrainingState.unpacked(whole_state)
    changed = {name: value for name, value in (whole_state | change).items() if value is not None}
    with pytest.raises(ValueError, match=rf"that this version of keras_ch8 writes\. Received: .*{said}"):
        TrainingState.unpacked(changed)
