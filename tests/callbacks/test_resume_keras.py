"""Callbacks of Keras, and optimizers of all kinds, beside `Resume`."""

import keras
import numpy as np
import pytest

import keras_ch8
from keras_ch8 import _state
from keras_ch8.checkpoints import callback_states

from .resuming import STEPS, assert_same, interrupted, small_model, train


def with_averages():
    return small_model(keras.optimizers.Adam(0.02, use_ema=True, ema_momentum=0.9))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*unclosed file", "ignore::pytest.PytestUnraisableExceptionWarning")  # Keras's
def test_what_keras_callbacks_remember_is_not_forgotten(resume, tmp_path):
    """They stop at the same epoch, lower the rate at the same, save the same, and write the same rows."""

    def listed(folder):
        (tmp_path / folder).mkdir(exist_ok=True)
        names = {"monitor": "val_loss", "mode": "min"}
        return [
            keras.callbacks.EarlyStopping(**names, patience=3, min_delta=0.5, restore_best_weights=True),
            keras.callbacks.ReduceLROnPlateau(**names, patience=1, min_delta=0.5, factor=0.5),
            keras.callbacks.ModelCheckpoint(tmp_path / folder / "best.keras", **names, save_best_only=True),
            keras.callbacks.CSVLogger(tmp_path / folder / "log.csv"),
            keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        ]

    script = {"model": lambda: small_model(keras.optimizers.Adam(0.02)), "epochs": 8}
    one = train(callbacks=lambda: listed("whole"), **script)
    other = interrupted(resume, (9, 8), callbacks=lambda: listed("interrupted"), **script)
    assert_same(other, one)
    for mine, theirs in zip(other.callbacks, one.callbacks, strict=True):
        for attribute in ("wait", "best", "best_epoch", "stopped_epoch", "cooldown_counter", "min_delta"):
            assert getattr(mine, attribute, None) == getattr(theirs, attribute, None)
    rows = [(tmp_path / folder / "log.csv").read_text().splitlines() for folder in ("whole", "interrupted")]
    assert rows[0] == rows[1]
    assert len(rows[0]) == 1 + len(one.epochs)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("die_at", [STEPS + 1, STEPS + 4])
def test_swapped_averages_are_not_taken_for_the_weights(resume, die_at):
    swap = lambda: [keras.callbacks.SwapEMAWeights(swap_on_epoch=True)]  # noqa: E731
    script = {"model": with_averages, "callbacks": swap}
    assert_same(interrupted(lambda: resume("1ba"), (die_at,), **script), train(**script))


@pytest.mark.slow
def test_callbacks_of_somebody_else_are_told_of_once(resume, capsys):
    class Counts(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.count = 0

    class Forgets(keras.callbacks.Callback):
        pass

    train(resume(), callbacks=lambda: [Counts(), Forgets(), keras.callbacks.LambdaCallback()], epochs=1, verbose=2)
    said = capsys.readouterr().out
    assert said.count("cannot save what Counts must remember") == 1


@pytest.mark.slow
def test_a_callback_of_somebody_else_with_a_state_goes_on(resume):
    class Counts(keras.callbacks.Callback):
        count = 0

        def on_train_batch_end(self, batch, logs=None):
            self.count += 1

        def get_state(self):
            return {"count": self.count, "array": np.full(2, self.count), "number": np.float32(self.count)}

        def set_state(self, state):
            assert isinstance(state["number"], np.float32)
            assert state["array"].tolist() == 2 * [state["count"]]
            self.count = state["count"]

    run = interrupted(resume, (7,), callbacks=lambda: [Counts()])
    assert run.callbacks[0].count == 3 * STEPS


def test_what_is_no_plain_data_is_refused_with_its_place():
    with pytest.raises(TypeError, match=r"Received: it\['Mine'\]\[1\] = .* of type object"):
        _state.dump({"Mine": [0, object()]})


def test_every_callback_of_keras_is_in_one_of_the_tables():
    """A new one, or one that remembers more than before, is to be looked at."""
    known = {*callback_states.OF_KERAS, *callback_states.WITHOUT_STATE}
    others = {keras.callbacks.Callback, keras.callbacks.BackupAndRestore, keras.callbacks.OrbaxCheckpoint}
    classes = {c for c in vars(keras.callbacks).values() if isinstance(c, type)}
    assert classes - known - others == {keras.callbacks.CallbackList} & classes


OPTIMIZERS = {
    "accumulation": lambda: small_model(keras_ch8.optimizers.Adam(0.01, gradient_accumulation_steps=2)),
    "scaled loss": lambda: small_model(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.01))),
    "compiled": lambda: small_model(keras_ch8.optimizers.Adam(0.01), jit_compile=True),
    "eager": lambda: small_model(keras_ch8.optimizers.Adam(0.01), run_eagerly=True),
    "percent": lambda: small_model(keras_ch8.optimizers.SGD(keras_ch8.schedules.LinearDecay(0.1, "80%"))),
}


@pytest.mark.slow
@pytest.mark.broad(slow=2)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_all_kinds_of_steps(name, resume):
    script = {"model": OPTIMIZERS[name]}
    assert_same(interrupted(resume, (8,), **script), train(**script))


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("die_at", [4, 8])
def test_the_optimizer_is_switched_once(resume, die_at):
    script = {
        "model": lambda: small_model(keras_ch8.optimizers.Adam(0.01)),
        "callbacks": lambda: [keras_ch8.callbacks.SwitchOptimizer("1ep", to=keras_ch8.optimizers.SGD(0.1))],
    }
    assert_same(interrupted(resume, (die_at,), **script), train(**script))


def test_a_loop_of_ones_own_is_refused(resume):
    model = small_model()
    with (
        pytest.raises(ValueError, match="or train with `fit`"),
        keras_ch8.Doctor(None).watch(model, callbacks=[resume()]),
    ):
        pass


@pytest.mark.slow
def test_a_backup_beside_callbacks_that_remember_something_is_told_what_it_forgets(tmp_path):
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    stop, average = (
        keras_ch8.callbacks.EarlyStopping(),
        keras_ch8.callbacks.PolyakAveraging(uniform=True, evaluate="raw"),
    )
    board = keras_ch8.callbacks.TensorBoard(tmp_path / "logs")
    message = r"not the state of `PolyakAveraging`, `EarlyStopping`.*Resume\('.*backup'\)"
    with pytest.warns(UserWarning, match=message) as said:
        train(callbacks=lambda: [board, stop, backup, average])
    assert sum("BackupAndRestore" in str(each.message) for each in said) == 1
    train(callbacks=lambda: [board, keras.callbacks.BackupAndRestore(tmp_path / "other")])  # nothing is forgotten
