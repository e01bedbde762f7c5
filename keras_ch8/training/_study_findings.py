"""What each step of a study has found, what is to be done about it, and why: pure functions of finished trainings."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._plot import COLORS, GREY, axes_of, finished, make_log, recommend
from .._result import Result, Table
from ._study_trainer import Run, Setting

NEAR = 0.03
"""Losses that differ by less than this fraction are equally good."""
FIRST, LAST = 0.1, 0.25
"""Parts of a training in which its best step says that it is too long, and too short."""
STILL_FALLING = 0.02
"""Fraction of the loss that the last quarter must have taken off for more steps to be worth it."""
QUANTILE = 0.9
"""Quantile of the gradient norms that is taken for a limit."""
TOO_MUCH = 0.5
"""Fraction of clipped steps above which clipping is a way to lower the rate."""
EARLY = 0.1
"""Part of the steps at 2x the rate in which a rise of the loss has begun at the start."""
RISE = 0.2
"""Fraction of its fall by which the smoothed loss must rise to be unstable."""
SIGMAS = 6.0
"""Standard deviations of its noise by which it must rise, too."""


def is_better(one: float, other: float) -> bool:
    """Whether a loss is lower than another by more than what counts as equal."""
    if math.isinf(other):
        return not math.isinf(one)
    return other - one > NEAR * abs(other)


def times(a: float, b: float) -> str:
    """Say how many times b is in a."""
    return f"{a / b:.2g} times"


@dataclasses.dataclass(frozen=True, repr=False)
class StudyStep(Result):
    """What one step of a `Study` has found.

    Args:
        do: What to do next; "" where nothing is to be changed.
        why: What was found.
        setting: What to train with, as far as the study has come.
        cost: What the step has trained, in full trainings; what was known already costs nothing.
        runs: Its trainings.
    """

    do: str
    why: str
    setting: Setting
    cost: float
    runs: tuple[Run, ...]

    name = "step"
    """What it is called in the report."""

    def _headline(self) -> str:
        return f"{self.why} {self.do}".strip() if self.do else f"{self.why} Nothing is to be changed."

    def _table(self) -> Table:
        return table_of(self.runs, self.setting)

    def _drawn(self, ax: Any) -> Any:
        for number, run in enumerate(self.runs):
            ax.plot(run.evaluated_at, run.evaluated, color=COLORS[number % len(COLORS)], label=str(run.setting))
        return finished(ax, f"Study: {self.name}", "step", "loss on the validation data", "training")

    def plot(self, ax: Any = None) -> Any:
        """Draw what the step has measured, with matplotlib; return the axes."""
        return self._drawn(axes_of(ax))


def table_of(runs: Sequence[Run], marked: Setting | None = None) -> Table:
    """Return trainings as a table, that of a setting marked."""
    columns = ("rate", "batch", "warmup [steps]", "clipped to", "best loss", "at step", "of", "")
    rows = [
        (
            run.setting.rate, run.setting.batch_size, run.setting.warmup,
            None if math.isinf(run.setting.clip) else run.setting.clip,
            None if run.diverged else run.best, run.best_step, run.steps, remark(run),
        )
        for run in runs
    ]  # fmt: skip
    places = [i for i, run in enumerate(runs) if run.setting == marked and not run.diverged]
    return Table(columns, rows, min(places, key=lambda i: runs[i].best) if places else None)


def remark(run: Run) -> str:
    """Say what is special about a training."""
    if run.diverged:
        return f"diverged at step {max(run.steps - 1, 0)}"
    return f"{run.clipped:.0%} of the steps clipped" if math.isfinite(run.setting.clip) else ""


@dataclasses.dataclass(frozen=True, repr=False)
class RateSweep(StudyStep):
    """The best learning rate, between a lower and a higher one that are worse.

    Args:
        given: The training with the rate that it began with.
        low: The lowest rate around the best one whose losses lie within 5 % of the best.
        high: The highest.
        is_inside: Whether both neighbours of the best rate were tried.
    """

    given: Run
    low: float
    high: float
    is_inside: bool

    name = "rates"

    @property
    def best(self) -> Run:
        """The training with the smallest loss."""
        return min(self.runs, key=lambda run: run.best)

    def _drawn(self, ax: Any) -> Any:
        make_log(ax.xaxis)
        good = [run for run in self.runs if not run.diverged]
        ax.plot([r.setting.rate for r in good], [r.best for r in good], "o-", color=COLORS[0], label="best loss")
        for number, run in enumerate(r for r in self.runs if r.diverged):
            label = "diverged" if number == 0 else None
            ax.plot(run.setting.rate, max((r.best for r in good), default=1.0), "x", color=COLORS[1], label=label)
        if good:
            recommend(ax, self.best.setting.rate, self.best.best, f"best rate: {self.best.setting.rate:.3g}")
        return finished(ax, "Best loss with each learning rate", "learning rate", "loss", "training")


def refined(rates: Sequence[float], losses: Sequence[float]) -> float | None:
    """Return the rate at the minimum of a parabola through the best rate and its neighbours, in the logarithm of both.

    None where a neighbour is missing, or where that rate lies within a tenth of a decade of one that was tried. Where
    the higher neighbour diverged, it is the rate half-way to it.
    """
    order = np.argsort(rates)
    x, y = np.log10(np.asarray(rates)[order]), np.asarray(losses, float)[order]
    at = int(np.argmin(y))
    if at in (0, len(x) - 1) or not np.isfinite(y[at - 1]):
        return None
    if not np.isfinite(y[at + 1]):
        found = (x[at] + x[at + 1]) / 2
    else:
        a, b, c = np.polyfit(x[at - 1 : at + 2] - x[at], y[at - 1 : at + 2], 2)
        found = x[at] - b / (2 * a) if a > 0 else x[at]
        del c
    return None if np.abs(x - found).min() < 0.1 else float(10**found)


@dataclasses.dataclass(frozen=True)
class Rise:
    """Where a loss rises, and by how much.

    Args:
        kind: "stable", "start" or "middle".
        onset: Step at which the largest rise begins.
        height: How far the smoothed loss rises.
    """

    kind: str
    onset: int = 0
    height: float = 0.0


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
        return Rise("start", 0, math.inf)
    curve = smoothed(good)
    noise = 1.4826 * float(np.median(np.abs(good - curve)))
    lowest = np.minimum.accumulate(curve)
    rises = curve - lowest
    top = int(np.argmax(rises))
    onset = int(np.argmin(curve[: top + 1]))
    height = float(rises[top])
    least = max(SIGMAS * noise, RISE * float(curve[0] - curve.min()), 0.02 * abs(float(curve[0])))
    broken = len(good) < len(losses)
    if broken and height <= least:
        onset, height = len(good) - 1, math.inf
    if not broken and height <= least:
        return Rise("stable", onset, height)
    return Rise("start" if onset <= EARLY * planned else "middle", onset, math.inf if broken else height)


@dataclasses.dataclass(frozen=True, repr=False)
class Stability(StudyStep):
    """What twice the best rate does, measured at every step.

    Args:
        rise: Where the loss rises.
        is_slow: Whether it learns far less than with the best rate in as many steps, without a rise.
    """

    rise: Rise
    is_slow: bool

    name = "stability"

    def _drawn(self, ax: Any) -> Any:
        [run] = self.runs
        ax.plot(run.losses, ".", color=GREY, markersize=3, label="each step")
        ax.plot(smoothed(run.losses), color=COLORS[0], label="smoothed")
        if self.rise.kind != "stable":
            ax.axvline(self.rise.onset, color=COLORS[1], linestyle="--", label="the loss begins to rise")
        return finished(ax, f"Twice the best rate: {run.setting.rate:.3g}", "step", "training loss", "loss")


@dataclasses.dataclass(frozen=True, repr=False)
class WarmupStudy(StudyStep):
    """Whether a warmup of the learning rate helps, and how long it must be.

    Args:
        overshoot: Rate times curvature along the step, over the slope along it, at the start and after a tenth of the
            training: where it is above 2, the step leads upwards.
    """

    overshoot: tuple[float, float]

    name = "warmup"


@dataclasses.dataclass(frozen=True, repr=False)
class ClippingStudy(StudyStep):
    """Whether clipping the gradient at the 90 % quantile of its norms helps.

    Args:
        limit: That quantile, of the training without.
        clipped: Fraction of the steps that it clips.
    """

    limit: float
    clipped: float

    name = "clipping"

    def _drawn(self, ax: Any) -> Any:
        for number, run in enumerate(self.runs):
            ax.plot(run.norms, color=COLORS[number % len(COLORS)], linewidth=0.8, label=str(run.setting))
        ax.axhline(self.limit, color=GREY, linestyle="--", label=f"limit {self.limit:.3g}")
        make_log(ax.yaxis)
        return finished(ax, "Norm of the gradient before clipping", "step", "norm", "training")


@dataclasses.dataclass(frozen=True, repr=False)
class BatchSizes(StudyStep):
    """How many examples each batch size needs to the same loss, from a checkpoint on, and how fast it is.

    Args:
        branches: One for each batch size, at its best rate.
        critical: The critical batch size: it needs twice the examples of a tiny batch, and twice the steps of a huge
            one. Infinite or 0 where it lies beyond all sizes that were tried.
        noise_scale: The gradient noise scale at the checkpoint, tr(Sigma) / |G|^2, which estimates the same.
        target: The loss that all had to reach.
    """

    branches: tuple[Any, ...]
    critical: float
    noise_scale: float
    target: float

    name = "batch sizes"

    def _table(self) -> Table:
        columns = ("batch", "best rate", "examples to the same loss", "examples / s", "seconds")
        rows = [
            (b.batch_size, b.rate, b.examples if math.isfinite(b.examples) else None, b.examples_per_second,
             b.examples / b.examples_per_second if math.isfinite(b.examples) else None)
            for b in self.branches
        ]  # fmt: skip
        places = [i for i, b in enumerate(self.branches) if b.batch_size == self.setting.batch_size]
        return Table(columns, rows, places[0] if places else None)

    def _drawn(self, ax: Any) -> Any:
        known = [b for b in self.branches if math.isfinite(b.examples)]
        ax.plot([b.batch_size for b in known], [b.examples for b in known], "o-", color=COLORS[0], label="measured")
        places = ((self.critical, "critical batch size"), (self.noise_scale, "gradient noise scale"))
        for number, (size, label) in enumerate(places, 1):
            if math.isfinite(size) and size > 0:
                ax.axvline(size, color=COLORS[number], linestyle="--", label=f"{label}: {size:.3g}")
        make_log(ax.xaxis)
        make_log(ax.yaxis)
        return finished(ax, "Examples that each batch size needs", "batch size", "examples to the same loss", "branches")


@dataclasses.dataclass(frozen=True, repr=False)
class Duration(StudyStep):
    """Where in the training its best step lies.

    Args:
        places: For each of the best trainings, its best step over all of its steps.
        gain: Fraction of the loss that the last quarter of the best training has taken off.
    """

    places: tuple[float, ...]
    gain: float

    name = "duration"


def last_gain(run: Run) -> float:
    """Return by which fraction the best loss of a training is lower than it was after three quarters."""
    early = run.evaluated[run.evaluated_at <= (1 - LAST) * run.steps]
    before = float(early.min())
    return (before - run.best) / abs(before) if before else 0.0


def length_advice(runs: Sequence[Run], epochs: int) -> tuple[str, str, tuple[float, ...], float]:
    """Return what to do about the length of a training and why, where the best steps lie, and what the end has gained.

    The runs are the best ones, the very best first.
    """
    places = tuple(run.best_step / run.steps for run in runs)
    place, gain, first = float(np.median(places)), last_gain(runs[0]), runs[0]
    of = f"in the {len(runs)} best trainings" if len(runs) > 1 else "in the best training"
    where = f"The loss was smallest after {place:.0%} of the steps {of}"
    if place <= FIRST:
        do = f"Train for fewer steps, some {max(1, 4 * first.best_step)}, or with a lower rate at the end."
        return do, f"{where}: what comes after the first tenth is for nothing.", places, gain
    if place >= 1 - LAST and gain > STILL_FALLING:
        do = f"Train longer: try {2 * epochs} epochs, {2 * first.steps} steps, and let a schedule stretch with it."
        return do, f"{where}, and the last quarter still took {gain:.0%} off.", places, gain
    return "", f"{where}, and the last quarter took {max(gain, 0.0):.1%} off.", places, gain
