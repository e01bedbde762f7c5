"""When to stop: criteria for `callbacks.EarlyStopping`. Each is a pure function of the epochs so far.

A criterion of your own is a frozen dataclass derived from `AbstractCriterion`, or from `AbstractMonitorCriterion` if it
reads one quantity.
"""

from .criteria import (
    AllOf,
    AnyOf,
    Deadline,
    Diverged,
    GeneralizationLoss,
    Patience,
    Productivity,
    SuccessiveRises,
    Threshold,
)
from .criterion import AbstractCriterion, AbstractMonitorCriterion, EpochHistory, Reason, StopReason

__all__ = [
    "AbstractCriterion", "AbstractMonitorCriterion", "AllOf", "AnyOf", "Deadline", "Diverged", "EpochHistory",
    "GeneralizationLoss", "Patience", "Productivity", "Reason", "StopReason", "SuccessiveRises", "Threshold",
]  # fmt: skip
