"""What is wrong before the first step: checks as data, each with its condition, its sentence and its cure.

A `Check` is judged on the `facts.Facts` of a training. Facts that are not known are NaN or "": they fulfil no "
"condition.
Those that flagged repaired trainings of the sets of real faults, or that are a matter of taste, are notes: facts worth
knowing, and never a verdict.
"""

from collections.abc import Callable

from ._check import Check as Check
from ._checks_of_data import OF_ALL, OF_INPUTS, OF_LABELS
from ._checks_of_model import OF_LOSS, OF_START
from .causes import explained_by
from .facts import Facts
from .verdict import Claim

CHECKS: tuple[Check, ...] = (*OF_INPUTS, *OF_LABELS, *OF_LOSS, *OF_START, *OF_ALL)
"""All checks, in the order in which they are made: of each kind the first that speaks is said."""


def claims_of(facts: Facts, leave_out: Callable[[str, Exception], None]) -> tuple[list[Claim], list[str]]:
    """Return what the checks claim and note of some facts, the gravest claim of each kind; causes silence symptoms.

    A check that fails is left out, after `leave_out` was called with its name and the error.
    """
    found: dict[str, Claim] = {}
    notes: list[str] = []
    for check in CHECKS:
        try:
            acting = [kind for kind, claim in found.items() if claim.level == "act"]
            if not check.when(facts) or (check.level != "note" and explained_by(check.kind, acting)):
                continue
            said = check.says(facts)
            if check.level == "note":
                notes.append(said)
            elif check.kind not in found:
                cure, code = check.cure(facts), check.code(facts)
                why = (f"It is said where {check.holds} ({check.source}).",)
                found[check.kind] = Claim(check.kind, check.level, said, cure, proven=True, why=why, code=code)
        except Exception as error:
            leave_out(check.name, error)
    return list(found.values()), notes
