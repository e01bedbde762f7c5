"""Tries the fixes of a program in rounds, each on top of those that are proven, and checks all of them in the end."""

import dataclasses
import math
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from ..verdicts.kinds import title_of
from ..verdicts.verdict import Verdict
from .judge import Judgement, Pair, can_be_proven, judge
from .program import Outcome, Program
from .result import Proof, Tried

MOST_TRIED = 16
"""Fixes that a round tries at most."""
FEWEST_FRESH = 2
"""Fresh seeds below which nothing is proven, where so many were asked for."""


def prove(
    program: Program,
    verdicts: Sequence[Verdict] | None = None,
    *,
    seeds: int = 3,
    rounds: int = 3,
    minutes: float | None = None,
    tell: Callable[[str], object] = print,
) -> Proof:
    """Return what trials show of the fixes of a program.

    A round tries the fixes of what calls for action, one after the other, against the program as it stands: both train
    with the same seeds, in turn, until it is clear that a fix cannot be proven. The first that is proven stays, and the
    next round goes on from there. A fix that is not, but whose verdict leaves without harm, is tried with those of the
    verdicts that it leaves, because two faults may have to go together. If no fix that a verdict asks for is proven,
    those follow that the training might need all the same (`Outcome.others`).

    Seeds 0 to `seeds - 1` choose. As many others then compare the program of the beginning with all that was chosen:
    only what is proven there too is proposed, and the gain is that which these seeds show. If it is not, all but what
    was chosen last is compared in the same way, once, with seeds that are new again.

    Args:
        program: What is to be trained.
        verdicts: Those whose fixes the first round tries first. Defaults to `None`: those that call for action.
        seeds: Trainings in each comparison, at most.
        rounds: Fixes in the patch, at most.
        minutes: After which nothing more is begun; `None` for no limit.
        tell: Told in a line what each trial has shown.
    """
    trials = _Trials(minutes)
    first = trials.outcome(program, 0)
    search = _Search(program, trials, seeds, rounds, tell)
    try:
        search.run(first.acts if verdicts is None else verdicts, first.others)
    except KeyboardInterrupt:
        search.notes.append("You ended it before all was tried.")
    return search.proof(first)


_Fix = tuple[Program, tuple[Verdict, ...]]
"""A program, and what is to be in it beyond what was chosen: the last of these is not there yet."""


class _Trials:
    """Runs trainings, each of them once, and knows how much time is left."""

    def __init__(self, minutes: float | None) -> None:
        self.begun = time.monotonic()
        self._end = math.inf if minutes is None else self.begun + 60 * minutes
        self._done: dict[tuple[int, int], tuple[Program, Outcome]] = {}  # with the program, whose id stays its own then

    def outcome(self, program: Program, seed: int) -> Outcome:
        """Return what a training gives."""
        if (id(program), seed) not in self._done:
            self._done[id(program), seed] = program, program.train(seed)
        return self._done[id(program), seed][1]

    def pairs(self, without: Program, cured: Program, seeds: Sequence[int], reserved: int = 0) -> tuple[Pair, ...]:
        """Return pairs until the fix cannot be proven any more, or only the time for some later trainings is left."""
        found: list[Pair] = []
        for seed in seeds:
            new = sum((id(each), seed) not in self._done for each in (without, cured))
            each_takes = statistics.fmean(outcome.seconds for _, outcome in self._done.values())
            if time.monotonic() + (new + reserved) * each_takes > self._end:
                break
            found.append(Pair(seed, self.outcome(without, seed), self.outcome(cured, seed)))
            if not can_be_proven(found, len(seeds)):
                break
        return tuple(found)


