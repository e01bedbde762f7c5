"""The rows of many steps, read back into NumPy."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from ._row import COLUMNS


@dataclass(frozen=True)
class Frame:
    """What happened at the steps `steps`, one number for each; some was measured at the steps `measured` only.

    `norm` is of the whole gradient before clipping and `clipped` after; `rates` has three columns, the 5 %, 50 % and
    95 % quantile of |delta theta / g| over the sample, with g as clipped. `layers`, if asked for, has
    one column for each variable.
    """

    steps: np.ndarray
    learning_rate: np.ndarray
    loss: np.ndarray
    norm: np.ndarray
    clipped: np.ndarray
    nonfinite: np.ndarray
    measured: np.ndarray
    update: np.ndarray
    rates: np.ndarray
    layers: np.ndarray | None = None

    @property
    def coefficient(self) -> np.ndarray:
        """Norm after clipping over norm before; 1 where nothing was clipped, and for a gradient of 0."""
        with np.errstate(invalid="ignore"):
            ratio = np.where(self.norm > 0, self.clipped / np.where(self.norm > 0, self.norm, 1), 1.0)
        return np.where(self.was_clipped, ratio, 1.0)

    @property
    def was_clipped(self) -> np.ndarray:
        """Whether the gradient got shorter by more than rounding."""
        return self.clipped < self.norm * (1 - 1e-5)

    @classmethod
    def read(
        cls, rings: Sequence[np.ndarray], first: int, last: int, every: int, layers: np.ndarray | None = None
    ) -> Self:
        """Return steps `first` to `last` from the rings; a row of another step is left out."""
        steps = np.arange(first, last + 1)
        rows = np.stack([ring[steps % len(ring)] for ring in rings]).astype("float64")
        there = np.abs(rows[:, :, 0] - steps) < rings[0].shape[0] / 2
        some = there.any(axis=0)
        steps, rows, there = steps[some], rows[:, some], there[:, some]
        column = {name: rows[:, :, i] for i, name in enumerate(COLUMNS)}
        whole = rows[there.argmax(axis=0), np.arange(len(steps))].T
        of_step = dict(zip(COLUMNS, whole[: len(COLUMNS)], strict=True))
        norm = np.sqrt(_sum(np.square(column["norm"]), there))
        has_rule = of_step["norm_before"] != -1
        deep = steps % every == 0
        return cls(
            steps=steps,
            learning_rate=of_step["learning_rate"],
            loss=of_step["loss"],
            norm=np.where(has_rule, of_step["norm_before"], norm),
            clipped=norm * of_step["factor"],
            nonfinite=np.where(has_rule, of_step["nonfinite_before"], _sum(column["nonfinite"], there)),
            measured=steps[deep],
            update=np.sqrt(_sum(column["squared_update"], there))[deep],
            rates=_quantiles(rows[:, deep, len(COLUMNS) :]) / of_step["factor"][deep, None],
            layers=None if layers is None else layers[steps % len(layers)],
        )


def _sum(values: np.ndarray, there: np.ndarray) -> np.ndarray:
    return np.where(there, values, 0).sum(axis=0)


def _quantiles(rates: np.ndarray) -> np.ndarray:
    """Return the 5 %, 50 % and 95 % quantile at each step over the finite rates of all rings; NaN where none is."""
    ascending = np.sort(np.concatenate(list(rates), axis=1), axis=1)
    finite = np.isfinite(ascending).sum(axis=1, keepdims=True)
    place = np.rint(np.array([0.05, 0.5, 0.95]) * np.maximum(finite - 1, 0)).astype(int)
    return np.where(finite > 0, np.take_along_axis(ascending, place, axis=1), np.nan)
