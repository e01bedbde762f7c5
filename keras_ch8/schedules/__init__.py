"""Learning-rate schedules: Keras `LearningRateSchedule`s whose lengths may be said in epochs, batches or percent."""

from ._duration import Clock
from .cosine import Cosine
from .exponential import Exponential
from .inverse_time import InverseTime
from .linear_decay import LinearDecay
from .on_plateau import on_plateau
from .one_cycle import OneCycle
from .scaled import Scaled
from .sequence import Sequence
from .warmup import Warmup

__all__ = [
    "Clock",
    "Cosine",
    "Exponential",
    "InverseTime",
    "LinearDecay",
    "OneCycle",
    "Scaled",
    "Sequence",
    "Warmup",
    "on_plateau",
]
