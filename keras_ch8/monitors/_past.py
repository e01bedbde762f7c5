"""What has been seen of a training so far, in NumPy."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

KEPT = 5000
"""Steps whose rows are kept."""


@dataclasses.dataclass(frozen=True)
class Rows:
    """What every step left behind: its number, the norm of its gradient, its loss (NaN where nobody tells it)."""

    steps: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0, int))
    norm: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    loss: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))
    nonfinite: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(0))

    def after(self, other: "Rows") -> "Rows":
        """Return the last KEPT rows of these and, after them, of others."""
        return Rows(*(np.concatenate([a, b])[-KEPT:] for a, b in zip(_columns(self), _columns(other), strict=True)))


class Past:
    """What a monitor judges by.

    Args:
        total: Steps that this training has in all; 0 where it is not known.
        first: Steps that were made before it.
        steps_of_update: Steps between two moments at which the weights can be seen.
    """

    def __init__(self, total: int = 0, first: int = 0, steps_of_update: int = 1) -> None:
        self.total, self.first, self.steps_of_update = total, first, steps_of_update
        self.batch_size = 0.0
        """Examples of a minibatch of the training, on average; 0 where it is not known."""
        self.step = first
        self.rows = Rows()
        self.epochs: list[Mapping[str, float]] = []
        self.passes: list[np.ndarray] = []
        """Loss of each minibatch in the first epoch and, if there is another, the last."""
        self._readings: dict[str, list[Any]] = {}
        self._steps: dict[str, list[int]] = {}

    @property
    def done(self) -> int:
        """Steps of this training so far."""
        return self.step - self.first

    def add(self, step: int, readings: Mapping[str, Any]) -> None:
        """Take what a probe has read at a step."""
        self.step = step
        for name, reading in readings.items():
            self._readings.setdefault(name, []).append(reading)
            self._steps.setdefault(name, []).append(step)

    def add_rows(self, rows: Rows) -> None:
        """Take the rows of the last steps."""
        self.rows = self.rows.after(rows)
        if len(rows.steps):
            self.step = max(self.step, int(rows.steps[-1]))

    def add_epoch(self, logs: Mapping[str, float], losses: np.ndarray) -> None:
        """Take the end of an epoch: what `fit` reports, and the loss of each minibatch."""
        self.epochs.append(dict(logs))
        self.passes = [*self.passes[:1], losses]

    def of(self, name: str) -> list[Any]:
        """Return the readings of a monitor, the oldest first."""
        return self._readings.get(name, [])

    def steps_of(self, name: str) -> np.ndarray:
        """Return the steps at which they were taken."""
        return np.array(self._steps.get(name, []), int)

    def series(self, name: str, quantity: str) -> np.ndarray:
        """Return one quantity of all readings of a monitor."""
        return np.array([float(getattr(reading, quantity)) for reading in self.of(name)])


def _columns(rows: Rows) -> tuple[np.ndarray, ...]:
    return rows.steps, rows.norm, rows.loss, rows.nonfinite
