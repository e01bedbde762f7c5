"""What the suite shows while `fit` runs: lines that leave Keras's progress bar whole, and numbers in Keras's `logs`."""

import sys
import textwrap
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from ..._result import coloured
from ..._types import Logs
from ...integration import fit

WIDTH = 79
"""Columns of a line; a terminal has 80."""
FIRST, SECOND, THIRD, LAST = range(4)
"""Places in the summary: what is wrong, why the training was stopped, what else there is to say, and where to look."""
PATIENCE = 5.0
"""Seconds that a line waits for the end of the epoch; after them it is printed below the bar."""


class Terminal:
    """Where all callbacks of a training print.

    Keras draws its bar again and again on one line, and ends that line after the callbacks have seen the end of the
    epoch. What is printed meanwhile would be torn into it. So it waits until the next epoch begins or `fit` ends; in a
    long epoch it comes below the bar, and the bar goes on below it.
    """

    def __init__(self) -> None:
        self.is_quiet = False
        """Whether `fit` was asked to print nothing."""
        self._draws_bars = self._is_drawn = False
        self._waiting: list[str] = []
        self._since = 0.0

    def begin(self, verbose: int | str) -> None:
        """Begin a training with this argument of `fit`."""
        self.is_quiet, self._draws_bars = verbose == 0, verbose in ("auto", 1)

    def say(self, *lines: str) -> None:
        """Print some lines as soon as they do not tear the bar."""
        self._since = self._since if self._waiting else time.monotonic()
        self._waiting += lines
        if not self._is_drawn:
            self._print()

    def batch_ended(self) -> None:
        """Print what has waited for too long; Keras draws the bar of this batch after it."""
        if self._waiting and time.monotonic() - self._since > PATIENCE:
            self._print(below="\n")
        self._is_drawn = self._draws_bars

    def epoch_begins(self) -> None:
        """Print what has waited: the bar of the last epoch is whole."""
        self._is_drawn = False
        self._print()

    def close(self, has_died: bool) -> None:
        """Print what has waited; of a training that has died the last bar may have no end."""
        is_open, self._is_drawn = self._is_drawn and has_died, False
        self._print(below="\n" if is_open else "")

    def _print(self, below: str = "") -> None:
        if self._waiting:
            text = coloured("\n".join(self._waiting), sys.stdout)
            print(f"{below}{text}", flush=True)  # noqa: T201
            self._waiting = []


def fitted(text: str, lines: int) -> list[str]:
    """Return a text in so many lines of a terminal at most, the rest left out."""
    indent = " " * (len(text) - len(text.lstrip()))
    return textwrap.wrap(
        text.strip(),
        WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}    ",
        max_lines=lines,
        placeholder=" ...",
        break_on_hyphens=False,
    )


# --- the numbers of an epoch: what callbacks measure, and what of it joins `logs` ------------------------------------


class EpochNumbers:
    """What the callbacks of one training have measured in the running epoch.

    NaN is nothing measured. A column of `logs` has a number or NaN for every epoch, so that all of History are of one
    length: the columns are those that are listed, or those that the first epoch has measured. What validation measures
    ("val_...") is there in the epochs that were validated, as Keras's own is.

    Args:
        training: The training.
    """

    def __init__(self, training: fit.Training) -> None:
        self._training = training
        self.callbacks: list[Any] = []
        """All callbacks of the suite, those that have no session too."""
        self.first_epoch = 0
        """The first epoch of the training, counted from 0."""
        self._epoch: int | None = None
        self.measured: dict[str, float] = {}
        """By name, whether or not it joins Keras's `logs`."""
        self.columns: dict[int, tuple[str, ...]] = {}
        """Of each callback, by its id, the names that it puts into Keras's `logs`: the same in every epoch."""
        self._own_names: set[str] = set()
        """What callbacks have put into Keras's `logs` because others monitor it."""

    @classmethod
    def of(cls, training: fit.Training) -> "EpochNumbers":
        """Return those of a training: all its callbacks have the same."""
        if training.numbers is None:
            training.numbers = cls(training)
        return training.numbers

    def join(self, callback: Any) -> None:
        """Let a callback of the suite take part."""
        if callback not in self.callbacks:
            self.callbacks.append(callback)

    def epoch_begins(self, epoch: int) -> bool:
        """Forget what the last epoch has measured, once in an epoch; return whether the training begins."""
        is_first, is_new = self._epoch is None, epoch != self._epoch
        if is_new:
            self._epoch, self.measured = epoch, {}
        if is_first:
            self.first_epoch = epoch
        return is_first

    def take(self, callback: Any, logs: Logs | None, values: Mapping[str, float]) -> None:
        """Take what a callback has measured; `logs` get what it is asked for, and what others find only there."""
        measured = {name: float(value) for name, value in values.items() if not np.isnan(value)}
        self.measured |= measured
        asked = callback.logs if isinstance(callback.logs, Sequence) else measured if callback.logs else ()
        columns = self.columns.setdefault(id(callback), tuple(asked))
        if logs is not None:
            absent = {name: np.nan for name in columns if not name.startswith("val_")}
            logs.update(absent | {name: measured[name] for name in columns if name in measured})
            others = [callback for callback in self._training.callbacks if callback not in self.callbacks]
            # They find it in `logs` only.
            watched = {name for callback in others if isinstance(name := getattr(callback, "monitor", None), str)}
            monitored = {name: value for name, value in measured.items() if name in watched}
            self._own_names |= monitored.keys()
            logs.update(monitored)

    def reported(self, logs: Mapping[str, Any] | None) -> dict[str, float]:
        """Return all that was measured in this epoch, by Keras and by the suite: what can be monitored."""
        return self.of_keras(logs) | self.measured

    def of_keras(self, logs: Mapping[str, Any] | None) -> dict[str, float]:
        """Return what is a number in `logs` and was not put there by a callback; Keras may measure the same."""
        ours = self._own_names.union(*self.columns.values())
        return {name: value for name, value in numbers_in(logs or {}).items() if name not in ours}


def numbers_in(logs: Mapping[str, Any]) -> dict[str, float]:
    """Return what is a single number, also one in an array, as F1 of one output is."""
    found = {}
    for name, value in logs.items():
        with suppress(TypeError, ValueError):
            if np.size(value) == 1:
                found[name] = float(np.asarray(value).item())
    return found
