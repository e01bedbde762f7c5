"""What a criterion is."""

import abc
import dataclasses
from collections.abc import Iterator
from typing import Any

from .. import _checks
from .history import EpochHistory, Reason


@dataclasses.dataclass(frozen=True)
class AbstractCriterion(abc.ABC):
    """A value with one pure function: two criteria with equal arguments are equal, and neither remembers anything."""

    @abc.abstractmethod
    def evaluate(self, past: EpochHistory) -> Reason | None:
        """Return the reason to stop after the last epoch, or None."""

    def watched(self, monitor: str) -> Iterator[tuple[str, str]]:
        """Yield name and mode of each quantity that is looked at; `monitor` is the callback's."""
        yield from ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class AbstractMonitor(AbstractCriterion):
    """A criterion on one quantity: its own, or the callback's."""

    monitor: str | None = None
    mode: str = "auto"

    def __post_init__(self) -> None:
        _checks.mode(self.mode)

    def name(self, past: EpochHistory) -> str:
        """Return the quantity's name."""
        return self.monitor or past.monitor

    def watched(self, monitor: str) -> Iterator[tuple[str, str]]:
        """Yield the quantity."""
        yield self.monitor or monitor, self.mode


def as_criterion(value: Any) -> AbstractCriterion:
    """Return a criterion; else raise TypeError."""
    if not isinstance(value, AbstractCriterion):
        raise TypeError(
            "`criterion` must be one of `keras_ch8.stopping`, such as `keras_ch8.stopping.GeneralizationLoss(5)`. "
            f"Received: {value!r} of type {type(value).__name__}. There are patience, generalization_loss, "
            "productivity, successive_rises, threshold, diverged, deadline, and any_of and all_of to combine them."
        )
    return value
