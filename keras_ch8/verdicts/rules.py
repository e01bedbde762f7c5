"""Rules as data: which measured quantities, beyond which thresholds and under which conditions, make which claim.

A monitor measures named quantities; a `Rule` says what they mean. `judge` is all there is between the two, and the
documentation (`docs/diagnosis.md`) is made from the same rules. A number that is not known is NaN: it reaches no
threshold and fulfils no condition.
"""

import dataclasses
import functools
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import Literal, TypeAlias

from .._describe import short
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
MOST_NUMBERS = 4
"""Quantities that are said of a difficulty that is not there."""
FAR = 2.0
"""Factor between the newest measurement and what is judged, from which a sentence says both."""


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
        usual: Which of several measurements is judged, such as "in the median of the last 9 measurements". Defaults to
            `""`: the newest one.
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

    def said(self, newest: float, judged: float = NAN) -> str:
        """Return what a sentence says of the newest value; where that is far from the one that is judged, of both.

        "" for nothing; where the newest is not known, only what is judged is said.
        """
        alone = self._alone(newest)
        if math.isnan(newest) and (known := self._alone(judged)):
            return f"{self.usual} {known}".strip()
        if not alone or not self.usual or not abs(judged) < LARGEST or not self._are_far(newest, judged):
            return alone
        return f"{self._alone(judged)} {self.usual}, and now {self._number(newest)}"

    def _alone(self, value: float) -> str:
        if math.isnan(value) or self.phrase is None:
            return ""
        return self.phrase(value) if abs(value) < LARGEST else self.endless

    def _number(self, value: float) -> str:
        return self.number(value) if abs(value) < LARGEST else "beyond measure"

    def _are_far(self, one: float, other: float) -> bool:
        small, large = sorted((abs(one), abs(other)))
        return (FAR * small <= large or one * other < 0) and self._number(one) != self._number(other)

    def stated(self, judged: float) -> str:
        """Return the value that is judged as the beginning of a sentence of its own, whatever it is."""
        said = self._alone(judged) or f"the {self.name.replace('_', ' ')} is {self._number(judged)}"
        whole = f"{self.usual} {said}".strip()
        return f"{whole[0].upper()}{whole[1:]}"


def _check_word(name: str, value: str, words: Sequence[str]) -> None:
    if value not in words:
        raise ValueError(
            f"`{name}` must be one of {', '.join(map(repr, words))}. Received: {name}={short(value)}. Use one of these."
        )


_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WORDS = {"<": "below", "<=": "up to", ">": "above", ">=": "from"}


@dataclasses.dataclass(frozen=True)
class Condition:
    """A comparison of a quantity with a number: it holds or does not; where the quantity is not known it does not.

    Args:
        quantity: What is compared.
        is_: The comparison, one of `"<"`, `"<="`, `">"`, `">="`; or `"known"`, which needs no limit.
        limit: The number that the quantity is compared with. Defaults to NaN, for `"known"`.
        name: What the condition says of the training, such as "the loss is good". Defaults to `""`: the comparison
            itself is said.
        source: Where the limit comes from. Defaults to `""`: it needs no source, such as a 0.

    Raises:
        ValueError: If `is_` is not one of these words.
    """

    quantity: Quantity
    is_: Literal["<", "<=", ">", ">=", "known"]
    limit: float = NAN
    name: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        _check_word("is_", self.is_, (*_OPERATORS, "known"))

    def holds(self, measured: Measured) -> bool:
        """Whether it holds for what was measured."""
        value = measured.get(self.quantity.name, NAN)
        return not math.isnan(value) if self.is_ == "known" else _OPERATORS[self.is_](value, self.limit)

    def stated(self, value: float, level: str = "act") -> str:
        """Return a sentence with the value, the limit of the level, and where that comes from.

        Of a number that no sentence says, it is whether the condition holds, if that has a name.
        """
        source = f" ({self.source})" if self.source else ""
        if self.name and self.quantity.phrase is None:
            answer = "yes" if self.holds({self.quantity.name: value}) else "no"
            return f"{self.name[0].upper()}{self.name[1:]}: {answer}{source}."
        limit = f"{level} {_WORDS[self.is_]} {self.quantity.number(self.limit)}"
        return f"{self.quantity.stated(value)}: {limit}{source}."


@dataclasses.dataclass(frozen=True)
class Combination:
    """Several conditions under one name: all of them, any of them, or none of them must hold.

    Args:
        name: What the combination says of the training, such as "the loss is stuck".
        how: Which of the conditions must hold: `"all of"`, `"any of"` or `"none of"` them.
        conditions: The conditions, also combinations of others.

    Raises:
        ValueError: If `how` is not one of these words.
    """

    name: str
    how: Literal["all of", "any of", "none of"]
    conditions: "tuple[Condition | Combination, ...]"

    def __post_init__(self) -> None:
        _check_word("how", self.how, ("all of", "any of", "none of"))

    def holds(self, measured: Measured) -> bool:
        """Whether it holds for what was measured."""
        each = (condition.holds(measured) for condition in self.conditions)
        return all(each) if self.how == "all of" else any(each) == (self.how == "any of")


