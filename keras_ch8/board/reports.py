"""What a function that is no training writes: a run of its own, with its curves and its text."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from . import tags
from .record import Event, Record
from .writer import RunWriter

Histogram = tuple[np.ndarray, np.ndarray]
"""Counts, and the edges around them, as `np.histogram` returns them."""


class Sums(NamedTuple):
    """What the layers of a model sum up.

    Args:
        deviations: The standard deviation of each layer; NaN where it cannot be measured.
        histograms: Of those layers whose sums are finite.
    """

    deviations: list[float]
    histograms: list[Histogram]


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


def write_signals(log_dir: str, before: Sums, after: Sums, text: str) -> None:
    """Write a run of its own, with the signals of each layer before and after they were scaled.

    Raises:
        OSError: If nothing can be written there.
    """
    writer = RunWriter.open(log_dir, 1)
    for tag, sums in ((tags.START_BEFORE, before), (tags.START_AFTER, after)):
        for depth, (counts, edges) in enumerate(sums.histograms, 1):
            writer.histogram(tag, counts, edges, depth)
    names = tags.START_DEVIATION_BEFORE.name, tags.START_DEVIATION_AFTER.name
    for depth, deviations in enumerate(zip(before.deviations, after.deviations, strict=True), 1):
        known = {name: value for name, value in zip(names, deviations, strict=True) if np.isfinite(value)}
        writer.scalars(depth, known)
    writer.text(tags.START_REPORT, f"```\n{text}\n```", 1)
    writer.close()


def write_compared(
    log_dir: str, settings: dict[str, object], metric: str, steps: np.ndarray, values: np.ndarray, reached: Event | None
) -> None:
    """Write a training of a comparison of optimizers as a run of its own.

    Args:
        log_dir: Folder of the run.
        settings: What the dashboard HParams and the row of the page say of it.
        metric: What was measured, as Keras calls it: a name that begins with `val_` if on validation data.
        steps: The steps at which it was measured.
        values: What was measured.
        reached: That the target was reached; `None` if it was not.

    Raises:
        OSError: If nothing can be written there.
    """
    writer, record = RunWriter.open(log_dir, 1), Record()
    name = tags.epoch(metric).name
    writer.points((int(step), {name: float(value)}) for step, value in zip(steps, values, strict=True))
    last = int(steps[-1])
    if reached is not None:
        record.events.add(reached)
    record.hyperparameters, record.ended = settings, True
    writer.hyperparameters(settings, record.begun)
    writer.record(lambda: record.text(last), last)
    writer.close()


class PretrainingRun:
    """A run of its own with the losses of all stages of a pretraining, one behind another.

    Args:
        log_dir: Folder of the run.

    Raises:
        OSError: If nothing can be written there.
    """

    def __init__(self, log_dir: str) -> None:
        self.step = 0
        """Batches that were trained on, in all stages together."""
        self._writer, self._record = RunWriter.open(log_dir, 1), Record()

    def begin(self, stage: str, trained: Sequence[str]) -> None:
        """Mark where a stage begins that trains these layers."""
        self._record.events.add(Event(self.step, "stage", f"{stage} begins: {', '.join(trained)}."))

    def epoch_ended(self, stage: str, losses: Mapping[str, float]) -> None:
        """Write the losses of an epoch by their names."""
        tag = stage.replace(" ", "_")
        self._writer.scalars(self.step, {tags.pretraining(f"{tag}_{name}").name: x for name, x in losses.items()})

    def close(self) -> None:
        """Write the events, and end the run."""
        self._record.ended = True
        self._writer.record(lambda: self._record.text(self.step), self.step)
        self._writer.close()
