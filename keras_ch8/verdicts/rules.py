"""Rules as data: which measured quantities, beyond which thresholds and under which conditions, make which claim.

A monitor measures named quantities; a `Rule` says what they mean. `judge` is all there is between the two, and the
documentation (`docs/diagnosis.md`) is made from the same rules. A number that is not known is NaN: it reaches no
threshold and fulfils no condition.
"""

import dataclasses
import functools
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

from .kinds import KINDS
from .verdict import LEVELS, Claim, mildest
from .wording import digits

Measured: TypeAlias = Mapping[str, float]
"""Measured quantities by name."""
NAN = float("nan")
LARGEST = 1e12
"""A number beyond this says no more than that there is no limit."""
MOST_NUMBERS = 3
"""Quantities that are said of a difficulty that is not there."""


@dataclasses.dataclass(frozen=True)
class Quantity:
    """Something that is measured, and how a sentence says it.

    Args:
        name: By which monitors and rules call it.
        meaning: What it is, for the documentation.
        phrase: Returns what a sentence says of a finite value, such as "an update changes the loss by 12 %"; of None a
            sentence says nothing.
        endless: What a sentence says of an infinite value, or one beyond all use.
    """

    name: str
    meaning: str
    phrase: Callable[[float], str] | None = None
    endless: str = ""

    def said(self, value: float) -> str:
        """Return what a sentence says of a value; "" for nothing."""
        if math.isnan(value) or self.phrase is None:
            return ""
        return self.phrase(value) if abs(value) < LARGEST else self.endless


_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclasses.dataclass(frozen=True)
class Condition:
    """A quantity on one side of a number: holds or does not; where the quantity is not known it does not.

    Args:
        quantity: What is compared.
        is_: The comparison, one of `"<"`, `"<="`, `">"`, `">="`; or `"known"`, which needs no limit.
        limit: The number it is compared with.
        name: What it says of the training, such as "the loss is good"; "" where the comparison says it.
        source: Where the limit comes from; "" where it needs no source, such as a 0.
    """

    quantity: Quantity
    is_: Literal["<", "<=", ">", ">=", "known"]
    limit: float = NAN
    name: str = ""
    source: str = ""

    def holds(self, measured: Measured) -> bool:
        """Whether it holds for what was measured."""
        value = measured.get(self.quantity.name, NAN)
        return not math.isnan(value) if self.is_ == "known" else _OPERATORS[self.is_](value, self.limit)

    def quantities(self) -> Iterator[Quantity]:
        """Return what must have been measured."""
        yield self.quantity

    @property
    def compared(self) -> str:
        """The comparison in words, for the documentation."""
        return f"`{self.quantity.name}` {'is known' if self.is_ == 'known' else f'{self.is_} {self.limit:g}'}"


@dataclasses.dataclass(frozen=True)
class Combination:
    """Several conditions under one name: all of them, any of them, or none of them must hold.

    Args:
        name: What it says of the training, such as "the loss is stuck".
        how: `"all of"`, `"any of"` or `"none of"`.
        conditions: Which.
    """

    name: str
    how: Literal["all of", "any of", "none of"]
    conditions: "tuple[Condition | Combination, ...]"

    def holds(self, measured: Measured) -> bool:
        """Whether it holds for what was measured."""
        each = (condition.holds(measured) for condition in self.conditions)
        return all(each) if self.how == "all of" else any(each) == (self.how == "any of")

    def quantities(self) -> Iterator[Quantity]:
        """Return what must have been measured: nothing, since what is unknown does not hold."""
        yield from ()


