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
    """

    level: str
    pairs: tuple[Pair, ...]

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
        before, after = (middle([getattr(pair, of) for pair in self.pairs]) for of in ("without", "cured"))
        return self.level, before, after, len(self.pairs)

    @property
    def worse(self) -> int:
        """In how many seeds the cure is worse, or the training fails with it."""
        return sum(pair.change in ("worse", "loses") for pair in self.pairs)


def judge(pairs: Sequence[Pair]) -> Judgement:
    """Return what pairs say of a cure; there is at least one."""
    changes, half = [pair.change for pair in pairs], len(pairs) / 2
    gaining, falling = changes.count("gains"), changes.count("worse") + changes.count("loses")
    if "loses" in changes:
        level = "harms"
    elif not falling and gaining > half:
        level = "proven"
    elif not falling and gaining + changes.count("better") > half:
        level = "helps a little"
    else:
        level = "not proven"
    return Judgement(level, tuple(pairs))


def can_be_proven(pairs: Sequence[Pair], seeds: int) -> bool:
    """Whether so many seeds in all can still prove a cure of which some pairs are there."""
    changes = [pair.change for pair in pairs]
    can_gain = changes.count("gains") + seeds - len(pairs)
    return not {"worse", "loses"} & {*changes} and can_gain > seeds / 2


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
