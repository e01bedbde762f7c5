"""Whether a cure helps: trainings without it and with it, in pairs of the same seed."""

import dataclasses
import math
import statistics
from collections.abc import Sequence

from ..verdicts.wording import digits
from .program import Outcome

GAIN = 0.05
"""Of an accuracy or R2: what is better by so much gains, and so does what halves the error."""
SAME = 0.01
"""Scores that differ by less are equal: of 100 examples one is predicted otherwise."""


@dataclasses.dataclass(frozen=True)
class Pair:
    """The same training without a cure and with it.

    Args:
        seed: The seed of both.
        without: What came of the one without it.
        cured: What came of the other.
    """

    seed: int
    without: Outcome
    cured: Outcome

    @property
    def change(self) -> str:
        """`"gains"`, `"better"`, `"equal"`, `"worse"` or `"loses"`: the error with it against that without it.

        A fix with which the training fails is worse than a training that fails.
        """
        if self.cured.error:
            return "worse" if self.without.error else "loses"
        was, now = self._error(self.without), self._error(self.cured)
        if self._best:
            size = round(abs(was - now), 9)  # so that 0.93 is better than 0.88 by 0.05
            is_equal, is_much = size < SAME, size >= GAIN
        else:
            is_equal, is_much = was == now or abs(was - now) < GAIN * abs(was), False
        if is_equal:
            return "equal"
        if now < was:
            return "gains" if is_much or (was > 0 and 2 * now <= was) else "better"
        return "loses" if is_much or (was >= 0 and 2 * was <= now) else "worse"

    @property
    def _best(self) -> float:
        return min(self.without.best, self.cured.best)  # a training that failed does not know that it has a loss

    def _error(self, outcome: Outcome) -> float:
        """Return what is left to a perfect score: of a failed training, that of a constant prediction, or infinity."""
        floor = max(self.without.floor, self.cured.floor) if self._best else -math.inf
        return self._best - (floor if math.isnan(outcome.score) else max(outcome.score, floor))


@dataclasses.dataclass(frozen=True)
class Judgement:
    """What some pairs say of a cure.

    Args:
        level: `"proven"`, where it gains in more than half of the seeds and is worse in none; `"helps a little"`, where
            it is better in more than half and worse in none; `"harms"`, where it loses in a seed; or `"not proven"`.
        pairs: The pairs.
        aim: The seeds that it is for, which alone have to gain. Defaults to `()`: all.
    """

    level: str
    pairs: tuple[Pair, ...]
    aim: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.level}. {self.said}"

    @property
    def said(self) -> str:
        """What the scores are, or why there are none, in a sentence."""
        error = next((pair.cured.last_line for pair in self.pairs if pair.cured.error), "")
        if error:
            return f"The training fails with it: {error}"
        measure = self.pairs[0].without.measure or self.pairs[0].cured.measure or "score"
        _, before, after, seeds = self.cells
        said = f"{measure[:1].upper()}{measure[1:]} is {after} with it, {before} without it"
        said += f" (median of {seeds} seeds)" if seeds > 1 else ""
        return said + (f", and worse with {self.worse} of them." if self.worse and seeds > 1 else ".")

    @property
    def cells(self) -> tuple[str, str, str, int]:
        """The level, the median scores without it and with it, and the number of seeds."""
        pairs = self.aimed
        before, after = (middle([getattr(pair, of) for pair in pairs]) for of in ("without", "cured"))
        return self.level, before, after, len(pairs)

    @property
    def aimed(self) -> tuple[Pair, ...]:
        """The pairs of the seeds that it is for."""
        return aimed(self.pairs, self.aim)

    @property
    def worse(self) -> int:
        """In how many of all seeds the cure is worse, or the training fails with it."""
        return sum(pair.change in ("worse", "loses") for pair in self.pairs)


def judge(pairs: Sequence[Pair], aim: Sequence[int] = ()) -> Judgement:
    """Return what pairs say of a cure for some seeds, or all; there is at least one pair of them."""
    falling = [pair.change for pair in pairs if pair.change in ("worse", "loses")]
    changes = [pair.change for pair in aimed(pairs, aim)]
    gaining, half = changes.count("gains"), len(changes) / 2
    if "loses" in falling:
        level = "harms"
    elif not falling and gaining > half:
        level = "proven"
    elif not falling and gaining + changes.count("better") > half:
        level = "helps a little"
    else:
        level = "not proven"
    return Judgement(level, tuple(pairs), tuple(aim))


def aimed(pairs: Sequence[Pair], aim: Sequence[int]) -> tuple[Pair, ...]:
    """Return the pairs of some seeds; all, if none is named."""
    return tuple(pair for pair in pairs if not aim or pair.seed in aim)


def can_be_proven(pairs: Sequence[Pair], seeds: int, aim: Sequence[int] = ()) -> bool:
    """Whether so many seeds in all can still prove a cure of which some pairs are there, for some seeds or all."""
    done, needed = aimed(pairs, aim), len(aim) or seeds
    can_gain = sum(pair.change == "gains" for pair in done) + needed - len(done)
    return all(pair.change not in ("worse", "loses") for pair in pairs) and can_gain > needed / 2


def middle(outcomes: Sequence[Outcome]) -> str:
    """Return the median score in words: of a loss the loss."""
    scores = [outcome.score for outcome in outcomes]
    score = statistics.median([-math.inf if math.isnan(one) else one for one in scores])
    if math.isinf(score):
        return "NaN"
    return digits(score if outcomes[0].best else -score, 3)


def spread(pairs: Sequence[Pair]) -> str:
    """Return the smallest and the largest difference of the scores; `""` where a score is NaN."""
    gains = sorted(pair.cured.score - pair.without.score for pair in pairs)
    return f"Differences: {gains[0]:+.2g} to {gains[-1]:+.2g}." if all(map(math.isfinite, gains)) else ""
