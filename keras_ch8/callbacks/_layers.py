"""The norm of the gradient layer by layer."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import _telemetry
from ..board import tags
from ..board.heat_map import heat_map, png
from ..board.writer import RunWriter

COLUMNS = 1000
"""Steps of an epoch that the picture tells apart; more are put together, with the largest norm."""


class LayerMap:
    """Puts the variables of a layer together, and the steps of an epoch into one picture."""

    def __init__(self, variables: Sequence[Any]) -> None:
        layer_of = [getattr(v, "path", v.name).rpartition("/")[0] for v in variables]
        self.names = list(dict.fromkeys(layer_of))
        self._member = np.array([[layer == name for layer in layer_of] for name in self.names])
        self._columns: list[np.ndarray] = []

    def series(self, frame: _telemetry.Frame) -> dict[tags.Tag, tuple[np.ndarray, np.ndarray]]:
        """Return the largest, median and smallest norm over the layers at each step, and remember them all."""
        squares = np.square(frame.layers.astype("float64"))  # type: ignore[union-attr]
        norms = np.sqrt(np.where(np.isnan(squares), 0, squares) @ self._member.T)
        broken = np.isnan(squares) & (frame.nonfinite > 0)[:, None]
        norms[(broken.astype(int) @ self._member.T.astype(int)) > 0] = np.nan
        self._columns.extend(norms)
        if len(self._columns) >= 2 * COLUMNS:
            self._columns = list(np.array(self._columns)[: 2 * COLUMNS].reshape(COLUMNS, 2, -1).max(axis=1))
        return {
            tags.LAYER_NORM_WORST: (frame.steps, norms.max(axis=1)),
            tags.LAYER_NORM_MEDIAN: (frame.steps, np.median(norms, axis=1)),
            tags.LAYER_NORM_BEST: (frame.steps, norms.min(axis=1)),
        }

    def draw(self, writer: RunWriter, step: int) -> None:
        """Write the picture of the epoch."""
        if self._columns:
            pixels = heat_map(np.array(self._columns).T)
            writer.image(tags.LAYER_MAP, png(pixels), pixels.shape[1], pixels.shape[0], step)
            self._columns = []
