"""The states of all callbacks of a training: of the suite's by `get_state`, of Keras's own by an explicit table.

Not by all attributes of an object: `MonitorCallback` of Keras changes the sign of its `min_delta` in the first epoch,
and one that is put back would be changed twice.
"""

import os
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras

from .. import _state

Callbacks = Sequence[keras.callbacks.Callback]


class NoState(ValueError):
    """A callback of somebody else does not give a state that can be written."""


OF_KERAS: dict[type, tuple[str, ...]] = {
    keras.callbacks.EarlyStopping: ("wait", "stopped_epoch", "best", "best_epoch", "best_weights"),
    keras.callbacks.ReduceLROnPlateau: ("wait", "best", "cooldown_counter"),
    keras.callbacks.ModelCheckpoint: (
        "best", "_batches_seen_since_last_saving", "_last_batch_seen", "_current_epoch",
    ),
    keras.callbacks.SwapEMAWeights: ("_ema_weights_in_model",),
    keras.callbacks.TensorBoard: ("_global_train_batch", "_global_test_batch", "_previous_epoch_iterations"),
    keras.callbacks.CSVLogger: ("keys",),
}  # fmt: skip
"""What these change while they train."""
WITHOUT_STATE = (
    keras.callbacks.History,
    keras.callbacks.LambdaCallback,
    keras.callbacks.LearningRateScheduler,
    keras.callbacks.ProgbarLogger,
    keras.callbacks.RemoteMonitor,
    keras.callbacks.TerminateOnNaN,
)
"""These have nothing that is needed again; `History` is restored by itself."""
_OF_EVERY_CALLBACK = set(vars(keras.callbacks.Callback()))


def taken(callbacks: Callbacks) -> dict[str, Any]:
    """Return the states of all callbacks that have one, by their classes, numbered where there are several.

    One that watches and has failed has none any more: it begins anew in the training that goes on.

    Raises:
        NoState: If one of somebody else does not give a state that can be written.
    """
    states = {name: _state_of(callback, name) for name, callback in named(callbacks) if has_state(callback)}
    return {name: state for name, state in states.items() if state is not None}


def check_others(callbacks: Callbacks) -> None:
    """See, before the first step, that the callbacks of somebody else give states that can be written.

    Raises:
        NoState: If one does not.
    """
    taken([callback for callback in callbacks if _has_own(callback) and not _is_known(callback)])


def put_before(callbacks: Callbacks, states: Mapping[str, Any]) -> None:
    """Put back, before `fit`, the states of those that take them then, and let files that are written go on."""
    for name, callback in named(callbacks):
        if name in states and _has_own(callback):
            callback.set_state(states[name] if _is_known(callback) else _state.load(states[name]))
        elif name in states and isinstance(callback, keras.callbacks.CSVLogger):
            _let_file_go_on(callback, states[name]["bytes"])


def put_within(callbacks: Callbacks, states: Mapping[str, Any]) -> None:
    """Put back the states of Keras's own, which forget everything in `on_train_begin`."""
    for name, callback in named(callbacks):
        if name in states and not _has_own(callback):
            for attribute in _table(callback):
                if attribute in states[name]:
                    setattr(callback, attribute, _state.load(states[name][attribute]))


def without_state(callbacks: Callbacks) -> list[str]:
    """Return the names of callbacks that may have something to remember, and do not say it: all are somebody else's."""
    return [name for name, callback in named(callbacks) if not _is_known(callback) and _may_remember(callback)]


def warn_of_what_a_backup_forgets(callbacks: Callbacks) -> None:
    """Warn where `BackupAndRestore` stands beside callbacks that have states; `TensorBoard` finds its run again."""
    backup = next((each for each in callbacks if isinstance(each, keras.callbacks.BackupAndRestore)), None)
    if backup is None:
        return
    ours = [(name, each) for name, each in named(callbacks) if isinstance(each, keras.callbacks.Callback)]
    lost = [(name, each) for name, each in ours if _has_own(each) and not getattr(each, "_finds_its_run", False)]
    forgotten = [f"`{name}`" for name, each in lost if each.get_state()]
    if forgotten:
        warnings.warn(
            "After an interruption, `BackupAndRestore` restores the weights and the epoch, but not the state of "
            f"{', '.join(forgotten)}. Use `keras_ch8.callbacks.Resume({os.fspath(backup.backup_dir)!r})` instead, "
            "which restores everything.",
            UserWarning,
            stacklevel=2,
        )


def named(callbacks: Callbacks) -> Iterator[tuple[str, Any]]:
    """Yield each callback after its name: its class, and its number where there are several of this class."""
    count: Counter[str] = Counter()
    for callback in callbacks:
        name = type(callback).__name__
        count[name] += 1
        yield name if count[name] == 1 else f"{name} {count[name]}", callback


def has_state(callback: keras.callbacks.Callback) -> bool:
    """Whether a callback has a state that is known."""
    return _has_own(callback) or bool(_table(callback))


def _has_own(callback: keras.callbacks.Callback) -> bool:
    return callable(getattr(callback, "get_state", None)) and callable(getattr(callback, "set_state", None))


def _is_known(callback: keras.callbacks.Callback) -> bool:
    kind = type(callback)
    return kind in (*OF_KERAS, *WITHOUT_STATE) or kind.__module__.startswith(("keras_ch8.", "keras.src."))


def _may_remember(callback: keras.callbacks.Callback) -> bool:
    """Whether a callback has attributes of its own, and no state but that of the class of the suite that it extends."""
    if not _has_own(callback):
        return bool(set(vars(callback)) - _OF_EVERY_CALLBACK)
    says = {getattr(type(callback), name).__module__ for name in ("get_state", "_state") if hasattr(callback, name)}
    return all(module.startswith("keras_ch8.") for module in says)


def _table(callback: keras.callbacks.Callback) -> tuple[str, ...]:
    return next((names for kind, names in OF_KERAS.items() if isinstance(callback, kind)), ())


def _state_of(callback: keras.callbacks.Callback, name: str) -> dict[str, Any] | None:
    if _is_known(callback) and _has_own(callback):
        known: dict[str, Any] | None = callback.get_state()
        return known
    if _has_own(callback):
        try:
            return _state.dump(dict(callback.get_state()))
        except Exception as error:  # whatever the code of somebody else raises
            raise NoState(
                f"`Resume` keeps what `get_state` of a callback returns. Received from `{name}`: "
                f"{type(error).__name__}: {error} Fix `get_state`, or remove it from the class: then the callback "
                "starts from scratch after an interruption."
            ) from error
    state = {name: getattr(callback, name) for name in _table(callback) if hasattr(callback, name)}
    if isinstance(callback, keras.callbacks.CSVLogger):
        state["bytes"] = os.path.getsize(callback.filename) if os.path.exists(callback.filename) else 0
    return _state.dump(state)


def _let_file_go_on(callback: keras.callbacks.CSVLogger, size: int) -> None:
    """Let a file of rows be appended to after the rows that were there when the state was taken."""
    if size and os.path.exists(callback.filename):
        os.truncate(callback.filename, size)
        callback.append = True
