"""What measurements mean: the rules, what they say, and what cures it."""

from .table import RULES

__all__ = ["RULES"]
