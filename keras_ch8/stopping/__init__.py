"""When to stop: criteria for `callbacks.EarlyStopping`. Each is a pure function of the epochs so far.

A criterion of your own is a frozen dataclass derived from `keras_ch8.extend.Criterion`, or from `MonitorCriterion`
there if it reads one quantity.
"""

from .criteria import AnyOf, Deadline, Diverged, Patience, Threshold
from .prechelt import GeneralizationLoss, Productivity, SuccessiveRises

__all__ = [
    "AnyOf",
    "Deadline",
    "Diverged",
    "GeneralizationLoss",
    "Patience",
    "Productivity",
    "SuccessiveRises",
    "Threshold",
]


def __dir__() -> list[str]:
    return sorted(__all__)
