"""Which optimizer: each tuned with the same budget, then run over seeds, and judged by the time to a target."""

import contextlib
import dataclasses
import functools
import math
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from .. import _batches, _checks, _objects
from .._describe import call_of, section, short
from .._sandbox import generators_kept, new_model
from .._types import Data, Logs
from ..board import tags
from ..board.record import Event, Record
from ..board.writer import RunWriter
from ..callbacks.base import say
from ..data import ArraySource
from ..integration import keras_private
from . import _numbers
from ._candidates import FACTOR, RATE, Candidate, candidates_of
from ._optimizer_comparison import Contender, OptimizerComparison, TimedRun, scores, tuned

TRIALS = 8


@dataclasses.dataclass(frozen=True)
class Workload:
    """What all trainings of a comparison have in common.

    Args:
        model_factory: Makes a new compiled model.
        data: Arrays `(x, y, sample_weight)` to train on.
        measured_on: Arrays to evaluate on.
        metric: What `evaluate` reports that is compared.
        lower_is_better: Whether smaller values of it are better.
        epochs: Passes over the data, at most.
        batch_size: Examples in a batch, unless the candidate says otherwise.
    """

    model_factory: Callable[[], keras.Model]
    data: tuple[Data, Data, Data]
    measured_on: tuple[Data, Data, Data]
    metric: str
    lower_is_better: bool
    epochs: int
    batch_size: int


class Job(NamedTuple):
    """One training: of which candidate, with which setting and seed, and whether its time counts."""

    candidate: str
    setting: dict[str, float]
    seed: int
    counts: bool = False


