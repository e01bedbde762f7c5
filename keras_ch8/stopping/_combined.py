"""Several criteria as one."""

import dataclasses
from collections.abc import Iterator
from typing import final

from .criterion import AbstractCriterion, as_criterion
from .history import EpochHistory, Reason, StopReason


@dataclasses.dataclass(frozen=True, init=False)
class AbstractCombined(AbstractCriterion):
    """Several criteria."""

    criteria: tuple[AbstractCriterion, ...]

    def __init__(self, *criteria: AbstractCriterion) -> None:
        if not criteria:
            raise ValueError(f"`{type(self).__name__}` combines criteria. Received: none. Give at least one.")
        object.__setattr__(self, "criteria", tuple(as_criterion(criterion) for criterion in criteria))

    def watched(self, monitor: str) -> Iterator[tuple[str, str]]:
        """Yield what each of them looks at."""
        for criterion in self.criteria:
            yield from criterion.watched(monitor)

    def reasons(self, past: EpochHistory) -> list[Reason | None]:
        """Ask each of them."""
        return [criterion.evaluate(past) for criterion in self.criteria]


@final
@dataclasses.dataclass(frozen=True, init=False)
class AnyOf(AbstractCombined):
    """Stop when one of several criteria says so (section 8.1.2).

    Args:
        criteria: Criteria of `keras_ch8.stopping`, each with a monitor of its own if need be.

    Raises:
        TypeError: If one is no criterion.

    Example:
        >>> from keras_ch8 import stopping
        >>> either = stopping.AnyOf(stopping.Patience(5), stopping.Threshold(0.99, monitor="val_accuracy"))

    References:
        Prechelt (1998), Early Stopping - But When?
    """

    section = "8.1"

    def evaluate(self, past: EpochHistory) -> Reason | None:
        """Return the first reason to stop, or None."""
        return next((reason for reason in self.reasons(past) if reason), None)


@final
@dataclasses.dataclass(frozen=True, init=False)
class AllOf(AbstractCombined):
    """Stop when all of several criteria say so at the same epoch (section 8.1.2).

    Args:
        criteria: Criteria of `keras_ch8.stopping`, each with a monitor of its own if need be.

    Raises:
        TypeError: If one is no criterion.

    Example:
        >>> from keras_ch8 import stopping
        >>> both = stopping.AllOf(stopping.Patience(5), stopping.Patience(5, monitor="val_zero_one_loss"))

    References:
        Prechelt (1998), Early Stopping - But When?
    """

    section = "8.1"

    def evaluate(self, past: EpochHistory) -> Reason | None:
        """Return the reasons to stop as one, or None."""
        reasons = [reason for reason in self.reasons(past) if reason]
        if len(reasons) < len(self.criteria):
            return None
        return Reason(StopReason.ALL_OF, ", and ".join(reason.message for reason in reasons), past.epoch)
