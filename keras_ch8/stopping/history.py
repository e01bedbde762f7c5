"""What a criterion looks at, and what it answers."""

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


class StopReason(enum.StrEnum):
    """Why a training has ended."""

    PATIENCE = "patience"
    GENERALIZATION_LOSS = "generalization_loss"
    PRODUCTIVITY = "productivity"
    SUCCESSIVE_RISES = "successive_rises"
    THRESHOLD = "threshold"
    DIVERGED = "diverged"
    DEADLINE = "deadline"
    ALL_OF = "all_of"
    COMPLETED = "completed"
    """All epochs were run."""
    OTHER = "other"
    """Something else stopped the training."""


@dataclasses.dataclass(frozen=True)
class Reason:
    """Why the training has ended: `why` for programs, `message` for people, `epoch` counted from 0."""

    why: StopReason
    message: str
    epoch: int


@dataclasses.dataclass(frozen=True)
class EpochHistory:
    """The epochs so far.

    Args:
        monitor: Name of the quantity that a criterion looks at if it names none.
        modes: "min" or "max" for each quantity that is looked at: which direction is better.
        epochs: Number of each epoch, counted from 0.
        logs: What was reported at the end of each epoch; a quantity may be missing in some.
        seconds: Time spent on training at the end of each epoch.
    """

    monitor: str
    modes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    epochs: tuple[int, ...] = ()
    logs: tuple[Mapping[str, float], ...] = ()
    seconds: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.epochs)

    @property
    def epoch(self) -> int:
        """The last epoch, counted from 0."""
        return self.epochs[-1]

    def after(self, epoch: int, logs: Mapping[str, float], seconds: float) -> "EpochHistory":
        """Return the past with one epoch more."""
        return dataclasses.replace(
            self,
            epochs=(*self.epochs, epoch),
            logs=(*self.logs, dict(logs)),
            seconds=(*self.seconds, seconds),
        )

    def where(self, name: str) -> "EpochHistory":
        """Return the epochs that reported a quantity."""
        return self._at([i for i, logs in enumerate(self.logs) if name in logs])

    def since(self, index: int) -> "EpochHistory":
        """Return the epochs from one on."""
        return self._at(range(index, len(self)))

    def _at(self, kept: Sequence[int]) -> "EpochHistory":
        return dataclasses.replace(
            self,
            epochs=tuple(self.epochs[i] for i in kept),
            logs=tuple(self.logs[i] for i in kept),
            seconds=tuple(self.seconds[i] for i in kept),
        )

    def epochs_with(self, name: str) -> np.ndarray:
        """Return the numbers of the epochs that reported a quantity."""
        return np.array(self.where(name).epochs, dtype="int64")

    def values(self, name: str) -> np.ndarray:
        """Return a quantity, as reported."""
        return np.array([logs[name] for logs in self.logs if name in logs], dtype="float64")

    def is_max(self, name: str) -> bool:
        """Whether larger is better."""
        return self.modes.get(name, "min") == "max"

    def falling(self, name: str) -> np.ndarray:
        """Return a quantity with the sign that makes smaller better."""
        return -self.values(name) if self.is_max(name) else self.values(name)

    def errors(self, name: str) -> np.ndarray:
        """Return a quantity as an error of at least 0, such as ratios of errors need: 1 - x where larger is better."""
        errors = 1 - self.values(name) if self.is_max(name) else self.values(name)
        if (errors < 0).any():
            raise ValueError(
                f"A ratio of errors needs errors of at least 0 (1 - x where larger is better). Received: {name}="
                f"{self.values(name)[errors < 0][0]:.4g}, mode={'max' if self.is_max(name) else 'min'!r}. Watch a "
                "metric that cannot be negative, or use `stopping.Patience` or `stopping.SuccessiveRises`, which "
                "compare differences only."
            )
        return errors

    def state(self) -> dict[str, Any]:
        """Return what has happened, in plain Python."""
        logs = [dict(x) for x in self.logs]
        return {"modes": dict(self.modes), "epochs": list(self.epochs), "logs": logs, "seconds": list(self.seconds)}

    def restored(self, state: Mapping[str, Any]) -> "EpochHistory":
        """Return this past with what `state` has kept."""
        epochs, logs, seconds = (tuple(state[name]) for name in ("epochs", "logs", "seconds"))
        return dataclasses.replace(self, modes=dict(state["modes"]), epochs=epochs, logs=logs, seconds=seconds)
