"""Windows of steps, so that a run of any length fits TensorBoard and a spike of one step is still seen.

TensorBoard keeps a random 1000 points of each series. So a run writes about 900, each the mean over a window of steps,
and for spiky series the smallest and the largest value in the window too, the edges of a band. Each of these two begins
with the first window where it is not the mean: before, it would be a copy, and in a short run it always is.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import numpy as np

from .tags import Tag

Series = tuple[np.ndarray, np.ndarray] | tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""(steps, values), or (steps, values, lows, highs) where the caller knows the extremes."""

Point = tuple[int, dict[str, float]]
"""The last step seen in a window, and {name of the series: value}."""


@dataclass
class Stubs:
    """Keeps each of some series out of the points until it has ten, and then gives all of them: fewer are no curve.

    Args:
        prefix: How the names of these series begin.
        kept: Step and value of the points that are kept out so far, by the name of the series.
        begun: Names of those that have ten.
    """

    LEAST: ClassVar = 10

    prefix: str
    kept: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)

    def pass_on(self, points: list[Point]) -> list[Point]:
        """Return the points to write: of each series nothing before its tenth, and with that all that was kept."""
        late: list[Point] = []
        for step, values in points:
            for name in [name for name in values if name.startswith(self.prefix) and name not in self.begun]:
                kept = self.kept.setdefault(name, [])
                kept.append((step, values.pop(name)))
                if len(kept) == self.LEAST:
                    self.begun.add(name)
                    late += [(at, {name: value}) for at, value in self.kept.pop(name)]
        return late + points


class _Held(NamedTuple):
    """What an unfinished window holds of one series: how many values, and [sum] or [sum, low, high]."""

    size: int
    totals: list[float]


@dataclass
class Windows:
    """Cuts series into windows of steps, each given back once its last step has been seen.

    Args:
        total_steps: steps of the whole run; None if unknown. Then a window is one step at first, and twice as long
            each time `points` windows have been given back.
        points: windows in a run.
        width: steps of a window; 0 to find it.
        given: windows that were given back at this width.
        open: what the unfinished window holds of each series.
        open_step: the last step in it.
        begun: series of extremes that have begun.
    """

    total_steps: int | None
    points: int = 900
    width: int = 0
    given: int = 0
    open: dict[Tag, _Held] = field(default_factory=dict)
    open_step: int = 0
    begun: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.width = self.width or max(1, -(-(self.total_steps or 1) // self.points))

    def add(self, series: Mapping[Tag, Series]) -> list[Point]:
        """Take in the steps since the last call, and return the windows that are complete now, in order.

        Args:
            series: for each tag (steps, values), steps ascending and counted from 1. A series may lack steps.
        """
        series = {tag: rows for tag, rows in series.items() if len(rows[0])}
        newest = max((int(rows[0][-1]) for rows in series.values()), default=self.open_step)
        return self._give(series, newest, newest // self.width * self.width)

    def flush(self) -> list[Point]:
        """Return the unfinished window, if there is one."""
        return self._give({}, self.open_step, self.open_step + self.width)

    def _give(self, series: Mapping[Tag, Series], newest: int, until: int) -> list[Point]:
        """Return the windows that end at step `until` or before it, and hold what is left."""
        opened, self.open = self.open, {}
        windows: dict[int, Point] = {}
        nothing = np.zeros(0, np.int64)
        for tag in {**opened, **series}:
            steps, *columns = series.get(tag, (nothing, nothing))
            columns = (columns * 3 if len(columns) == 1 else columns) if tag.spiky else columns[:1]
            held = opened.get(tag)
            if held:  # goes in front, as one value at the last step of the last call
                steps = np.concatenate(([self.open_step], steps))
                columns = [np.concatenate(([t], c)) for t, c in zip(held.totals, columns, strict=True)]
            ends = -(-steps // self.width) * self.width
            starts = np.flatnonzero(np.concatenate(([True], ends[1:] != ends[:-1])))
            stops = np.append(starts[1:], len(steps))
            counts, complete = stops - starts, []
            if held:
                counts[0] += held.size - 1
            for end, last in zip(ends[starts].tolist(), steps[stops - 1].tolist(), strict=True):
                if end <= until:
                    known, point = windows.get(end, (0, {}))
                    windows[end] = (max(known, last), point)
                    complete.append(point)
            with np.errstate(invalid="ignore"):  # inf - inf is NaN, which is what the window shows
                ways = zip((np.add, np.minimum, np.maximum), columns, strict=False)
                totals = [way.reduceat(column, starts) for way, column in ways]
            if len(complete) < len(counts):
                self.open[tag] = _Held(int(counts[-1]), [float(t[-1]) for t in totals])
            self._fill(tag, totals, counts, complete)
        self.open_step = newest
        self._widen(len(windows))
        return [windows[end] for end in sorted(windows)]

    def _fill(self, tag: Tag, totals: list[np.ndarray], counts: np.ndarray, points: list[dict[str, float]]) -> None:
        """Write the complete windows of one series into their points."""
        means = totals[0] / counts
        for name, values in zip((tag.name, tag.low, tag.high), [means, *totals[1:]], strict=False):
            for point, value, mean in zip(points, values.tolist(), means.tolist(), strict=False):
                is_copy = value == mean or math.isnan(value)  # then the mean is NaN too
                if name == tag.name or not is_copy or name in self.begun:
                    point[name] = value
                    self.begun.add(name)

    def _widen(self, given: int) -> None:
        self.given += given
        if self.total_steps is None and self.given >= self.points:
            self.width, self.given = 2 * self.width, 0
