"""The signals of a network from layer to layer: depth takes the place of the step."""

from collections.abc import Sequence

import numpy as np

from . import tags
from .writer import RunWriter

Histogram = tuple[np.ndarray, np.ndarray]
"""Counts, and the edges around them, as `np.histogram` returns them."""


def write_signals(log_dir: str, before: Sequence[Histogram], after: Sequence[Histogram], text: str) -> None:
    """Write a run of its own, with the signals of each layer before and after they were scaled.

    Raises:
        OSError: If nothing can be written there.
    """
    writer = RunWriter.open(log_dir, 1)
    for tag, histograms in ((tags.START_BEFORE, before), (tags.START_AFTER, after)):
        for depth, (counts, edges) in enumerate(histograms, 1):
            writer.histogram(tag, counts, edges, depth)
    writer.text(tags.START_REPORT, f"```\n{text}\n```", 1)
    writer.close()
