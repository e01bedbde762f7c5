"""The document that the page is drawn from, made of what is known of each run: points, descriptions, records.

Three readers feed it: `event_files` reads a folder, `plugin` asks TensorBoard, and the callback `TensorBoard` hands on
what it writes. So all of them show the same. Nothing here imports Keras or TensorFlow.
"""

import ctypes
import math
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

from ..board import tags
from . import charts, overview, records

Document: TypeAlias = dict[str, Any]
"""Plain data, ready for `json.dumps`."""
Number: TypeAlias = float | None
"""None for what is not finite."""

VERSION = 1
POINTS = 1000
"""Points of a series, at most: more than a screen has pixels for."""
ALL, FEWER, FEWEST = 120_000, 55_000, 50
"""Points of a document that are left as they are; else so many are left in all, and of a series. It makes 2 MB."""
DIGITS = 5
LIVE = 3600.0
"""Seconds without news after which a run that was never ended is not followed any more: its process has died."""
FOLDER = "optimization"
"""The folder of a run below its log_dir, which goes without saying."""

_OURS = (tags.STEP, tags.EPOCH, tags.DIAGNOSIS)
_RUNNING, _EPOCH, _VALIDATION = tags.RUNNING, tags.EPOCH, "val_"
_OF_TRAINING = re.compile(r"step/(?!range_)")
"""Series whose steps are those of the training."""
_DESCRIPTION = re.compile(r"(.*?)(?: \[([^\[\]]*)\])?(?: \(section ([\d.]+)\))?", re.DOTALL)


def is_ours(name: str, description: str) -> bool:
    """Return whether this package has written a series: many write `epoch/loss`, but none with a unit beside it."""
    match = _DESCRIPTION.fullmatch(description)
    return name.startswith(_OURS) and bool(match and match[2])


