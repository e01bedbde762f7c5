"""What a comparison of optimizers has found: who reached the target first, and which differences are chance."""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .._describe import short
from .._plot import axes_of, finished, line, make_log
from .._result import Result, Table
from . import _numbers
from ._numbers import PairedTest, holm, paired_test

SAME = "no significant difference"


@dataclasses.dataclass(frozen=True)
class TimedRun:
    """What came of one training: an entry for each epoch.

    Args:
        seed: Decides initial weights, order of the examples and random masks.
        steps: Batches so far.
        values: What was measured; infinite from where it was not finite.
        cpu_seconds: Seconds of the processors so far, tracing and compiling counted, measuring left out.
        wall_seconds: The same, by the clock on the wall.
        error: Why the training ended in an error; "" if it did not.
    """

    seed: int
    steps: np.ndarray
    values: np.ndarray
    cpu_seconds: np.ndarray
    wall_seconds: np.ndarray
    error: str = ""

    @classmethod
    def failed(cls, seed: int, lower_is_better: bool, error: str) -> "TimedRun":
        """Return what is known of a training that ended in an error: it is as if it had diverged at once."""
        worst = math.inf if lower_is_better else -math.inf
        return cls(seed, np.zeros(1, int), np.array([worst]), np.full(1, math.nan), np.full(1, math.nan), error)

    @property
    def last(self) -> float:
        """What was measured at the end; infinite if the training diverged or ended in an error."""
        return float(self.values[-1])

    def reached(self, target: float | None, lower_is_better: bool) -> int | None:
        """Return after which epoch, counted from 0, the target was reached first; `None` if never."""
        if target is None:
            return None
        there = self.values <= target if lower_is_better else (self.values >= target) & np.isfinite(self.values)
        return int(np.argmax(there)) if there.any() else None


@dataclasses.dataclass(frozen=True)
class Contender:
    """An optimizer as it was tuned, and its trainings.

    Args:
        name: What the candidate is called.
        setting: The best setting that was found.
        tried: All settings that were tried.
        tuning: The training with each of them.
        tuned: Name of the setting that is taken for the learning rate; "" where nothing was tuned.
        at_boundary: Whether the best rate is the lowest or the highest that was tried, also after the extensions.
        band: The lowest and the highest rate that were within 5 % of the best; NaN where nothing was tuned.
        runs: The training of each seed with the best setting.
    """

    name: str
    setting: Mapping[str, float]
    tried: tuple[Mapping[str, float], ...]
    tuning: tuple[TimedRun, ...]
    tuned: str
    at_boundary: bool
    band: tuple[float, float]
    runs: tuple[TimedRun, ...] = ()