class _Search:
    """What was tried so far, and what was chosen of it."""

    def __init__(
        self, program: Program, trials: _Trials, seeds: int, rounds: int, tell: Callable[[str], object]
    ) -> None:
        self.program, self.trials, self.seeds, self.rounds, self.tell = program, trials, seeds, rounds, tell
        self.chosen = program
        self.cures: tuple[Verdict, ...] = ()
        self.before: tuple[Program, tuple[Verdict, ...]] = self.chosen, ()
        """What was chosen, but for the last round."""
        self.tried: list[Tried] = []
        self.fresh: Judgement | None = None
        self.notes: list[str] = []

    def run(self, verdicts: Sequence[Verdict], others: Sequence[Verdict]) -> None:
        """Choose in rounds, and ask fresh seeds: if the last choice spoils all, others of what was before it."""
        while self._choose(verdicts, others) and len(self.cures) < self.rounds:
            verdicts, others = self._left()
        if self.cures:
            self._check(self.seeds, "All together, with fresh seeds")
        if self.fresh and self.fresh.level != "proven" and self.before[1]:
            self.chosen, self.cures = self.before
            self._check(2 * self.seeds, "Without the last, with other fresh seeds")

    def _left(self) -> tuple[Sequence[Verdict], Sequence[Verdict]]:
        """Return what the training calls for that does not gain by what was chosen; if all do, what the first does.

        What else it might need is for one that does not gain alone.
        """
        proven = self.tried[-1].judgement
        for pair in proven.pairs if proven else ():
            if pair.change != "gains" and pair.cured.acts:
                return pair.cured.acts, pair.cured.others
        return self.trials.outcome(self.chosen, 0).acts, ()

    def _check(self, first: int, name: str) -> None:
        """Compare the program of the beginning with what was chosen, with fresh seeds from the first of them on."""
        pairs = self.trials.pairs(self.program, self.chosen, range(first, first + self.seeds))
        found = self._judged(pairs, "fresh seeds")
        self.fresh = found or self.fresh
        self.tell(f"{name}: {found or 'not tried.'}")

    def _choose(self, verdicts: Sequence[Verdict], others: Sequence[Verdict]) -> bool:
        """Try fixes on top of what was chosen until one is proven, and return whether one is."""
        self._known = set[frozenset[str]]()
        with_place = [each for each in others if not isinstance(self.chosen.with_cure(each), str)]
        return any(
            self._choose_of(deque((self.chosen, (each,)) for each in some)) for some in (_fixes(verdicts), with_place)
        )

    def _choose_of(self, to_try: deque[_Fix]) -> bool:
        while to_try and len(self._known) < MOST_TRIED:
            program, cures = to_try.popleft()
            if self._was_tried(cures):
                continue
            titles = ", and on top of it for ".join(f'"{title_of(each.kind)}"' for each in cures)
            self.tell(f"Fix for {titles}: {cures[-1].cure}")
            tried = self._tried(program, cures)
            self.tell(f"  {tried.found}" if tried else "  Not tried: there is no time left.")
            if tried is None:
                return False
            self.tried.append(tried)
            if tried.program and tried.judgement and tried.judgement.level == "proven":
                self.before = self.chosen, self.cures
                self.chosen, self.cures = tried.program, (*self.cures, *cures)
                self.tell("  It stays, and what follows comes on top of it.")
                return True
            to_try.extend(self._behind(tried))
        return False

    def _was_tried(self, cures: tuple[Verdict, ...]) -> bool:
        """Whether the last of some fixes is there already, or all of them were tried; from now on they were."""
        *before, last = (each.code for each in cures)
        codes = frozenset([*before, last])
        was_tried = last != "" and (codes in self._known or last in [*before, *(each.code for each in self.cures)])
        self._known.add(codes)
        return was_tried

    def _tried(self, program: Program, cures: tuple[Verdict, ...]) -> Tried | None:
        """Return what comes of a program with the last of some fixes in it; None if there is no time for that."""
        verdict = cures[-1]
        patched = program.with_cure(verdict) if verdict.code else "It has no code."
        if isinstance(patched, str):
            return Tried(cures, reason=patched)
        reserved = 2 * min(self.seeds, FEWEST_FRESH) * (2 if self.cures else 1)  # a last fix may spoil the others
        judgement = self._judged(self.trials.pairs(self.chosen, patched, range(self.seeds), reserved), "seeds")
        return Tried(cures, judgement, program=patched) if judgement else None

    def _behind(self, tried: Tried) -> Iterator[_Fix]:
        """Yield the fixes that are left to be tried with one, if that did no harm and its verdict has gone."""
        if tried.program is None or tried.judgement is None:
            return
        pair = tried.judgement.pairs[0]
        left, is_no_worse = pair.cured.acts, not tried.judgement.worse or pair.without.error
        has_gone = tried.cures[-1].kind not in [each.kind for each in left]
        if is_no_worse and has_gone and len(self.cures) + len(tried.cures) < self.rounds:
            yield from ((tried.program, (*tried.cures, each)) for each in _fixes(left) if each.code)

    def _judged(self, pairs: Sequence[Pair], of: str) -> Judgement | None:
        """Return what pairs say, if there are some, and note if `minutes` did not allow all that were needed."""
        if len(pairs) < self.seeds and can_be_proven(pairs, self.seeds):
            note = (
                f"`minutes` allowed {len(pairs)} of {self.seeds} {of}." if pairs else "`minutes` allowed no more fixes."
            )
            self.notes += [] if note in self.notes else [note]
        return judge(pairs) if pairs else None

    def proof(self, first: Outcome) -> Proof:
        """Return what was found."""
        of_fresh = self.fresh.pairs if self.fresh and self.fresh.level == "proven" else ()
        patched = self.chosen if len(of_fresh) >= min(self.seeds, FEWEST_FRESH) else None
        seconds, unchecked = time.monotonic() - self.trials.begun, (*first.unchecked, *self.notes)
        return Proof(first, tuple(self.tried), self.cures, patched, self.fresh, seconds, unchecked)


def _fixes(verdicts: Sequence[Verdict]) -> Iterator[Verdict]:
    """Yield verdicts, each followed by one whose fix is what to do if that of the first does not help."""
    for verdict in verdicts:
        yield verdict
        if verdict.then_code:
            yield dataclasses.replace(verdict, cure=verdict.then, code=verdict.then_code, then="", then_code="")
