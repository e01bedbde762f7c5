"""Pictures for TensorBoard: the gradient norm of each layer, and what goes through the layers and through time."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from ...board import tags
from ...board.record import HeatMap, Record
from ...board.writer import RunWriter
from ...telemetry.frame import Frame

COLUMNS = 1000
"""Steps of an epoch that the picture tells apart; more are put together, with the largest norm."""


TITLES = {
    tags.LAYER_MAP: "Largest gradient norm of each layer since the column before",
    tags.FLOW_GRADIENT: "Gradient at what each layer gives",
    tags.FLOW_SIGNAL: "Signal that each layer gives",
    tags.FLOW_UPDATE: "Length of the update over that of the weights",
    tags.TIME_PROFILE: "Gradient at each time step of the first recurrent layer",
}
KINDS = {
    tags.FLOW_GRADIENT: ("vanishing", "exploding"),
    tags.FLOW_SIGNAL: ("bad_scale",),
    tags.TIME_PROFILE: ("short_horizon", "exploding"),
}


class LayerMap:
    """Puts the variables of a layer together, and the steps of an epoch into one picture."""

    def __init__(self, variables: Sequence[keras.Variable]) -> None:
        layer_of = [v.path.rpartition("/")[0] for v in variables]
        self.names = list(dict.fromkeys(layer_of))
        self._members = [[i for i, layer in enumerate(layer_of) if layer == name] for name in self.names]
        self._newest = np.zeros(len(self.names))
        self._heat_map: HeatMap | None = None
        self._begin()

    def _begin(self) -> None:
        self._columns = self._rest = np.zeros((0, len(self.names)))
        self._steps = 1  # of one column

    def state(self) -> dict[str, Any]:
        """Return the steps of the epoch so far, which `set_state` goes on from; the record has its own."""
        return {"columns": self._columns, "rest": self._rest, "steps": self._steps, "newest": self._newest}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` has returned."""
        self._columns, self._rest = state["columns"], state["rest"]
        self._steps, self._newest = state["steps"], state["newest"]

    def series(self, frame: Frame) -> dict[tags.Tag, tuple[np.ndarray, np.ndarray]]:
        """Return the largest, median and smallest norm over the layers at each step, and remember them all."""
        squares = np.square(frame.layers.astype("float64"))  # type: ignore[union-attr]
        # A variable without a gradient is NaN too: one that is broken shows in the count.
        missing = np.isnan(squares) & (frame.nonfinite == 0)[:, None]
        squares[missing] = 0
        norms = np.sqrt(np.stack([squares[:, member].sum(axis=1) for member in self._members], axis=1))
        self._remember(norms)
        self._newest = np.maximum(self._newest, norms.max(axis=0, initial=0.0))
        return {
            tags.LAYER_NORM_WORST: (frame.steps, norms.max(axis=1)),
            tags.LAYER_NORM_MEDIAN: (frame.steps, np.median(norms, axis=1)),
            tags.LAYER_NORM_BEST: (frame.steps, norms.min(axis=1)),
        }

    def _remember(self, norms: np.ndarray) -> None:
        """Add steps; once there are twice as many columns as are told apart, a column is twice as many steps."""
        norms = np.concatenate([self._rest, norms])
        columns, self._rest = self._merged(norms, self._steps)
        self._columns = np.concatenate([self._columns, columns])
        while len(self._columns) >= 2 * COLUMNS:
            self._columns, odd = self._merged(self._columns, 2)
            self._rest = np.concatenate([np.repeat(odd, self._steps, axis=0), self._rest])
            self._steps *= 2

    @staticmethod
    def _merged(rows: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the largest of each `width` rows, and the rows that are left over."""
        whole = len(rows) // width * width
        return rows[:whole].reshape(-1, width, rows.shape[1]).max(axis=1), rows[whole:]

    def note(self, record: Record, tag: tags.Tag, step: int) -> None:
        """Add the largest norms since the last time to the record of the run."""
        if self._heat_map is None:
            self._heat_map = record.heat_map(tag) or HeatMap(tag, TITLES[tags.LAYER_MAP], self.names)
        record.add_column(self._heat_map, step, self._newest)
        self._newest = np.zeros(len(self.names))

    def draw(self, writer: RunWriter, tag: tags.Tag, step: int) -> None:
        """Write the picture of the epoch."""
        last, _ = self._merged(self._rest, max(1, len(self._rest)))
        columns = np.concatenate([self._columns, last])
        if len(columns):
            first = step + 1 - len(self._columns) * self._steps - len(self._rest)
            steps = np.linspace(first, step, len(columns)).round().astype(int).tolist()
            writer.heat_map(tag, columns.T, step, self.names, steps)
        self._begin()


class FlowMap:
    """Collects a column for each picture at each measurement, for the record of the run too."""

    def __init__(self) -> None:
        self._columns: dict[tags.Tag, list[np.ndarray]] = {}
        self._steps: dict[tags.Tag, list[int]] = {}
        self._rows: dict[tags.Tag, Sequence[str]] = {}
        self._heat_maps: dict[tags.Tag, HeatMap] = {}

    def state(self) -> dict[str, Any]:
        """Return the columns by the name of the picture, which `set_state` goes on from; the record has its own."""
        return {
            tag.name: {"columns": columns, "steps": self._steps[tag], "rows": list(self._rows[tag])}
            for tag, columns in self._columns.items()
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` has returned."""
        for tag in (tag for tag in TITLES if tag.name in state):
            kept = state[tag.name]
            self._columns[tag], self._steps[tag], self._rows[tag] = kept["columns"], kept["steps"], kept["rows"]

    def add(self, readings: Mapping[str, Any], record: Record, step: int) -> None:
        """Take what a measurement has read."""
        flow, horizons = readings.get("layer_flow"), readings.get("time_horizon")
        found: dict[tags.Tag, tuple[Sequence[str], np.ndarray]] = {}
        if flow is not None:
            found[tags.FLOW_GRADIENT] = flow.names, flow.gradient
            found[tags.FLOW_SIGNAL] = flow.names, flow.signal
            weighted = np.array(flow.weighted)
            found[tags.FLOW_UPDATE] = list(itertools.compress(flow.names, weighted)), flow.relative_update[weighted]
        if horizons:
            back = (f"{i} before the last" if i else "the last" for i in range(len(horizons[0].profile)))
            found[tags.TIME_PROFILE] = list(back), horizons[0].profile
        for tag, (rows, column) in found.items():
            self._add(tag, column, rows, step)
            if tag not in self._heat_maps:
                self._heat_maps[tag] = record.heat_map(tag) or HeatMap(tag, TITLES[tag], rows, KINDS.get(tag, ()))
            record.add_column(self._heat_maps[tag], step, column)

    def _add(self, tag: tags.Tag, column: np.ndarray, rows: Sequence[str], step: int) -> None:
        columns = self._columns.setdefault(tag, [])
        if not columns or len(columns[0]) == len(column):
            columns.append(np.asarray(column, "float64"))
            self._steps.setdefault(tag, []).append(step)
            self._rows[tag] = rows

    def draw(self, writer: RunWriter, step: int) -> None:
        """Write the pictures."""
        for tag, columns in self._columns.items():
            if len(columns[0]):
                writer.heat_map(tag, np.array(columns).T, step, self._rows[tag], self._steps[tag])
