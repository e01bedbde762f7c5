"""What is wrong with a training and what cures it: verdicts in words, out of a closed list of kinds."""

from ._docket import Docket
from ._kinds import KINDS, Kind
from ._report import report
from ._thresholds import THRESHOLDS, Threshold, table
from ._verdict import LEVELS, Claim, Verdict

__all__ = ["KINDS", "LEVELS", "THRESHOLDS", "Claim", "Docket", "Kind", "Threshold", "Verdict", "report", "table"]
