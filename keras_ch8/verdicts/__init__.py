"""What is wrong with a training and what cures it: verdicts in words, by rules that are data."""

from .kinds import KINDS, Kind
from .rules import Combination, Condition, Quantity, Rule, Threshold, judge
from .state import STATES, State, state_of
from .texts import markdown, report
from .verdict import LEVELS, Claim, Verdict, VerdictError, VerdictTracker

__all__ = [
    "KINDS",
    "LEVELS",
    "STATES",
    "Claim",
    "Combination",
    "Condition",
    "Kind",
    "Quantity",
    "Rule",
    "State",
    "Threshold",
    "Verdict",
    "VerdictError",
    "VerdictTracker",
    "judge",
    "markdown",
    "report",
    "state_of",
]
