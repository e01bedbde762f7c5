"""Trainings on tables, measurements and signals."""

from .healthy import HEALTHY
from .sick import SICK

__all__ = ["HEALTHY", "SICK"]
