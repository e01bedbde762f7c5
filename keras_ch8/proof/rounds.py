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

    Seeds 0 to `seeds - 1` choose. Where some of them lag behind the others, the next round is for these, and what it
    chooses must be no worse with the others.

    As many other seeds then compare the program of the beginning with all that was chosen: only what is proven there
    too is proposed, and the gain is that which these seeds show. If it is not, they choose one fix more for those of
    them that lag; or, where there is none, all but what was chosen last is left. This is compared in the same way,
    once, with seeds that are new again.

    Args:
        program: What is to be trained.
        verdicts: Those whose fixes the first round tries first. Defaults to `None`: those that call for action.
        seeds: Trainings in each comparison, at most.
        rounds: Fixes in the patch, at most.
        minutes: After which nothing more is begun; `None` for no limit.
        tell: Told in a line what each trial has shown.
    """
    trials = _Trials(minutes)
    first = trials.outcome(program, 0, watched=True)
    search = _Search(program, trials, seeds, rounds, tell)
    try:
        asked = first.acts if verdicts is None else verdicts
        search.run(asked, first.others(*asked[:1]))
    except KeyboardInterrupt:
        search.notes.append("You ended it before all was tried.")
    return search.proof(first)


_Fix = tuple[Program, tuple[Verdict, ...]]
"""A program, and what is to be in it beyond what was chosen: the last of these is not there yet."""


class _Trials:
    """Runs trainings, once each, or once more to watch one, and knows how much time is left."""

    def __init__(self, minutes: float | None) -> None:
        self.begun = time.monotonic()
        self._end = math.inf if minutes is None else self.begun + 60 * minutes
        self._done: dict[tuple[int, int], tuple[Program, Outcome]] = {}  # with the program, whose id stays its own then
        self._watched: set[tuple[int, int]] = set()

    def outcome(self, program: Program, seed: int, watched: bool = False) -> Outcome:
        """Return what a training gives."""
        key = id(program), seed
        if key not in self._done or (watched and key not in self._watched):
            self._done[key] = program, program.train(seed, watched)
            self._watched |= {key} if watched else set()
        return self._done[key][1]

    def known(self, program: Program, seeds: Sequence[int]) -> dict[int, Outcome]:
        """Return what those of some trainings gave that have run."""
        return {seed: self._done[id(program), seed][1] for seed in seeds if (id(program), seed) in self._done}

    def pairs(
        self,
        without: Program,
        cured: Program,
        seeds: Sequence[int],
        aim: Sequence[int] = (),
        *,
        watched: bool = False,
        reserved: int = 0,
    ) -> tuple[Pair, ...]:
        """Return pairs until the fix cannot be proven any more, or only the time for some later trainings is left.

        Args:
            without: A program.
            cured: The program with the fix.
            seeds: All seeds, in order.
            aim: The seeds that have to gain; `()` for all.
            watched: Whether the first training with the fix is watched.
            reserved: How many later trainings there has to be time for.
        """
        found: list[Pair] = []
        for seed in seeds:
            new = sum((id(each), seed) not in self._done for each in (without, cured))
            each_takes = statistics.fmean(outcome.seconds for _, outcome in self._done.values())
            if time.monotonic() + (new + reserved) * each_takes > self._end:
                break
            is_watched = watched and not found
            found.append(Pair(seed, self.outcome(without, seed), self.outcome(cured, seed, is_watched)))
            if not can_be_proven(found, len(seeds), aim):
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
        self.choosing = tuple(range(seeds))
        """The seeds that choose, those of `aim` first."""
        self.aim: tuple[int, ...] = ()
        """Those that a fix is for, because they lag behind the others; `()` for all."""
        self.tried: list[Tried] = []
        self.fresh: Judgement | None = None
        self.notes: list[str] = []

    def run(self, verdicts: Sequence[Verdict], others: Sequence[Verdict]) -> None:
        """Choose in rounds, and ask fresh seeds. If they say no, choose once more, or leave out the last choice."""
        while self._choose(verdicts, others) and len(self.cures) < self.rounds:
            verdicts, others = self._left()
        if self.cures:
            self._check(self.seeds, "All together, with fresh seeds")
        if self.fresh and self.fresh.level != "proven":
            if self._can_go_on(self.fresh) and self._choose(*self._left()):
                self._check(2 * self.seeds, "All together, with other fresh seeds")
            elif self.before[1]:
                self.chosen, self.cures = self.before
                self._check(2 * self.seeds, "Without the last, with other fresh seeds")

    def _can_go_on(self, fresh: Judgement) -> bool:
        """Let fresh seeds choose, too, where one more fix could help those that lag, and return whether it could."""
        self.choosing += tuple(pair.seed for pair in fresh.pairs)
        return not fresh.worse and len(self.cures) < self.rounds and self._lagging() != ()

    def _lagging(self) -> tuple[int, ...]:
        """Return the seeds that do not gain by what was chosen, but would if they were as good as the best."""
        were, are = (self.trials.known(each, self.choosing) for each in (self.program, self.chosen))
        best = max(are.values(), key=lambda outcome: -math.inf if math.isnan(outcome.score) else outcome.score)
        gaining = {seed for seed in were.keys() & are.keys() if Pair(seed, were[seed], are[seed]).change == "gains"}
        return tuple(s for s in are if s not in gaining and Pair(s, are[s], best).change == "gains")

    def _left(self) -> tuple[Sequence[Verdict], Sequence[Verdict]]:
        """Return what is left to be done for the seeds that lag, if there are some, else what the first calls for.

        What else a training might need is for one that lags alone.
        """
        self.aim = self._lagging()
        self.choosing = (*self.aim, *(seed for seed in self.choosing if seed not in self.aim))
        if not self.aim:
            return self.trials.outcome(self.chosen, self.choosing[0], watched=True).acts, ()
        seeds = ", ".join(map(str, self.aim))
        self.tell(f"What follows is for what lags, and must not be worse with the others: seed {seeds}.")
        left = self.trials.outcome(self.chosen, self.aim[0], watched=True)
        return left.acts, left.others(None if left.acts else self.cures[-1])

    def _check(self, first: int, name: str) -> None:
        """Compare the program of the beginning with what was chosen, with fresh seeds from the first of them on."""
        pairs = self.trials.pairs(self.program, self.chosen, range(first, first + self.seeds))
        found = self._judged(pairs, self.seeds, "fresh seeds")
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
        patched = program.with_cure(verdict)
        if isinstance(patched, str):
            return Tried(cures, reason=patched)
        reserved = 2 * min(self.seeds, FEWEST_FRESH) * (2 if self.cures else 1)  # a last fix may spoil the others
        seeds, aim = self.choosing[: max(self.seeds, len(self.aim))], self.aim
        pairs = self.trials.pairs(self.chosen, patched, seeds, aim, watched=True, reserved=reserved)
        judgement = self._judged(pairs, len(seeds), "seeds", aim)
        return Tried(cures, judgement, program=patched) if judgement else None

    def _behind(self, tried: Tried) -> Iterator[_Fix]:
        """Yield the fixes that are left to be tried with one, if that did no harm and its verdict has gone."""
        if tried.program is None or tried.judgement is None:
            return
        pair = tried.judgement.pairs[0]
        left, is_no_worse = pair.cured.acts, not tried.judgement.worse or pair.without.error
        has_gone = tried.cures[-1].kind not in [each.kind for each in left]
        if is_no_worse and has_gone and len(self.cures) + len(tried.cures) < self.rounds:
            for each in _fixes(left):
                if each.code or not isinstance(tried.program.with_cure(each), str):
                    yield tried.program, (*tried.cures, each)

    def _judged(self, pairs: Sequence[Pair], seeds: int, of: str, aim: Sequence[int] = ()) -> Judgement | None:
        """Return what pairs say, if there are some, and note if `minutes` did not allow all that were needed."""
        if len(pairs) < seeds and can_be_proven(pairs, seeds, aim):
            note = f"`minutes` allowed {len(pairs)} of {seeds} {of}." if pairs else "`minutes` allowed no more fixes."
            self.notes += [] if note in self.notes else [note]
        return judge(pairs, aim) if pairs else None

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
