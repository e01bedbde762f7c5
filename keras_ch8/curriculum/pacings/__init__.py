"""How the fraction of the examples that are drawn grows. Each pacing has a word, which `callbacks.Curriculum` takes."""

from ..pacing import BabySteps, Exponential, Linear, OnePass, Root, Step

__all__ = [
    "BabySteps",
    "Exponential",
    "Linear",
    "OnePass",
    "Root",
    "Step",
]


def __dir__() -> list[str]:
    return sorted(__all__)
