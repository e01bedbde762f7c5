"""The contracts of what goes along with a training: callbacks, monitors and trackers."""

import contextlib
import copy
import json
import math
import os
import pickle
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import keras

import keras_ch8

from .. import callbacks
from .._describe import short
from ..monitors.eigenvalues import SpectrumMonitor
from ..trackers.base import Tracker
from ..trackers.feeds import Feeds
from ._require import Make, Training, explained, fit, made, name_of, require, require_close, small_training


class _Interruption(Exception):
    """Ends a training in the middle."""


class _Interrupts(keras.callbacks.Callback):
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch == 1:
            raise _Interruption


def check_callback(make: Make, *, changes_training: bool = False, on: Training = small_training) -> None:
    """Check a callback: it watches without a trace, over several trainings, and can be copied.

    Args:
        make: The class, or a function without arguments that makes one.
        changes_training: Whether it is meant to change weights, rates or the number of epochs. Otherwise the training
            must end bit for bit as one without it. Defaults to `False`.
        on: A function that makes a compiled model with inputs and targets, for a callback that needs a certain one.
            Defaults to a small network.

    Raises:
        AssertionError: Where the contract is broken; the message says what is wrong and how to fix it.

    Example:
        >>> keras_ch8.extend.check_callback(keras_ch8.callbacks.GradientClippingLogger)  # doctest: +SKIP
    """
    callback = made(make, "callback", keras.callbacks.Callback, "keras.callbacks.Callback")
    name = name_of(callback)
    (bare, x, y), (watched, *_) = on(), on()
    expected, optimizer = fit(bare, x, y), watched.optimizer
    with explained(f"`{name}` does not survive a `fit`."):
        found = fit(watched, x, y, [callback])
    pairs = [(watched, bare)] + ([(optimizer, bare.optimizer)] if watched.optimizer is optimizer else [])
    left = {attribute for one, other in pairs for attribute in vars(one).keys() ^ vars(other).keys()}
    require(
        not left,
        f"`{name}` leaves attributes on the model or its optimizer: {sorted(left)}. Keep them on the callback, and "
        "take back in `on_train_end` what is replaced on an instance.",
    )
    if not changes_training:
        message = f"`{name}` changes the training. Read copies of weights, or say `changes_training=True`."
        for one, other in zip(watched.get_weights(), bare.get_weights(), strict=True):
            require_close(one, other, message, rtol=0, atol=0)
        for quantity, values in expected.items():
            require_close(found.get(quantity, []), values, f"{message} `{quantity}` differs.", rtol=0, atol=0)
    with explained(f"`{name}` cannot be used in a second training: set in `on_train_begin` what belongs to one."):
        fit(watched, x, y, [callback])
        fit(on()[0], x, y, [callback])
    with explained(f"A used `{name}` cannot be copied: leave the model and open files out in `__getstate__`."):
        copied = copy.deepcopy(callback)
        pickle.dumps(callback)
        fit(on()[0], x, y, [copied])
    died, watched_when_died = on()[0], on()[0]
    for model, watching in ((died, []), (watched_when_died, [make()])):
        with contextlib.suppress(_Interruption):
            fit(model, x, y, [*watching, _Interrupts()])
    left = vars(watched_when_died).keys() - vars(died).keys()
    require(not left, f"After a training that was interrupted `{name}` leaves {sorted(left)} on the model.")


def check_monitor(monitor: Any, *, on: Training = small_training) -> None:
    """Check a monitor: it measures while `fit` runs, changes nothing, and keeps no state of its own.

    Args:
        monitor: An object of a class derived from `extend.Monitor`.
        on: A function that makes a compiled model with inputs and targets, for a monitor of certain layers. Defaults
            to a small network.

    Raises:
        AssertionError: Where the contract is broken; the message says what is wrong and how to fix it.

    Example:
        >>> from keras_ch8.monitors._step_length import StepLengthMonitor
        >>> keras_ch8.extend.check_monitor(StepLengthMonitor())  # doctest: +SKIP
    """
    name, base = name_of(monitor), keras_ch8.extend.Monitor
    require(isinstance(monitor, base), f"`{name}` must inherit from `extend.Monitor`.")
    require(isinstance(getattr(monitor, "name", None), str), f"`{name}` must have a `name`, a string.")
    if monitor.source == "spectrum":
        require(
            isinstance(monitor, SpectrumMonitor) and monitor.name == "spectrum",
            f"`{name}` is never measured: a monitor of the spectrum must inherit from "
            "`monitors.eigenvalues.SpectrumMonitor` and "
            f'keep its name, "spectrum". Received: name={monitor.name!r}.',
        )
    before = copy.deepcopy(vars(monitor))
    (bare, x, y), (watched, *_) = on(), on()
    diagnosis = keras_ch8.callbacks.Diagnosis((x, y), checks=[monitor], measure_every=1, budget=None)
    fit(bare, x, y)
    with warnings.catch_warnings(), explained(f"`{name}` stops the training."):
        warnings.simplefilter("error")
        fit(watched, x, y, [diagnosis])
    for one, other in zip(watched.get_weights(), bare.get_weights(), strict=True):
        require_close(one, other, f"`{name}` changes the weights: measure in `tensors`, write nothing.", rtol=0, atol=0)
    require(
        vars(monitor) == before,
        f"`{name}` keeps state between measurements: {vars(monitor)}. Read what was measured from `log.of(self.name)`.",
    )
    log = diagnosis.log
    if monitor.source == "spectrum" and not log.of("spectrum"):  # the training gave no reason to measure it
        log.add(log.step, {"spectrum": keras_ch8.monitors.spectrum(watched, x, y)})
    if monitor.source == "probe":
        require(
            len(log.of(monitor.name)) > 1,
            f"`{name}` has measured nothing: `tensors` must return tensors by name, and `reading(**arrays)` what they "
            "mean. If it is for certain layers, give a model that has them by `on=`.",
        )
    with explained(f"`{name}.numbers` must return numbers by name, `claims` a list of claims, from the log alone."):
        numbers, claims = monitor.numbers(log), monitor.claims(log)
        numbers = {key: float(value) for key, value in numbers.items()}
    require(
        all(isinstance(claim, keras_ch8.extend.Claim) for claim in claims),
        f"`{name}.claims` must return a list of `extend.Claim`. Received: {short(claims)}.",
    )
    require(
        repr(monitor.claims(log)) == repr(claims),
        f"`{name}.claims` must be a pure function of the log: it has returned two different lists for the same one. "
        "Compute the claims from the argument alone.",
    )


