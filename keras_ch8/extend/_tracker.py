"""The contract of a tracker."""

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

from .. import callbacks
from ..trackers.base import Tracker
from ..trackers.feeds import Feeds
from ._require import Make, explained, fit, made, name_of, require, small_training

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
            f"`{name}` cannot be used in a second training: begin anew in `open`", tracker, os.path.join(folder, "2")
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
