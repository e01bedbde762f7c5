"""Learning-rate schedules: Keras `LearningRateSchedule`s whose lengths may be said in epochs, batches or percent."""

from .base import Schedule
from .composed import ScaledSchedule, SequentialSchedule
from .decays import CosineDecay, ExponentialDecay, InverseTimeDecay, LinearDecay
from .duration import Clock
from .on_plateau import ReduceOnPlateau
from .warmup import OneCycle, Warmup

__all__ = [
    "Clock",
    "CosineDecay",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LinearDecay",
    "OneCycle",
    "ReduceOnPlateau",
    "ScaledSchedule",
    "Schedule",
    "SequentialSchedule",
    "Warmup",
]
