"""Pictures of what goes through the layers, and through time."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..board import tags
from ..board.writer import RunWriter


class FlowMap:
    """Collects one column a look for each picture."""

    def __init__(self) -> None:
        self._columns: dict[tags.Tag, list[np.ndarray]] = {}

    def add(self, readings: Mapping[str, Any]) -> None:
        """Take what a look has read."""
        flow, horizons = readings.get("layer_flow"), readings.get("time_horizon")
        if flow is not None:
            self._add(tags.FLOW_GRADIENT, flow.gradient)
            self._add(tags.FLOW_SIGNAL, flow.signal)
            self._add(tags.FLOW_UPDATE, flow.relative_update[np.array(flow.weighted)])
        if horizons:
            self._add(tags.TIME_PROFILE, horizons[0].profile)

    def _add(self, tag: tags.Tag, column: np.ndarray) -> None:
        columns = self._columns.setdefault(tag, [])
        if not columns or len(columns[0]) == len(column):
            columns.append(np.asarray(column, "float64"))

    def draw(self, writer: RunWriter, step: int) -> None:
        """Write the pictures."""
        for tag, columns in self._columns.items():
            if len(columns[0]):
                writer.heat_map(tag, np.array(columns).T, step)
