"""What a check before the first step is, and what several of them ask."""

import dataclasses
import math
from collections.abc import Callable
from typing import TypeAlias

from .ending import are_two
from .facts import DISTANCES, End, Facts, Layer, Output
from .wording import digits

FEW = 16
"""Fewer examples than these say nothing of all."""
LARGEST_SIZE = 255.0
"""Grey levels go up to it, and percent to 100: larger numbers are no parts of a whole in another unit."""
NO_LAYER = Layer("")
FACTS = "certain, not a matter of degree"
CHOSEN = "threshold chosen by us"
FOUND = "no false alarm on the 164 healthy trainings of our benchmarks"
FOUND_ONCE = "1 false alarm on the 164 healthy trainings of our benchmarks"
CHOSEN_TO_ACT = f"{CHOSEN}; {FOUND}"
"""Where conditions come from. That there was no false alarm, or one, is what benchmarks/faults/detect.json says."""

Text: TypeAlias = str | Callable[[Facts], str]


@dataclasses.dataclass(frozen=True)
class Check:
    """One thing that can be wrong before the first step.

    Args:
        name: Its name.
        kind: The kind of verdict that it makes.
        holds: When it speaks: a sentence without its full stop, for the documentation and for "why".
        when: Whether it speaks, of the facts.
        says: What it says, one sentence; a text, or with a number a function of the facts, as the following.
        cure: What to do; "" for the cure of the kind.
        code: Lines of Python that do it; "" where there are none.
        source: Where the condition comes from.
        then: What to do if that does not help; "" for what the kind says.
        then_code: Lines of Python that do that; "" where there are none.
        expects: What should change with the cure; "" for what the kind says.
        level: `"act"` or `"watch"`.
        is_of_other: Whether it is about the other data, such as the probe: that explains nothing of what is trained.
        has_bars: Whether the bars of its kind show it.
    """

    name: str
    kind: str
    holds: str
    when: Callable[[Facts], bool]
    says: Text
    cure: Text = ""
    code: Text = ""
    source: str = FACTS
    then: Text = ""
    then_code: Text = ""
    expects: str = ""
    level: str = "act"
    is_of_other: bool = False
    has_bars: bool = True


def said(text: Text, facts: Facts) -> str:
    """Return a text of a check as it is for these facts."""
    return text if isinstance(text, str) else text(facts)


def first(facts: Facts) -> Layer:
    """Return the first layer with a matrix that is trained."""
    return next(iter(facts.start.trained), NO_LAYER)


def begins_at_one(facts: Facts) -> bool:
    """Whether labels are numbered from 1, as many as there are outputs."""
    targets, output = facts.targets, facts.output
    return output.loss == "sparse_categorical_crossentropy" and targets.are_whole and targets.high == output.units > 1 \
        and targets.low == 1  # fmt: skip


def are_of_another_unit(facts: Facts) -> bool:
    """Whether sizes are in a cross-entropy that would be probabilities in another unit, such as grey levels or percent.

    Counts of whole numbers in rows are, too: each row over its sum.
    """
    targets, output = facts.targets, facts.output
    is_size = targets.of == "numbers" and targets.low >= 0 and targets.high > 1
    if targets.width == 1:  # of which the last layer says, too, that they should be between 0 and 1
        is_part = output.activation == "sigmoid" and output.loss == "binary_crossentropy"
        return is_size and is_part and targets.high <= LARGEST_SIZE
    return is_size and output.loss in ("binary_crossentropy", "categorical_crossentropy", "kl_divergence")


def are_two_for_one(facts: Facts) -> bool:
    """Whether an output of 0 to 1 is to learn two different targets, one of them above 1."""
    is_of_one = facts.output.loss in DISTANCES and facts.output.range == (0.0, 1.0)
    return is_of_one and are_two(facts.targets) and facts.targets.low >= 0 and facts.targets.high > 1


def have_gaps(facts: Facts) -> bool:
    """Whether there are units enough for the classes, whose numbers leave gaps."""
    targets, output = facts.targets, facts.output
    is_known = output.loss == "sparse_categorical_crossentropy" and targets.of == "classes" and targets.low >= 0
    fits = targets.classes == output.units or targets.high + 1 >= 2 * output.units >= 2 * targets.classes
    return is_known and targets.high >= output.units > 1 and fits and not begins_at_one(facts)


def interval(low: float, high: float) -> str:
    return f"{digits(low)} to {digits(high)}"


def name_of(output: Output) -> str:
    return output.layer or "the last layer"


def can_give(output: Output) -> str:
    low, high = output.range
    return f"values of {digits(low)} or more" if math.isinf(high) else f"values from {interval(low, high)}"


def is_recurrent(output: Output) -> bool:
    return not output.activation and output.end is End.RECURRENT