class Run:
    """What is known of one run.

    Args:
        name: What the page calls it.
    """

    def __init__(self, name: str) -> None:
        self.name = records.plain(name)
        self.last_written = 0.0
        """Seconds since 1970."""
        self._record: records.Record | None = None
        self._problems: list[str] = []
        self._descriptions: dict[str, str] = {}
        self._steps: dict[str, list[int]] = {}
        self._values: dict[str, list[float]] = {}

    def point(self, name: str, step: int, value: float) -> None:
        """Add a point of a series, as an event file has it: so the page is the same, whoever feeds it."""
        name = records.plain(name)
        self._steps.setdefault(name, []).append(step)
        self._values.setdefault(name, []).append(ctypes.c_float(value).value)

    def describe(self, name: str, description: str) -> None:
        """Add what a series says of itself."""
        self._descriptions[records.plain(name)] = records.plain(description)

    def record(self, text: str | bytes) -> None:
        """Take the newest record, as JSON."""
        try:
            self._record, problems = records.read(text)
        except ValueError as error:
            problems = [f"Its newest record cannot be read: {error}."]
        for problem in problems:
            self.problem(problem)

    def problem(self, sentence: str) -> None:
        """Add a sentence on what is missing, and why."""
        if (sentence := records.plain(sentence)) not in self._problems:
            self._problems.append(sentence)

    @property
    def is_ours(self) -> bool:
        """Whether this package has written it."""
        of_ours = (is_ours(name, self._descriptions.get(name, "")) for name in self._steps)
        return self._record is not None or any(of_ours)

    @property
    def said(self) -> Mapping[str, Any]:
        """What its newest record says; an empty one if it has none."""
        return self._record or records.EMPTY

    @property
    def problems(self) -> str:
        """What is missing, and why."""
        return " ".join(self._problems)

    @property
    def is_live(self) -> bool:
        """Whether somebody still writes it, as far as that can be known."""
        return self.said["ended"] is False and time.time() - self.news < LIVE

    @property
    def news(self) -> float:
        """When it was last written, in seconds since 1970; 0 where that is not known."""
        return max(self.last_written, self.said["now"] or 0.0)

    @property
    def step(self) -> int:
        """The last step that is known of: of a record, or of a curve that was written since."""
        said: int | None = self.said["step"]
        curves = [name for name in self.series() if said is None or _OF_TRAINING.match(name)]
        return max([said or 0, *(max(self._steps[name]) for name in curves)])

    @property
    def lengths(self) -> list[int]:
        """How many points each series has, up to what is shown of one."""
        return [min(POINTS, len(self._steps[name])) for name in self.shown()]

    def as_document(self, most: int = POINTS) -> Document:
        """Return the run as it stands in the document, with at most so many points a series."""
        series = {name: _as_data(_thinned(self.points(name), most)) for name in sorted(self.shown())}
        return {
            "name": self.name,
            "step": self.step,
            "ended": self.said["ended"],
            "record": self._record,
            "state": self.said["state"],
            "news": self.news if self.is_live else None,
            "nan_from": _nan_from(series),
            "limits": charts.limits_of(self._record, series),
            "series": series,
            "tags": {name: self.tag(name) for name in series},
            "summary": _summary(series),
            "problem": self.problems,
        }

    def series(self) -> list[str]:
        """Return the names of its series; the smallest and the largest values are part of another one."""

        def is_band(name: str) -> bool:
            base, _, which = name.rpartition("/")
            return which in ("min", "max") and base in self._steps

        ours = (name for name in self._steps if name.startswith(_OURS) or self.tag(name)["unit"])
        return [name for name in ours if not is_band(name)]

    def shown(self) -> Iterable[str]:
        """Yield the names of the series that are shown.

        What Keras reports after batches is a running mean of an epoch, left out as soon as two epochs have their own
        value.
        """
        for name in self.series():
            of_epochs = self._steps.get(name.replace(_RUNNING, _EPOCH, 1), ()) if name.startswith(_RUNNING) else ()
            if name != f"{_RUNNING}loss" and len(of_epochs) < 2:
                yield name

    def points(self, name: str) -> list["SeriesPoint"]:
        """Return all points of a series, with its smallest and largest values."""
        low, high = (self._ordered(f"{name}/{which}") for which in ("min", "max"))
        return [SeriesPoint(step, x, low.get(step, x), high.get(step, x)) for step, x in self._ordered(name).items()]

    def _ordered(self, name: str) -> dict[int, float]:
        """Return the points of a series in the order of their steps; of several at one step, the last."""
        steps = self._steps.get(name, [])
        points = dict(zip(steps, self._values.get(name, []), strict=True))
        return points if all(a < b for a, b in pairwise(steps)) else dict(sorted(points.items()))

    def tag(self, name: str) -> dict[str, str]:
        """Return text, unit and section of a series."""
        declared: dict[str, str] | None = self.said["tags"].get(name)
        if declared:
            return declared
        match = _DESCRIPTION.fullmatch(self._descriptions.get(name, ""))
        text, unit, section = match.groups() if match else ("", "", "")
        return {"text": text or "", "unit": unit or "", "section": section or ""}


class SeriesPoint(NamedTuple):
    """A point of a series, as it was written."""

    step: int
    value: float
    low: float
    high: float


def document(title: str, runs: Sequence[Run]) -> Document:
    """Return the document of some runs; `title` says where they are."""
    most = most_points(runs)
    return joined(title, [run.as_document(most) for run in runs], any(run.is_live for run in runs))


