"""Trainings on pictures, texts and other sequences."""

from .healthy import HEALTHY
from .sick import SICK

__all__ = ["HEALTHY", "SICK"]
