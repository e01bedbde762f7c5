"""Rules as data: which measured quantities, beyond which limits, make which claim.

A monitor measures named quantities; a `Rule` says what they mean. `judge` is all there is between the two, and the
documentation (`docs/diagnosis.md`) is made from the same rules. A number that is not known is NaN: it reaches no limit.
"""

import dataclasses
import functools
import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Literal, TypeAlias

from .._describe import short
from .causes import OF_FALL
from .fact import Fact
from .kinds import KINDS
from .remedies import REMEDIES, Remedy, applicable
from .verdict import LEVELS, MOST_REASONS, Claim, mildest
from .wording import digits

Measured: TypeAlias = Mapping[str, float]
"""Measured quantities by name."""
NAN = float("nan")
LARGEST = 1e12
"""A number beyond this says no more than that there is no limit."""
FAR = 2.0
"""Factor between the newest measurement and what is judged, from which a reason says both."""


@dataclasses.dataclass(frozen=True)
class Quantity:
    """Something that is measured, and how a sentence says it.

    Args:
        name: The name that monitors and rules use for it.
        meaning: What it is, one sentence for the documentation.
        phrase: Function that returns what a sentence says of a finite value, such as "an update changes the loss by
            12 %". Defaults to `None`: no sentence mentions the value.
        endless: What a sentence says of a value that is infinite, or above 1e12 in size. Defaults to `""`: nothing.
        number: Function that returns the value alone as a text, in the unit of the phrase, such as "12 %". Defaults to
            two significant digits.
        usual: Which of several measurements is judged, such as "median of the last 9 measurements". Defaults to `""`:
            the newest one.
        series: Name of the series in TensorBoard whose last point is the newest value. Defaults to `""`: no series
            shows it.
    """

    name: str
    meaning: str
    phrase: Callable[[float], str] | None = None
    endless: str = ""
    number: Callable[[float], str] = digits
    usual: str = ""
    series: str = ""

    def said(self, value: float) -> str:
        """Return what a sentence says of a value; "" for nothing."""
        if math.isnan(value) or self.phrase is None:
            return ""
        return self.phrase(value) if abs(value) < LARGEST else self.endless

    def stated(self, judged: float, newest: float = NAN) -> str:
        """Return the value that is judged as a sentence without its full stop, and the newest one if far from it."""
        said = self.said(judged) or f"the {self.name.replace('_', ' ')} is {self._number(judged)}"
        now = f"now {self._number(newest)}" if self.usual and self._are_far(newest, judged) else ""
        which = "; ".join(filter(None, [self.usual, now]))
        return f"{said[0].upper()}{said[1:]}{f' ({which})' if which else ''}"

    def _number(self, value: float) -> str:
        return self.number(value) if abs(value) < LARGEST else "too large to measure"

    def _are_far(self, one: float, other: float) -> bool:
        small, large = sorted((abs(one), abs(other)))
        are_far = small <= large / FAR or min(one, other) < 0 < max(one, other)
        return are_far and self._number(one) != self._number(other)


def _check_word(name: str, value: str, words: Sequence[str]) -> None:
    if value not in words:
        raise ValueError(
            f"`{name}` must be one of {', '.join(map(repr, words))}. Received: {name}={short(value)}. Use one of these."
        )


