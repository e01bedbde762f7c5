"""Curricula: how hard each example is, and how the share of the examples that are drawn grows. See `pacing`."""

from ..integration import backend as _backend

if not _backend.is_tensorflow():
    raise _backend.needs_tensorflow(__name__)

from ._cross_validated_loss import cross_validated_loss
from ._order import ORDERS as ORDERS
from ._sampler import CurriculumSampler
from ._sequence_length import sequence_length
from ._teacher_loss import teacher_loss
from .pacing import AbstractPacing, BabySteps, Exponential, Linear, OnePass, Root, Step, competence

__all__ = [
    "AbstractPacing",
    "BabySteps",
    "CurriculumSampler",
    "Exponential",
    "Linear",
    "OnePass",
    "Root",
    "Step",
    "competence",
    "cross_validated_loss",
    "sequence_length",
    "teacher_loss",
]
