"""Trainings on texts and sequences, by one of the authors."""

from .healthy import HEALTHY
from .sick import SICK

__all__ = ["HEALTHY", "SICK"]
