"""Learning-rate schedules: Keras `LearningRateSchedule`s whose lengths may be said in epochs, batches or percent."""

from .composed import OneCycle, ScaledSchedule, SequentialSchedule, Warmup, WarmupStableDecay
from .cycles import CosineDecayRestarts, CyclicalLearningRate, PolynomialDecay
from .decays import CosineDecay, ExponentialDecay, InverseTimeDecay, LinearDecay, ReduceOnPlateau

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "CyclicalLearningRate",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LinearDecay",
    "OneCycle",
    "PolynomialDecay",
    "ReduceOnPlateau",
    "ScaledSchedule",
    "SequentialSchedule",
    "Warmup",
    "WarmupStableDecay",
]


def __dir__() -> list[str]:
    return sorted(__all__)
