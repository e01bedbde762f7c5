"""How the loss on the probe is getting on, for verdicts that ask whether the training is stuck."""

import dataclasses
from typing import Any

import numpy as np

from ..verdicts import THRESHOLDS
from .past import Past, once

FEWEST, LAST = 4, 9
"""Looks before anything is said of a trend, and looks that are judged together."""
BATCHES = 50
"""Minibatches whose gradients are."""


@dataclasses.dataclass(frozen=True)
class Progress:
    """The loss on the probe so far.

    Args:
        start: Before the first update.
        now: Median of the last three looks.
        recent: By how much it fell over the last third of the steps, as a share of what it was then.
        stride: The step over the best one in its direction, the median over the last looks; NaN where it is not known.
    """

    start: float
    now: float
    recent: float
    stride: float

    @property
    def fallen(self) -> float:
        """By how much it fell in all, as a share of the start."""
        return self.fallen_to(self.now)

    def fallen_to(self, loss: float) -> float:
        """Return by how much it fell if it is at this loss."""
        return (self.start - loss) / abs(self.start) if self.start else 0.0

    @property
    def growth(self) -> float:
        """The loss over what it was at the start; NaN for a loss that may be below 0."""
        return self.now / self.start if self.start > 0 else float("nan")

    @property
    def has_diverged(self) -> bool:
        """Whether it is well above its start."""
        return THRESHOLDS["diverged"].level(self.growth) != "ok"

    @property
    def is_good(self) -> bool:
        """Whether it has fallen far."""
        return self.fallen >= THRESHOLDS["fallen"].watch

    @property
    def has_hardly_moved(self) -> bool:
        """Whether it is about where it began."""
        return self.fallen < THRESHOLDS["fallen"].act

    @property
    def is_stuck(self) -> bool:
        """Whether it is not good, and does not fall any more."""
        return not self.is_good and not self.recent >= THRESHOLDS["recent"].watch

    @property
    def is_at_rest(self) -> bool:
        """Whether it is not low, and neither falls any more nor rises much."""
        is_low = self.fallen >= THRESHOLDS["low"].watch
        return not is_low and -THRESHOLDS["slow"].watch < self.recent < THRESHOLDS["recent"].watch

    @property
    def is_slow(self) -> bool:
        """Whether it is not low, and falls slowly if at all."""
        return self.fallen < THRESHOLDS["low"].watch and not self.recent >= THRESHOLDS["slow"].watch

    @property
    def has_short_steps(self) -> bool:
        """Whether steps in the same directions could be many times as long."""
        return THRESHOLDS["short_step"].level(self.stride) != "ok"


@once
def progress(past: Past) -> Progress | None:
    """Return how the loss is getting on; None before there are enough looks."""
    readings, steps = past.of("gradient_norm"), past.steps_of("gradient_norm")
    if len(readings) < FEWEST:
        return None
    losses = past.series("gradient_norm", "loss")
    first = past.of("step_length")
    start = first[0].loss_before if first else losses[0]
    now = float(np.median(losses[-3:]))
    before = losses[: max(2, np.searchsorted(steps, past.first + (steps[-1] - past.first) * 2 / 3))]
    then = float(np.median(before[-3:]))
    recent = (then - now) / abs(then) if then else 0.0
    strides = np.abs(past.series("step_length", "step_over_optimal")[-LAST:])
    stride = float(np.median(strides)) if len(strides) else float("nan")
    return Progress(float(start), now, recent, stride)


def most(seen: Progress | None) -> str:
    """Return the gravest level of what may do no harm: where the loss has fallen far, nothing has to be done."""
    return "watch" if seen is not None and seen.is_good else "act"


def creeping(seen: Progress, gain: float, past: Past) -> float:
    """Return how long the loss takes, at its pace, to fall by this share, in trainings as long as this one."""
    pace = max(seen.recent, 1e-9) / (past.done / 3)
    return gain / pace / past.total if past.total else float("nan")


def elasticity(past: Past, reading: Any) -> float:
    """Return |g| |theta| / L of a reading, with the norms of the last minibatches if they are smaller.

    On a probe that is not trained on the gradient stays above 0 where the one that training follows is 0.
    """
    norms = past.rows.norm[-BATCHES:]
    known = len(norms) and reading.loss
    of_batches = float(np.median(norms)) * reading.weight_norm / abs(reading.loss) if known else float("nan")
    return float(np.fmin(reading.elasticity, of_batches))


@once
def effective_rate(past: Past) -> float:
    """Return |d| / |g|, the median over the last looks, with g of the minibatch that made d; NaN where it is not known.

    For gradient descent that is the learning rate, for other optimizers what they make of it.
    """
    steps, lengths = past.steps_of("step_length")[-LAST:], past.series("step_length", "length")[-LAST:]
    _, there, at = np.intersect1d(steps, past.rows.steps, return_indices=True)
    norms = past.rows.norm[at]
    is_known = (norms > 0) & np.isfinite(norms)
    rates = lengths[there][is_known] / norms[is_known]
    return float(np.median(rates)) if len(rates) else float("nan")


def has_reason_to_look_closer(past: Past) -> bool:
    """Whether the loss falls slowly if at all and something is missing, or steps are far too short."""
    seen = progress(past)
    if seen is None:
        return False
    is_over = seen.fallen >= THRESHOLDS["arrived"].watch or seen.recent >= THRESHOLDS["slow"].watch
    return not is_over or seen.has_short_steps
