"""A script as a program that can be trained, as it is or with the code of cures in it."""

import dataclasses
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ...proof.judge import middle
from ...proof.program import NO_CODE, Outcome
from ...verdicts.state import NOT_DIAGNOSED, STATES, OverallState
from ...verdicts.verdict import LEVELS, Verdict
from .. import _source
from ._alike import PREPARE_ALIKE, alike
from ._finite import KEEP_FINITE, finite
from ._messages import EVALUATE, SOURCES, Score, SeenEvaluate, SeenFit
from ._pairing import KEEP_PAIRS, paired
from ._patch import patched
from ._place import NoPatch, Position, place_of
from ._process import Ran, Workplace
from ._step import UPDATE_STATES, updating
from ._weights import TRACK_WEIGHTS, tracked

OF_SCRIPTS = {KEEP_PAIRS: paired, UPDATE_STATES: updating, TRACK_WEIGHTS: tracked, KEEP_FINITE: finite,
              PREPARE_ALIKE: alike}  # fmt: skip
"""Fixes that depend on the script alone, each with what puts it into the text of one."""
Stands = tuple[str, Position] | None
"""Where a `fit` stands: the file, and where in it; `None` if it is in no file of the folder."""


class Scoring:
    """How all trials of a script are scored: on which examples, and how, as the first of them decides.

    Args:
        first: The first run, which is not scored.
    """

    def __init__(self, first: Ran) -> None:
        known = {each.scored_on for each in first.fits if each.place == first.fits[-1].place}
        is_evaluated = any(isinstance(each, SeenEvaluate) for each in first.seen)
        there = known | ({EVALUATE} if is_evaluated else set())
        self.on = next(each for each in SOURCES if each in there)
        self.scale: bytes | None = None

    def score(self, ran: Ran) -> Score:
        """Return the score of a run.

        It is that of the last `evaluate`; or of the `fit` that stands where the last one does: the mean over the models
        that are trained there, as in a cross-validation, of each after its last `fit`.
        """
        if self.on == EVALUATE:
            scores = [each.score for each in ran.seen if isinstance(each, SeenEvaluate)][-1:]
        else:
            scores = list({each.model: each.score for each in ran.fits if each.place == ran.fits[-1].place}.values())
        if not scores:
            return Score()
        self.scale = self.scale or scores[0].scale
        value, floor = (
            statistics.fmean(numbers) for numbers in zip(*((s.value, s.floor) for s in scores), strict=True)
        )
        return Score(value, scores[0].of, scores[0].best, floor)