@dataclasses.dataclass(frozen=True)
class Threshold:
    """A limit of a quantity: from `watch` on the level is "watch", from `act` on "act".

    Args:
        quantity: What is judged.
        direction: `"above"` if larger values are more serious, `"below"` if smaller ones are.
        watch: The first value that is worth watching.
        act: The first value that calls for action; None where no finite one does.
        source: Where the numbers come from.

    Raises:
        ValueError: If `act` is less serious than `watch`.
    """

    quantity: Quantity
    direction: Literal["above", "below"]
    watch: float
    act: float | None
    source: str

    def __post_init__(self) -> None:
        if self.act is not None and self.act != self.watch and (self.act > self.watch) != (self.direction == "above"):
            raise ValueError(
                "`act` must be `watch` or more serious. Received: "
                f"direction={self.direction!r}, watch={self.watch!r}, act={self.act!r}. Exchange the numbers, or turn "
                "the direction around."
            )

    @property
    def _act(self) -> float:
        if self.act is None:
            return math.inf if self.direction == "above" else -math.inf
        return self.act

    def level(self, value: float) -> str:
        """Return the level of a value; NaN is "ok"."""
        is_beyond = operator.ge if self.direction == "above" else operator.le
        if is_beyond(value, self._act):
            return "act"
        return "watch" if is_beyond(value, self.watch) else "ok"

    def at(self, level: str, name: str = "") -> Condition:
        """Return the condition that this level, `"watch"` or `"act"`, is reached; `name` as for `Condition`."""
        limit = self.watch if level == "watch" else self._act
        return Condition(self.quantity, ">=" if self.direction == "above" else "<=", limit, name, self.source)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rule:
    """What must be measured for a difficulty to be there, and how serious it is then.

    The level is that of the mildest of the thresholds `all_of`; of several rules of one kind, the gravest counts.
    A rule says nothing, and so it is "ok", unless all of `when` holds and nothing that it is `silenced_by`.

    Args:
        kind: What it is about, one of `KINDS`; the section and the usual cure are those of the kind.
        says: What it means for the training, in one clause without a full stop; numbers in brackets follow.
        all_of: Thresholds that must all be reached. Without any, the rule is at `at_most` where its conditions hold.
        when: Conditions that must all hold.
        silenced_by: Conditions none of which may hold; the name of a kind stands for "an earlier rule of this monitor
            claims it".
        eased_by: Conditions under which it is worth watching at most.
        at_most: The gravest level that it can reach.
        proven_by: Conditions under which a single measurement that calls for action is enough; () for none.
        mentions: Quantities that the sentence says besides those that are judged.
        cure: What cures it, where the rule knows more than the kind; `{quantity}` stands for a measured number.

    Example:
        >>> from keras_ch8.verdicts import Quantity, Rule, Threshold, judge
        >>> growth = Quantity("growth", "Loss over that at the start.", lambda x: f"it is {x:.2g} times its start")
        >>> rule = Rule(
        ...     kind="step_too_long",
        ...     says="The loss rises",
        ...     all_of=(Threshold(growth, "above", watch=1.5, act=2.0, source="Experience."),),
        ... )
        >>> (claim,) = judge([rule], {"growth": 1.7})
        >>> claim.level, claim.finding
        ('watch', 'The loss rises (it is 1.7 times its start).')
    """

    kind: str
    says: str
    all_of: tuple[Threshold, ...] = ()
    when: tuple[Condition | Combination, ...] = ()
    silenced_by: tuple[Condition | Combination | str, ...] = ()
    eased_by: tuple[Condition | Combination, ...] = ()
    at_most: str = "act"
    proven_by: tuple[Condition, ...] = ()
    mentions: tuple[Quantity, ...] = ()
    cure: str = ""

    @functools.cached_property
    def quantities(self) -> tuple[Quantity, ...]:
        """What must have been measured for the rule to say anything, also that all is well."""
        conditions = (quantity for condition in self.when for quantity in condition.quantities())
        return tuple(dict.fromkeys([*(threshold.quantity for threshold in self.all_of), *conditions]))

    @functools.cached_property
    def spoken(self) -> tuple[Quantity, ...]:
        """What the sentence says: what the thresholds judge or, without any, the conditions; and mentions."""
        judged = tuple(threshold.quantity for threshold in self.all_of) or self.quantities
        return (*judged, *self.mentions)

    def can_be_judged(self, measured: Measured) -> bool:
        """Whether all that it needs has been measured."""
        return all(quantity.name in measured for quantity in self.quantities)

    def level(self, measured: Measured, earlier: Mapping[str, str]) -> str:
        """Return the level; `earlier` are the levels by kind that the rules before this one have given."""
        if not all(condition.holds(measured) for condition in self.when):
            return "ok"
        for silencer in self.silenced_by:
            is_so = earlier.get(silencer, "ok") != "ok" if isinstance(silencer, str) else silencer.holds(measured)
            if is_so:
                return "ok"
        limit = "watch" if any(condition.holds(measured) for condition in self.eased_by) else "act"
        thresholds = (threshold.level(measured[threshold.quantity.name]) for threshold in self.all_of)
        return mildest(self.at_most, limit, *thresholds)

    def is_proven(self, measured: Measured) -> bool:
        """Whether what calls for action is certain at once."""
        return bool(self.proven_by) and all(condition.holds(measured) for condition in self.proven_by)


def judge(rules: Sequence[Rule], measured: Measured, remarks: Mapping[str, str] | None = None) -> list[Claim]:
    """Return a claim for each kind of which some rule can be judged by what was measured.

    Args:
        rules: The rules of a monitor, in order.
        measured: Quantities by name.
        remarks: What the brackets of a sentence say besides the numbers, by kind: the name of a layer, for example.
    """
    levels: dict[str, str] = {}
    said: dict[str, Rule] = {}
    judged: dict[str, list[Rule]] = {}
    for rule in rules:
        if rule.can_be_judged(measured):
            level = rule.level(measured, levels)
            judged.setdefault(rule.kind, []).append(rule)
            if rule.kind not in levels or LEVELS.index(level) > LEVELS.index(levels[rule.kind]):
                levels[rule.kind], said[rule.kind] = level, rule
    claims = []
    for kind, level in levels.items():
        rule, remark = said[kind], (remarks or {}).get(kind, "")
        if level == "ok":
            spoken = [quantity for rule in judged[kind] for quantity in rule.spoken][:MOST_NUMBERS]
            claims.append(Claim(kind, level, sentence(KINDS[kind].fine, spoken, measured, remark)))
        else:
            cure = _cure(rule, measured)
            proven = level == "act" and rule.is_proven(measured)
            claims.append(Claim(kind, level, sentence(rule.says, rule.spoken, measured, remark), cure, proven))
    return claims


def sentence(says: str, quantities: Sequence[Quantity], measured: Measured, remark: str = "") -> str:
    """Return what it means and, in brackets, the quantities as far as they are known, and the remark."""
    phrases = [quantity.said(measured.get(quantity.name, NAN)) for quantity in quantities]
    numbers = "; ".join(dict.fromkeys(filter(None, [*phrases, remark])))
    return f"{says} ({numbers})." if numbers else f"{says}."


def _cure(rule: Rule, measured: Measured) -> str:
    """Return the cure of a rule with its numbers; that of the kind, "", where one of them has no end."""
    numbers = {name: digits(value) for name, value in measured.items() if abs(value) < LARGEST}
    try:
        return rule.cure.format(**numbers)
    except KeyError:
        return ""
