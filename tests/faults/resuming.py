"""A training that is cut off at some batch, and goes on in fresh objects from states that were kept as plain data.

By hand, with `get_state` and `set_state` alone: what `callbacks.Resume` does for users is tested with it.
"""

import collections
import io
import json

import keras
import numpy as np

CLOCKS = ("seconds", "spent", "setup", "clock", "diagnosis_cost")
"""Parts of states that say how long something took."""


class Killed(Exception):
    """In the place of a signal that kills: nothing that is done after it counts."""


def kept(state):
    """Return a state as it comes back from JSON with arrays beside it, without pickle."""
    arrays = {}

    def plain(value):
        if isinstance(value, np.ndarray):
            arrays[f"array_{len(arrays)}"] = value
            return {"array of the file": f"array_{len(arrays) - 1}"}
        if isinstance(value, dict):
            assert all(type(key) is str for key in value), value.keys()
            return {key: plain(each) for key, each in value.items()}
        if isinstance(value, list):
            return [plain(each) for each in value]
        assert value is None or type(value) in (bool, int, float, str), f"{value!r} of type {type(value).__name__}"
        return value

    text = json.dumps(plain(state))
    file = io.BytesIO()
    np.savez(file, **arrays)
    file.seek(0)
    with np.load(file, allow_pickle=False) as found:
        arrays = dict(found)

    def back(value):
        if isinstance(value, dict):
            return (
                arrays[value["array of the file"]]
                if "array of the file" in value
                else {k: back(v) for k, v in value.items()}
            )
        return [back(each) for each in value] if isinstance(value, list) else value

    return back(json.loads(text))


def assert_same(one, other, where=""):
    """Bit for bit, arrays entry by entry, wherever they are."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), f"{where}: {sorted(one)} and {sorted(other)}"
        for name in one:
            assert_same(one[name], other[name], f"{where}.{name}")
    elif isinstance(one, list | tuple | collections.deque):
        assert len(one) == len(other), f"{where}: lengths {len(one)} and {len(other)}"
        for i, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_same(a, b, f"{where}[{i}]")
    else:
        np.testing.assert_array_equal(one, other, err_msg=where)


class Training:
    """A model, a source and callbacks by name, and what a `fit` with them has brought."""

    def __init__(self, model, source, callbacks, **options):
        self.model, self.source, self.callbacks = model, source, callbacks
        self.options = {"epochs": 4, "verbose": 0} | options

    def fit(self, *others, initial_epoch=0):
        """Train to the end; the others are called after the callbacks."""
        listed = [*self.callbacks.values(), *others]
        self.model.fit(self.source, callbacks=listed, initial_epoch=initial_epoch, **self.options)
        return self

    @property
    def variables(self):
        """All variables by number: 0.i those of the model, 1.i of the optimizer, 2.i of the metrics."""
        groups = self.model.variables, self.model.optimizer.variables, self.model.metrics_variables
        return {f"{g}.{i}": v for g, group in enumerate(groups) for i, v in enumerate(group)}

    def result(self):
        """Return all that the training has brought."""
        numbers = {name: np.array(v) for name, v in self.variables.items()}
        history = {name: values for name, values in self.model.history.history.items() if name != "diagnosis_cost"}
        states = {name: without_time(callback.get_state()) for name, callback in self.callbacks.items()}
        return {"numbers": numbers, "epochs": self.model.history.epoch, "history": history, "states": states}

    def state(self, epoch):
        """Return what has to be kept, as JSON and arrays bring it back; `epoch` is the one to be entered."""
        next(iter(self.callbacks.values())).training.session.read()
        return kept({
            "epoch": epoch,
            "variables": {name: np.array(v) for name, v in self.variables.items()},
            "optimizer": type(self.model.optimizer).__name__,
            "history": {k: [float(v) for v in values] for k, values in self.model.history.history.items()},
            "epochs": self.model.history.epoch,
            "source": self.source.get_state(),
            "callbacks": {name: callback.get_state() for name, callback in self.callbacks.items()},
        })  # fmt: skip

    def go_on(self, state):
        """Train to the end from a state."""
        self.source.set_state(state["source"])
        for name, callback in self.callbacks.items():
            callback.set_state(state["callbacks"][name])
            assert_same(callback.get_state(), state["callbacks"][name], f"{name} before fit")
        self.model.optimizer.build(self.model.trainable_variables)
        self.model.test_on_batch(*self.source.take(np.arange(8))[:2])  # makes the variables of its metrics
        is_same = state["optimizer"] == type(self.model.optimizer).__name__
        for name, variable in self.variables.items():
            if name in state["variables"] and (is_same or not name.startswith("1.")):
                variable.assign(state["variables"][name])
        return self.fit(PutsBack(self, state), initial_epoch=state["epoch"])


class PutsBack(keras.callbacks.Callback):
    """Puts back what Keras forgets when `fit` begins: the history and the metrics of the running epoch."""

    def __init__(self, training, state):
        super().__init__()
        self.training, self.state = training, state

    def on_epoch_begin(self, epoch, logs=None):
        if self.state is None:
            return
        history = self.model.history
        history.epoch[:] = self.state["epochs"]
        history.history.update(self.state["history"])
        if self.state["source"]["step"]:
            for name, variable in self.training.variables.items():
                if name.startswith("2."):
                    variable.assign(self.state["variables"][name])
        self.state = None


class CutsOff(keras.callbacks.Callback):
    """Takes the state at the end of a batch of an epoch, or of the epoch where `batch` is None, and ends it all.

    Args:
        training: Whose state it is.
        epoch: Counted from 0.
        batch: Counted from 0.
        later: Batches after which it ends; None: never.
        end: Called then.
    """

    def __init__(self, training, epoch, batch, later=0, end=lambda: None):
        super().__init__()
        self.training, self.at, self.state = training, (epoch, batch), None
        self.left, self.end = later, end

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            self.state = self.training.state(self.epoch)
        self.may_end()

    def on_epoch_end(self, epoch, logs=None):
        if (epoch, None) == self.at:
            history = self.model.history  # which is told of the epoch after this
            epochs, columns = list(history.epoch), {name: list(values) for name, values in history.history.items()}
            history.on_epoch_end(epoch, logs)
            self.state = self.training.state(epoch + 1)
            history.epoch[:], history.history = epochs, columns
            self.may_end()

    def may_end(self):
        if self.state is not None and self.left is not None:
            if not self.left:
                self.end()
                raise Killed
            self.left -= 1


def cut_off(training, epoch, batch, later=0, end=lambda: None):
    """Return the state of a training at the end of a batch; it ends then, or so many batches later."""
    cuts = CutsOff(training, epoch, batch, later, end)
    try:
        training.fit(cuts)
    except Killed:
        return cuts.state
    raise AssertionError("it was not cut off")


def without_time(state):
    """Return a state without what a clock says."""
    if isinstance(state, dict):
        return {name: without_time(value) for name, value in state.items() if name not in CLOCKS}
    return [without_time(each) for each in state] if isinstance(state, list) else state
