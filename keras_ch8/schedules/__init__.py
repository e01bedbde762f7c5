"""Learning-rate schedules: Keras `LearningRateSchedule`s whose lengths may be said in epochs, batches or percent."""

from .cosine import CosineDecay
from .duration import Clock
from .exponential import ExponentialDecay
from .inverse_time import InverseTimeDecay
from .linear_decay import LinearDecay
from .on_plateau import ReduceOnPlateau
from .one_cycle import OneCycle
from .scaled import ScaledSchedule
from .sequence import SequentialSchedule
from .warmup import Warmup

__all__ = [
    "Clock",
    "CosineDecay",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LinearDecay",
    "OneCycle",
    "ReduceOnPlateau",
    "ScaledSchedule",
    "SequentialSchedule",
    "Warmup",
]
