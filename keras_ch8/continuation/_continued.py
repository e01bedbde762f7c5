"""What continuation has brought."""

import dataclasses
from typing import final

import numpy as np

SAME = 1e-4
"""Two minima count as one if they differ by less than this share of what plain descent has gained."""


@final
@dataclasses.dataclass(frozen=True)
class Continued:
    """Where continuation ended, and where plain descent from the same start did; of many starts, one a row.

    Args:
        x: The last minimum, of the real cost: (n,), or (starts, n).
        value: The real cost there: a number, or (starts,).
        plain_x: Where plain descent ended.
        plain_value: The real cost there.
        start_value: The real cost at the start.
        stddevs: sigma of each stage; the last is 0.
        path: Where each stage ended: (stages, n), or (stages, starts, n).
        path_values: The real cost there: (stages,), or (stages, starts).
        evaluations: Evaluations of a cost and its gradient in all stages; one by sampling counts once.
        plain_evaluations: Those of plain descent.
    """

    x: np.ndarray
    value: np.ndarray
    plain_x: np.ndarray
    plain_value: np.ndarray
    start_value: np.ndarray
    stddevs: np.ndarray
    path: np.ndarray
    path_values: np.ndarray
    evaluations: np.ndarray
    plain_evaluations: np.ndarray

    @property
    def lower(self) -> np.ndarray:
        """Whether continuation ended clearly below plain descent."""
        return self.plain_value - self.value > self._tolerance

    @property
    def higher(self) -> np.ndarray:
        """Whether it ended clearly above: the blurred minimum led to a worse one."""
        return self.value - self.plain_value > self._tolerance

    @property
    def _tolerance(self) -> np.ndarray:
        return SAME * np.abs(self.start_value - self.plain_value)

    def of_start(self, i: int) -> "Continued":
        """Return one of many starts."""
        of_stages = ("path", "path_values")
        rows = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "stddevs"}
        return dataclasses.replace(self, **{n: a[:, i] if n in of_stages else a[i] for n, a in rows.items()})

    @property
    def helped(self) -> bool:
        """Whether continuation ended below plain descent, at one start or at more starts than above."""
        return bool(np.sum(self.lower) > np.sum(self.higher))

    @property
    def message(self) -> str:
        """What continuation has brought, in a sentence."""
        if self.value.ndim:
            lower, higher = int(np.sum(self.lower)), int(np.sum(self.higher))
            words = (
                f"Of {len(self.value)} starts continuation ended below plain descent at {lower}, above it at {higher}; "
                f"the mean is {np.mean(self.value):.4g}, that of plain descent {np.mean(self.plain_value):.4g}"
            )
        else:
            words = (
                f"Continuation ended at {self.value:.4g}, plain descent from the same start at {self.plain_value:.4g}"
            )
            if self.higher:
                words += "; the minimum of the blurred cost led to a worse one"
        return f"{words}." if self.helped else f"{words}: no better than plain descent."
