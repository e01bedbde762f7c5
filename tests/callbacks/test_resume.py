"""A training that dies, and goes on in another process: here an exception stands for the death."""

import errno
import os
import random
import re
import shutil
import signal

import keras
import numpy as np
import pytest

import keras_ch8
from keras_ch8 import _arrays_file
from keras_ch8.callbacks import Resume, _resume
from keras_ch8.checkpoints.folder import Folder

from .resuming import STEPS, Died, X, Y, assert_same, interrupted, small_model, source, train


@pytest.fixture(scope="module")
def whole():
    """A training that nothing interrupts, without `Resume`."""
    return train()


def states(tmp_path):
    return sorted((tmp_path / "states").glob("state-*.npz"))


# --- what it ends with -----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_it_changes_nothing_and_says_that_a_training_has_ended(whole, resume, capsys, monkeypatch):
    assert_same(train(resume()), whole)
    with pytest.warns(UserWarning, match="Nothing is trained. This training has already ended"):  # in this process
        train(resume(), die_at=1)
    monkeypatch.setattr(_resume, "_ended_here", set())
    again = train(resume(), die_at=1)
    assert_same(again, whole)
    assert again.model.get_metrics_result() == whole.model.get_metrics_result()
    assert capsys.readouterr().out.count("has already ended") == 1
    assert again.model.evaluate(X, Y, verbose=0) == whole.model.evaluate(X, Y, verbose=0)


@pytest.mark.broad(slow=1)
@pytest.mark.parametrize("die_at", [1, STEPS, STEPS + 1])
def test_a_death_before_the_first_state_or_at_the_turn_of_an_epoch(whole, resume, die_at):
    assert_same(interrupted(lambda: resume("1ep"), (die_at,)), whole)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("every", ["2ba", 2, "2st"])
def test_batches_are_counted_on(resume, every):
    seen = []
    see = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    with pytest.raises(Died):
        train(resume(every), 4)
    train(resume(every), callbacks=lambda: [see])
    assert seen == [2, 3, 4] + 2 * list(range(STEPS))


@pytest.mark.slow
def test_a_model_without_weights_gets_them(resume):
    assert_same(interrupted(resume, (7,), model=without_input), train(model=without_input))


def without_input():
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.layers.Dense(4, "relu"), keras.layers.Dropout(0.2), keras.layers.Dense(3)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras_ch8.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    return model


@pytest.mark.slow
def test_random_numbers_go_on(resume):
    """A callback draws noise for the weights: from NumPy, Python and unseeded layers of Keras."""

    class Noise(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            weight = self.model.trainable_variables[0]
            noise = keras.random.normal(weight.shape) + np.random.normal() + random.random()  # noqa: NPY002
            weight.assign_add(0.01 * noise)

    script = {"callbacks": lambda: [Noise()]}
    assert_same(interrupted(resume, (8,), **script), train(**script))


# --- what has changed ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def left_by_a_death(tmp_path_factory):
    """A folder of states of a training that has died after 8 batches."""
    folder = tmp_path_factory.mktemp("left") / "states"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Folder, "is_writing", False)  # as for each test: see conftest.py
        with pytest.raises(Died):
            train(Resume(folder, "2ba"), 8)
    return folder


@pytest.fixture
def left(left_by_a_death, tmp_path):
    return shutil.copytree(left_by_a_death, tmp_path / "states")


def wider():
    model = small_model()
    hidden = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5), keras.layers.Dense(3)])
    hidden.compile(model.optimizer, model.loss)
    return hidden


CHANGES = {
    "model": ({"model": wider}, "model.variables[0]: 'kernel [6, 4] float32' then, 'kernel [6, 5] float32' now"),
    "loss": ({"model": lambda: recompiled(small_model())}, "metrics"),
    "optimizer": ({"model": lambda: small_model(keras_ch8.optimizers.Adam(rate(0.5)))}, ": 0.02 then, 0.5 now"),
    "data": ({"data": lambda: source(batch_size=14)}, "batch_size: 16 then, 14 now"),
    "callbacks": ({"callbacks": lambda: [keras_ch8.callbacks.EarlyStopping(patience=3)]}, "EarlyStopping"),
    "epochs": ({"epochs": 4}, "3 then, 4 now"),
}


def rate(beginning):
    return keras_ch8.schedules.LinearDecay(beginning, "3ep")


def recompiled(model):
    model.compile(model.optimizer, model.loss, metrics=["accuracy", "sparse_categorical_crossentropy"])
    return model


@pytest.mark.slow
@pytest.mark.broad(slow=3)
@pytest.mark.parametrize("part", CHANGES)
def test_a_change_is_refused_and_named(left, part):
    script, said = CHANGES[part]
    with pytest.raises(ValueError, match=r"belong to a different training\. Received:") as error:
        train(Resume(left), **script)
    assert said in str(error.value)
    assert f"Resume({str(left)!r}, allow=['{part}'" in str(error.value)
    shown = re.findall(r"('.*?'|\S+) then, ('.*?'|\S+) now", str(error.value))
    assert shown
    assert all(value.count("'") in (0, 2) for each in shown for value in each)  # no word is cut


