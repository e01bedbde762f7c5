"""The epochs of a curriculum: which examples each batch draws."""

from typing import final

import numpy as np

from ..data.plan import Sampler
from .pacings import Pacing

ORDERS = ("easy", "hard", "random")
"""Which examples come first."""


@final
class CurriculumSampler:
    """Draws from the first examples, in the order of difficulty, as many as the pacing says (section 8.7.6).

        u       <- min(step / until, 1)
        batch   <- examples without repetition out of those with oldest(u) <= rank / n < c(u)
                   each of its places, with probability mix: the example that would be there without a curriculum

    From the step at which the fraction is 1 the batches are exactly those of `ordinary`, weights included. There are
    always at least as many examples to draw from as a batch has places. A plan is a pure function of the epoch and of
    the settings.

    Args:
        ordinary: The sampler of the source, without a curriculum.
        difficulty: How hard each example is: an array with one number for each, the smallest for the easiest.
        pacing: The `Pacing`: how the fraction of the examples that may be drawn grows.
        until: Number of training steps after which all examples may be drawn.
        mix: Fraction in [0, 1] of the places of a batch that are filled as without a curriculum. Defaults to `0.0`.
        order: Which examples come first: `"easy"`, `"hard"` or `"random"`. Defaults to `"easy"`.
        seed: Seed of the draws, an integer of at least 0. Defaults to `0`.
        first: The epoch of the source, counted from 0, with which the curriculum begins. Defaults to `0`.
    """

    def __init__(
        self,
        ordinary: Sampler,
        difficulty: np.ndarray,
        pacing: Pacing,
        *,
        until: float,
        mix: float = 0.0,
        order: str = "easy",
        seed: int = 0,
        first: int = 0,
    ) -> None:
        self.ordinary, self.pacing, self.until, self.mix, self.order = ordinary, pacing, until, mix, order
        self.seed, self.first = seed, first
        self.last: tuple[int, np.ndarray] | None = None
        self.rank(difficulty)

    def rank(self, difficulty: np.ndarray) -> None:
        """Order the examples by these numbers, from the next plan on."""
        self.difficulty, self.last = difficulty, None
        keys = sort_keys(difficulty, self.order, self.seed)
        # Those with equal keys are shuffled among themselves.
        self._examples = np.lexsort((np.random.default_rng([self.seed, 0, 2]).random(len(keys)), keys))

    def progress(self, epoch: int, steps: int) -> np.ndarray:
        """Return u at each step of an epoch."""
        return np.minimum(((epoch - self.first) * steps + np.arange(steps)) / self.until, 1.0)

    def plan(self, epoch: int) -> np.ndarray:
        """Return the plan of an epoch; the last one is kept, since the source and the callback both ask."""
        if self.last is None or self.last[0] != epoch:
            self.last = epoch, self._drawn(epoch)
        return self.last[1]

    def _drawn(self, epoch: int) -> np.ndarray:
        ordinary = self.ordinary.plan(epoch)
        steps, places = ordinary.shape
        u, count = self.progress(epoch, steps), len(self._examples)
        last, first = last_and_first(self.pacing(u), self.pacing.oldest(u), count, places)
        early = np.flatnonzero(last - first < count)
        if not len(early):
            return ordinary
        rng = np.random.default_rng([self.seed, epoch, 3])
        ranks = np.stack([first[t] + rng.choice(last[t] - first[t], places, replace=False) for t in early])
        drawn = (ordinary[early] >= 0) & (rng.random(ranks.shape) >= self.mix)
        indices = ordinary.copy()
        indices[early] = np.where(drawn, self._examples[ranks], indices[early])
        return indices


def sort_keys(difficulty: np.ndarray, order: str, seed: int) -> np.ndarray:
    """Return the numbers by which the examples are ordered, the smallest first.

        easy     the difficulty
        hard     its negative
        random   the difficulty of another example: the same numbers, without their meaning

    The permutation of `"random"` depends on the seed alone, so numbers that change slowly make an order that does.
    """
    if order == "random":
        return difficulty[np.random.default_rng([seed, 0, 1]).permutation(len(difficulty))]
    return -difficulty if order == "hard" else difficulty


def last_and_first(
    fraction: np.ndarray, oldest: np.ndarray, count: int, at_least: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return where in the order the examples that are drawn end and begin; there are at least some."""
    at_least = min(at_least, count)
    last = np.clip(np.ceil(fraction * count - 1e-9), at_least, count).astype("int64")
    first = np.clip(np.floor(oldest * count + 1e-9), 0, last - at_least).astype("int64")
    return last, first
