"""The epochs of a curriculum."""

from typing import final

import numpy as np

from .. import data
from . import _order, _weights
from .pacing import AbstractPacing


@final
class CurriculumSampler:
    """Draws from the first examples, in the order of difficulty, as many as the pacing says (section 8.7.6).

        u       <- min(step / until, 1)
        batch   <- examples without repetition out of those with oldest(u) <= rank / n < c(u)
                   each of its places, with probability mix: the example that would be there without a curriculum

    At the step at which the share is 1 the batches are those of `ordinary`, weights included, to the example. A batch
    is at least as many examples as it has places. A plan is a pure function of the epoch and of the settings.

    With `soft`, what is drawn as easy has a weight by how easy it is (`_weights.soft_weights`), 1 in the mean over its
    places in the batch: Keras divides the loss by the size of the batch, not by the sum of the weights.

    Args:
        ordinary: The sampler of the source, without a curriculum.
        difficulty: Number of each example.
        pacing: The law.
        until: Steps after which the share is 1.
        mix: Share of the places that are filled as without a curriculum.
        order: "easy", "hard" or "random".
        soft: Whether easier examples have larger weights.
        seed: Of the draws.
        first: The epoch of the source with which the curriculum begins.
    """

    def __init__(
        self,
        ordinary: "data.Sampler",
        difficulty: np.ndarray,
        pacing: AbstractPacing,
        *,
        until: float,
        mix: float = 0.0,
        order: str = "easy",
        soft: bool = False,
        seed: int = 0,
        first: int = 0,
    ) -> None:
        self.ordinary, self.pacing, self.until, self.mix, self.order = ordinary, pacing, until, mix, order
        self.soft, self.seed, self.first = soft, seed, first
        self.last: tuple[int, data.Plan] | None = None
        self.rank(difficulty)

    def rank(self, difficulty: np.ndarray) -> None:
        """Order the examples by these numbers, from the next plan on."""
        self.difficulty, self.last = difficulty, None
        keys = _order.keys(difficulty, self.order, self.seed)
        self._examples = _order.first_to_last(keys, self.seed)
        self._keys = keys[self._examples]

    def progress(self, epoch: int, steps: int) -> np.ndarray:
        """Return u at each step of an epoch."""
        return np.minimum(((epoch - self.first) * steps + np.arange(steps)) / self.until, 1.0)

    def plan(self, epoch: int) -> "data.Plan":
        """Return the plan of an epoch; the last one is kept, since the source and the callback both ask."""
        if self.last is None or self.last[0] != epoch:
            self.last = epoch, self._drawn(epoch)
        return self.last[1]

    def _drawn(self, epoch: int) -> "data.Plan":
        ordinary = self.ordinary.plan(epoch)
        steps, places = ordinary.indices.shape
        u, count = self.progress(epoch, steps), len(self._examples)
        last, first = _weights.last_and_first(self.pacing(u), self.pacing.oldest(u), count, places)
        early = np.flatnonzero(last - first < count)
        if not len(early):
            return ordinary
        rng = np.random.default_rng([self.seed, epoch, 3])
        ranks = np.stack([first[t] + rng.choice(last[t] - first[t], places, replace=False) for t in early])
        drawn = (ordinary.indices[early] >= 0) & (rng.random(ranks.shape) >= self.mix)
        indices = ordinary.indices.copy()
        indices[early] = np.where(drawn, self._examples[ranks], indices[early])
        if not self.soft:
            return data.Plan(indices, ordinary.weights)
        limit = self._keys[np.minimum(last[early], count - 1)][:, None]
        soft = _weights.soft_weights(self._keys[ranks], self._keys[0], limit)
        weights = np.where(indices >= 0, 1.0, 0.0) if ordinary.weights is None else ordinary.weights.astype("float64")
        weights[early] *= np.where(drawn, _mean_one(soft, drawn), 1.0)
        return data.Plan(indices, weights.astype("float32"))


def _mean_one(weights: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Divide the weights of each row by their mean over some places; 1 where they are all 0."""
    total = np.sum(weights, axis=1, where=where, keepdims=True)
    number = where.sum(axis=1, keepdims=True)
    return np.where(total > 0, weights * number / np.where(total > 0, total, 1.0), 1.0)
