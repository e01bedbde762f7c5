"""The report of a study: what to do next and why, as text, HTML and JSON."""

import base64
import dataclasses
import html
import io
import json
import math
import os
from typing import Any

from .._describe import short
from .._plot import COLORS, GREY, axes_of, finished, make_log
from .._result import Result, Table
from ._study_findings import StudyStep, table_of
from ._study_trainer import StudyRun, StudySetting

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
        epochs: Passes over the data of each.
        has_schedule: Whether the learning rate is the largest of a schedule. Defaults to `False`.
    """

    given: StudySetting
    setting: StudySetting
    steps: tuple[StudyStep, ...]
    runs: tuple[StudyRun, ...]
    cost: float
    epochs: int
    has_schedule: bool = False

    @property
    def is_healthy(self) -> bool:
        """Whether the given setting is as good as any that was tried, and nothing is to be done."""
        return self.setting == self.given and not any(step.do for step in self.steps if step.name != "stability")

    @property
    def code(self) -> str:
        """What to write in a script for the recommended setting."""
        s = self.setting
        rate = f"{s.rate:.3g}" if not s.warmup else f"keras_ch8.schedules.Warmup({s.rate:.3g}, {s.warmup})"
        yours = "the class of yours"
        if self.has_schedule:
            factor = s.rate / self.given.rate
            rate = "schedule" if factor == 1 else f"keras_ch8.schedules.ScaledSchedule(schedule, {factor:.3g})"
            yours = "the class and the schedule of yours"
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

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the report as JSON, and write it to a file, if a path is given."""
        content = {
            "headline": self._headline(),
            "given": dataclasses.asdict(self.given),
            "setting": dataclasses.asdict(self.setting),
            "code": self.code,
            "cost": self.cost,
            "epochs": self.epochs,
            "steps": [{"step": s.name, "do": s.do, "why": s.why, "cost": s.cost} for s in self.steps],
            "runs": [
                dataclasses.asdict(run.setting)
                | {"best": run.best, "best_step": run.best_step, "steps": run.steps, "diverged": run.diverged}
                for run in self.runs
            ],
        }
        text = json.dumps(_finite(content), indent=1)
        return _written(text, path)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """Return the report as a page, with pictures where matplotlib is installed; write it, if a path is given."""
        parts = [f"<h1>{html.escape(self._headline())}</h1>", f"<pre>{html.escape(self.code)}</pre>"]
        parts += [self._of_steps().as_html(), "<h2>All trainings</h2>", self._table().as_html()]
        for thing in (self, *self.steps):
            if isinstance(thing, StudyStep):
                parts += [f"<h2>{html.escape(thing.name)}</h2>{thing._table().as_html()}"]
            parts += [_picture(thing)]
        style = "body{font-family:sans-serif;max-width:60em;margin:2em auto}td,th{padding:.2em .6em;text-align:left}"
        page = f"<!doctype html><meta charset=utf-8><title>Study</title><style>{style}</style>{''.join(parts)}"
        return _written(page, path)

    def _headline(self) -> str:
        spent = f"{len(self.runs)} trainings, {self.cost:.1f} times the work of one"
        if self.is_healthy:
            return f"Nothing is to be changed: {self.given} is as good as anything that was tried. ({spent})"
        found = self.loss_of(self.setting)
        if self.setting == self.given:
            return f"Keep {self.given}. {' '.join(self._to_do())} ({spent})"
        was = self.loss_of(self.given)
        gain = f"loss {found:.4g}" if math.isnan(was) else f"loss {found:.4g}, {_before(was)} with {self.given}"
        return f"Train with {self.setting}: {gain}. {' '.join(self._to_do())}".strip() + f" ({spent})"

    def _to_do(self) -> list[str]:
        """Return what is left to do beyond the setting."""
        return [step.do for step in self.steps if step.do and step.name == "duration"]

    def _table(self) -> Table:
        return table_of(self.runs, self.setting)

    def _of_steps(self) -> Table:
        rows = [(step.name, step.cost, step.why, step.do or "-") for step in self.steps]
        return Table(("step", "work [trainings]", "found", "do"), rows)

    def __str__(self) -> str:
        lines = [self._headline(), ""]
        for number, step in enumerate(self.steps, 1):
            lines += [
                f"{number}. {step.name}: {step.why}",
                f"   {step.do}" if step.do else "   Nothing is to be changed.",
            ]
        lines += ["", str(self._table()), "", self.code]
        return "\n".join(lines)


def _before(loss: float) -> str:
    return "which diverged" if math.isinf(loss) else f"{loss:.4g}"


def _picture(thing: Any) -> str:
    """Return a picture as an image inside of a page; nothing without matplotlib."""
    try:
        import matplotlib.figure
    except ImportError:
        return ""
    figure = matplotlib.figure.Figure(layout="constrained")
    thing.plot(figure.subplots())
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    return f'<p><img alt="" src="data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"></p>'


def _finite(value: Any) -> Any:
    """Return plain data with None for what JSON has no number for."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _written(text: str, path: str | os.PathLike[str] | None) -> str:
    if path is not None:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    return text
