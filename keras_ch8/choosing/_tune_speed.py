"""Which settings of `compile` and which batch size make a training fast."""

import dataclasses
import itertools
import math
import time
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from .. import _batches, _checks, _objects
from .._batches import Batch, FitData
from .._describe import section
from .._plot import COLORS, GREY, axes_of, finished
from .._result import Result, Table
from .._sandbox import build_on, put_values, sandbox, values_of, variables_of
from .._types import Data
from ..callbacks.base import say
from ..integration import backend, keras_private
from ._learning_rates import checked
from ._numbers import PairedTest, distributions, paired_test
from ._trials import SpeedSetting, TimedStep


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
                f"Training waits for its data: loading a batch takes {1e3 * self.seconds_of_data:.3g} ms, a step "
                f"{1e3 * step:.3g} ms. Load in parallel and ahead (`map(..., num_parallel_calls=tf.data.AUTOTUNE)`, "
                "`prefetch`), or keep the data in memory (`cache`)."
            )
        return lines

    def _of_compile(self) -> str:
        now, best = self.settings[0].setting, self.recommended
        if best == now:
            return (
                f"No difference: no setting is faster than your current one by more than the noise of {self.noise:.1%}."
            )
        changed = [f"{name}={value}" for name, value in best._asdict().items() if value != getattr(now, name)]
        return (
            f"Compile with {', '.join(changed)}: {self.speedup:.2f} times as many examples per second as now (noise: "
            f"{self.noise:.1%})."
        )

    def _of_batches(self, timed: Timed) -> str:
        gain = math.exp(timed.over(self.batches[0]).difference)
        if timed.setting.policy:
            return f"Layers with dtype={timed.setting.policy!r} process {gain:.2f} times as many examples per second."
        return (
            f"Batches of {timed.setting.batch_size} process {gain:.2f} times as many examples per second. But they "
            "change the training: fewer updates per epoch, each with less noise (section 8.1.3)."
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


BATCHES = 8
"""Batches that every setting is measured on, again and again; larger ones are made of these."""
MULTIPLES = (1, 2, 4)
"""Larger batches that are tried by default, in batches."""
SECONDS = 0.2
"""How long a setting trains in each round, at least."""


@section("8.1.3")
def tune_speed(
    model: keras.Model,
    x: Data,
    y: Data = None,
    sample_weight: Data = None,
    *,
    batch_size: int = 32,
    steps_per_execution: Sequence[int] = (1, 10, 50),
    multiples: Sequence[int] = MULTIPLES,
    rounds: int = 7,
    seed: int = 0,
    verbose: int = 1,
) -> SpeedTuning:
    """Measure which settings train a model fastest on this machine (section 8.1.3).

    The training step is timed with the settings that the model is compiled with, and with each of

        jit_compile            False and True: whether XLA compiles the step
        steps_per_execution    1, 10 and 50: steps that are taken in one call from Python
        batch size             once, twice and four times as large
        dtype                  mixed precision, where the device has it: a GPU

    on batches that are kept in memory; the time that the data take to bring a batch is measured by itself. All settings
    have their turn in every round, in an order that changes, and the weights are the same each time. A setting is
    faster if a paired t test of its rounds says so at 5 %, and by more than the noise, the difference between two
    measurements of the present setting. Otherwise there is no difference, and the simplest of the fastest is
    recommended.

    The model stays as it was: every variable of model, optimizer and metrics, all random number generators, and what it
    is compiled with; a hash verifies it. Some batches of the data are read. With `steps_per_execution`, callbacks are
    called once in so many batches; XLA may round the last bits differently.

    Args:
        model: A compiled model. If it is not built yet, it is built first.
        x: Arrays, a `tf.data.Dataset` or a `keras.utils.PyDataset`.
        y: Targets, if `x` is arrays.
        sample_weight: Weights of the examples, if `x` is arrays.
        batch_size: Examples in a batch, if `x` is arrays. Defaults to `32`.
        steps_per_execution: Values to try, besides the one that the model is compiled with. Defaults to `(1, 10, 50)`.
        multiples: By how much larger batches to try, up to 8; `()` for none. Defaults to `(1, 2, 4)`.
        rounds: How often each setting is measured. Defaults to `7`.
        seed: Seed of the order of the examples. Defaults to `0`.
        verbose: 1 prints how far it is, 0 nothing. Defaults to `1`.

    Returns:
        A `SpeedTuning`, to print.

    Raises:
        ValueError: If an argument lies outside its range, or the model is not compiled, runs eagerly or is distributed.
        RuntimeError: If the model cannot be restored.
        ImportError: If SciPy is not installed, which tells what is faster from noise.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(keras_ch8.optimizers.SGD(), "mse", jit_compile=False)
        >>> x = np.random.default_rng(0).normal(size=(256, 2)).astype("float32")
        >>> found = keras_ch8.choosing.tune_speed(
        ...     model, x, x @ [[1.0], [2.0]], steps_per_execution=(1, 50), multiples=(), rounds=3, verbose=0
        ... )
        >>> found.settings[0].setting.steps_per_execution
        1

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.1.3.
    """
    _objects.model(model)
    _refuse(model)
    distributions()  # which are missing before the trainings, not after them
    batch_size, seed = checked(batch_size, seed)
    rounds = _checks.count("rounds", rounds, 3, meaning="how often each setting is measured", fix="Try 7.")
    executions = _counts("steps_per_execution", steps_per_execution, "steps that are taken in one call")
    sizes = _counts("multiples", multiples, "by how much larger batches are")
    verbose = _checks.verbose(verbose)
    _batches.check_targets(x, y, model)
    batches, seconds_of_data = _read(FitData(x, y, sample_weight), batch_size, seed)
    build_on(model, batches[0])
    size = _batches.examples_of(batches[0])
    now = SpeedSetting(bool(model.jit_compile), int(model.steps_per_execution), size)
    grid = [
        SpeedSetting(jit, steps, size) for jit, steps in itertools.product((False, True), sorted({now[1], *executions}))
    ]
    with sandbox(model):
        settings, again = _compared(model, batches, [now, *(each for each in grid if each != now)], rounds, verbose)
        noise = noise_of(settings[0], again)
        best = simplest_of_the_fastest(settings, noise).setting
        larger = [best._replace(batch_size=size * n) for n in sorted(sizes) if 1 < n <= len(batches)]
        policy = backend.mixed_precision()
        is_wide = all(leaf.compute_dtype == "float32" for leaf in keras_private.leaves_of(model))
        narrow = [best._replace(policy=policy)] if policy and is_wide else []
        found = tuple(timed for timed in settings if timed.setting == best)
        if larger or narrow:
            found, _ = _compared(model, batches, [best, *larger, *narrow], rounds, verbose)
    return SpeedTuning(settings, found, noise, seconds_of_data)


def _refuse(model: keras.Model) -> None:
    if not model.compiled:
        raise ValueError(
            f"`tune_speed` times the compiled training step. Received: model={model.name!r}, which is not compiled. "
            "Compile it as for `fit`."
        )
    if model.run_eagerly:
        raise ValueError(
            "`tune_speed` times the compiled training step. Received: a model with run_eagerly=True. Compile it "
            "without."
        )
    if model.distribute_strategy.num_replicas_in_sync > 1:
        replicas = model.distribute_strategy.num_replicas_in_sync
        raise ValueError(
            f"`tune_speed` times the step on a single device. Received: a model that is distributed over {replicas}. "
            "Build and compile it outside the strategy."
        )


def _counts(name: str, values: Any, meaning: str) -> list[int]:
    """Return whole numbers above 0, each once."""
    listed = _objects.list_of(name, values, int)
    return list(dict.fromkeys(_checks.count(name, each, 1, meaning=meaning, fix="Try (1, 10).") for each in listed))


def _read(data: FitData, batch_size: int, seed: int) -> tuple[list[Batch], float]:
    """Return some batches of one size, and in how many seconds the data bring one."""
    source = _batches.batches(*data, batch_size, seed)
    first = next(source)  # which opens files and starts threads
    alike = (batch for batch in itertools.islice(source, 4 * BATCHES) if _shapes(batch) == _shapes(first))
    kept = [first, *itertools.islice(alike, BATCHES - 1)]
    if not all(backend.can_be_cut(a) and None not in a.shape for a in keras.tree.flatten(first) if a is not None):
        raise ValueError(
            "Batches are kept in memory, so they must be dense arrays. Received: a batch of "
            f"{', '.join(type(a).__name__ for a in keras.tree.flatten(first))}. Pad what is ragged or sparse."
        )
    pipeline = source if _batches.is_data_set(data.x) else keras_private.batches_of_arrays(*data, batch_size)
    next(pipeline)
    begun, read = time.perf_counter(), 0
    for read, _ in enumerate(itertools.islice(pipeline, 16 * BATCHES), 1):  # noqa: B007
        if time.perf_counter() - begun > SECONDS:
            break
    return kept, (time.perf_counter() - begun) / read


def _shapes(batch: Batch) -> list[tuple[int, ...]]:
    return [tuple(a.shape) for a in keras.tree.flatten(batch) if a is not None]


def _compared(
    model: keras.Model, batches: Sequence[Batch], settings: Sequence[SpeedSetting], rounds: int, verbose: int
) -> tuple[tuple[Timed, ...], Timed]:
    """Return how fast each setting is, and how fast the first, which must work, is when it is measured once more.

    The weights of the model, which is in a sandbox, are the same each time.
    """
    variables = variables_of(model)
    values = values_of(variables)
    runs: list[TimedStep] = []
    for setting in (*settings, settings[0]):
        run = TimedStep(model, batches, setting)
        try:
            run.begin(SECONDS)
        except Exception as error:  # of XLA, where it cannot compile a step
            if not runs:
                raise
            run.failure = f"fails: {type(error).__name__}: {keras_private.first_sentence(error)}"[:200]
        put_values(variables, values)
        runs.append(run)
        if verbose:
            say(f"{name_of(setting)}: {run.failure or f'compiled in {run.first_call:.2g} s'}")
    rng, seconds = np.random.default_rng(0), np.full((len(runs), rounds), np.nan)
    for number in range(rounds):
        for place in rng.permutation(len(runs)):
            if not runs[place].failure:
                seconds[place, number] = runs[place].time()
                put_values(variables, values)
    timed = [Timed(run.setting, own, run.first_call, run.failure) for run, own in zip(runs, seconds, strict=True)]
    return tuple(timed[:-1]), timed[-1]
