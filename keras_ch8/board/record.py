"""The record of a run: one JSON object of all that a page says of it beside its curves.

The newest record alone is enough, since TensorBoard keeps only ten of them: whatever grows with the training, events
and heat maps, is kept from its beginning but bounded, so that a record stays below about 64 KB however long the
training and however large the model. `docs/design/tensorboard.md` has the format.
"""

import contextlib
import json
import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..verdicts.state import NOT_DIAGNOSED
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


class Events:
    """The events of a training in order: the first 100 and the last 100 of them."""

    def __init__(self, kept: Iterable[Event] = ()) -> None:
        self._kept = list(kept)

    def __iter__(self) -> Iterator[Event]:
        return iter(self._kept)

    def add(self, event: Event) -> None:
        """Add an event; of too many, the first one after the 100 that stay goes."""
        self._kept.append(event._replace(text=event.text[:LONGEST_EVENT]))
        if len(self._kept) > 2 * KEPT:
            del self._kept[KEPT]


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


class HeatMap:
    """A column of numbers for each of some steps: once there are too many, every other one goes, the newest never.

    A column is kept as it stands in the record, so that a new one costs no more than itself.

    Args:
        tag: What it shows.
        rows: Names of the rows, the first layer first.
        kinds: Kinds of verdicts that are seen in it.
    """

    def __init__(self, tag: Tag, rows: Sequence[str], kinds: Sequence[str] = ()) -> None:
        self.name = tag.name
        self._length = len(rows)
        self._shown = np.linspace(0, len(rows) - 1, min(len(rows), MOST_ROWS)).round().astype(int)
        about = {
            "name": tag.name,
            "title": tag.title,
            "unit": tag.unit,
            "section": tag.section,
            "rows": [rows[place][:LONGEST_NAME] for place in self._shown],
            "kinds": kinds,
        }
        self._about = _json(about)
        self._columns: list[_Column] = []
        self._every, self._added = 1, 0

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> "HeatMap":
        """Return one that goes on from what `state` has returned."""
        made = cls.__new__(cls)
        made.name, made._about, made._length = state["name"], state["about"], state["length"]
        made._shown = np.array(state["shown"], int)
        made._columns = [_Column(*column) for column in state["columns"]]
        made._every, made._added = state["every"], state["added"]
        return made

    def state(self) -> dict[str, Any]:
        """Return all that it has, as plain data."""
        return {
            "name": self.name,
            "about": self._about,
            "length": self._length,
            "shown": self._shown.tolist(),
            "columns": [list(column) for column in self._columns],
            "every": self._every,
            "added": self._added,
        }

    def add(self, step: int, values: np.ndarray) -> None:
        """Add the column of a step; one that is not of all rows is left out."""
        if len(values) == self._length:
            shown = np.asarray(values, float)[self._shown].tolist()
            if self._columns and self._columns[-1].number % self._every:
                del self._columns[-1]  # which was there as the newest
            self._columns.append(_Column(self._added, step, f"[{','.join(map(_digits, shown))}]".replace("e-0", "e-")))
            self._added += 1

    def thin(self, values: int) -> None:
        """Let columns go until there are no more than so many values."""
        most = min(MOST, max(FEWEST_COLUMNS, values // max(1, len(self._shown))))
        while len(self._columns) > most:
            self._every *= 2
            *older, newest = self._columns
            self._columns = [column for column in older if column.number % self._every == 0] + [newest]

    def as_json(self) -> str:
        """Return it as it stands in the record."""
        steps = ",".join(str(column.step) for column in self._columns)
        values = ",".join(column.text for column in self._columns)
        return f'{self._about[:-1]},"steps":[{steps}],"values":[{values}]}}'


class Record:
    """What is known of a training by now: its callbacks put in what they know, and it is written now and then."""

    def __init__(self) -> None:
        self.begun = time.time()
        self.ended = False
        self.hyperparameters: dict[str, Any] = {}
        self.diagnosis: Diagnosed | None = None
        self.verdicts: Sequence[Verdict] = ()
        self.standing = NOT_DIAGNOSED
        """What the verdicts come to."""
        self.events = Events()
        self.lines: Mapping[str, Sequence[ReferenceLine]] = {}
        """Thresholds of rules, by the name of the series that they are compared with."""
        self.tags: list[Tag] = []
        """Those of the user's own, which `board.tags` does not know."""
        self.panels: list[Panel] = []
        """Those of the user's own."""
        self.heat_maps: list[HeatMap] = []
        self.stopping: Stopping | None = None
        self._due = 0.0

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

    def state(self) -> dict[str, Any]:
        """Return what no callback can put in again, which `set_state` goes on from."""
        stopping = None if self.stopping is None else dict(self.stopping._asdict())
        return {
            "begun": self.begun,
            "hyperparameters": plain(self.hyperparameters),
            "events": [dict(event._asdict()) for event in self.events],
            "heat_maps": [heat_map.state() for heat_map in self.heat_maps],
            "stopping": stopping,
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` has returned."""
        self.begun, self.hyperparameters = state["begun"], dict(state["hyperparameters"])
        self.events = Events(Event(**each) for each in state["events"])
        self.heat_maps = [HeatMap.of(each) for each in state["heat_maps"]]
        self.stopping = None if state["stopping"] is None else Stopping(**state["stopping"])

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
        text = _dumps(value)
        if len(text) <= USUAL:
            return text
    return _dumps(plain(value))


_dumps = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


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
