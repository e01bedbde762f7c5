"""The curves of a run, and their pictures: the panels of the page, drawn with matplotlib."""

import fnmatch
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, final

import numpy as np

from .. import _plot
from .._result import Result, Table
from ..board import tags
from ..board.panels import STEPS, Panel, ReferenceLine
from ..board.record import Event
from ..verdicts.kinds import title_of
from ..verdicts.verdict import Verdict

HISTORY = Panel(
    "Training history",
    "loss",
    "8.1",
    (tags.LOSS.name, "epoch/loss", "epoch/val_loss"),
    kinds=("*",),
    events=("clip", "spike", "nonfinite", "rate", "stage", "optimizer", "stop", "restore"),
)
"""What a run is first looked at for. The page has the same in two panels."""
_MARKS = {
    "clip": ("v", "clipping"), "spike": ("^", "spike"), "nonfinite": ("X", "not finite"), "stop": ("s", "stopped"),
    "restore": ("<", "weights restored"), "rate": ("*", "rate changed"), "stage": ("D", "new stage"),
    "optimizer": ("o", "new optimizer"), "act": ("P", "ACT"),
}  # fmt: skip
"""Marker of the events of each kind, and what they are called."""
_INK = "#333333"
MOST_DOTS = 40
"""A curve of at most so many points shows each; of a longer one some."""
_WRAP = 60
_NEAR = 2
"""How many times longer a reference line may make the axis."""
_SAME = 1e-5
"""Values that differ by no more of themselves are the same."""


@final
@dataclass(frozen=True, repr=False, eq=False)
class RunCurve(Result):
    """A series of a run: all its points, in the order of their steps, as they were written.

    Args:
        name: Its name, such as `"step/loss"`.
        steps: At which step each point is: mostly batches that the model had been trained on.
        values: The value of each, in `unit`; of a window of several steps, the mean.
        low: The smallest value in each window; `values` where there is no other.
        high: The largest.
        unit: What it is measured in.
        text: A sentence that says what it is.
        section: The section of the book.
    """

    name: str
    steps: np.ndarray
    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    unit: str = field(default_factory=str)
    text: str = field(default_factory=str)
    section: str = field(default_factory=str)

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def has_band(self) -> bool:
        """Whether the smallest and the largest values are others than the values."""
        return _has_band(self.values, self.low, self.high)

    def plot(self, ax: Any = None) -> Any:
        """Draw it over its steps, with matplotlib; return the axes."""
        panel = Panel(self.text.removesuffix(".") or self.name, self.unit, self.section, (self.name,))
        return draw(panel, Pictured(self.name, {self.name: self}), ax)

    def _headline(self) -> str:
        points = f"{len(self)} points, steps {self.steps[0]} to {self.steps[-1]}, last {self.values[-1]:.4g}"
        return f"{self.name} [{self.unit or '1'}]: {points}."

    def _table(self) -> Table:
        names, columns = ["step", f"value [{self.unit or '1'}]"], [self.steps, self.values]
        if self.has_band:
            names, columns = [*names, "smallest", "largest"], [*columns, self.low, self.high]
        return Table(names, list(zip(*(column.tolist() for column in columns), strict=True)))


@dataclass(frozen=True)
class Pictured:
    """What is known of a run for its pictures.

    Args:
        name: Of the run.
        curves: Those that have a finite value.
        verdicts: The verdicts on it.
        events: What happened.
        hyperparameters: Where reference lines may be.
        lines: Thresholds of rules, by the name of the curve that they are compared with.
    """

    name: str
    curves: Mapping[str, RunCurve]
    verdicts: Sequence[Verdict] = ()
    events: Sequence[Event] = ()
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[str, Sequence[ReferenceLine]] = field(default_factory=dict)


def names_of(panel: Panel, names: Iterable[str]) -> list[str]:
    """Return those of some series that a panel shows, in its order."""
    listed = sorted(names)
    shown = (name for like in panel.series for name in listed if name == like or fnmatch.fnmatchcase(name, like))
    return list(dict.fromkeys(shown))


def draw(panel: Panel, of: Pictured, ax: Any = None) -> Any:
    """Draw one panel of a run, on new axes unless some are given; return them."""
    ax = _plot.axes_of(ax)
    found = (_Drawn.of(of.curves[name]) for name in names_of(panel, of.curves))
    drawn = [one for one in found if np.isfinite(one.y).any()]
    if panel.log and _can_be_log([one.y for one in drawn]):
        _plot.make_log(ax.yaxis)
    for number, one in enumerate(drawn):
        _draw_curve(ax, one, number)
    _widen(ax, drawn)
    if drawn:
        _draw_lines(ax, _lines(panel, of, drawn), drawn)
    ax.xaxis.get_major_locator().set_params(integer=True)
    _draw_verdicts(ax, [v for v in of.verdicts if _concerns(v, panel, drawn)])
    _draw_events(ax, [event for event in of.events if event.kind in panel.events])
    title, y, name = map(_shown, (textwrap.fill(panel.title, _WRAP), panel.unit or "1", of.name))
    return _plot.finished(ax, title, STEPS, y, f"run {name}", below=True)