@dataclasses.dataclass(frozen=True)
class LevelThreshold:
    """A limit of a quantity: from `watch` on the level is "watch", from `act` on "act".

    Args:
        quantity: What is judged.
        direction: `"above"` if larger values are more serious, `"below"` if smaller ones are.
        watch: The first value that is worth watching.
        act: The first value that calls for action; `None` where no finite one does.
        source: Where the numbers come from.

    Raises:
        ValueError: If `direction` is not one of these words, or `act` is less serious than `watch`.
    """

    quantity: Quantity
    direction: Literal["above", "below"]
    watch: float
    act: float | None
    source: str

    def __post_init__(self) -> None:
        _check_word("direction", self.direction, ("above", "below"))
        if self.act is not None and self.act != self.watch and (self.act > self.watch) != (self.direction == "above"):
            raise ValueError(
                "`act` must be `watch` or more serious. Received: "
                f"direction={short(self.direction)}, watch={short(self.watch)}, act={short(self.act)}. Exchange the "
                "numbers, or turn the direction around."
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

    def limits(self, at_most: str = "act") -> list[tuple[str, float]]:
        """Return each level that it can reach, and the first value there."""
        if at_most == "watch" or self.act is None:
            return [("watch", self.watch)]
        return [("act", self.act)] if self.act == self.watch else [("watch", self.watch), ("act", self.act)]

    def stated(self, value: float, at_most: str = "act") -> str:
        """Return a sentence with the value, the limits of the levels, and where these come from.

        A number that begins with a word, as "a rise of 40 %", says its direction itself.
        """
        on = " up" if self.direction == "above" else " down"
        numbers = [(level, self.quantity.number(limit)) for level, limit in self.limits(at_most)]
        limits = [f"{level} from {number}{'' if number[0].isalpha() else on}" for level, number in numbers]
        source = f" ({self.source})" if self.source else ""
        return f"{self.quantity.stated(value)}: {', '.join(limits)}{source}."

    def at(self, level: str, name: str = "") -> Condition:
        """Return the condition that this level, `"watch"` or `"act"`, is reached; `name` as for `Condition`."""
        limit = self.watch if level == "watch" else self._act
        return Condition(self.quantity, ">=" if self.direction == "above" else "<=", limit, name, self.source)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rule:
    """What must be measured for a difficulty to be there, and how serious it is then.

    The level is that of the mildest of the thresholds `all_of`; of several rules of one kind, the gravest counts.
    The level is "ok" unless all conditions of `when` hold and none of `silenced_by` does.

    Args:
        kind: The name of the difficulty, one of `KINDS`; the section and the usual cure are those of the kind.
        says: What it means for the training, in one clause without a full stop; numbers in brackets follow.
        all_of: Thresholds that must all be reached. Defaults to `()`: the level is `at_most` where the conditions hold.
        when: Conditions that must all hold. Defaults to `()`.
        silenced_by: Conditions none of which may hold. The name of a kind is the condition that an earlier rule of the
            same monitor has found that kind. Defaults to `()`.
        eased_by: Conditions, any of which lowers the level to "watch" at most. Defaults to `()`.
        at_most: The gravest level that it can reach: `"watch"` or `"act"`. Defaults to `"act"`.
        proven_by: Conditions, all of which make a single measurement at "act" enough for a verdict. Defaults to `()`:
            two of three measurements must agree.
        mentions: Quantities that the sentence says besides those that are judged. Defaults to `()`.
        cure: What cures it, where the rule knows more than `verdicts.remedies`; `{name}` stands for the measured
            quantity of that name, or for a number that is known of the training, such as `{rate}`. Defaults to `""`:
            the cures of the kind.
        code: Lines of Python that do what `cure` says, with the same `{name}`. Defaults to `""`: there are none.
        expects: What should change after that, with the same `{name}`. Defaults to `""`: nothing is said.

    Raises:
        ValueError: If `at_most` is not one of `LEVELS`.

    Example:
        >>> from keras_ch8.extend import Quantity, Rule, LevelThreshold
        >>> from keras_ch8.verdicts.rules import judge
        >>> growth = Quantity("growth", "Loss over that at the start.", lambda x: f"it is {x:.2g} times its start")
        >>> rule = Rule(
        ...     kind="step_too_long",
        ...     says="The loss rises",
        ...     all_of=(LevelThreshold(growth, "above", watch=1.5, act=2.0, source="Experience."),),
        ... )
        >>> (claim,) = judge([rule], {"growth": 1.7})
        >>> claim.level, claim.finding
        ('watch', 'The loss rises (it is 1.7 times its start).')
    """

    kind: str
    says: str
    all_of: tuple[LevelThreshold, ...] = ()
    when: tuple[Condition | Combination, ...] = ()
    silenced_by: tuple[Condition | Combination | str, ...] = ()
    eased_by: tuple[Condition | Combination, ...] = ()
    at_most: str = "act"
    proven_by: tuple[Condition, ...] = ()
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
        conditions = (condition.quantity for condition in self.when if isinstance(condition, Condition))
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
        if any(_is_so(silencer, measured, earlier) for silencer in self.silenced_by):
            return "ok"
        limit = "watch" if any(condition.holds(measured) for condition in self.eased_by) else "act"
        thresholds = (threshold.level(measured[threshold.quantity.name]) for threshold in self.all_of)
        return mildest(self.at_most, limit, *thresholds)

    def why(self, measured: Measured, level: str, earlier: Mapping[str, str]) -> Iterator[str]:
        """Return sentences that say why the rule is at a level: what was compared, and the conditions that count.

        Without thresholds, the conditions are what was compared. What is not known is left out.
        """
        compared: Sequence[LevelThreshold | Condition] = self.all_of or tuple(
            c for c in self.when if isinstance(c, Condition) and c.is_ != "known"
        )
        for one in compared:
            if not math.isnan(value := measured[one.quantity.name]):
                yield one.stated(value, self.at_most)
        if level != "ok":
            if names := [c.name for c in self.when if c.name and self.all_of]:
                yield f"It counts because {_and(names)}."
            if names := [c.name for c in self.eased_by if c.name and c.holds(measured)]:
                yield f"It is worth watching at most, because {_and(names)}."
        elif all(t.level(measured[t.quantity.name]) != "ok" for t in self.all_of):
            if names := [c.name for c in self.when if c.name and not c.holds(measured)]:
                yield f"That counts only where {_and(names)}."
            elif names := [_name(s) for s in self.silenced_by if _is_so(s, measured, earlier) and _name(s)]:
                yield f"That does not count where {_and(names)}."

    def is_proven(self, measured: Measured) -> bool:
        """Whether what calls for action is certain at once."""
        return bool(self.proven_by) and all(condition.holds(measured) for condition in self.proven_by)


def _is_so(silencer: Condition | Combination | str, measured: Measured, earlier: Mapping[str, str]) -> bool:
    """Whether something that silences a rule is so; the name of a kind stands for an earlier rule that claims it."""
    return earlier.get(silencer, "ok") != "ok" if isinstance(silencer, str) else silencer.holds(measured)


def _name(silencer: Condition | Combination | str) -> str:
    return f"it is called `{silencer}`" if isinstance(silencer, str) else silencer.name


def _and(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


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
        remarks: What the brackets of a sentence say besides the numbers, by kind: the name of a layer, for example.
            Defaults to `None`: nothing.
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
        rule, remark, is_fine = said[kind], remarks.get(kind, ""), level == "ok"
        reasons = judged[kind] if is_fine else [rule]
        spoken = [quantity for reason in reasons for quantity in reason.spoken]
        why = [because for reason in reasons for because in reason.why(measured, level, levels)]
        numbers = {q.name: drawn.get(q.series, newest.get(q.name, measured.get(q.name, NAN))) for q in spoken}
        shown = spoken[:MOST_NUMBERS] if is_fine else spoken
        cures = [] if is_fine else _cures(rule, measured, known or {}, has)
        cure = cures[0] if cures else Remedy("")
        phrases = [q.said(numbers[q.name], measured.get(q.name, NAN)) for q in shown]
        claims.append(
            Claim(
                kind=kind,
                level=level,
                finding=sentence(KINDS[kind].fine if is_fine else rule.says, [*phrases, remark]),
                cure=cure.cure,
                proven=level == "act" and rule.is_proven(measured),
                why=tuple(dict.fromkeys(why))[:MOST_REASONS],
                code=cure.code,
                series=next((q.series for q in spoken if q.series in drawn), ""),
                drawn=drawn,
                then=cures[1].cure if len(cures) > 1 else "",
                expects=cure.expects,
            )
        )
    return claims


def sentence(says: str, phrases: Iterable[str]) -> str:
    """Return what it means and, in brackets, what is said of the numbers; each once."""
    numbers = "; ".join(dict.fromkeys(filter(None, phrases)))
    return f"{says} ({numbers})." if numbers else f"{says}."


def _cures(rule: Rule, measured: Measured, known: Mapping[str, str], has: Set[Fact]) -> list[Remedy]:
    """Return what cures it, with its numbers, the first remedy first; a number without end is not known."""
    numbers = {name: digits(value) for name, value in measured.items() if abs(value) < LARGEST}
    own = (Remedy(rule.cure, rule.code, rule.expects),) if rule.cure else ()
    return list(applicable((*own, *REMEDIES.get(rule.kind, ())), {**numbers, **known}, has))
