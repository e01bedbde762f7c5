"""What is known of the speed of a training: with each setting, and which is the simplest of the fastest."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .._plot import COLORS, GREY, axes_of, finished
from .._result import Result, Table
from ._paired_test import PairedTest, paired_test


class SpeedSetting(NamedTuple):
    """What a training is compiled with, and its batches.

    Args:
        jit_compile: As for `compile`.
        steps_per_execution: As for `compile`.
        batch_size: Examples in a batch.
        policy: The `dtype_policy` of the layers; "" for the one that they have.
    """

    jit_compile: bool
    steps_per_execution: int
    batch_size: int
    policy: str = ""


@dataclasses.dataclass(frozen=True)
class Timed:
    """How fast a training is with one setting.

    Args:
        setting: The setting.
        seconds: Seconds a step, one for each round; NaN where it fails.
        first_call: Seconds of the first call, in which the step is traced and compiled.
        failure: Why it cannot be trained with this setting; "" where it can.
    """

    setting: SpeedSetting
    seconds: np.ndarray
    first_call: float = math.nan
    failure: str = ""

    @property
    def examples_per_second(self) -> float:
        """Examples that are trained on in a second, in the median round."""
        return self.setting.batch_size / float(np.median(self.seconds))

    def over(self, other: "Timed") -> PairedTest:
        """Compare the examples in a second with those of another setting in the same rounds, as a logarithm."""
        mine, theirs = (np.log(each.setting.batch_size / each.seconds) for each in (self, other))
        return paired_test(mine, theirs)


@dataclasses.dataclass(frozen=True, repr=False)
class SpeedTuning(Result):
    """What `tune_speed` has found.

    Args:
        settings: Settings of `compile`, the first of which the model has now.
        batches: Larger batches and narrower numbers with the setting that is recommended, which is the first.
        noise: By which fraction two equal trainings may differ here.
        seconds_of_data: Seconds in which the data bring a batch, if nothing else is done.
    """

    settings: tuple[Timed, ...]
    batches: tuple[Timed, ...]
    noise: float
    seconds_of_data: float

    @property
    def recommended(self) -> SpeedSetting:
        """The simplest setting of `compile` that nothing is faster than by more than the noise."""
        return simplest_of_the_fastest(self.settings, self.noise).setting

    @property
    def speedup(self) -> float:
        """How many times as many examples a second it trains on as the model does now; 1 where that is noise."""
        best = simplest_of_the_fastest(self.settings, self.noise)
        return math.exp(best.over(self.settings[0]).difference) if best is not self.settings[0] else 1.0

    @property
    def waits_for_data(self) -> bool:
        """Whether a step of the recommended setting takes less time than the data need to bring a batch."""
        return self.seconds_of_data > float(np.median(self.batches[0].seconds)) * (1 + self.noise)

    @property
    def sentences(self) -> list[str]:
        """The conclusions."""
        lines = [self._of_compile()]
        for timed in self.batches[1:]:
            if is_faster(timed, self.batches[0], self.noise):
                lines.append(self._of_batches(timed))
        if self.waits_for_data:
            step = float(np.median(self.batches[0].seconds))
            lines.append(
                f"The training waits for its data: they bring a batch in {1e3 * self.seconds_of_data:.3g} ms, a step "
                f"takes {1e3 * step:.3g} ms. Let them be made in parallel and ahead (`map(..., num_parallel_calls="
                "tf.data.AUTOTUNE)`, `prefetch`), or keep them in memory (`cache`)."
            )
        return lines

    def _of_compile(self) -> str:
        now, best = self.settings[0].setting, self.recommended
        if best == now:
            return (
                f"No difference: no setting is faster than the one of now by more than the noise of {self.noise:.1%}."
            )
        changed = [
            f"{name}={getattr(best, name)}"
            for name in ("jit_compile", "steps_per_execution")
            if getattr(best, name) != getattr(now, name)
        ]
        return (
            f"Compile with {', '.join(changed)}: {self.speedup:.2f} times as many examples a second as now (two equal "
            f"trainings differ by {self.noise:.1%})."
        )

    def _of_batches(self, timed: Timed) -> str:
        gain = math.exp(timed.over(self.batches[0]).difference)
        if timed.setting.policy:
            return f"Layers with dtype={timed.setting.policy!r} bring {gain:.2f} times as many examples a second."
        return (
            f"Batches of {timed.setting.batch_size} bring {gain:.2f} times as many examples a second. They change the "
            "training: fewer updates in an epoch, each with less noise (section 8.1.3)."
        )

    def plot(self, ax: Any = None) -> Any:
        """Draw the examples in a second of each round for each setting, with matplotlib; return the axes."""
        ax = axes_of(ax)
        rows = [timed for timed in (*self.settings, *self.batches[1:]) if not timed.failure]
        for place, timed in enumerate(rows):
            speeds = timed.setting.batch_size / timed.seconds
            ax.plot(speeds, np.full(len(speeds), place), "x", color=GREY, label="one round" if not place else None)
            ax.plot(timed.examples_per_second, place, "o", color=COLORS[0], label="median" if not place else None)
        ax.set_yticks(range(len(rows)), [name_of(timed.setting) for timed in rows])
        ax.invert_yaxis()
        return finished(ax, "Speed of a training", "examples in a second", "setting", "rounds")

    def _headline(self) -> str:
        return " ".join(self.sentences)

    def _table(self) -> Table:
        columns = (
            "jit_compile", "steps_per_execution", "batch size", "dtype", "ms a step", "spread", "examples/s",
            "against now", "first call [s]", "",
        )  # fmt: skip
        now = self.settings[0]
        rows = [self._row(timed, timed.over(now), timed is now) for timed in self.settings]
        rows += [self._row(timed, timed.over(self.batches[0]), False, more=True) for timed in self.batches[1:]]
        return Table(columns, rows, [timed.setting for timed in self.settings].index(self.recommended))

    def _row(self, timed: Timed, test: PairedTest, is_now: bool, more: bool = False) -> Sequence[object]:
        jit, steps, size, policy = timed.setting
        if timed.failure:
            return jit, steps, size, policy or "as now", None, "", None, "", None, timed.failure
        median = float(np.median(timed.seconds))
        spread = f"{(timed.seconds.max() - timed.seconds.min()) / median:.0%}"
        gain = math.exp(test.difference)
        differs = test.is_significant and abs(gain - 1) > self.noise
        against = "now" if is_now else f"{gain:.2f} x" if differs else "no difference"
        note = "against the recommended" if more else ""
        return (
            jit, steps, size, policy or "as now", 1e3 * median, spread, timed.examples_per_second, against,
            timed.first_call, note,
        )  # fmt: skip

    def __str__(self) -> str:
        return "\n".join([*self.sentences, str(self._table())])


def simplest_of_the_fastest(settings: Sequence[Timed], noise: float) -> Timed:
    """Return the first setting that the fastest is not faster than."""
    working = [timed for timed in settings if not timed.failure]
    fastest = max(working, key=lambda timed: timed.examples_per_second)
    return next(timed for timed in working if timed is fastest or not is_faster(fastest, timed, noise))


def is_faster(one: Timed, other: Timed, noise: float) -> bool:
    """Whether a setting is faster than another by more than chance and noise."""
    test = one.over(other)
    return test.is_significant and math.exp(test.difference) - 1 > noise


def noise_of(one: Timed, again: Timed) -> float:
    """Return by which fraction the same setting, measured twice, may differ from itself."""
    test = again.over(one)
    return math.expm1(abs(test.difference) + test.margin)


def name_of(setting: SpeedSetting) -> str:
    """Return the setting in words."""
    jit, steps, size, policy = setting
    return f"jit_compile={jit}, {steps} steps an execution, batches of {size}{f', {policy}' if policy else ''}"
