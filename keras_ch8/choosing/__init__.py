"""Trainings that choose: a learning rate, an optimizer."""

from ..integration import backend as _backend

_backend.require_tensorflow(__name__)

from ._candidates import Candidate
from ._compare import compare
from ._learning_rates import compare_learning_rates, find_learning_rate

__all__ = [
    "Candidate",
    "compare",
    "compare_learning_rates",
    "find_learning_rate",
]


def __dir__() -> list[str]:
    return sorted(__all__)
