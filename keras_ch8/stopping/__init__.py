"""When to stop: criteria as values, for `callbacks.EarlyStopping`. Each is a pure function of the epochs so far."""

from ._combined import AllOf, AnyOf
from ._deadline import Deadline
from ._diverged import Diverged
from ._generalization_loss import GeneralizationLoss
from ._patience import Patience
from ._productivity import Productivity
from ._successive_rises import SuccessiveRises
from ._threshold import Threshold
from .history import EpochHistory, Reason, StopReason

__all__ = [
    "AllOf",
    "AnyOf",
    "Deadline",
    "Diverged",
    "EpochHistory",
    "GeneralizationLoss",
    "Patience",
    "Productivity",
    "Reason",
    "StopReason",
    "SuccessiveRises",
    "Threshold",
]
