"""What the steps of a study have found, each alone and all together, to print and to draw."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from .._describe import short
from .._plot import COLORS, GREY, axes_of, finished, make_log, recommend
from .._result import Result, Table
from ._study_advice import NEAR, Branch, Rise, smoothed
from ._study_trainer import StudyRun, StudySetting


@dataclasses.dataclass(frozen=True, repr=False)
class StudyStep(Result):
    """What one step of a `Study` has found.

    Args:
        do: What to do next; "" where no change is needed.
        why: What was found.
        setting: What to train with, as far as the study has come.
        cost: What the step has trained, in full trainings; what was known already costs nothing.
        runs: Its trainings.
    """

    do: str
    why: str
    setting: StudySetting
    cost: float
    runs: tuple[StudyRun, ...]

    name = "step"
    """What it is called in the report."""

    def _headline(self) -> str:
        return f"{self.why} {self.do or 'No change needed.'}"

    def _table(self) -> Table:
        return table_of(self.runs, self.setting)

    def _drawn(self, ax: Any) -> Any:
        for number, run in enumerate(self.runs):
            ax.plot(run.evaluated_at, run.evaluated, color=COLORS[number % len(COLORS)], label=str(run.setting))
        return finished(ax, f"Study: {self.name}", "step", "loss on the validation data", "training")

    def plot(self, ax: Any = None) -> Any:
        """Draw what the step has measured, with matplotlib; return the axes."""
        return self._drawn(axes_of(ax))


def table_of(runs: Sequence[StudyRun], marked: StudySetting | None = None) -> Table:
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


def remark(run: StudyRun) -> str:
    """Say what is special about a training."""
    if run.diverged:
        return f"diverged at step {max(run.steps - 1, 0)}"
    return f"{run.clipped:.0%} of the steps clipped" if math.isfinite(run.setting.clip) else ""


@dataclasses.dataclass(frozen=True, repr=False)
class RateSweep(StudyStep):
    """The best learning rate, between a lower and a higher one that are worse.

    Args:
        given: The training with the rate that it began with.
        is_inside: Whether both neighbours of the best rate were tried.
    """

    given: StudyRun
    is_inside: bool

    name = "rates"

    @property
    def best(self) -> StudyRun:
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


class WarmupStudy(StudyStep):
    """Whether a warmup of the learning rate helps, and how long it must be."""

    name = "warmup"


@dataclasses.dataclass(frozen=True, repr=False)
class ClippingStudy(StudyStep):
    """Whether clipping the gradient at the 90 % quantile of its norms helps.

    Args:
        limit: That quantile, of the training without.
    """

    limit: float

    name = "clipping"

    def _drawn(self, ax: Any) -> Any:
        for number, run in enumerate(self.runs):
            ax.plot(run.norms, color=COLORS[number % len(COLORS)], linewidth=0.8, label=str(run.setting))
        ax.axhline(self.limit, color=GREY, linestyle="--", label=f"limit {self.limit:.3g}")
        make_log(ax.yaxis)
        return finished(ax, "Norm of the gradient before clipping", "step", "norm", "training")


@dataclasses.dataclass(frozen=True, repr=False)
class BatchSizeStudy(StudyStep):
    """How many examples each batch size needs to the same loss, from a checkpoint on, and how fast it is.

    Args:
        branches: One for each batch size, at its best rate.
        critical: The critical batch size: it needs twice the examples of a tiny batch, and twice the steps of a huge
            one. Infinite or 0 where it lies beyond all sizes that were tried.
        noise_scale: The gradient noise scale at the checkpoint, tr(Sigma) / |G|^2, which estimates the same.
        target: The loss that all had to reach.
    """

    branches: tuple[Branch, ...]
    critical: float
    noise_scale: float
    target: float

    name = "batch sizes"

    @property
    def fastest(self) -> int:
        """The batch size that needs the fewest seconds to the same loss on this machine."""
        return min(self.branches, key=lambda b: b.examples / b.examples_per_second).batch_size

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
        return finished(
            ax, "Examples that each batch size needs", "batch size", "examples to the same loss", "branches"
        )


class DurationStudy(StudyStep):
    """Where in the training its best step lies."""

    name = "duration"


QUANTITIES = {"rate": "learning rate", "batch_size": "batch size", "warmup": "warmup [steps]", "clip": "clipped to"}
"""What the trainings of a study may differ in, and what it is called."""


@dataclasses.dataclass(frozen=True, repr=False)
class StudyReport(Result):
    """What the steps of a `Study` have found, together.

    Args:
        given: The setting that the study began with.
        setting: The setting that it recommends.
        steps: What each step has found, in their order.
        runs: All full trainings.
        cost: What was trained, in full trainings.
        has_schedule: Whether the learning rate is the largest of a schedule. Defaults to `False`.
    """

    given: StudySetting
    setting: StudySetting
    steps: tuple[StudyStep, ...]
    runs: tuple[StudyRun, ...]
    cost: float
    has_schedule: bool = False

    @property
    def is_healthy(self) -> bool:
        """Whether no setting that was tried is better than the given one, and there is nothing to do."""
        return self.setting == self.given and not any(step.do for step in self.steps if step.name != "stability")

    @property
    def code(self) -> str:
        """What to write in a script for the recommended setting."""
        s = self.setting
        rate = f"{s.rate:.3g}" if not s.warmup else f"keras_ch8.schedules.Warmup({s.rate:.3g}, {s.warmup})"
        yours = "your optimizer class"
        if self.has_schedule:
            factor = s.rate / self.given.rate
            rate = "schedule" if factor == 1 else f"keras_ch8.schedules.ScaledSchedule(schedule, {factor:.3g})"
            yours = "your optimizer class and your schedule"
            yours += f", times min((step + 1) / {s.warmup}, 1)" if s.warmup else ""
        clip = f", global_clipnorm={s.clip:.3g}" if math.isfinite(s.clip) else ""
        return f"optimizer = Optimizer(learning_rate={rate}{clip})  # {yours}\nbatch_size = {s.batch_size}"

    def best(self, count: int = 3) -> list[StudyRun]:
        """Return the trainings with the smallest losses in retrospect, the best first."""
        return sorted((run for run in self.runs if not run.diverged), key=lambda run: run.best)[:count]

    def loss_of(self, setting: StudySetting) -> float:
        """Return the best loss of the full training with a setting; NaN if there is none."""
        return next((run.best for run in self.runs if run.setting == setting), math.nan)

    def plot(self, ax: Any = None, quantity: str = "rate") -> Any:
        """Draw the best loss of each training over one quantity, with matplotlib; return the axes.

        Every training is a point; the line goes through the best one of each value (what the playbook calls an
        isolation plot).
        """
        if quantity not in QUANTITIES:
            raise ValueError(
                f"`quantity` is what the trainings differ in, one of {', '.join(QUANTITIES)}. Received: "
                f"quantity={short(quantity)}. Try 'rate'."
            )
        ax = axes_of(ax)
        good = [run for run in self.runs if not run.diverged]
        values = [getattr(run.setting, quantity) for run in good]
        shown = [(v, run.best) for v, run in zip(values, good, strict=True) if math.isfinite(v)]
        ax.plot(*zip(*shown, strict=True), "x", color=GREY, label="a training") if shown else None
        lowest = {value: min(loss for v, loss in shown if v == value) for value, _ in shown}
        ax.plot(sorted(lowest), [lowest[v] for v in sorted(lowest)], "o-", color=COLORS[0], label="the best of each")
        if quantity in ("rate", "batch_size"):
            make_log(ax.xaxis)
        return finished(
            ax, "Best loss of each training", QUANTITIES[quantity], "loss on the validation data", "trainings"
        )

    def _headline(self) -> str:
        spent = f"{len(self.runs)} trainings, {self.cost:.1f} times the work of one"
        if self.is_healthy:
            return f"No change needed: no setting beats yours, {self.given}, by more than {NEAR:.0%}. ({spent})"
        beyond = " ".join(step.do for step in self.steps if step.do and step.name == "duration")
        if self.setting == self.given:
            return f"Keep {self.given}. {beyond} ({spent})"
        loss, was = self.loss_of(self.setting), self.loss_of(self.given)
        gain = "" if math.isnan(loss) else f": loss {loss:.4g}"
        if gain and not math.isnan(was):
            gain += f" instead of {'divergence' if math.isinf(was) else f'{was:.4g}'} with {self.given}"
        return f"Train with {self.setting}{gain}. {beyond}".strip() + f" ({spent})"

    def _table(self) -> Table:
        return table_of(self.runs, self.setting)

    def __str__(self) -> str:
        lines = [self._headline(), ""]
        for number, step in enumerate(self.steps, 1):
            lines += [f"{number}. {step.name}: {step.why}", f"   {step.do or 'No change needed.'}"]
        lines += ["", str(self._table()), "", self.code]
        return "\n".join(lines)