@section("8.5.4")
def compare(
    candidates: Mapping[str, Candidate | keras.optimizers.Optimizer | str],
    model_factory: Callable[[], keras.Model],
    data: tuple[Data, ...],
    *,
    target: float | None = None,
    epochs: int = 10,
    seeds: int | Sequence[int] = 5,
    trials: int = TRIALS,
    validation_data: tuple[Data, ...] | None = None,
    metric: str = "loss",
    mode: str = "auto",
    batch_size: int = 32,
    log_dir: str | None = None,
    verbose: int = 1,
) -> OptimizerComparison:
    """Tune optimizers with the same budget, run them over seeds, and tell which reaches a target first (section 8.5.4).

        tuning    `trials` settings of each candidate, even in the logarithm of each quantity, a training with each;
                  where the best rate is the lowest or the highest of them, up to 3 rates beyond it
        runs      a training with the best setting for each seed
        score     median over the seeds of the seconds until the target is reached, tracing and compiling counted; a
                  training that misses it took infinitely long
        tests     of each two candidates, a paired t test over the seeds, with Holm's correction for all of them

    A training has `epochs` epochs, in a fresh order each, and ends early only where it diverges. It is measured after
    each epoch, and the clock stands still meanwhile. Settings are chosen by the mean over the second half of the
    epochs. All candidates have the same seeds, so the same initial weights and batches; tuning has a seed of its own.
    Without a target the value at the end decides.

    Seconds are CPU time, which other programs on the machine hardly change, or wall-clock time where Keras sees a GPU.
    The tests of the differences need SciPy (`pip install keras_ch8[tune]`). Afterwards the random number generators are
    as they were before.

    Args:
        candidates: What is compared, by names: a Keras optimizer, ours or Keras's, or its name, whose learning rate is
            tuned from a 30th to 30 times its own (of one with a schedule, a factor of the schedule); or a
            `choosing.Candidate`, which says what is tuned. Optimizers of section 8.6 have nothing to tune.
        model_factory: Makes a new compiled model each time that it is called; its optimizer is replaced.
        data: Arrays `(x, y)` or `(x, y, sample_weight)` to train on.
        target: The value of the metric to reach. Defaults to `None`: none.
        epochs: Passes over the data of each training. Defaults to `10`.
        seeds: Number of seeds, from 0 on, or the seeds. Defaults to `5`.
        trials: Settings that are tried of each candidate with anything to tune. Defaults to `8`.
        validation_data: Arrays that are measured on. Defaults to `None`: those of the training.
        metric: What `evaluate` reports that is compared. Defaults to `"loss"`.
        mode: `"min"`, `"max"`, or `"auto"` for the direction that Keras knows. Defaults to `"auto"`.
        batch_size: Examples in a batch; optimizers of section 8.6 have all in each. Defaults to `32`.
        log_dir: Folder for TensorBoard: a run for each candidate and seed, with its settings, and a row each on the
            page. Defaults to `None`: none.
        verbose: 1 prints a line for each training, and the result. Defaults to `1`.

    Returns:
        An `OptimizerComparison`.

    Raises:
        TypeError: If `candidates` is not a dict of candidates, `model_factory` is not a function that returns a model,
            or another argument is of another type than said above.
        ValueError: If one lies outside its range, if the data do not fit the model, if `model_factory` returns the
            same model twice.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
        >>> def model():
        ...     model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        ...     model.compile(loss="mse")
        ...     return model
        >>> found = keras_ch8.compare(
        ...     {"L-BFGS": keras_ch8.optimizers.LBFGS(), "SGD": keras_ch8.optimizers.SGD(0.01)}, model,
        ...     (x, x @ [[1.0], [2.0], [3.0]]), epochs=3, seeds=2, trials=2, verbose=0)
        >>> found.values.shape, bool(found.values.max() < 0.1)
        ((2, 2), True)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.5.4; Dahl et al. (2023), Benchmarking Neural
        Network Training Algorithms; Schmidt, Schneider, Hennig (2021), Descending through a Crowded Valley; Holm
        (1979), A Simple Sequentially Rejective Multiple Test Procedure.
    """
    found = candidates_of(candidates)
    _objects.function("model_factory", model_factory, returns="a new compiled model")
    if target is not None:
        target = _checks.number("target", target, meaning="the value of the metric to reach", fix="Use None for none.")
    epochs = _checks.count("epochs", epochs, 1, meaning="the passes over the data of each training", fix="Try 10.")
    trials = _checks.count("trials", trials, 1, meaning="the settings that are tried of each candidate", fix="Try 8.")
    batch_size = _checks.count("batch_size", batch_size, 1, meaning="the examples in a batch", fix="Try 32.")
    _checks.text("metric", metric, meaning="the name of what `evaluate` reports")
    _checks.mode(mode)
    _checks.verbose(verbose)
    _objects.path("log_dir", log_dir, or_none=True)
    listed = _checks.seeds(seeds, 1)
    arrays = arrays_of("data", data)
    held_out = arrays if validation_data is None else arrays_of("validation_data", validation_data)
    lower = checked_model(model_factory, arrays, held_out, metric, mode)
    workload = Workload(model_factory, arrays, held_out, metric, lower, epochs, batch_size)
    tuned_by = next(seed for seed in range(len(listed) + 1) if seed not in listed)

    def train(job: Job) -> TimedRun:
        run = trained(workload, found, job)
        if verbose:
            setting = "".join(f", {name} {value:.3g}" for name, value in job.setting.items())
            say(f"{job.candidate}{setting}, seed {job.seed}: {metric} {run.last:.4g}")
        return run

    contenders = _tuned(found, train, trials, tuned_by, lower)
    runs = [train(Job(one.name, dict(one.setting), seed, True)) for seed in listed for one in contenders]
    number = len(contenders)
    contenders = [dataclasses.replace(one, runs=tuple(runs[i::number])) for i, one in enumerate(contenders)]
    clock = "wall" if keras.distribution.list_devices("gpu") else "CPU"
    result = OptimizerComparison(metric, lower, target, clock, tuple(contenders))
    if log_dir is not None:
        _write(log_dir, result, workload, found, validation_data is not None)
    if verbose:
        say(str(result))
    return result


