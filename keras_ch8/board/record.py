"""The record of a run: one JSON object of all that a page says of it beside its curves.

The newest record alone is enough, since TensorBoard keeps only ten of them: whatever grows with the training, events
and heat maps, is kept from its beginning but bounded, so that a record stays below about 64 KB however long the
training and however large the model. `docs/design/tensorboard.md` has the format.
"""

import contextlib
import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ..verdicts.state import NOT_DIAGNOSED, OverallState
from ..verdicts.verdict import Verdict
from .panels import Panel, ReferenceLine
from .tags import Tag

VERSION = 1
KEPT = 100
"""Events that are kept of the first ones, and as many of the last ones."""
LONGEST, LONGEST_EVENT, LONGEST_NAME = 2000, 200, 80
"""Characters of a text, of that of an event, and of the name of a row; what is longer is cut."""
MOST = 100
"""Entries of a table of the user's own, and columns of a heat map."""
MOST_ROWS = 48
"""Rows of a heat map: of more layers, these are spread evenly from the first to the last."""
VALUES = 2400
"""Values in all heat maps together, about 8 bytes each."""
FEWEST_COLUMNS = 8
"""Columns that a heat map has, however many maps there are."""
USUAL = 64 * 1024
"""Characters of a record in which no text need be cut."""
OFTEN, GROWTH = 1.0, 0.02
"""Seconds between two records that are not urgent, at least, and the fraction of the time since the beginning."""


class Event(NamedTuple):
    """Something that happened at a step.

    Args:
        step: Batches that the model had been trained on.
        kind: `"clip"`, `"spike"`, `"nonfinite"`, `"rate"`, `"stop"`, `"restore"`, `"stage"`, `"optimizer"` or `"act"`.
        text: One sentence.
    """

    step: int
    kind: str
    text: str


@dataclass
class Events:
    """The events of a training in order: the first 100 and the last 100 of them."""

    kept: list[Event] = field(default_factory=list)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.kept)

    def add(self, event: Event) -> None:
        """Add an event; of too many, the first one after the 100 that stay goes."""
        self.kept.append(event._replace(text=event.text[:LONGEST_EVENT]))
        if len(self.kept) > 2 * KEPT:
            del self.kept[KEPT]


class Diagnosed(NamedTuple):
    """What `callbacks.Diagnosis` has done: how often it has measured, and its part of the time."""

    measurements: int = 0
    cost: float = 0.0


class Stopping(NamedTuple):
    """How early stopping stands.

    Args:
        metric: Name of the metric that is watched.
        best: Its best value so far.
        best_epoch: The epoch of that, counted from 1.
        patience_left: Epochs without a better value that are left; None where it is not patience that stops.
        reason: Why the training was stopped; None while it runs.
    """

    metric: str
    best: float
    best_epoch: int
    patience_left: int | None
    reason: str | None = None


class _Column(NamedTuple):
    number: int
    step: int
    text: str