@dataclasses.dataclass(frozen=True)
class Limit:
    """A limit of a quantity: from `watch` on the level is "watch", from `act` on "act".

    Args:
        quantity: What is judged.
        direction: `"above"` if larger values are more serious, `"below"` if smaller ones are.
        watch: The first value that is worth watching.
        act: The first value that calls for action. Defaults to NaN: `watch`, so that it is reached or not.
        name: What it says of the training, such as "the loss is good". Defaults to `""`: value and limit are said.
        source: Where the numbers come from. Defaults to `""`: they need no source, such as a 0.

    Raises:
        ValueError: If `direction` is not one of these words, or `act` is less serious than `watch`.
    """

    quantity: Quantity
    direction: Literal["above", "below"]
    watch: float
    act: float = NAN
    name: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        _check_word("direction", self.direction, ("above", "below"))
        if math.isnan(self.act):
            object.__setattr__(self, "act", self.watch)
        elif self.act != self.watch and (self.act > self.watch) != (self.direction == "above"):
            raise ValueError(
                "`act` must be `watch` or more serious. Received: "
                f"direction={short(self.direction)}, watch={short(self.watch)}, act={short(self.act)}. Exchange the "
                "numbers, or turn the direction around."
            )

    def level(self, value: float) -> str:
        """Return the level of a value; NaN is "ok"."""
        is_beyond = operator.ge if self.direction == "above" else operator.le
        if is_beyond(value, self.act):
            return "act"
        return "watch" if is_beyond(value, self.watch) else "ok"

    def holds(self, measured: Measured) -> bool:
        """Whether it is reached by what was measured."""
        return self.level(measured.get(self.quantity.name, NAN)) != "ok"

    def at(self, level: str, name: str = "") -> "Limit":
        """Return the limit that holds where this one is at a level, `"watch"` or `"act"`."""
        limit = self.watch if level == "watch" else self.act
        return dataclasses.replace(self, watch=limit, act=limit, name=name)

    def limits(self, at_most: str = "act") -> list[tuple[str, float]]:
        """Return each level that it can reach, and the first value there."""
        if at_most == "watch":
            return [("watch", self.watch)]
        return [("act", self.act)] if self.act == self.watch else [("watch", self.watch), ("act", self.act)]

    def stated(self, value: float, at_most: str = "act", newest: float = NAN) -> str:
        """Return a sentence with the value, the limits of the levels, and where these come from.

        A number that begins with a word, as "a rise of 40 %", says its direction itself. Of a number that no sentence
        says, it is whether the limit is reached, if that has a name.
        """
        source = f" ({self.source})" if self.source else ""
        if self.name and self.quantity.phrase is None:
            return f"{self.name[0].upper()}{self.name[1:]}: {'no' if self.level(value) == 'ok' else 'yes'}{source}."
        beyond = " or more" if self.direction == "above" else " or less"
        numbers = [(level.upper(), self.quantity.number(limit)) for level, limit in self.limits(at_most)]
        limits = [f"{level} at {number}{'' if number[0].isalpha() else beyond}" for level, number in numbers]
        return f"{self.quantity.stated(value, newest)}: {', '.join(limits)}{source}."