class Script:
    """A script, with the code of some cures in it or none: a `Program`.

    Args:
        work: Where it is run.
        scoring: How it is scored.
        seen: What was seen of each `fit` of its last run, in order.
        files: The text of each file that has the code of a cure, by its path in the folder.
    """

    def __init__(
        self, work: Workplace, scoring: Scoring, seen: Sequence[SeenFit] = (), files: Mapping[str, str] | None = None
    ) -> None:
        self.work, self.scoring, self.files = work, scoring, dict(files or {})
        self._found: dict[str, tuple[Verdict, Stands]] = {}
        self._last: Stands = None
        self._frames: dict[Stands, Mapping[str, str]] = {}
        self._seen(seen)

    def _seen(self, fits: Sequence[SeenFit]) -> None:
        self._found |= _found(fits)
        self._last = fits[-1].place if fits else self._last
        self._frames |= {fit.place: fit.frames for fit in fits}

    @property
    def text(self) -> str:
        """The diff of the script as the first run found it and as it stands here, for its folder: "" without a cure."""
        parts = []
        for name, text in self.files.items():
            path = Path(name).as_posix()  # git takes none that leads out of where it is called
            parts.append(_source.diff(self._read(name)[0], text, f"a/{path}", f"b/{path}"))
        return "".join(parts)

    def encoded(self) -> dict[str, bytes]:
        """Return what is in each changed file, by its path in the folder."""
        return {name: text.encode(self._read(name)[1]) for name, text in self.files.items()}

    def _read(self, name: str) -> tuple[str, str]:
        """Return text and encoding of a file as the first run found it."""
        return _source.read(self.work.found(name))

    def train(self, seed: int, watched: bool = False) -> Outcome:
        """Run it with shifted seeds in a copy of its folder."""
        scoring = self.scoring
        logs = self.work.runs / ("patched" if self.files else "original") / f"seed_{seed}" if self.work.draws else ""
        how = {"scored_on": scoring.on, "scale": scoring.scale, "logs": str(logs), "watched": watched}
        ran = self.work.trial(self.encoded(), seed=seed, **how)
        self._seen(ran.fits)
        outcome = outcome_of(ran, scoring.score(ran))
        said = outcome.error or f"{outcome.measure} {middle([outcome])}"
        self.work.tell(f"  seed {seed}, {'with' if self.files else 'without'} the fix: {said}")
        return dataclasses.replace(outcome, unchecked=(f"Scores are from {scoring.on}.", *outcome.unchecked))

    def with_cure(self, verdict: Verdict) -> "Script | str":
        """Return the script with the code of a verdict in it, where its `fit` stands, or why that is not possible."""
        if not verdict.code:
            return NO_CODE
        stands = self._found[verdict.kind][1] if verdict.kind in self._found else self._last
        if stands is None:
            return "Its `fit` stands in no file of the script's folder."
        name, position = stands
        if not self.work.found(name).resolve().is_relative_to(self.work.folder):
            return f"{name} is behind a link."
        source = self.files.get(name) or self._read(name)[0]
        of_text = next((edit for remedy, edit in OF_SCRIPTS.items() if remedy.code == verdict.code), None)
        if of_text:
            text: str | NoPatch = _edited(of_text, source)
        else:
            place = place_of(source, position, self._frames.get(stands))
            text = place if isinstance(place, NoPatch) else patched(place, verdict.code)
        if isinstance(text, NoPatch):
            return text.reason
        if text == source:
            return "The script says so already."
        return Script(self.work, self.scoring, (), self.files | {name: text})


def _edited(edit: Callable[[str], str], source: str) -> str:
    """Return a script with an edit, or as it is where that would not be valid Python."""
    try:
        return edit(source)
    except SyntaxError:
        return source


def gravest(ran: Ran) -> OverallState:
    """Return the gravest state of the trainings of a run."""
    return min((fit.state for fit in ran.fits), key=lambda state: STATES.index(state.name), default=NOT_DIAGNOSED)


def outcome_of(ran: Ran, score: Score | None = None) -> Outcome:
    """Return what came of a run, of all of its trainings together."""
    verdicts, score = [verdict for verdict, _ in _found(ran.fits).values()], score or Score()
    of_act = [fit for fit in ran.fits if any(each.level == "act" for each in fit.verdicts)]
    return Outcome(
        score=math.nan if ran.ended.error else score.value,
        measure=score.of,
        best=score.best,
        floor=score.floor,
        seconds=ran.ended.seconds,
        verdicts=tuple(sorted(verdicts, key=lambda verdict: -LEVELS.index(verdict.level))),
        further=next(((*OF_SCRIPTS, *fit.further) for fit in of_act or ran.fits[-1:]), ()),
        curve=ran.fits[-1].curve if ran.fits else (),
        state=gravest(ran).name,
        unchecked=tuple(dict.fromkeys(reason for fit in ran.fits for reason in fit.state.reasons)),
        error=ran.ended.error,
    )


def lines_of(ran: Ran) -> dict[str, str]:
    """Return file and line of the `fit` that each kind of verdict was found in, as `train.py:41`."""
    return {kind: f"{place[0]}:{place[1][0]}" for kind, (_, place) in _found(ran.fits).items() if place is not None}


def _found(fits: Sequence[SeenFit]) -> dict[str, tuple[Verdict, Stands]]:
    """Return the gravest verdict of each kind, the first of several, and where the `fit` stands that has it."""
    found: dict[str, tuple[Verdict, Stands]] = {}
    for fit in fits:
        for verdict in fit.verdicts:
            known = found.get(verdict.kind, (verdict,))[0]
            if verdict.kind not in found or LEVELS.index(verdict.level) > LEVELS.index(known.level):
                found[verdict.kind] = verdict, fit.place
    return found
