"""What a function that is no training writes: a run of its own, with its curves and its text."""

from collections.abc import Sequence

import numpy as np

from . import tags
from .writer import RunWriter

Histogram = tuple[np.ndarray, np.ndarray]
"""Counts, and the edges around them, as `np.histogram` returns them."""


def write_rates(log_dir: str, rates: np.ndarray, losses: np.ndarray, smoothed: np.ndarray, text: str) -> None:
    """Write a range test as a run of its own: its steps are those of the test, its text what it suggests.

    Raises:
        OSError: If nothing can be written there.
    """
    writer = RunWriter.open(log_dir, 1)
    series = {tags.RANGE_RATE: np.log10(rates), tags.RANGE_LOSS: losses, tags.RANGE_SMOOTHED: smoothed}
    writer.points(
        (step + 1, {tag.name: float(values[step]) for tag, values in series.items()}) for step in range(len(rates))
    )
    writer.text(tags.RANGE_REPORT, f"```\n{text}\n```", len(rates))
    writer.close()


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
