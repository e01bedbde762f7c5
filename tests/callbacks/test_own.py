"""A callback of one's own: it gets every step, and its curves stand in TensorBoard beside the others."""

import inspect

import numpy as np
import pytest

from keras_ch8 import callbacks, extend, optimizers
from keras_ch8.extend import Callback
from tests.board.readers import python_loader
from tests.callbacks.runs import STEPS, fit, network

HOOKS = [
    "on_train_begin", "on_epoch_begin", "on_open", "on_built", "on_epoch_end", "on_telemetry", "on_train_end",
    "on_close",
]  # fmt: skip


class Steepest(Callback):
    """Writes the largest gradient of each epoch."""

    steepest = extend.Tag("mine/steepest", "Steepest", "loss / weight", "Largest gradient of an epoch.")
    tags = (steepest,)

    def on_epoch_begin(self, epoch, logs=None):
        super().on_epoch_begin(epoch, logs)
        self.norms = []

    def on_telemetry(self, frames, logs):
        self.norms += [norm for frame in frames.values() for norm in frame.norm]

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        self.found = max(self.norms)
        self.write({self.steepest: self.found})


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("place", [0, 1], ids=["before TensorBoard", "after it"])
def test_its_curve_has_a_description(tmp_path, place):
    mine = Steepest()
    listed = [callbacks.TensorBoard(tmp_path)]
    listed.insert(place, mine)
    fit(network(optimizers.SGD(0.1)), listed)
    assert len(mine.norms) == STEPS
    with python_loader(tmp_path) as read:
        curve = read.scalars()["mine/steepest"]
        described = read.descriptions("scalars", "scalars")["mine/steepest"]
    assert [step for step, _ in curve] == [STEPS, 2 * STEPS]
    assert curve[-1][1] == pytest.approx(mine.found)
    assert described == "Largest gradient of an epoch. [loss / weight]"


@pytest.mark.slow
def test_without_tensorboard_it_writes_nothing_and_goes_on():
    mine = Steepest()
    fit(network("sgd"), [mine])
    assert np.isfinite(mine.found)


@pytest.mark.slow
def test_the_hooks_are_called_in_the_order_in_which_the_base_lists_them(monkeypatch):
    called = []
    for hook in HOOKS:
        theirs = getattr(Callback, hook)

        def record(self, *args, hook=hook, theirs=theirs):
            called.append(hook)
            return theirs(self, *args)

        monkeypatch.setattr(Callback, hook, record)

    class Own(Callback):
        pass

    fit(network("sgd"), [Own()], epochs=1)
    assert list(dict.fromkeys(called)) == HOOKS
    text = inspect.getdoc(Callback)
    places = [
        text.index(f"\n    {name}") for name in ("on_train_begin", "on_epoch_begin", "on_epoch_end", "on_train_end")
    ]
    assert places == sorted(places)
