"""Windows of steps, so that a run of any length fits TensorBoard and a spike of one step is still seen.

TensorBoard keeps a random 1000 points of each series. So a run writes about 900, each the mean over a window of steps,
and for spiky series the smallest and the largest value in the window too, the edges of a band. Each of these two begins
with the first window where it is not the mean: before, it would be a copy, and in a short run it always is.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .tags import Tag

Series = tuple[np.ndarray, np.ndarray] | tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""(steps, values), or (steps, values, lows, highs) where the caller knows the extremes."""

Point = tuple[int, dict[str, float]]
"""The last step seen in a window, and {name of the series: value}."""


class HeldBack:
    """Keeps series out of the points until one of them says something, and then gives them all, from the beginning.

    Args:
        sign: The series that says something once it is above 0.
        others: The series that come with it.
    """

    def __init__(self, sign: Tag, *others: Tag) -> None:
        self._sign = sign.name
        self._names = {name for tag in (sign, *others) for name in (tag.name, tag.low, tag.high)}
        self._kept: list[Point] = []
        self._has_begun = False

    @property
    def held(self) -> set[str]:
        """Names of the series that have nothing to say yet."""
        return set() if self._has_begun else self._names

    def state(self) -> dict[str, Any]:
        """Return what is held back, which `set_state` goes on from."""
        return {"kept": [(step, dict(values)) for step, values in self._kept], "has_begun": self._has_begun}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` has returned."""
        self._kept, self._has_begun = [(step, dict(values)) for step, values in state["kept"]], state["has_begun"]

    def pass_on(self, points: list[Point]) -> list[Point]:
        """Return the points to write: of the series, nothing before the sign, and with it what was kept."""
        if self._has_begun:
            return points
        self._has_begun = any(values.get(self._sign, 0) > 0 for _, values in points)
        for step, values in points:
            self._kept.append((step, {name: values.pop(name) for name in self._names & values.keys()}))
        return self._kept + points if self._has_begun else points


class Stubs:
    """Keeps each of some series out of the points until it has ten, and then gives all of them: fewer are no curve.

    Args:
        prefix: How the names of these series begin.
    """

    LEAST = 10

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._kept: dict[str, list[tuple[int, float]]] = {}
        self._begun: set[str] = set()

    def state(self) -> dict[str, Any]:
        """Return what is held back, which `set_state` goes on from."""
        return {"kept": {name: list(points) for name, points in self._kept.items()}, "begun": set(self._begun)}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` has returned."""
        self._kept = {name: list(points) for name, points in state["kept"].items()}
        self._begun = set(state["begun"])

    def pass_on(self, points: list[Point]) -> list[Point]:
        """Return the points to write: of each series nothing before its tenth, and with that all that was kept."""
        late: list[Point] = []
        for step, values in points:
            for name in [name for name in values if name.startswith(self._prefix) and name not in self._begun]:
                kept = self._kept.setdefault(name, [])
                kept.append((step, values.pop(name)))
                if len(kept) == self.LEAST:
                    self._begun.add(name)
                    late += [(at, {name: value}) for at, value in self._kept.pop(name)]
        return late + points


class _Held(NamedTuple):
    """What an unfinished window holds of one series: how many values, and [sum] or [sum, low, high]."""

    size: int
    totals: list[float]


class _Cut(NamedTuple):
    """Where an array of steps is cut into windows, and the points of those windows that are complete."""

    starts: np.ndarray
    counts: np.ndarray
    points: list[dict[str, float]]


class Windows:
    """Cuts series into windows of steps, each given back once its last step has been seen.

    Args:
        total_steps: steps of the whole run; None if unknown. Then a window is one step at first, and twice as long
            each time `points` windows have been given back.
        points: windows in a run.
    """

    def __init__(self, total_steps: int | None, points: int = 900) -> None:
        self.width = max(1, -(-(total_steps or 1) // points))
        self._grows_after = points if total_steps is None else None
        self._given = 0
        self._open: dict[Tag, _Held] = {}
        self._open_step = 0
        self._begun: set[str] = set()
        """Series of extremes that have begun."""

    def state(self) -> dict[str, Any]:
        """Return the unfinished window, which `set_state` goes on from."""
        window = {"open": dict(self._open), "open_step": self._open_step}
        return {"width": self.width, "given": self._given, **window, "begun": set(self._begun)}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` has returned."""
        self.width, self._given, self._open_step = state["width"], state["given"], state["open_step"]
        self._open, self._begun = dict(state["open"]), set(state["begun"])

    def add(self, series: Mapping[Tag, Series]) -> list[Point]:
        """Take in the steps since the last call, and return the windows that are complete now, in order.

        Args:
            series: for each tag (steps, values), steps ascending and counted from 1. A series may lack steps.
        """
        series = {tag: rows for tag, rows in series.items() if len(rows[0])}
        newest = max((int(rows[0][-1]) for rows in series.values()), default=self._open_step)
        return self._give(series, newest, newest // self.width * self.width)

    def flush(self) -> list[Point]:
        """Return the unfinished window, if there is one."""
        return self._give({}, self._open_step, self._open_step + self.width)

    def _give(self, series: Mapping[Tag, Series], newest: int, until: int) -> list[Point]:
        """Return the windows that end at step `until` or before it, and hold what is left."""
        opened, self._open = self._open, {}
        windows: dict[int, Point] = {}
        cuts: dict[tuple[int, bool], _Cut] = {}
        nothing = np.zeros(0, np.int64)
        for tag in {**opened, **series}:
            steps, *columns = series.get(tag, (nothing, nothing))
            columns = (columns * 3 if len(columns) == 1 else columns) if tag.spiky else columns[:1]
            held = opened.get(tag)
            if held:  # goes in front, as one value at the last step of the last call
                columns = [np.concatenate(([t], c)) for t, c in zip(held.totals, columns, strict=True)]
            key = id(steps), held is not None
            if key not in cuts:
                cuts[key] = self._cut(np.concatenate(([self._open_step], steps)) if held else steps, until, windows)
            self._fill(tag, cuts[key], columns, held)
        self._open_step = newest
        self._widen(len(windows))
        return [windows[end] for end in sorted(windows)]

    def _cut(self, steps: np.ndarray, until: int, windows: dict[int, Point]) -> _Cut:
        ends = -(-steps // self.width) * self.width
        starts = np.flatnonzero(np.concatenate(([True], ends[1:] != ends[:-1])))
        stops = np.append(starts[1:], len(steps))
        complete = []
        for end, last in zip(ends[starts].tolist(), steps[stops - 1].tolist(), strict=True):
            if end <= until:
                known, point = windows.get(end, (0, {}))
                windows[end] = (max(known, last), point)
                complete.append(point)
        return _Cut(starts, stops - starts, complete)

    def _fill(self, tag: Tag, cut: _Cut, columns: Sequence[np.ndarray], held: _Held | None) -> None:
        """Write the complete windows of one series into their points, and hold the rest."""
        with np.errstate(invalid="ignore"):  # inf - inf is NaN, which is what the window shows
            totals = [
                f.reduceat(c, cut.starts) for f, c in zip((np.add, np.minimum, np.maximum), columns, strict=False)
            ]
        counts = cut.counts
        if held:
            counts = counts.copy()
            counts[0] += held.size - 1
        if len(cut.points) < len(counts):
            self._open[tag] = _Held(int(counts[-1]), [float(t[-1]) for t in totals])
        means = totals[0] / counts
        for name, values in zip((tag.name, tag.low, tag.high), [means, *totals[1:]], strict=False):
            for point, value, mean in zip(cut.points, values.tolist(), means.tolist(), strict=False):
                is_copy = value == mean or math.isnan(value)  # then the mean is NaN too
                if name == tag.name or not is_copy or name in self._begun:
                    point[name] = value
                    self._begun.add(name)

    def _widen(self, given: int) -> None:
        self._given += given
        if self._grows_after and self._given >= self._grows_after:
            self.width, self._given = 2 * self.width, 0