@dataclasses.dataclass(frozen=True)
class Combination:
    """Several limits under one name: all of them, any of them, or none of them must be reached.

    Args:
        name: What the combination says of the training, such as "the loss is stuck".
        how: Which of the limits must be reached: `"all of"`, `"any of"` or `"none of"` them.
        limits: The limits, also combinations of others.

    Raises:
        ValueError: If `how` is not one of these words.
    """

    name: str
    how: Literal["all of", "any of", "none of"]
    limits: "tuple[Limit | Combination, ...]"

    def __post_init__(self) -> None:
        _check_word("how", self.how, ("all of", "any of", "none of"))

    def holds(self, measured: Measured) -> bool:
        """Whether it holds for what was measured."""
        each = (limit.holds(measured) for limit in self.limits)
        return all(each) if self.how == "all of" else any(each) == (self.how == "any of")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rule:
    """What must be measured for a difficulty to be there, and how serious it is then.

    The level is that of the mildest of the limits; of several rules of one kind, the gravest counts.

    Args:
        kind: The name of the difficulty, one of `KINDS`; the section and the usual cure are those of the kind.
        says: What it means for the training, in one clause without a full stop; a colon and the number of the first
            limit that is judged follow.
        limits: Limits that must all be reached. Those without a name are what is judged; where each has one, all are.
        unless: A limit, or a combination, where the rule says nothing. Defaults to `None`.
        at_most: The gravest level that it can reach: `"watch"` or `"act"`. Defaults to `"act"`.
        is_certain: Whether a single measurement at "act" is enough for a verdict. Defaults to `False`: two of three
            measurements must agree.
        mentions: Quantities that the reasons say besides those that are judged. Defaults to `()`.
        cure: What cures it, where the rule knows more than `verdicts.remedies`; `{name}` stands for the measured
            quantity of that name, or for a number that is known of the training, such as `{rate}`. Defaults to `""`:
            the cures of the kind.
        code: Lines of Python that do what `cure` says, with the same `{name}`. Defaults to `""`: there are none.
        expects: What should change after that, with the same `{name}`. Defaults to `""`: nothing is said.

    Raises:
        ValueError: If `at_most` is not one of `LEVELS`.

    Example:
        >>> from keras_ch8.extend import Limit, Quantity, Rule
        >>> from keras_ch8.verdicts.rules import judge
        >>> growth = Quantity("growth", "Loss over that at the start.", lambda x: f"it is {x:.2g} times its start")
        >>> rule = Rule(
        ...     kind="step_too_long",
        ...     says="The loss rises",
        ...     limits=(Limit(growth, "above", watch=1.5, act=2.0, source="Experience."),),
        ... )
        >>> (claim,) = judge([rule], {"growth": 1.7})
        >>> claim.level, claim.finding
        ('watch', 'The loss rises: it is 1.7 times its start.')
    """

    kind: str
    says: str
    limits: tuple[Limit | Combination, ...]
    unless: Limit | Combination | None = None
    at_most: str = "act"
    is_certain: bool = False
    mentions: tuple[Quantity, ...] = ()
    cure: str = ""
    code: str = ""
    expects: str = ""

    def __post_init__(self) -> None:
        _check_word("at_most", self.at_most, LEVELS)

    @functools.cached_property
    def quantities(self) -> tuple[Quantity, ...]:
        """What must have been measured for the rule to say anything, also that all is well.

        Combinations ask for nothing: what is not known does not hold.
        """
        return tuple(dict.fromkeys(limit.quantity for limit in self.limits if isinstance(limit, Limit)))

    @functools.cached_property
    def judged(self) -> tuple[Limit, ...]:
        """The limits without a name or, where each has one, all."""
        limits = tuple(limit for limit in self.limits if isinstance(limit, Limit))
        return tuple(limit for limit in limits if not limit.name) or limits

    @functools.cached_property
    def spoken(self) -> tuple[Quantity, ...]:
        """What is judged, and what the rule mentions."""
        return (*(limit.quantity for limit in self.judged), *self.mentions)

    def can_be_judged(self, measured: Measured) -> bool:
        """Whether all that it needs has been measured."""
        return all(quantity.name in measured for quantity in self.quantities)

    def level(self, measured: Measured) -> str:
        """Return the level."""
        if self.unless is not None and self.unless.holds(measured):
            return "ok"
        return mildest(self.at_most, *(_level(limit, measured) for limit in self.limits))

    def is_reached(self, measured: Measured) -> bool:
        """Whether all that is judged is beyond its limit, whatever else the rule asks for."""
        return all(limit.holds(measured) for limit in self.judged)

    def finding(self, measured: Measured, where: str = "") -> str:
        """Return what it means, the first number that is known, and where that is."""
        number = next(filter(None, (quantity.said(measured.get(quantity.name, NAN)) for quantity in self.spoken)), "")
        return f"{self.says}{f': {number}' if number else ''}{f' ({where})' if where else ''}."

    def why(self, measured: Measured, newest: Measured, level: str) -> Iterator[str]:
        """Return sentences that say why the rule is at a level: each number that is judged, and what it mentions.

        What is not known is left out.
        """
        for limit in self.judged:
            if not math.isnan(value := measured[limit.quantity.name]):
                yield limit.stated(value, self.at_most, newest[limit.quantity.name])
        if level != "ok":
            for quantity in self.mentions:
                last = newest[quantity.name]
                if quantity.said(value := measured.get(quantity.name, last)):
                    yield f"{quantity.stated(value, last)}."
        elif self.is_reached(measured):
            beside = [limit.name for limit in self.limits if limit not in self.judged and not limit.holds(measured)]
            if beside:
                yield f"It is reported only if {_and(beside)}."
            elif self.unless is not None and self.unless.name:
                yield f"It is not reported if {self.unless.name}."


