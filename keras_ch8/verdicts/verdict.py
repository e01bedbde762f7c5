"""Claims of single measurements, and the verdicts that they become when others bear them out."""

import collections
import dataclasses
import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from .._describe import short
from .._result import Result
from . import causes
from .kinds import KINDS, title_of
from .wording import begun_small

LEVELS = ("ok", "watch", "act")
"""From no reason for concern to something to change now."""
RAISED_BY, WINDOW = 2, 3
"""A level is reached when 2 of the last 3 claims say so at least, and left when all 3 say less."""
MOST_REASONS = 5
"""Sentences in which a verdict says why."""
PREFLIGHT = "preflight"
"""What the checks before the first step are called, as a source of claims and where they fail."""
_Key = tuple[str, str]  # kind and source


def mildest(*levels: str) -> str:
    """Return the least serious of some levels: where several things must come together."""
    return min(levels, key=LEVELS.index)


@dataclasses.dataclass(frozen=True)
class Claim:
    """What one measurement says of a difficulty; it becomes a verdict when others bear it out.

    Args:
        kind: The name of the difficulty, one of `KINDS`.
        level: One of `LEVELS`: `"ok"`, `"watch"` or `"act"`.
        finding: One sentence: what it means, and one number.
        cure: What to do, where the numbers tell more than the kind does. Defaults to `""`: the cure of the kind.
        proven: Whether it needs no second measurement: something that happened, such as an infinite gradient. Defaults
            to `False`.
        why: Up to five sentences: what was measured, against which limits, and where these come from. Defaults to `()`.
        code: Lines of Python that cure it. Defaults to `""`: there are none.
        series: Name of the series that shows it. Defaults to `""`: no series does.
        drawn: The last point of each series that shows something of this kind, by its name. Defaults to `{}`.
        then: What to do if that does not help. Defaults to `""`: nothing else is known.
        expects: What should change. Defaults to `""`: that is not said.
        is_of_probe: Whether it is about the examples that are measured on, and not about the steps or the data that
            are trained on. Defaults to `False`.
        then_code: Lines of Python that do what `then` says. Defaults to `""`: there are none.
        shows: What the bars show. Defaults to `""`: there are none.
        bars: What was seen in the data: what each bar is of, its share, and whether it is what is wrong. Defaults to
            `()`.

    Raises:
        ValueError: If `kind` is not one of `KINDS`, or `level` not one of `LEVELS`.
    """

    kind: str
    level: str
    finding: str
    cure: str = ""
    proven: bool = False
    why: tuple[str, ...] = ()
    code: str = ""
    series: str = ""
    drawn: Mapping[str, float] = dataclasses.field(default_factory=dict)
    then: str = ""
    expects: str = ""
    is_of_probe: bool = False
    then_code: str = ""
    shows: str = ""
    bars: tuple[tuple[str, float, bool], ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS or self.level not in LEVELS:
            raise ValueError(
                f"`kind` must be one of {', '.join(KINDS)} and `level` one of {', '.join(LEVELS)}. "
                f"Received: kind={short(self.kind)}, level={short(self.level)}. Name one of them, or list a "
                "`extend.Kind` of your own in `kinds` of the monitor."
            )


@dataclasses.dataclass(frozen=True, repr=False)
class Verdict(Result):
    """What is known of one difficulty (section 8.2).

    Args:
        kind: Its name, one of `keras_ch8.verdicts.kinds.KINDS`.
        level: `"ok"`, `"watch"` or `"act"`.
        finding: What was found: what it means, and one number.
        cure: What to do about it, with the part of the suite that does it; "" where all is well.
        section: Where the book treats it.
        step: Update of the optimizer at which the level was reached.
        measured: Update of the optimizer at which what `finding` says was measured.
        why: Up to five sentences: what was measured, against which limits, and where these come from.
        code: Lines of Python that cure it, to be pasted; `""` where there are none, or none would be a right edit of
            such a training: then `cure` alone says what to do.
        series: Name of the series in TensorBoard that shows it, such as `"diagnosis/backward_factor"`; `""` where
            none does.
        value: The last point of that series; `None` where there is none, or it is not finite.
        explained_by: Kind of the verdict that this one follows from, and that is to be cured first; `""` for none. Its
            level is `"ok"` then.
        then: What to do if the cure does not help; `""` where nothing else is known.
        expects: What should change once it is cured; `""` where that is not said.
        is_of_probe: Whether it is about the examples that are measured on, and not about the steps or the data that
            are trained on.
        then_code: Lines of Python that do what `then` says, in place of `code`; `""` as with that.
        shows: What the bars show; `""` where there are none.
        bars: What was seen in the data, for the page: what each bar is of, such as a label, its share, and whether it
            is what is wrong.

    Example:
        >>> print(keras_ch8.extend.Verdict("cliff", "watch", "A spike of 30 times the median.", "Clip.", "8.2.4", 5))
        WATCH Gradient spikes (cliff, since step 5): A spike of 30 times the median. Fix: Clip.
    """

    kind: str
    level: str
    finding: str
    cure: str
    section: str
    step: int
    measured: int = 0
    why: tuple[str, ...] = ()
    code: str = ""
    series: str = ""
    value: float | None = None
    explained_by: str = ""
    then: str = ""
    expects: str = ""
    is_of_probe: bool = False
    then_code: str = ""
    shows: str = ""
    bars: tuple[tuple[str, float, bool], ...] = ()

    def __post_init__(self) -> None:
        """Take what a line of JSON gives, too: lists."""
        object.__setattr__(self, "why", tuple(self.why))
        object.__setattr__(self, "bars", tuple(map(tuple, self.bars)))
        is_known = self.value is not None and math.isfinite(self.value)
        object.__setattr__(self, "value", float(self.value) if is_known else None)  # type: ignore[arg-type]

    def _headline(self) -> str:
        parts = (("Fix", self.cure), ("Then expect", self.expects), ("If not", self.then))
        said = [f"{name}: {text}" for name, text in parts if text]
        head = f"{self.level.upper()} {title_of(self.kind)} ({self.kind}, since step {self.step})"
        return " ".join([f"{head}: {self.finding}", *said])

    def as_json(self) -> str:
        """Return one line of JSON."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False, allow_nan=False)


class VerdictError(Exception):
    """A training ends with verdicts that a script does not accept: raised by `Doctor.raise_if` (section 8.2).

    Args:
        message: What is said.
        verdicts: Those verdicts, the most serious first. Defaults to `()`.
    """

    def __init__(self, message: str, verdicts: Sequence[Verdict] = ()) -> None:
        super().__init__(message, verdicts)
        self.verdicts = list(verdicts)

    def __str__(self) -> str:
        return str(self.args[0])


class _Said(NamedTuple):
    """A claim, and the step of its measurement."""

    step: int
    claim: Claim


@dataclasses.dataclass
class VerdictTracker:
    """Makes verdicts out of claims: nothing is said on a single measurement, and nothing is taken back on one.

    Several sources may speak of one kind; each is followed by itself, and the gravest of what they say stands.

    The level goes up to what the second-highest of the last three claims says, and comes down to the highest of them.
    What happened for certain (`Claim.proven`) counts at once.

    While a cause calls for action, what follows from it (`causes.EXPLAINS`) is not complained about: its level is "ok",
    and it says which cause explains it. Inputs of the probe unlike those that are trained on explain only what is
    measured on the probe, and that then explains nothing of the training.

    While an outcome calls for action (`causes.OUTCOMES`) and nothing that does explains it, the first explanation that
    is worth watching calls for action, too. Beside one that is worth watching, since that may be all there is to learn,
    only what was seen before the first step and explains it calls for action.

    A cure that makes steps longer or noisier has no code while something else asks for the opposite (`causes.STIR_UP`).

    What a verdict says is what the newest claim says that bears its level out, with the step of that; its value is
    the newest in any case.

    Args:
        ignore: Kinds of which nothing is said, and which explain nothing. Defaults to `()`.
        claims: The last claims of each source on a kind. Defaults to `{}`, as the following.
        standing: What stands of them.
    """

    ignore: Collection[str] = ()
    claims: dict[_Key, collections.deque[_Said]] = dataclasses.field(default_factory=dict)
    standing: dict[_Key, Verdict] = dataclasses.field(default_factory=dict)

    @property
    def verdicts(self) -> list[Verdict]:
        """The verdicts that stand, the most serious first, and of these the causes."""
        gravest = {kind: verdict for kind, verdict in self._gravest().items() if kind not in self.ignore}
        gravest |= self._raised(gravest)
        acting = {kind: verdict for kind, verdict in gravest.items() if verdict.level == "act"}
        of_training = causes.of_training({kind: verdict.is_of_probe for kind, verdict in acting.items()})
        found = [
            _explained(verdict, causes.explained_by(kind, acting if verdict.is_of_probe else of_training))
            for kind, verdict in gravest.items()
        ]
        if any(verdict.kind in causes.ASK_FOR_CALM and verdict.level != "ok" for verdict in found):
            found = [dataclasses.replace(v, code="", then_code="") if v.kind in causes.STIR_UP else v for v in found]
        return sorted(found, key=lambda v: (-LEVELS.index(v.level), not v.explained_by, causes.place(v.kind)))

    @property
    def muted(self) -> list[Verdict]:
        """What would stand of the kinds of which nothing is said, without what is well, the most serious first."""
        found = [v for kind, v in self._gravest().items() if kind in self.ignore and v.level != "ok"]
        return sorted(found, key=lambda v: -LEVELS.index(v.level))

    def update(self, step: int, claims: Iterable[Claim], source: str = "") -> list[Verdict]:
        """Add the claims of a measurement at this step, one a kind, and return the verdicts whose level changed.

        Those too of which only the cause that explains them is another, or what they would be without it.
        """
        before = {_standing(verdict) for verdict in self.verdicts}
        for claim in claims:
            self._add(step, claim, (claim.kind, source))
        return [verdict for verdict in self.verdicts if _standing(verdict) not in before]

    def retract(self, source: str, kinds: Iterable[str]) -> None:
        """Take back what a source said of some kinds: others know better."""
        for kind in kinds:
            self.standing.pop((kind, source), None)

    def _raised(self, gravest: Mapping[str, Verdict]) -> dict[str, Verdict]:
        """Return the first explanation of an outcome, at "act", where that is only worth watching."""
        found = {}
        for outcome in causes.OUTCOMES:
            if outcome not in gravest or gravest[outcome].level == "ok":
                continue
            named = [k for k, v in gravest.items() if v.level != "ok" and outcome in causes.follows_from(k)]
            if gravest[outcome].level == "watch":
                seen = {kind for (kind, source), v in self.standing.items() if source == PREFLIGHT and v.level != "ok"}
                named = [kind for kind in named if kind in seen]
            if named and all(gravest[kind].level != "act" for kind in named):
                first = gravest[min(named, key=causes.place)]
                because = f"It is raised to ACT because {begun_small(gravest[outcome].finding)}"
                found[first.kind] = dataclasses.replace(first, level="act", why=(because, *first.why)[:MOST_REASONS])
        return found

    def _gravest(self) -> dict[str, Verdict]:
        """Return the gravest verdict of each kind, whatever explains it; of several, the first."""
        found: dict[str, Verdict] = {}
        for (kind, _), verdict in self.standing.items():
            if kind not in found or LEVELS.index(verdict.level) > LEVELS.index(found[kind].level):
                found[kind] = verdict
        return found

    def _add(self, step: int, claim: Claim, key: _Key) -> None:
        """Bring what one source says of a kind up to date."""
        claims = self.claims.setdefault(key, collections.deque(maxlen=WINDOW))
        claims.append(_Said(step, claim))
        before = self.standing.get(key)
        level = self._level([said.claim for said in claims], before)
        if level is not None:
            since = step if before is None or before.level != level else before.step
            self.standing[key] = self._borne_out(level, since, list(claims))

    @staticmethod
    def _borne_out(level: str, since: int, claims: list[_Said]) -> Verdict:
        """Return what the newest claim says that bears the level out, with the newest number."""
        newest = claims[-1]
        said = next((said for said in reversed(claims) if _bears_out(said.claim.level, level)), newest)
        kind, claim = KINDS[said.claim.kind], said.claim
        doubt = () if said is newest else (f"At step {newest.step} it looked different: {newest.claim.finding}",)
        return Verdict(
            kind=kind.name,
            level=level,
            finding=claim.finding,
            cure="" if level == "ok" else claim.cure or kind.cure,
            section=kind.section,
            step=since,
            measured=said.step,
            why=(*doubt, *claim.why)[:MOST_REASONS],
            code="" if level == "ok" else claim.code,
            series=claim.series,
            value=newest.claim.drawn.get(claim.series),
            then="" if level == "ok" else claim.then,
            expects="" if level == "ok" else claim.expects,
            is_of_probe=claim.is_of_probe,
            then_code="" if level == "ok" else claim.then_code,
            shows=claim.shows,
            bars=claim.bars,
        )

    @staticmethod
    def _level(claims: list[Claim], before: Verdict | None) -> str | None:
        """Return the level that the claims bear out; None before there are enough."""
        if claims[-1].proven:
            return claims[-1].level
        falling = sorted((LEVELS.index(c.level) for c in claims), reverse=True)
        if len(falling) < RAISED_BY:
            return None
        up, down = falling[RAISED_BY - 1], falling[0]
        now = up if before is None else max(up, LEVELS.index(before.level))
        return LEVELS[min(now, down) if len(falling) == WINDOW else now]


def _standing(verdict: Verdict) -> tuple[str, str, str, int]:
    """Return what a change of a verdict is a change of."""
    return verdict.kind, verdict.level, verdict.explained_by, verdict.step


def _explained(verdict: Verdict, cause: str) -> Verdict:
    """Return what is said of a verdict while its cause calls for action; the verdict itself where there is none."""
    if not cause or verdict.level == "ok":
        return verdict
    finding = f'Probably caused by "{title_of(cause)}", so fix that first. {verdict.finding}'
    return dataclasses.replace(
        verdict, level="ok", finding=finding, cure="", code="", then="", then_code="", expects="", explained_by=cause
    )


def _bears_out(claimed: str, level: str) -> bool:
    """Whether a claim bears a level out: that something is wrong, at least so; that all is well, by no more."""
    return claimed == level if level == "ok" else LEVELS.index(claimed) >= LEVELS.index(level)