@pytest.mark.slow
def test_a_rate_that_was_changed_and_allowed_is_used(left):
    again = train(Resume(left, allow=["optimizer"]), model=lambda: small_model(keras_ch8.optimizers.Adam(0.5)))
    assert float(again.model.optimizer.learning_rate) == 0.5
    assert int(again.model.optimizer.iterations) == 3 * STEPS


@pytest.mark.slow
@pytest.mark.broad(slow=2)
@pytest.mark.parametrize("part", ["callbacks", "epochs", "data", "loss"])
def test_a_change_that_is_allowed_is_trained_with(left, part):
    script, _ = CHANGES[part]
    assert train(Resume(left, allow=[part]), **script).epochs == list(range(script.get("epochs", 3)))


# --- damaged files, full disks ---------------------------------------------------------------------------------------


def damaged(path, how):
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes({
        "cut off": content[:middle],
        "empty": b"",
        "one bit": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
    }[how])  # fmt: skip


@pytest.mark.broad(slow=1)
@pytest.mark.parametrize("how", ["cut off", "empty", "one bit"])
@pytest.mark.slow
def test_of_a_damaged_state_one_warning_tells_and_the_one_before_is_used(whole, left, how):
    newest = max(left.glob("state-*.npz"))
    damaged(newest, how)
    with pytest.warns(RuntimeWarning, match="newest state of the training is damaged") as told:
        assert_same(train(Resume(left, "2ba")), whole)
    [told] = [each.message for each in told if each.category is RuntimeWarning]
    assert newest.name in str(told)


def test_where_all_are_damaged_nothing_is_begun(left):
    for path in left.glob("state-*.npz"):
        damaged(path, "cut off")
    with pytest.raises(ValueError, match=r"no intact state in its `directory`\. Received: .*state-"):
        train(Resume(left))


def test_a_folder_that_cannot_be_made_is_refused_before_the_first_step(tmp_path):
    (tmp_path / "file").write_text("here")
    see = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: pytest.fail("a step was made"))
    with pytest.raises(OSError, match="must be a writable folder") as error:
        train(Resume(tmp_path / "file" / "states"), callbacks=lambda: [see])
    assert error.value.errno == errno.ENOTDIR
    assert "file/states" in str(error.value)


@pytest.mark.parametrize("kind", ["full", "gone"])
@pytest.mark.slow
def test_a_disk_that_fails_while_it_trains(whole, resume, tmp_path, monkeypatch, kind):
    """It fails after the first state; later it can be written again, and is."""
    written = []
    write = _arrays_file.write

    def failing(path, content):
        written.append(path)
        if len(written) in (2, 3):
            if kind == "gone":
                shutil.rmtree(tmp_path / "states", ignore_errors=True)
            else:
                raise OSError(errno.ENOSPC, "No space left on device")
        write(path, content)

    monkeypatch.setattr(_arrays_file, "write", failing)
    with pytest.warns(RuntimeWarning, match="could not be saved in .*, but training continues") as told:
        assert_same(train(resume()), whole)
    assert len([each for each in told if each.category is RuntimeWarning]) == 1
    assert len(written) > 3
    assert len(states(tmp_path)) == 2


# --- SIGTERM ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_sigterm_saves_and_ends_the_process(whole, resume, tmp_path, capsys):
    class Terminates(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if int(self.model.optimizer.iterations) == 7:
                os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended:
        train(resume("3ep"), callbacks=lambda: [Terminates()])
    assert ended.value.code == 143
    assert signal.getsignal(signal.SIGTERM) is before
    assert "SIGTERM: the newest state of the training is in" in capsys.readouterr().out
    assert_same(train(resume("3ep")), whole)
    assert "in epoch 2, after 3 of its batches" in capsys.readouterr().out


# --- arguments and neighbours ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("every", ["10%", "0.5ep", 0.5])
def test_a_state_is_taken_after_whole_epochs_or_batches_or_seconds(every):
    with pytest.raises(ValueError, match="Received: every="):
        Resume("states", every)


def test_beside_backup_and_restore_it_is_refused(resume, tmp_path):
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    with pytest.raises(ValueError, match="Remove `BackupAndRestore`"):
        train(resume(), callbacks=lambda: [backup])


def test_one_training_at_a_time(resume):
    class Meanwhile(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            train(resume())

    with pytest.raises(ValueError, match="another training is using now"):
        train(resume(), callbacks=lambda: [Meanwhile()])


@pytest.mark.slow
def test_more_epochs_than_those_that_have_ended(resume):
    train(resume(), epochs=1)
    assert_same(train(resume(allow=["epochs"]), epochs=2), train(epochs=2))
