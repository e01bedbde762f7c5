"""Curricula: how hard each example is, and how the fraction of the examples that are drawn grows.

A pacing of your own is a frozen dataclass derived from `Pacing`.
"""

from ..integration import backend as _backend

_backend.require_tensorflow(__name__)

from ._sampler import ORDERS as ORDERS
from ._sampler import CurriculumSampler
from .difficulty import cross_validated_loss, sequence_length, teacher_loss
from .pacing import Competence, Exponential, Linear, Pacing, Root, Step
from .staged_pacing import BabySteps, OnePass

__all__ = [
    "BabySteps",
    "Competence",
    "CurriculumSampler",
    "Exponential",
    "Linear",
    "OnePass",
    "Pacing",
    "Root",
    "Step",
    "cross_validated_loss",
    "sequence_length",
    "teacher_loss",
]  # fmt: skip
