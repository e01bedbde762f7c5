"""Two tables for spreadsheets and pandas."""

import csv
from collections.abc import Mapping
from typing import Any, final

from ..board.record import Event
from ..verdicts.verdict import LEVELS, Verdict
from .base import FileTracker

POINTS = ("step", "name", "value")
NOTES = ("step", "type", "name", "value", "text")


@final
class CSV(FileTracker):
    """Write a training into two tables: its points, and its settings, verdicts and events (section 8.2).

    The table of points is long: a line has the step, the name of a series and its value. So it does not matter which
    series have a point at which step, and pandas's `pivot` makes it wide. NaN and infinite values are `nan`, `inf` and
    `-inf`, which pandas reads as such. The table of notes stands beside it, as `run_notes.csv` beside `run.csv`:

        type             name                value                             text
        hyperparameter   of the setting      if it is a number                 the same as a text
        verdict          kind                0: all is well; 1: watch; 2: act  finding and cure
        event            kind                                                  what happened

    What was given is on the disk some seconds later.

    Args:
        path: The file of the points. Defaults to `None`: `run.csv` in the folder of the run, beside its report.
        append: Whether to go on with a file at `path`, which is overwritten otherwise. A second training with the same
            tracker goes on in any case, and so does a run in its folder. Defaults to `False`.

    Example:
        >>> board = keras_ch8.callbacks.TensorBoard("logs", log_to=[keras_ch8.trackers.CSV()])
        >>> points = pandas.read_csv("logs/optimization/run.csv")  # doctest: +SKIP
        >>> points.pivot(index="step", columns="name", values="value")["step/loss"].plot()  # doctest: +SKIP

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.
    """

    section, filename, endings = "8.2", "run.csv", ("", "_notes")

    def open(self, directory: str) -> None:
        """Open both files, and give new ones their header."""
        super().open(directory)
        for file, columns in zip(self._files, (POINTS, NOTES), strict=True):
            if file.tell() == 0:
                csv.writer(file, lineterminator="\n").writerow(columns)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Write a line for each point."""
        csv.writer(self._files[0], lineterminator="\n").writerows((step, name, x) for name, x in values.items())

    def hyperparameters(self, values: Mapping[str, Any]) -> None:
        """Write a line for each setting."""
        for name, value in values.items():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            self._note(0, "hyperparameter", name, value if is_number else "", value)

    def verdict(self, verdict: Verdict) -> None:
        """Write a line."""
        text = f"{verdict.finding} {verdict.cure}".strip()
        self._note(verdict.step, "verdict", verdict.kind, LEVELS.index(verdict.level), text)

    def event(self, event: Event) -> None:
        """Write a line."""
        self._note(event.step, "event", event.kind, "", event.text)

    def _note(self, *columns: Any) -> None:
        csv.writer(self._files[1], lineterminator="\n").writerow(columns)
