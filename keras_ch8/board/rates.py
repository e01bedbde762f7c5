"""A learning-rate range test, for TensorBoard."""

import numpy as np

from . import tags
from .writer import RunWriter


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