def most_points(runs: Iterable[Run]) -> int:
    """Return how many points a series may have, so that the document of some runs does not grow without limit."""
    lengths = [length for run in runs for length in run.lengths]
    return POINTS if sum(lengths) <= ALL else max(FEWEST, FEWER // len(lengths))


def joined(title: str, runs: Sequence[Document], live: bool) -> Document:
    """Return the document of runs that are documents already, in the order in which they began where that is known."""
    runs = sorted(runs, key=lambda run: (run["record"] or {}).get("begun") or math.inf)
    series = {name: run["tags"][name] for run in runs for name in run["series"]}
    said = overview.overview(runs)
    listed = charts.panels_of(series, [run["record"] for run in runs if run["record"]])
    return said | {
        "version": VERSION,
        "title": title,
        "live": live,
        "panels": charts.arranged(listed, runs, said["cases"]),
        "runs": list(runs),
    }


def name_of(relative: str, log_dir: str) -> str:
    """Return what the page calls the run in a folder, which is relative to the folder that is looked at."""
    parts = [part for part in relative.replace(os.sep, "/").split("/") if part not in ("", ".")]
    return "/".join(parts[:-1] if parts[-1:] == [FOLDER] else parts) or title_of(log_dir)


def title_of(log_dir: str) -> str:
    """Return what the page calls the folder that is looked at."""
    whole = log_dir if "://" in log_dir else os.path.abspath(log_dir)
    return next((part for part in reversed(whole.replace(os.sep, "/").split("/")) if part not in ("", FOLDER)), "runs")


# --- numbers ---------------------------------------------------------------------------------------------------------


def _number(value: float) -> Number:
    """Return a value to a few digits."""
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def _as_data(points: Sequence[SeriesPoint]) -> Document:
    """Return a series, with its smallest and largest values where they differ from it."""
    steps, middle, low, high = zip(*points, strict=True)
    values = list(map(_number, middle))
    edges = {key: list(map(_number, edge)) for key, edge in (("low", low), ("high", high)) if edge != middle}
    return {"steps": list(steps), "values": values} | {key: edge for key, edge in edges.items() if edge != values}


def _thinned(points: Sequence[SeriesPoint], most: int) -> Sequence[SeriesPoint]:
    """Return at most so many points: windows of them, as `board.window` makes of steps."""
    width = -(-len(points) // most)
    return [_window(points[first : first + width]) for first in range(0, len(points), width)] if width > 1 else points


def _window(points: Sequence[SeriesPoint]) -> SeriesPoint:
    """Return the mean of some points at the last step, with the smallest and the largest value of all."""

    def of(values: Iterable[float], summarize: Callable[[list[float]], float]) -> float:
        finite = [value for value in values if math.isfinite(value)]
        return summarize(finite) if finite else math.nan

    mean = of((point.value for point in points), lambda values: math.fsum(values) / len(values))
    return SeriesPoint(points[-1].step, mean, of((p.low for p in points), min), of((p.high for p in points), max))


def _summary(series: Mapping[str, Document]) -> Document:
    """Return what the table says of a run."""
    of_epochs, of_steps = f"{_EPOCH}loss", tags.LOSS.name
    drawn = of_epochs if len(_values(series, of_epochs)) > 1 or of_steps not in series else of_steps
    losses = _values(series, drawn)
    validated = _values(series, f"{_EPOCH}{_VALIDATION}loss")
    shares = (name for name in series if name.startswith("step/") and name.endswith("/clipped_share"))
    clipped = [share for name in shares for share in _values(series, name) if share is not None]
    best = min((value for value in validated if value is not None), default=None)
    return {
        "loss": _said(losses[-1]) if losses else None,
        "step": series[drawn]["steps"][-1] if losses else 0,
        "validation": {"name": "val_loss", "last": _said(validated[-1]), "best": best} if validated else None,
        "clipped": _number(math.fsum(clipped) / len(clipped)) if clipped else None,
    }


def _nan_from(series: Mapping[str, Document]) -> int | None:
    """Return the step from which on no loss was finite; None where the last one was, or there is none."""
    for name in (tags.LOSS.name, f"{_EPOCH}loss"):
        if values := _values(series, name):
            finite = [place for place, value in enumerate(values) if value is not None]
            after = finite[-1] + 1 if finite else 0
            step: int | None = series[name]["steps"][after] if after < len(values) else None
            return step
    return None


def _values(series: Mapping[str, Document], name: str) -> list[float | None]:
    values: list[float | None] = series[name]["values"] if name in series else []
    return values


def _said(value: float | None) -> float | str:
    """Return what the table says of a value; None is one that is not finite."""
    return "NaN" if value is None else value
