"""What the page draws of all layers: the gradient norm of each, and what goes through the layers and through time."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from ...board import tags
from ...board.record import HeatMap, Record
from ...telemetry.frame import Frame

KINDS = {
    tags.FLOW_GRADIENT: ("vanishing", "exploding"),
    tags.FLOW_SIGNAL: ("bad_scale",),
    tags.TIME_PROFILE: ("short_horizon", "exploding"),
}


@dataclass
class LayerNorms:
    """Puts the variables of a layer together, and keeps the largest norm of each since it was last noted.

    Args:
        names: Names of the layers.
        members: Which variables each has.
        largest: The largest norm of each.
    """

    names: list[str]
    members: list[list[int]]
    largest: np.ndarray

    @classmethod
    def of(cls, variables: Sequence[keras.Variable]) -> "LayerNorms":
        """Return one for these variables, before any norm."""
        layer_of = [v.path.rpartition("/")[0] for v in variables]
        names = list(dict.fromkeys(layer_of))
        members = [[i for i, layer in enumerate(layer_of) if layer == name] for name in names]
        return cls(names, members, np.zeros(len(names)))

    def series(self, frame: Frame) -> dict[tags.Tag, tuple[np.ndarray, np.ndarray]]:
        """Return the largest, median and smallest norm over the layers at each step."""
        squares = np.square(frame.layers.astype("float64"))  # type: ignore[union-attr]
        # A variable without a gradient is NaN too: one that is broken shows in the count.
        missing = np.isnan(squares) & (frame.nonfinite == 0)[:, None]
        squares[missing] = 0
        norms = np.sqrt(np.stack([squares[:, member].sum(axis=1) for member in self.members], axis=1))
        self.largest = np.maximum(self.largest, norms.max(axis=0, initial=0.0))
        return {
            tags.LAYER_NORM_WORST: (frame.steps, norms.max(axis=1)),
            tags.LAYER_NORM_MEDIAN: (frame.steps, np.median(norms, axis=1)),
            tags.LAYER_NORM_BEST: (frame.steps, norms.min(axis=1)),
        }

    def note(self, record: Record, tag: tags.Tag, step: int) -> None:
        """Add the largest norms since the last time to the record of the run."""
        record.add_column(record.heat_map(tag) or HeatMap.of(tag, self.names), step, self.largest)
        self.largest = np.zeros(len(self.names))


def note_flow(readings: Mapping[str, Any], record: Record, step: int) -> None:
    """Add what a measurement has read of the layers and of time to the record of the run."""
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
        record.add_column(record.heat_map(tag) or HeatMap.of(tag, rows, KINDS.get(tag, ())), step, column)