@dataclasses.dataclass(frozen=True, repr=False)
class OptimizerComparison(Result):
    """The result of `compare`, to print and to draw.

    Args:
        metric: What was measured after each epoch.
        lower_is_better: Whether smaller values are better.
        target: The value to reach; `None` if there is none.
        clock: `"CPU"` or `"wall"`: the seconds that count.
        contenders: What came of each candidate.
    """

    metric: str
    lower_is_better: bool
    target: float | None
    clock: str
    contenders: tuple[Contender, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the candidates."""
        return tuple(one.name for one in self.contenders)

    @property
    def values(self) -> np.ndarray:
        """(candidates, seeds) what was measured at the end; infinite where a training diverged."""
        return np.array([[run.last for run in one.runs] for one in self.contenders])

    @property
    def time_to_target(self) -> np.ndarray:
        """(candidates, seeds) seconds until the target was reached, compiling counted; infinite where it was not."""
        return self._at_target(lambda run, at: self._seconds(run)[at])

    @property
    def steps_to_target(self) -> np.ndarray:
        """(candidates, seeds) steps until the target was reached; infinite where it was not."""
        return self._at_target(lambda run, at: run.steps[at])

    @property
    def cpu_seconds(self) -> np.ndarray:
        """(candidates, seeds) seconds of the processors of each whole training."""
        return np.array([[run.cpu_seconds[-1] for run in one.runs] for one in self.contenders])

    @property
    def ranking(self) -> tuple[str, ...]:
        """The names, the best first: by the median time to the target, then by the median value at the end."""
        times, losses = np.median(self.time_to_target, axis=1), np.median(self._losses, axis=1)
        order = sorted(range(len(self.names)), key=lambda i: (times[i], losses[i]))
        return tuple(self.names[i] for i in order)

    @property
    def winner(self) -> str:
        """The first of the ranking; "" where no candidate has a finite value."""
        return self.ranking[0] if np.isfinite(np.median(self._losses, axis=1)).any() else ""

    def differences(self, of: str = "value") -> dict[tuple[str, str], PairedTest]:
        """Return a paired t test of each two candidates over the seeds, p after Holm's correction for all of them.

        Empty without SciPy, and with one seed.

        Args:
            of: `"value"` at the end, or `"time"` to the target, of which the logarithms are compared. Defaults to
                `"value"`.
        """
        if of not in ("value", "time"):
            raise ValueError(f"`of` must be 'value' or 'time'. Received: of={short(of)}.")
        numbers = self.values if of == "value" else np.log(self.time_to_target)
        if numbers.shape[1] < 2:
            return {}
        pairs = list(itertools.combinations(range(len(self.names)), 2))
        try:
            tests = [paired_test(numbers[i], numbers[j]) for i, j in pairs]
        except ImportError:
            return {}
        corrected = holm([test.p for test in tests])
        return {
            (self.names[i], self.names[j]): dataclasses.replace(test, p=float(p))
            for (i, j), test, p in zip(pairs, tests, corrected, strict=True)
        }

    @property
    def sentences(self) -> list[str]:
        """What the table does not say: what is not significant, what was missed, what to change."""
        return [*self._on_differences(), *self._on_trouble()]

    def plot(self, ax: Any = None) -> Any:
        """Draw the median over the seeds of what was measured over the steps, with its range, with matplotlib."""
        ax = axes_of(ax)
        drawn = []
        for number, one in enumerate(self.contenders):
            least = min(len(run.steps) for run in one.runs)
            values = np.array(
                [np.where(np.isfinite(run.values[:least]), run.values[:least], np.nan) for run in one.runs]
            )
            seconds = np.median([self._seconds(run)[:least] for run in one.runs], axis=0)
            ax.plot(seconds, np.median(values, axis=0), label=one.name, **line(number))
            ax.fill_between(seconds, values.min(axis=0), values.max(axis=0), color=line(number)["color"], alpha=0.15)
            drawn.append(values[np.isfinite(values)])
        if self.target is not None:
            ax.axhline(self.target, color="black", linewidth=1, label=f"target {self.target:g}")
        shown = np.concatenate(drawn)
        if len(shown) and shown.min() > 0:
            make_log(ax.yaxis)
        better = "lower" if self.lower_is_better else "higher"
        y = f"{self.metric}, {better} is better"
        return finished(ax, "Tuned optimizers over the seeds", f"time [s, {self.clock}]", y, "median and range")

    # --- what is said --------------------------------------------------------------------------------------------

    def _headline(self) -> str:
        if not self.winner:
            return "There is no winner: every candidate diverged in at least half of its trainings."
        best = self.names.index(self.winner)
        if self.target is None:
            median = np.median(self.values[best])
            return f"{self.winner} ends best: median {self.metric} {median:.4g} over {self._seeds_said()}."
        time = float(np.median(self.time_to_target[best]))
        if not math.isfinite(time):
            values = np.median(self.values, axis=1)
            nearest = float(np.nanmin(values) if self.lower_is_better else np.nanmax(values))
            return (
                f"No candidate reaches {self.metric} {self.target:g} in half of its trainings. {self.winner} comes "
                f"closest, with a median of {nearest:.4g}: train longer, or set an easier target."
            )
        steps = float(np.median(self.steps_to_target[best]))
        return (
            f"{self.winner} reaches {self.metric} {self.target:g} first: in {time:.3g} s ({self.clock}) and "
            f"{steps:.0f} steps, median over {self._seeds_said()}."
        )

    def _table(self) -> Table:
        times, steps, cpu = self.time_to_target, self.steps_to_target, self.cpu_seconds
        columns = ["optimizer"]
        if self.target is not None:
            columns += [f"time to target [s, {self.clock}]", "from", "to", "steps to target", "missed"]
        columns += [
            "CPU of a training [s]",
            f"{self.metric} at the end",
            "from",
            "to",
            "setting",
            "within 5 %",
            "against the best",
        ]
        rows = []
        for name in self.ranking:
            i = self.names.index(name)
            setting, (low, high) = self.contenders[i].setting, self.contenders[i].band
            row: list[object] = [name]
            if self.target is not None:
                row += [*_spread(times[i]), _finite(float(np.median(steps[i]))), int(np.isinf(times[i]).sum())]
            row += [_finite(float(np.median(cpu[i]))), *_spread(self.values[i])]
            row.append(", ".join(f"{key} {value:.3g}" for key, value in setting.items()) or "its own")
            row += ["" if math.isnan(low) else f"{low:.2g} to {high:.2g}", self._beside(name)]
            rows.append(row)
        return Table(columns, rows, 0 if self.winner else None)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *self.sentences])

    def _beside(self, name: str) -> str:
        if not self.winner or name == self.winner:
            return ""
        of, tests = self._tested()
        if not tests:
            return "not tested"
        test = tests.get((self.winner, name)) or tests[name, self.winner]
        if math.isnan(test.difference):
            return "not tested: a miss"
        return f"p = {test.p:.2g}, {of}" if test.is_significant else f"{SAME}, {of}"

    def _tested(self) -> tuple[str, dict[tuple[str, str], PairedTest]]:
        """Return what is compared, and the tests: times where the winner has reached the target, else values."""
        reached = self.winner and np.isfinite(self.time_to_target[self.names.index(self.winner)]).all()
        return ("time", self.differences("time")) if reached else (self.metric, self.differences("value"))

    def _on_differences(self) -> list[str]:
        if len(self.names) == 1:
            return []
        if self.values.shape[1] == 1:
            return ["One seed shows no spread, so nothing is tested: use several."]
        of, tests = self._tested()
        if not tests:
            return ["Differences are not tested because SciPy is missing: pip install keras_ch8[tune]."]
        same = [name for name in self.ranking[1:] if self._beside(name).startswith(SAME)]
        what = "time to the target" if of == "time" else f"{of} at the end"
        said = f"{SAME.capitalize()} in the {what} between {self.winner} and {', '.join(same)} (paired t test, Holm)."
        return [said] if same else []

    def _on_trouble(self) -> list[str]:
        said = []
        for one, values in zip(self.contenders, self.values, strict=True):
            errors = [run.error for run in (*one.tuning, *one.runs) if run.error]
            if errors:
                said.append(f"{one.name} ended in an error: {errors[0]}.")
            elif one.tuning and not any(math.isfinite(run.last) for run in one.tuning):
                rates = [setting[one.tuned] for setting in one.tried]
                said.append(
                    f"{one.name} diverged with every {one.tuned} from {min(rates):.2g} to {max(rates):.2g}: try a "
                    "lower range."
                )
            elif not np.isfinite(values).all():
                said.append(f"{one.name} diverged in {int((~np.isfinite(values)).sum())} of {len(values)} trainings.")
            elif one.at_boundary:
                best = one.setting[one.tuned]
                end = "lowest" if best <= min(setting[one.tuned] for setting in one.tried) else "highest"
                said.append(
                    f"The best {one.tuned} of {one.name}, {best:.2g}, is the {end} tried, even after "
                    f"{_numbers.EXTENSIONS} more: a better one may lie beyond."
                )
        return said

    # --- numbers -------------------------------------------------------------------------------------------------

    @property
    def _losses(self) -> np.ndarray:
        return self.values if self.lower_is_better else -self.values

    def _seconds(self, run: TimedRun) -> np.ndarray:
        return run.cpu_seconds if self.clock == "CPU" else run.wall_seconds

    def _at_target(self, number: Any) -> np.ndarray:
        found = []
        for one in self.contenders:
            places = [(run, run.reached(self.target, self.lower_is_better)) for run in one.runs]
            found.append([math.inf if at is None else float(number(run, at)) for run, at in places])
        return np.array(found)

    def _seeds_said(self) -> str:
        number = self.values.shape[1]
        return "one seed, without a spread" if number == 1 else f"{number} seeds"


def scores(runs: Sequence[TimedRun], lower_is_better: bool) -> list[float]:
    """Return how good trainings of one candidate are, smaller for better; infinite for one that diverged.

    It is the mean over the second half of the epochs. When the target is reached first, or what is measured last, is
    luck in a training that goes up and down: two optimizers that are one algorithm would be tuned differently.
    """
    halves = [run.values[len(run.values) // 2 :] for run in runs]
    means = [float(np.mean(half)) if np.isfinite(half).all() else math.inf for half in halves]
    return means if lower_is_better else [math.inf if math.isinf(mean) else -mean for mean in means]


def tuned(
    name: str, key: str, tried: Sequence[Mapping[str, float]], runs: Sequence[TimedRun], lower: bool
) -> Contender:
    """Return a candidate with its best setting; `key` is the name of its rate, and `lower` whether less is better."""
    if not runs:
        return Contender(name, {}, (), (), "", False, (math.nan, math.nan))
    found, rates = scores(runs, lower), [setting[key] for setting in tried]
    is_open = _numbers.beyond(rates, found) is not None
    best = tried[int(np.argmin(found))]
    return Contender(name, best, tuple(tried), tuple(runs), key, is_open, _numbers.band(rates, found))


def _spread(values: np.ndarray) -> list[object]:
    median, low, high = float(np.median(values)), float(values.min()), float(values.max())
    return [_finite(median), *([None, None] if len(values) == 1 else [_finite(low), _finite(high)])]


def _finite(value: float) -> float | str:
    return value if math.isfinite(value) else "infinite"
