"""What a check before the first step is, and what several of them ask."""

import dataclasses
from collections.abc import Callable

from .facts import Facts, Layer
from .wording import digits

FEW = 16
"""Fewer examples than these tell nothing of all."""
NO_LAYER = Layer("")
FACTS = "certain, no matter of degree"
CHOSEN = "chosen; worth watching at most"
FOUND = "flagged no repaired training of the sets of real faults"


@dataclasses.dataclass(frozen=True)
class Check:
    """One thing that can be wrong before the first step.

    Args:
        name: Its name.
        kind: The kind of verdict that it makes; of a note what it is about.
        level: `"act"`, `"watch"` or `"note"`.
        holds: When it speaks, in words.
        when: Whether it speaks, of the facts.
        says: What it says, one sentence with the number.
        cure: What to do, with the number; "" for the cure of the kind.
        code: Lines of Python that do it; "" where there are none.
        source: Where the condition comes from.
    """

    name: str
    kind: str
    level: str
    holds: str
    when: Callable[[Facts], bool]
    says: Callable[[Facts], str]
    cure: Callable[[Facts], str] = lambda f: ""
    code: Callable[[Facts], str] = lambda f: ""
    source: str = FACTS


def first(facts: Facts) -> Layer:
    """Return the first layer with a matrix that is trained."""
    return next(iter(facts.start.trained), NO_LAYER)


def begins_at_one(facts: Facts) -> bool:
    """Whether labels are numbered from 1, as many as there are outputs."""
    targets, output = facts.targets, facts.output
    return output.loss == "sparse_categorical_crossentropy" and targets.are_whole and targets.high == output.units > 1 \
        and targets.low == 1  # fmt: skip


def interval(low: float, high: float) -> str:
    return f"{digits(low)} to {digits(high)}"