class _Drawn(NamedTuple):
    """A curve as it is drawn."""

    name: str
    x: np.ndarray
    y: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, curve: RunCurve) -> "_Drawn":
        """Return a curve with what can be drawn of it."""
        values = (np.where(np.isfinite(each), each, np.nan) for each in (curve.values, curve.low, curve.high))
        return cls(curve.name, curve.steps, *values)

    @property
    def label(self) -> str:
        """What it is called in the legend: its name without the folder."""
        folder, _, rest = self.name.partition("/")
        return _shown(f"{rest} after each epoch" if folder == "epoch" else rest or folder)


def _has_band(values: np.ndarray, *edges: np.ndarray) -> bool:
    return not all(np.array_equal(edge, values, equal_nan=True) for edge in edges)


def _shown(text: str) -> str:
    """Return a text that is shown as it is: matplotlib takes what is between dollars for mathematics."""
    return text.replace("$", r"\$")


def _can_be_log(values: Sequence[np.ndarray]) -> bool:
    """Whether the axis can be logarithmic: nothing is negative, and hardly anything is zero."""
    finite = np.concatenate([each[np.isfinite(each)] for each in values] or [np.zeros(0)])
    return not (finite < 0).any() and bool((finite > 0).sum() > 0.9 * len(finite))


def _draw_curve(ax: Any, one: _Drawn, number: int) -> None:
    """Draw a curve with its band, the upper edge of which is a line too: so a spike of one step is seen."""
    look, is_long = _plot.line(number), len(one.x) > MOST_DOTS
    marks = {"marker": _plot.MARKERS[number % len(_plot.MARKERS)], "markersize": 4}
    if is_long:
        marks = marks | {"markevery": (5 * number, len(one.x) // 8)} if number else {}
    ax.plot(one.x, one.y, label=one.label, linewidth=0.9 if is_long else 1.5, **look, **marks)
    if _has_band(one.y, one.low, one.high):
        low = one.low
        if ax.get_yscale() == "log":  # where zero has no place
            low = np.where(low > 0, low, np.nanmin(np.where(one.y > 0, one.y, np.nan)))
        ax.fill_between(one.x, low, one.high, color=look["color"], alpha=0.2, linewidth=0)
        ax.plot(one.x, one.high, color=look["color"], linewidth=0.5, alpha=0.7)


def _widen(ax: Any, drawn: Iterable[_Drawn]) -> None:
    """Give an axis some length on which all is the same."""
    low, high = ax.get_ylim()
    if ax.get_yscale() == "log" and high < low * (1 + _SAME):
        ax.set_ylim(low / 1.5, high * 1.5)
    elif not any(np.nan_to_num(one.high).any() for one in drawn):  # counts of what has not happened
        ax.set_ylim(-0.05, 1)


# --- what is marked --------------------------------------------------------------------------------------------------


def _lines(panel: Panel, of: Pictured, drawn: Iterable[_Drawn]) -> dict[tuple[float, str], None]:
    """Return value and label of each reference line."""
    found: dict[tuple[float, str], None] = {}
    for value, label in ((line.value, line.label) for line in panel.lines):
        known = of.hyperparameters.get(value) if isinstance(value, str) else value
        if isinstance(known, int | float):
            found[known, f"{label} {known:g}" if isinstance(value, str) else label] = None
    for one in drawn:
        of_one = of.lines.get(one.name, ())
        found |= {(line.value, line.label): None for line in of_one if not isinstance(line.value, str)}
    return found


def _draw_lines(ax: Any, lines: Iterable[tuple[float, str]], drawn: Sequence[_Drawn]) -> None:
    """Draw the reference lines that are near enough; the legend says what each means."""
    is_log = ax.get_yscale() == "log"
    scaled = np.log if is_log else np.asarray
    values = np.concatenate([each for one in drawn for each in (one.y, one.high, *(() if is_log else (one.low,)))])
    values = scaled(values[np.isfinite(values) & ((values > 0) | (not is_log))])
    low, high = values.min(), values.max()
    for value, label in sorted(lines):
        can_be_drawn = value > 0 or not is_log
        if can_be_drawn and np.ptp([low, high, scaled(value)]) <= _NEAR * (high - low) + (is_log or low == high):
            ax.axhline(value, label=_shown(label), color=_INK, linewidth=0.9, linestyle=(0, (6, 3)))


def _concerns(verdict: Verdict, panel: Panel, drawn: Iterable[_Drawn]) -> bool:
    is_of = any(fnmatch.fnmatchcase(verdict.kind, like) for like in panel.kinds)
    return verdict.level != "ok" and (is_of or any(verdict.series == one.name for one in drawn))


def _draw_verdicts(ax: Any, verdicts: Iterable[Verdict]) -> None:
    """Draw a line at the step since which each verdict stands."""
    for verdict in sorted(verdicts, key=lambda verdict: verdict.step):
        label = _shown(f"{verdict.level.upper()} {title_of(verdict.kind)}")
        ax.axvline(verdict.step, label=label, color=_INK, linewidth=1.2, linestyle=":")


def _draw_events(ax: Any, events: Sequence[Event]) -> None:
    """Mark events along the lower edge, each kind in a row of its own."""
    for row, kind in enumerate(kind for kind in _MARKS if any(event.kind == kind for event in events)):
        steps = [event.step for event in events if event.kind == kind]
        marker, word = _MARKS[kind]
        look = {"marker": marker, "linestyle": "none", "color": _INK, "markersize": 5}
        height = np.full(len(steps), 0.02 + 0.04 * row)
        ax.plot(steps, height, transform=ax.get_xaxis_transform(), label=f"{word} ({len(steps)})", **look)