def _tuned(
    candidates: Mapping[str, Candidate], train: Callable[[Job], TimedRun], trials: int, seed: int, lower: bool
) -> list[Contender]:
    """Return the candidates with their best settings, nothing run over seeds yet."""
    keys = {name: rate_of(one.ranges) for name, one in candidates.items()}
    tried = {name: _numbers.settings(one.ranges, trials if one.ranges else 0) for name, one in candidates.items()}
    runs: dict[str, list[TimedRun]] = {name: [] for name in candidates}
    new = [Job(name, setting, seed) for name, settings in tried.items() for setting in settings if setting]
    for _ in range(_numbers.EXTENSIONS + 1):
        for job in new:
            runs[job.candidate].append(train(job))
        new = []
        for name, own in runs.items():
            key, ranges, losses = keys[name], candidates[name].ranges, scores(own, lower)
            further = _numbers.beyond_in(ranges[key], [s[key] for s in tried[name]], losses) if own else None
            if further is not None:
                best = tried[name][int(np.argmin(losses))]
                tried[name].append({**best, key: further})
                new.append(Job(name, tried[name][-1], seed))
        if not new:
            break
    for job in new:  # of these the boundary is told
        tried[job.candidate].pop()
    return [tuned(name, keys[name], tried[name], own, lower) for name, own in runs.items()]


def rate_of(ranges: Mapping[str, Any]) -> str:
    """Return the name of the setting that is taken for the learning rate; "" where there is none."""
    return next((name for name in (RATE, FACTOR) if name in ranges), next(iter(ranges), ""))


def arrays_of(name: str, given: Any) -> tuple[Data, Data, Data]:
    """Return x, y and the weights, the last None where there are none."""
    _objects.pair(name, given)
    x, y, weight = (*given, None)[:3]
    return x, y, weight


def checked_model(
    model_factory: Callable[[], keras.Model],
    data: tuple[Data, Data, Data],
    measured_on: tuple[Data, Data, Data],
    metric: str,
    mode: str,
) -> bool:
    """Return whether less of the metric is better; refuse a factory, or data, with which no training can begin."""
    with generators_kept():
        first = new_model(model_factory)
        few, few_held_out = (_batches.take(arrays, slice(2)) for arrays in (data, measured_on))
        try:
            keras_private.build_on(first, few)
            measured(first, few)
            reported = measured(first, few_held_out)
        except Exception as error:  # of any layer, loss or metric
            raise ValueError(
                "`data` and `validation_data` must fit the model that `model_factory` returns. Received: arrays on "
                f"which it fails with {type(error).__name__}: {keras_private.first_sentence(error)} Change one of them."
            ) from error
    return direction_of(first, metric, mode, reported) == "min"


def direction_of(model: keras.Model, metric: str, mode: str, reported: Iterable[str]) -> str:
    """Return "min" or "max" for a metric of a model; refuse one that is not reported, or without a direction."""
    if metric not in reported:
        raise ValueError(
            f"`metric` is measured after each training. Received: metric={short(metric)}. Reported: "
            f"{', '.join(reported)}."
        )
    found = keras_private.mode_of(model, metric) if mode == "auto" else mode
    if found is None:
        raise ValueError(
            f"Whether more or less of {metric!r} is better is not known. Received: mode={short(mode)}. Give "
            "mode='max' or mode='min'."
        )
    return found


_has_trained = False
"""Whether this process has trained before: the first training of a process starts threads, libraries and compilers."""


def trained(workload: Workload, candidates: Mapping[str, Candidate], job: Job) -> TimedRun:
    """Return a training; one that ends in an error says so."""
    global _has_trained
    candidate = candidates[job.candidate]
    with contextlib.suppress(Exception):  # the training itself tells
        if job.counts and not _has_trained:
            timed_run(dataclasses.replace(workload, epochs=1), candidate, job.setting, job.seed)
    _has_trained = True
    try:
        return timed_run(workload, candidate, job.setting, job.seed)
    except Exception as error:  # of the candidate: the others go on
        said = f"{type(error).__name__}: {keras_private.first_sentence(error).rstrip('.')}"
        return TimedRun.failed(job.seed, workload.lower_is_better, said)


def timed_run(workload: Workload, candidate: Candidate, setting: Mapping[str, float], seed: int) -> TimedRun:
    """Train a new model by a candidate with this setting, and measure it after each epoch."""
    with generators_kept(seed):
        model = _objects.made_by("model_factory", workload.model_factory)
        clock = _Clock(workload)
        clock.measure(model)  # traces it, which is not counted
        optimizer = candidate.new(setting)
        size = candidate.batch_size_of(optimizer, workload.batch_size, _batches.examples_of(workload.data[0]))
        source = ArraySource(*workload.data, batch_size=size, seed=seed)
        clock.batches = len(source)
        clock.go()
        keras_private.set_optimizer(model, optimizer)
        model.fit(source, epochs=workload.epochs, callbacks=[clock], verbose=0)
    steps, values, cpu, wall = np.array(clock.epochs, float).reshape(-1, 4).T
    return TimedRun(seed, steps.astype(int), values, cpu, wall)


