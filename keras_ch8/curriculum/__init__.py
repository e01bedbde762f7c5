"""Curricula: how hard each example is, and how the fraction of the examples that are drawn grows.

A pacing of your own is a frozen dataclass derived from `keras_ch8.extend.Pacing`.
"""

from ..integration import backend as _backend

_backend.require_tensorflow(__name__)

from . import pacings
from .difficulty import sequence_length
from .sampler import CurriculumSampler

__all__ = [
    "CurriculumSampler",
    "pacings",
    "sequence_length",
]


def __dir__() -> list[str]:
    return sorted(__all__)
