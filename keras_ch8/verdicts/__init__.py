"""What is wrong with a training and what cures it: verdicts in words, out of a closed list of kinds."""

from ._kinds import KINDS, Kind
from ._report import report
from ._thresholds import THRESHOLDS, Threshold, table
from .docket import Docket
from .verdict import LEVELS, Claim, Verdict

__all__ = ["KINDS", "LEVELS", "THRESHOLDS", "Claim", "Docket", "Kind", "Threshold", "Verdict", "report", "table"]
