"""The page of a training that still runs: written again from memory as the training goes on."""

import os
import time
import warnings
from collections.abc import Iterable

from ..board.window import Point
from . import event_files, files
from .document import document, name_of, title_of
from .page import NAME, page

FRACTION = 0.01
"""Of the time of a training that writing its page may take, but for the first time and the last."""


class LivePage:
    """The file `report.html` in the folder of a run, by a `board.writer.RunListener` of it; writing it never raises.

    Args:
        folder: Of the run. What earlier trainings have written there belongs to the page too.
        log_dir: The folder above, after which the page is named.
    """

    def __init__(self, folder: str, log_dir: str) -> None:
        self._path, self._title = os.path.join(folder, NAME), title_of(log_dir)
        self._run = event_files.read_run(folder, name_of(os.path.relpath(folder, log_dir), log_dir))
        self._last, self._took = -float("inf"), 0.0
        """When it was written, and how long that took."""
        self._failed = False

    def describe(self, name: str, description: str) -> None:
        """Take what a series says of itself."""
        self._run.describe(name, description)

    def points(self, points: Iterable[Point]) -> None:
        """Take points of several steps."""
        for step, values in points:
            for name, value in values.items():
                self._run.point(name, step, value)

    def record(self, text: str) -> None:
        """Take the newest record."""
        self._run.record(text)

    def flush(self) -> None:
        """Do nothing: the page is written as a whole."""

    def refresh(self) -> None:
        """Write the page, unless the last time took too much of the time since then."""
        if self._took <= FRACTION * (time.monotonic() - self._last):
            self.write()

    def close(self, is_whole: bool = True) -> None:
        """Write the page for the last time, unless the disk has failed, of which the user knows."""
        if is_whole:
            self.write()

    def write(self) -> None:
        """Write the page; where that fails, one warning says so, and it is not tried again."""
        if self._failed:
            return
        begun = time.monotonic()
        try:
            files.write(self._path, page(document(self._title, [self._run])))
        except Exception as error:  # a training of days is worth more than its page
            self._failed = True
            warnings.warn(
                f"The page {self._path!r} is not written any more, and the training goes on: "
                f"{type(error).__name__}: {error}. `python -m keras_ch8 report` makes it from the event files.",
                RuntimeWarning,
                stacklevel=2,
            )
        self._last = time.monotonic()
        self._took = self._last - begun
