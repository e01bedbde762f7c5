"""What is wrong with a training and what cures it: verdicts in words, by rules that are data."""

from .table import RULES

__all__ = ["RULES"]
