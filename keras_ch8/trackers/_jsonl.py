"""One file with an object a line, for scripts."""

import json
import math
from collections.abc import Mapping
from typing import Any, final

from ..board.record import Event
from ..verdicts.verdict import Verdict
from .base import FileTracker


@final
class JSONL(FileTracker):
    """Write a training into one file, with an object of JSON on each line (section 8.2).

    The `type` of a line says what else it has:

        "hyperparameters"   values: {name: number, text or boolean}, of those that are new
        "series"            name, description: what a series is
        "row"               step, values: {name of the series: number}
        "verdict"           kind, level, finding, cure, section, step, measured, why, code, series, value
        "event"             step, kind, text
        "end"               report: path of the page of the run

    JSON has no NaN and no infinity, so they are the texts `"NaN"`, `"Infinity"` and `"-Infinity"`, of which Python's
    `float` makes numbers. What was given is on the disk some seconds later.

    Args:
        path: The file. Defaults to `None`: `run.jsonl` in the folder of the run, beside its report.
        append: Whether to go on with a file at `path`, which is overwritten otherwise. A second training with the same
            tracker goes on in any case, and so does a run in its folder. Defaults to `False`.

    Example:
        >>> board = keras_ch8.callbacks.TensorBoard("logs", log_to=[keras_ch8.trackers.JSONL()])
        >>> lines = map(json.loads, open("logs/optimization/run.jsonl"))  # doctest: +SKIP
        >>> [line["finding"] for line in lines if line["type"] == "verdict"]  # doctest: +SKIP

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.
    """

    section, filename = "8.2", "run.jsonl"

    def hyperparameters(self, values: Mapping[str, Any]) -> None:
        """Write a line for all."""
        self._line("hyperparameters", values=values)

    def describe(self, name: str, description: str) -> None:
        """Write a line."""
        self._line("series", name=name, description=description)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Write a line for all."""
        self._line("row", step=step, values={name: _number(value) for name, value in values.items()})

    def verdict(self, verdict: Verdict) -> None:
        """Write a line."""
        self._line("verdict", **vars(verdict))

    def event(self, event: Event) -> None:
        """Write a line."""
        self._line("event", **event._asdict())

    def close(self, report: str | None) -> None:
        """Write the last line, and close the file."""
        if report is not None:
            self._line("end", report=report)
        super().close(report)

    def _line(self, kind: str, /, **content: Any) -> None:
        for file in self._files:
            file.write(json.dumps({"type": kind} | content, allow_nan=False) + "\n")


def _number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