@dataclass(eq=False)
class HeatMap:
    """A column of numbers for each of some steps: once there are too many, every other one goes, the newest never.

    A column is kept as it stands in the record, so that a new one costs no more than itself.

    Args:
        name: Name of what it shows.
        about: What the record says of it beside its columns, as JSON.
        length: The rows that a column has.
        shown: Which of them are shown.
        columns: What is kept of the columns.
        every: Of so many columns one is kept.
        added: The columns that there were.
    """

    name: str
    about: str
    length: int
    shown: np.ndarray
    columns: list[_Column] = field(default_factory=list)
    every: int = 1
    added: int = 0

    @classmethod
    def of(cls, tag: Tag, rows: Sequence[str], kinds: Sequence[str] = ()) -> "HeatMap":
        """Return one without a column.

        Args:
            tag: What it shows.
            rows: Names of the rows, the first layer first.
            kinds: Kinds of verdicts that are seen in it.
        """
        shown = np.linspace(0, len(rows) - 1, min(len(rows), MOST_ROWS)).round().astype(int)
        about = {
            "name": tag.name,
            "title": tag.title,
            "unit": tag.unit,
            "section": tag.section,
            "rows": [rows[place][:LONGEST_NAME] for place in shown],
            "kinds": kinds,
        }
        return cls(tag.name, _json(about), len(rows), shown)

    def add(self, step: int, values: np.ndarray) -> None:
        """Add the column of a step; one that is not of all rows is left out."""
        if len(values) == self.length:
            shown = np.asarray(values, float)[self.shown].tolist()
            if self.columns and self.columns[-1].number % self.every:
                del self.columns[-1]  # which was there as the newest
            self.columns.append(_Column(self.added, step, f"[{','.join(map(_digits, shown))}]".replace("e-0", "e-")))
            self.added += 1

    def thin(self, values: int) -> None:
        """Let columns go until there are no more than so many values."""
        most = min(MOST, max(FEWEST_COLUMNS, values // max(1, len(self.shown))))
        while len(self.columns) > most:
            self.every *= 2
            *older, newest = self.columns
            self.columns = [column for column in older if column.number % self.every == 0] + [newest]

    def as_json(self) -> str:
        """Return it as it stands in the record."""
        steps = ",".join(str(column.step) for column in self.columns)
        values = ",".join(column.text for column in self.columns)
        return f'{self.about[:-1]},"steps":[{steps}],"values":[{values}]}}'


@dataclass(eq=False)
class Record:
    """What is known of a training by now: its callbacks put in what they know, and it is written now and then.

    Args:
        begun: When the training began.
        hyperparameters: How it is trained.
        events: What has happened.
        heat_maps: What the page draws of all layers.
        stopping: How early stopping stands.
    """

    begun: float = field(default_factory=lambda: time.time())
    hyperparameters: dict[str, Any] = field(default_factory=dict)
    events: Events = field(default_factory=Events)
    heat_maps: list[HeatMap] = field(default_factory=list)
    stopping: Stopping | None = None
    # What callbacks put in again in a training that goes on:
    ended: bool = field(default=False, init=False)
    diagnosis: Diagnosed | None = field(default=None, init=False)
    verdicts: Sequence[Verdict] = field(default=(), init=False)
    standing: OverallState = field(default=NOT_DIAGNOSED, init=False)
    """What the verdicts come to."""
    lines: Mapping[str, Sequence[ReferenceLine]] = field(default_factory=dict, init=False)
    """Thresholds of rules, by the name of the series that they are compared with."""
    tags: list[Tag] = field(default_factory=list, init=False)
    """Those of the user's own, which `board.tags` does not know."""
    panels: list[Panel] = field(default_factory=list, init=False)
    """Those of the user's own."""
    _due: float = field(default=0.0, init=False)

    def add_column(self, heat_map: HeatMap, step: int, values: np.ndarray) -> None:
        """Add a column to a heat map, which belongs to the record from then on."""
        heat_map.add(step, values)
        if heat_map not in self.heat_maps:
            self.heat_maps.append(heat_map)
        for each in self.heat_maps:
            each.thin(VALUES // len(self.heat_maps))

    def heat_map(self, tag: Tag) -> HeatMap | None:
        """Return the heat map of this name; None where there is none yet."""
        return next((each for each in self.heat_maps if each.name == tag.name), None)

    def go_on(self, earlier: "Record") -> None:
        """Take from the record of the process before what no callback can put in again."""
        self.begun, self.hyperparameters, self.stopping = earlier.begun, earlier.hyperparameters, earlier.stopping
        self.events, self.heat_maps = earlier.events, earlier.heat_maps

    def is_due(self) -> bool:
        """Whether the last record is old enough for another: in days of training that becomes longer and longer."""
        return time.monotonic() >= self._due

    def text(self, step: int) -> str:
        """Return the record as JSON."""
        now = time.time()
        self._due = time.monotonic() + max(OFTEN, GROWTH * (now - self.begun))
        said = {
            "version": VERSION,
            "begun": self.begun,
            "now": now,
            "ended": self.ended,
            "step": step,
            "hyperparameters": dict(list(self.hyperparameters.items())[:MOST]),
            "diagnosis": self.diagnosis and self.diagnosis._asdict(),
            "state": self.standing.as_data(),
            "verdicts": [vars(verdict) for verdict in self.verdicts],
            "events": [event._asdict() for event in self.events],
            "lines": {name: [vars(line) for line in lines] for name, lines in self.lines.items()},
            "tags": {t.name: {"text": t.text, "unit": t.unit, "section": t.section} for t in self.tags[:MOST]},
            "panels": [panel.as_data() for panel in self.panels[:MOST]],
            "stopping": self.stopping and self.stopping._asdict(),
        }
        layers = ",".join(heat_map.as_json() for heat_map in self.heat_maps)
        return f'{_json(said)[:-1]},"layers":[{layers}]}}'


def _json(value: Any) -> str:
    """Return JSON; what has to be made plain first, or is too long, is the exception."""
    with contextlib.suppress(TypeError, ValueError):
        text = compact(value)
        if len(text) <= USUAL:
            return text
    return compact(plain(value))


compact = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
"""Returns plain data as JSON without spaces."""


def plain(value: Any) -> Any:
    """Return a value as JSON has it: what is not finite is None, what JSON does not know is a text."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return value[:LONGEST]
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {str(key)[:LONGEST]: plain(each) for key, each in value.items()}
        case list() | tuple():
            return [plain(each) for each in value]
        case np.generic():
            return plain(value.item())
    return str(value)[:LONGEST]


def _digits(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "null"