class _Clock(keras.callbacks.Callback):
    """Measures after each epoch, and stops the time meanwhile; ends a training that has diverged."""

    def __init__(self, workload: Workload) -> None:
        super().__init__()
        self._workload = workload
        self.batches = 0
        self.epochs: list[tuple[float, ...]] = []
        """After each: the batches so far, what was measured, seconds of the processors and on the wall."""
        self._spent = self._since = np.zeros(2)

    def go(self) -> None:
        """Let the time run."""
        self._since = _now()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Measure, and note it."""
        self._spent = self._spent + _now() - self._since
        value = self.measure(self.model)
        has_diverged = not (math.isfinite(value) and math.isfinite(float((logs or {}).get("loss", 0.0))))
        if has_diverged:
            value = math.inf if self._workload.lower_is_better else -math.inf
            self.model.stop_training = True
        self.epochs.append(((epoch + 1) * self.batches, value, *self._spent))
        self.go()

    def measure(self, model: keras.Model) -> float:
        """Return what is compared, as the model is now."""
        return float(measured(model, self._workload.measured_on)[self._workload.metric])


def measured(model: keras.Model, arrays: tuple[Data, Data, Data]) -> dict[str, Any]:
    """Return what `evaluate` reports."""
    x, y, weight = arrays
    size = min(1024, _batches.examples_of(x))
    found: dict[str, Any] = model.evaluate(x, y, sample_weight=weight, batch_size=size, verbose=0, return_dict=True)
    return found


def _now() -> np.ndarray:
    return np.array([time.process_time(), time.perf_counter()])


def _write(
    log_dir: str, result: OptimizerComparison, workload: Workload, candidates: Mapping[str, Candidate], held_out: bool
) -> None:
    """Write each training over the seeds as a run of its own for TensorBoard."""
    for one in result.contenders:
        optimizer = candidates[one.name].new(one.setting)
        schedule = keras_private.schedule_of(optimizer)
        settings: dict[str, object] = {
            "optimizer": one.name,
            "learning_rate": float(optimizer.learning_rate) if schedule is None else type(schedule).__name__,
            "batch_size": candidates[one.name].batch_size_of(
                optimizer, workload.batch_size, _batches.examples_of(workload.data[0])
            ),
            "epochs": workload.epochs,
        }
        known = settings | ({"code": code} if (code := _code_of(optimizer)) else {})
        name = tags.epoch(f"val_{result.metric}" if held_out else result.metric).name
        for run in one.runs:
            folder = os.path.join(log_dir, re.sub(r"[^\w.-]+", "_", one.name), f"seed_{run.seed}")
            writer, record = RunWriter.open(folder, 1), Record(hyperparameters=known)
            writer.points((int(step), {name: float(x)}) for step, x in zip(run.steps, run.values, strict=True))
            if (at := run.reached(result.target, result.lower_is_better)) is not None:
                reached = f"{result.metric} reached {result.target:g}."
                record.events.add(Event(int(run.steps[at]), "target", reached))
            record.ended = True
            last = int(run.steps[-1])
            writer.record(functools.partial(record.text, last), last)
            writer.close()


def _code_of(optimizer: keras.optimizers.Optimizer) -> str:
    """Return the line that makes an optimizer anew; "" of one of the user's, or where an argument is an object."""
    package = type(optimizer).__module__.partition(".")[0]
    config = {name: value for name, value in optimizer.get_config().items() if name != "name"}
    if isinstance(rate := config.get("learning_rate"), float):
        config["learning_rate"] = float(f"{rate:.3g}")  # as the page says it
    call = call_of(optimizer, config)
    is_plain = package in ("keras", "keras_ch8") and "(...)" not in call and "<" not in call
    return f"optimizer = {package}.optimizers.{call}" if is_plain else ""
