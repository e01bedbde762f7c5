"""When to stop: criteria for `callbacks.EarlyStopping`. Each is a pure function of the epochs so far.

A criterion of your own is a frozen dataclass derived from `Criterion`, or from `MonitorCriterion` if it
reads one quantity.
"""

from .criteria import AllOf, AnyOf, Deadline, Diverged, Patience, Threshold
from .criterion import Criterion, EpochHistory, MonitorCriterion, Reason, StopReason
from .prechelt import GeneralizationLoss, Productivity, SuccessiveRises

__all__ = [
    "AllOf",
    "AnyOf",
    "Criterion",
    "Deadline",
    "Diverged",
    "EpochHistory",
    "GeneralizationLoss",
    "MonitorCriterion",
    "Patience",
    "Productivity",
    "Reason",
    "StopReason",
    "SuccessiveRises",
    "Threshold",
]  # fmt: skip
