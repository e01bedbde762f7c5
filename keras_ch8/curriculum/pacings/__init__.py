"""How the fraction of the examples that are drawn grows. Each pacing has a word, which `callbacks.Curriculum` takes."""

from ..pacing import Competence, Exponential, Linear, Root, Step
from ..staged_pacing import BabySteps, OnePass

__all__ = [
    "BabySteps",
    "Competence",
    "Exponential",
    "Linear",
    "OnePass",
    "Root",
    "Step",
]


def __dir__() -> list[str]:
    return sorted(__all__)