_NUMBERS = {"plain": 0.5, "odd / name, @1": math.nan, "../up": math.inf, "ä": -math.inf, "tiny": 1e-300}
_VERDICT = {"kind": "cliff", "level": "act", "finding": "It is steep.", "cure": "Clip.", "section": "8.2.4", "step": 2}
_EVENT = {"step": 2, "kind": "spike", "text": "It jumps."}
_SETTINGS = {"optimizer": "Adam", "learning_rate": 0.001, "nesterov": True, "clip, if any": None}
_SECONDS = 2.0
"""How long a thread may need to end."""


def check_tracker(make: Make) -> None:
    """Check a tracker: it takes all that a training reports, over several trainings, leaves nothing, and can be copied.

    Args:
        make: The class, or a function without arguments that makes one. The tracker is opened in a temporary folder.

    Raises:
        AssertionError: Where the contract is broken; the message says what is wrong and how to fix it.

    Example:
        >>> keras_ch8.extend.check_tracker(keras_ch8.trackers.JSONL)  # doctest: +SKIP
    """
    tracker = made(make, "tracker", Tracker, "extend.Tracker")
    name = name_of(tracker)
    before = set(threading.enumerate())
    with tempfile.TemporaryDirectory() as folder:
        _train(f"`{name}` does not survive a training", tracker, os.path.join(folder, "first"))
        _train(
            f"`{name}` cannot be used in a second training: start from scratch in `open`",
            tracker,
            os.path.join(folder, "2"),
        )
        _feed(f"`{name}` does not take every number, name and setting", tracker, folder)
        with explained(f"A used `{name}` cannot be copied: name open files and the like in `transient`."):
            pickle.dumps(tracker)
            copied = copy.deepcopy(tracker)
        _train(f"A copy of `{name}` cannot be used", copied, os.path.join(folder, "third"))
    left = _left(before)
    require(not left, f"`{name}` leaves threads behind: {left}. End them in `close`.")


def _train(message: str, tracker: Any, log_dir: str) -> None:
    """Train with a tracker, which is pickled in the middle of that."""
    model, x, y = small_training()
    board = callbacks.TensorBoard(log_dir, log_to=[tracker])
    pickles = keras.callbacks.LambdaCallback(on_epoch_begin=lambda *_: pickle.dumps(tracker))

    def train() -> None:
        with explained(f"{message}, or cannot be pickled in the middle of it: name what cannot in `transient`."):
            fit(model, x, y, [board, pickles])

    _require_no_warning(message, train)


def _feed(message: str, tracker: Any, folder: str) -> None:
    """Tell a tracker what is rare."""

    def feed() -> None:
        feeds = Feeds([tracker], folder, "")
        for series in _NUMBERS:
            feeds.describe(series, "")
        feeds.points([(3, _NUMBERS), (2, {"late": 1.0}), (4, _NUMBERS)])
        for level in ("act", "watch", "ok"):
            verdicts = [_VERDICT | {"level": level}]
            feeds.record(
                json.dumps({"hyperparameters": _SETTINGS, "verdicts": verdicts, "events": [_EVENT], "ended": False})
            )
        feeds.close()

    _require_no_warning(message, feed)


def _require_no_warning(message: str, action: Callable[[], None]) -> None:
    """Make a warning that a tracker gets no more data an error; all others are not of interest here."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        action()
    said = [str(each.message) for each in caught if "gets no more data" in str(each.message)]
    require(not said, f"{message}: {' '.join(said)}")


def _left(before: set[threading.Thread]) -> list[str]:
    """Return the names of threads that were not there before and do not end."""
    deadline = time.monotonic() + _SECONDS
    while (left := set(threading.enumerate()) - before) and time.monotonic() < deadline:
        time.sleep(0.01)
    return sorted(thread.name for thread in left)
