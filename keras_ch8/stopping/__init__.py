"""When to stop: criteria as values, for `callbacks.EarlyStopping`. Each is a pure function of the epochs so far."""

from ._combined import all_of, any_of
from ._deadline import deadline
from ._diverged import diverged
from ._generalization_loss import generalization_loss
from ._patience import patience
from ._productivity import productivity
from ._successive_rises import successive_rises
from ._threshold import threshold
from .history import EpochHistory, Reason, StopReason

__all__ = [
    "EpochHistory",
    "Reason",
    "StopReason",
    "all_of",
    "any_of",
    "deadline",
    "diverged",
    "generalization_loss",
    "patience",
    "productivity",
    "successive_rises",
    "threshold",
]
