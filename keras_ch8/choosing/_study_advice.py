"""What to do after each step of a study, and why: pure functions of finished trainings."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ._study_trainer import StudyRun, StudySetting

NEAR = 0.03
"""Losses that differ by less than this fraction are equally good."""
CLIFF = 5.0
"""A rate whose loss is above the best by so many times what that of the lower neighbour is, lies beyond a cliff."""
FIRST, LAST = 0.1, 0.25
"""Parts of a training in which its best step says that it is too long, and too short."""
STILL_FALLING = 0.02
"""Fraction of the loss that the last quarter must have taken off for more steps to be worth it."""
QUANTILE = 0.9
"""Quantile of the gradient norms that is taken for a limit."""
TOO_MUCH = 0.5
"""Fraction of clipped steps above which clipping is a way to lower the rate."""
SLOW = 0.5
"""Part of the fall at the rate itself below which twice the rate learns far less."""
EARLY = 0.1
"""Part of the steps at 2x the rate in which a rise of the loss has begun at the start."""
RISE = 0.2
"""Fraction of its fall by which the smoothed loss must rise to be unstable."""
SIGMAS = 6.0
"""Standard deviations of its noise by which it must rise, too."""
ENOUGH = 1.25
"""A batch size that needs at most so many times the examples of the best is small enough."""


class Advice(NamedTuple):
    """What to do ("" for nothing), why, and the setting that the study goes on with."""

    do: str
    why: str
    setting: StudySetting


class Branch(NamedTuple):
    """A batch size at its best learning rate.

    Args:
        batch_size: Examples in a batch.
        rate: The best of the learning rates that were tried.
        examples: Examples from the checkpoint to the loss that all had to reach; infinite if it was not reached.
        loss: The last loss.
        examples_per_second: Throughput.
    """

    batch_size: int
    rate: float
    examples: float
    loss: float
    examples_per_second: float


def is_better(one: float, other: float) -> bool:
    """Whether a loss is lower than another by more than what counts as equal."""
    if math.isinf(other):
        return not math.isinf(one)
    return other - one > NEAR * abs(other)


def refined(rates: np.ndarray, losses: np.ndarray) -> float | None:
    """Return the rate at the minimum of a parabola through the best of rising rates and its neighbours, in logarithms.

    None where a neighbour is missing, or where that rate lies within a tenth of a decade of one that was tried. Where
    the higher neighbour lies beyond a cliff, it is the rate half-way to it: the best rate is near the edge.
    """
    x, y = np.log10(rates), np.asarray(losses, float)
    at = int(np.argmin(y))
    if at in (0, len(x) - 1) or not np.isfinite(y[at - 1]):
        return None
    if not y[at + 1] - y[at] <= CLIFF * (y[at - 1] - y[at]):
        found = (x[at] + x[at + 1]) / 2
    else:
        a, b, _ = np.polyfit(x[at - 1 : at + 2] - x[at], y[at - 1 : at + 2], 2)
        found = x[at] - b / (2 * a) if a > 0 else x[at]
    return None if np.abs(x - found).min() < 0.1 else float(10**found)


@dataclasses.dataclass(frozen=True)
class Rise:
    """Where a loss rises.

    Args:
        kind: "stable", "start" or "middle".
        onset: Step at which the largest rise begins.
    """

    kind: str
    onset: int = 0


def smoothed(losses: np.ndarray) -> np.ndarray:
    """Return the running median over about a fiftieth of the steps, which begins with the first loss as it is."""
    half = max(1, len(losses) // 100)
    padded = np.pad(losses, half, mode="edge")
    found = np.median(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1), axis=1)
    found[:1] = losses[:1]
    return found


def rise_of(losses: np.ndarray, planned: int) -> Rise:
    """Say whether a loss that was measured at every step is stable, or rises from the start on or in the middle.

    A rise is unstable where the smoothed loss climbs by more than a fifth of its whole fall above what it had reached,
    and by more than six standard deviations of its noise; or where it is not finite any more.
    """
    good = losses[: int(np.argmin(np.isfinite(losses)))] if not np.isfinite(losses).all() else losses
    if len(good) < 3:
        return Rise("start")
    curve = smoothed(good)
    noise = 1.4826 * float(np.median(np.abs(good - curve)))
    rises = curve - np.minimum.accumulate(curve)
    top = int(np.argmax(rises))
    onset = int(np.argmin(curve[: top + 1]))
    if rises[top] <= max(SIGMAS * noise, RISE * float(curve[0] - curve.min()), 0.02 * abs(float(curve[0]))):
        if len(good) == len(losses):
            return Rise("stable", onset)
        onset = len(good) - 1
    return Rise("start" if onset <= EARLY * planned else "middle", onset)


def of_rates(runs: Sequence[StudyRun], given: StudyRun, at_end: bool) -> Advice:
    """Return the advice of trainings that differ in the rate, one of which has the given one."""
    rates = sorted(run.setting.rate for run in runs)
    best, first = min(runs, key=lambda run: run.best), given.setting.rate
    span = f"from {rates[0]:.2g} to {rates[-1]:.2g}"
    if best.diverged:
        do = "Find the cause with `keras_ch8.preflight(model, x, y)`: no learning rate will help."
        return Advice(do, f"All trainings with rates {span} diverge.", given.setting)
    do, setting = "", given.setting
    why = [f"Of {len(runs)} rates {span}, rate {best.setting.rate:.3g} has the lowest loss, {best.best:.4g}."]
    if is_better(best.best, given.best):
        do, setting = f"Set the learning rate to {best.setting.rate:.3g}.", best.setting
        why += [f"The given rate, {first:.3g}, {'diverged' if given.diverged else f'reached {given.best:.4g}'}."]
    elif best.setting.rate != first:
        why += [f"The given rate, {first:.3g}, is within {NEAR:.0%} of it, at {given.best:.4g}."]
    why += ["The best rate is the last one tried: a better one may lie beyond."] * at_end
    return Advice(do, " ".join(why), setting)


def falls(usual: np.ndarray, twice: np.ndarray) -> tuple[float, float] | None:
    """Return how far the loss falls in as many steps, at the rate and at twice the rate; None if one ended before."""
    steps = len(twice)
    if len(usual) < steps or not np.isfinite(twice).all():
        return None
    last = slice(steps - max(1, steps // 5), steps)
    return tuple(float(usual[0] - np.mean(losses[last])) for losses in (usual, twice))  # type: ignore[return-value]


def of_stability(usual: StudyRun, twice: StudyRun, steps: int) -> tuple[Advice, Rise, bool]:
    """Return the advice of a training at twice the rate; where its loss rises; whether it learns far less without."""
    rise, fell = rise_of(twice.losses, steps), falls(usual.losses, twice.losses)
    is_slow = rise.kind == "stable" and fell is not None and fell[0] > 0 and fell[1] < SLOW * fell[0]
    rate = f"At twice the rate, {twice.setting.rate:.3g},"
    do = "Try a learning rate warmup: `Study.warmup`."
    if is_slow and fell is not None:
        why = f"{rate} the loss falls only by {fell[1]:.2g} in {steps} steps, instead of {fell[0]:.2g}."
    elif rise.kind == "stable":
        do, why = "", f"{rate} the loss stays stable over {steps} steps: no instability limits the rate."
    elif rise.kind == "start":
        why = f"{rate} the loss rises at the start, from step {rise.onset}."
    else:
        do = "Try clipping the gradient: `Study.clipping`."
        why = f"{rate} the loss rises later, from step {rise.onset}."
    return Advice(do, why, usual.setting), rise, is_slow


def of_warmup(base: StudyRun, best: StudyRun, longest: int) -> Advice:
    """Return the advice of the best of some trainings with warmups, and of the one without."""
    if not is_better(best.best, base.best):
        why = f"No warmup of up to {longest} steps beats the loss without one, {base.best:.4g}."
        return Advice("", why, base.setting)
    do = f"Warm up the rate to {best.setting.rate:.3g} over the first {best.setting.warmup} steps."
    why = f"Warmup lowers the best loss from {base.best:.4g} to {best.best:.4g}."
    return Advice(do, why, best.setting)


def of_clipping(base: StudyRun, clipped: Sequence[StudyRun]) -> Advice:
    """Return the advice of trainings that are clipped to one limit, and of the one that is not."""
    best = min(clipped, key=lambda run: run.best)
    limit, median = best.setting.clip, float(np.median(base.norms[np.isfinite(base.norms)]))
    why = f"The gradient norm has a median of {median:.3g} and a 90 % quantile of {limit:.3g}."
    if not is_better(best.best, base.best):
        why = f"{why} Clipping there does not help: the best loss is {best.best:.4g}, and {base.best:.4g} without."
        return Advice("", why, base.setting)
    if best.clipped > TOO_MUCH:
        share = f"At rate {best.setting.rate:.3g}, {best.clipped:.0%} of the steps were clipped: too many."
        do = "Lower the learning rate or use a warmup instead of clipping."
        return Advice(do, f"{why} {share}", base.setting)
    do = f"Clip the gradient norm at {limit:.3g}, with a rate of {best.setting.rate:.3g}."
    why = f"{why} Clipping there lowers the best loss from {base.best:.4g} to {best.best:.4g}."
    return Advice(do, why, best.setting)


def of_batches(found: Mapping[int, Branch], setting: StudySetting, critical: float, noise: float) -> Advice:
    """Return the largest batch size that needs hardly more examples than the best, where the given one needs more."""
    fewest = min(b.examples for b in found.values())
    here = found[setting.batch_size]
    chosen = max((b for b in found.values() if b.examples <= ENOUGH * fewest), key=lambda b: b.batch_size)
    size = {0.0: "below all sizes tried", math.inf: "above all sizes tried"}
    why = (
        f"The critical batch size is {size.get(critical, f'{critical:.3g}')}, the gradient noise scale {noise:.3g}. "
        f"Batches of {here.batch_size} need {here.examples / fewest:.2g} times as many examples as the best size."
    )
    if here.examples <= (1 + NEAR) * ENOUGH * fewest:
        return Advice("", why, setting)
    setting = dataclasses.replace(setting, batch_size=chosen.batch_size, rate=chosen.rate)
    return Advice(f"Set the batch size to {chosen.batch_size}, with a rate of {chosen.rate:.3g}.", why, setting)


def last_gain(run: StudyRun) -> float:
    """Return by which fraction the best loss of a training is lower than it was after three quarters."""
    early = run.evaluated[run.evaluated_at <= (1 - LAST) * run.steps]
    before = float(early.min())
    return (before - run.best) / abs(before) if before else 0.0


def of_length(runs: Sequence[StudyRun], epochs: int) -> Advice:
    """Return what to do about the length of a training, and why; the runs are the best ones, the very best first."""
    place, gain, first = float(np.median([run.best_step / run.steps for run in runs])), last_gain(runs[0]), runs[0]
    of = f"in the {len(runs)} best trainings" if len(runs) > 1 else "in the best training"
    where = f"The loss was lowest after {place:.0%} of the steps {of}"
    if place <= FIRST:
        do = f"Train for fewer steps, about {max(1, 4 * first.best_step)}, or lower the rate toward the end."
        why = f"{where}: the rest of the training brings nothing."
        return Advice(do, why, first.setting)
    if place >= 1 - LAST and gain > STILL_FALLING:
        do = f"Train longer: try {2 * epochs} epochs, {2 * first.steps} steps, and stretch your schedule accordingly."
        why = f"{where}, and the last quarter still lowered it by {gain:.0%}."
        return Advice(do, why, first.setting)
    why = f"{where}, and the last quarter lowered it by only {max(gain, 0.0):.1%}."
    return Advice("", why, first.setting)


# --- the critical batch size: how many examples each size needs from a checkpoint to the same loss -------------------


STEP = 4
"""Ratio of one batch size to the next."""
RATE_STEP = 2.0
"""Ratio of one learning rate to the next, of one batch size."""
MOST_RATES = 6
"""Learning rates that are tried with one batch size, at most."""
SAVES = 0.85
"""A smaller batch that needs more than this fraction of the examples saves nothing: no smaller one is tried."""
TOO_MANY = 4.0
"""A batch size that needs so many times the examples of the best is far above the critical one."""


def examples_to(target: float, examples: np.ndarray, losses: np.ndarray) -> float:
    """Return after how many examples a curve is at the target for the first time, between its points on a line."""
    below = np.flatnonzero(losses <= target)
    if not len(below):
        return math.inf
    at = int(below[0])
    if at == 0:
        return float(examples[0])
    share = (losses[at - 1] - target) / (losses[at - 1] - losses[at])
    return float(examples[at - 1] + share * (examples[at] - examples[at - 1]))


def fit_critical(sizes: np.ndarray, examples: np.ndarray) -> float:
    r"""Return the critical batch size, by least squares in the logarithm of the examples.

    .. math::

        \text{examples}(m) = \text{fewest} \cdot (1 + \frac{m}{\text{critical}})

    so a batch of the critical size needs twice the examples of a tiny one, and twice the steps of a huge one. Infinite
    where no size needs more than another, 0 where all need as many more as they are larger.
    """
    known = np.isfinite(examples)
    sizes, logs = np.asarray(sizes, float)[known], np.log(np.asarray(examples, float)[known])
    if len(sizes) < 2:
        return math.nan
    criticals = np.geomspace(sizes.min() / 100, sizes.max() * 100, 2001)
    shape = np.log1p(sizes[None] / criticals[:, None])
    at = int(np.argmin((logs[None] - shape).var(axis=1)))
    ends = {0: 0.0, len(criticals) - 1: math.inf}
    return float(ends.get(at, criticals[at]))


def _cost(branch: Branch) -> tuple[float, float, float]:
    """Return what is compared: examples, then loss; of rates that all diverge the lowest is best."""
    return branch.examples, branch.loss if math.isfinite(branch.loss) else math.inf, branch.rate


def best_rate(branch: Callable[[float], Branch], first: float) -> Branch:
    """Return the best learning rate from `first` on, by factors of 2 in the direction that needs fewer examples."""
    tried = {0: branch(first)}
    while len(tried) < MOST_RATES:
        best = min(tried, key=lambda place: _cost(tried[place]))
        place = next((p for p in (best - 1, best + 1) if p not in tried), None)
        if place is None:
            break
        tried[place] = branch(first * RATE_STEP**place)
    return min(tried.values(), key=_cost)


def measure(branch: Callable[[int, float], Branch], first: Branch, smallest: int, largest: int) -> Mapping[int, Branch]:
    """Return the branch of each batch size that tells the critical one, from the first one down and then up.

    Each size is four times the one before, and begins with the rate that suits it by the rule of proportion. Downwards
    it ends where smaller batches save no more examples, upwards where larger ones need four times as many.
    """
    found = {first.batch_size: first}
    size = first.batch_size
    while size // STEP >= smallest:
        before = found[size]
        size //= STEP
        found[size] = best_rate(functools.partial(branch, size), before.rate / STEP)
        if found[size].examples > SAVES * before.examples:
            break
    size = first.batch_size
    while size * STEP <= largest:
        fewest = min(b.examples for b in found.values())
        if found[size].examples > TOO_MANY * fewest:
            break
        before = found[size]
        size *= STEP
        found[size] = best_rate(functools.partial(branch, size), before.rate * STEP)
    return dict(sorted(found.items()))