def _level(limit: Limit | Combination, measured: Measured) -> str:
    if isinstance(limit, Limit):
        return limit.level(measured[limit.quantity.name])
    return "act" if limit.holds(measured) else "ok"


def _and(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def gravest(rules: Sequence[Rule], measured: Measured) -> dict[str, tuple[str, Rule]]:
    """Return of each kind that can be judged the gravest level, and the first rule that is at it."""
    found: dict[str, tuple[str, Rule]] = {}
    for rule in rules:
        if rule.can_be_judged(measured):
            level = rule.level(measured)
            if rule.kind not in found or LEVELS.index(level) > LEVELS.index(found[rule.kind][0]):
                found[rule.kind] = level, rule
    return found


def judge(
    rules: Sequence[Rule],
    measured: Measured,
    remarks: Mapping[str, str] | None = None,
    newest: Measured | None = None,
    drawn: Mapping[str, float] | None = None,
    known: Mapping[str, str] | None = None,
    has: Set[Fact] = frozenset(),
) -> list[Claim]:
    """Return a claim for each kind of which some rule can be judged by what was measured.

    Args:
        rules: The rules of a monitor, in order.
        measured: Quantities by name, as they are judged.
        remarks: What a sentence says in brackets, by kind: the name of a layer, for example. Defaults to `None`:
            nothing.
        newest: The newest measurement of those quantities of which several are judged together, by name. Defaults to
            `None`: what is judged is the newest.
        drawn: The last point of each series that is drawn, by its name: for the quantities with a series, the newest.
            Defaults to `None`: no series is drawn.
        known: Texts that stand for the other names in cures, such as `"rate"` for a new learning rate. Defaults to
            `None`: cures with such names are left out.
        has: What the training has already. Defaults to an empty set.

    Returns:
        A list of `Claim`, one for each kind; the gravest claim where several rules are about the same kind.

    Raises:
        ValueError: If the kind of a rule is not one of `KINDS`.
    """
    remarks, newest, drawn = remarks or {}, newest or {}, drawn or {}
    if Fact.LOSS_MAY_RISE in has:
        rules = [dataclasses.replace(r, at_most="watch") if r.kind in OF_FALL else r for r in rules]
    claims = []
    for kind, (level, rule) in gravest(rules, measured).items():
        is_fine = level == "ok"
        reasons = [r for r in rules if r.kind == kind and r.can_be_judged(measured)] if is_fine else [rule]
        reasons.sort(key=lambda reason: not reason.is_reached(measured))  # what almost spoke says first why it did not
        spoken = [quantity for reason in reasons for quantity in reason.spoken]
        last = {q.name: drawn.get(q.series, newest.get(q.name, measured.get(q.name, NAN))) for q in spoken}
        why = [because for reason in reasons for because in reason.why(measured, last, level)]
        cures = [] if is_fine else _cures(rule, measured, known or {}, has)
        cure, then = [*cures, Remedy(""), Remedy("")][:2]
        claims.append(
            Claim(
                kind=kind,
                level=level,
                finding=f"{KINDS[kind].fine}." if is_fine else rule.finding(measured, remarks.get(kind, "")),
                cure=cure.cure,
                proven=level == "act" and rule.is_certain,
                why=tuple(dict.fromkeys(why))[:MOST_REASONS],
                code=cure.code,
                series=next((q.series for q in spoken if math.isfinite(drawn.get(q.series, NAN))), ""),
                drawn=drawn,
                then=then.cure,
                then_code=then.code,
                expects=cure.expects,
            )
        )
    return claims


def _cures(rule: Rule, measured: Measured, known: Mapping[str, str], has: Set[Fact]) -> list[Remedy]:
    """Return what cures it, with its numbers, the first remedy first; a number without end is not known."""
    numbers = {name: digits(value) for name, value in measured.items() if abs(value) < LARGEST}
    own = (Remedy(rule.cure, rule.code, rule.expects),) if rule.cure else ()
    return list(applicable((*own, *REMEDIES.get(rule.kind, ())), {**numbers, **known}, has))
