"""Which optimizer: each tuned with the same budget, then run over seeds, and judged by the time to a target."""

import dataclasses
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from .. import _batches, _checks, _objects
from .._sandbox import generators_kept, new_model
from .._section import section
from .._types import Data
from ..board.reports import ComparedRun, write_compared
from ..callbacks.base import say
from ..integration import keras_private
from . import _search
from ._candidates import FACTOR, RATE, Candidate, candidates_of, described
from ._directions import direction_of
from ._kept_runs import KeptRuns, fingerprint, model_described
from ._optimizer_comparison import Contender, OptimizerComparison, scores, tuned
from ._run_jobs import Job, Jobs
from ._timed_run import Problem, TimedRun, measured

TRIALS = 8


@section("8.5.4")
def compare(
    candidates: Mapping[str, Candidate | keras.optimizers.Optimizer | str],
    model_factory: Callable[[], keras.Model],
    data: tuple[Data, ...],
    *,
    target: float | None = None,
    budget: int = 10,
    seeds: int | Sequence[int] = 5,
    trials: int = TRIALS,
    validation_data: tuple[Data, ...] | None = None,
    metric: str = "loss",
    mode: str = "auto",
    batch_size: int = 32,
    workers: int = 1,
    directory: str | os.PathLike[str] | None = None,
    log_dir: str | None = None,
    verbose: int = 1,
) -> OptimizerComparison:
    """Tune optimizers with the same budget, run them over seeds, and say which is first at a target (section 8.5.4).

        tuning    `trials` settings of each candidate, even in the logarithm of each quantity, a training with each;
                  where the best rate is the lowest or the highest of them, up to 3 rates beyond it
        runs      a training with the best setting for each seed
        score     median over the seeds of the seconds until the target is reached, tracing and compiling counted; a
                  training that misses it took infinitely long
        tests     of each two candidates, a paired t test over the seeds, with Holm's correction for all of them

    A training is `budget` epochs, in a fresh order each, which ends early only where it diverges. It is measured after
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
        budget: Epochs of each training. Defaults to `10`.
        seeds: Number of seeds, from 0 on, or the seeds. Defaults to `5`.
        trials: Settings that are tried of each candidate with anything to tune. Defaults to `8`.
        validation_data: Arrays that are measured on. Defaults to `None`: those of the training.
        metric: What `evaluate` reports that is compared. Defaults to `"loss"`.
        mode: `"min"`, `"max"`, or `"auto"` for the direction that Keras knows. Defaults to `"auto"`.
        batch_size: Examples in a batch; optimizers of section 8.6 have all in each. Defaults to `32`.
        workers: Processes that train at once. With several, all functions that are given must be defined at the top of
            a module, as for `multiprocessing`. Defaults to `1`: this one.
        directory: Folder that keeps each training that is complete, so that the same call goes on where another was
            interrupted, even by `kill -9`. Defaults to `None`: nothing is kept.
        log_dir: Folder for TensorBoard: a run for each candidate and seed, with its settings for the dashboard HParams,
            and a row each on the page of the cockpit. Defaults to `None`: none.
        verbose: 1 prints the result, and draws a bar meanwhile if this is a terminal; 2 prints a line for each training
            instead; 0 prints nothing. Defaults to `1`.

    Returns:
        An `OptimizerComparison`.

    Raises:
        TypeError: If `candidates` is not a dict of candidates, `model_factory` is not a function that returns a model,
            or another argument is of another type than said above.
        ValueError: If one lies outside its range, if the data do not fit the model, if `model_factory` returns the
            same model twice, or if `directory` is of another comparison.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
        >>> def model():
        ...     model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        ...     model.compile(loss="mse")
        ...     return model
        >>> found = keras_ch8.compare(
        ...     {"L-BFGS": keras_ch8.optimizers.LBFGS(), "SGD": keras_ch8.optimizers.SGD(0.01)}, model,
        ...     (x, x @ [[1.0], [2.0], [3.0]]), budget=3, seeds=2, trials=2, verbose=0)
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
        target = _checks.number("target", target, meaning="the value of the metric to reach", fix="Give None for none.")
    budget = _checks.count("budget", budget, 1, meaning="the epochs of each training", fix="Try 10.")
    trials = _checks.count("trials", trials, 1, meaning="the settings that are tried of each candidate", fix="Try 8.")
    workers = _checks.count("workers", workers, 1, meaning="the processes that train at once", fix="Try 1.")
    batch_size = _checks.count("batch_size", batch_size, 1, meaning="the examples in a batch", fix="Try 32.")
    _checks.text("metric", metric, meaning="the name of what `evaluate` reports")
    _checks.mode(mode)
    _checks.verbose(verbose)
    for name, place in (("directory", directory), ("log_dir", log_dir)):
        _objects.path(name, place, or_none=True)
    listed = _checks.seeds(seeds, 1)
    arrays = arrays_of("data", data)
    held_out = arrays if validation_data is None else arrays_of("validation_data", validation_data)
    lower = checked_model(model_factory, arrays, held_out, metric, mode)
    problem = Problem(model_factory, arrays, held_out, metric, lower, budget, batch_size)
    settings = {
        "candidates": {name: described(one) for name, one in found.items()},
        "target": target, "budget": budget, "seeds": listed, "trials": trials, "batch_size": batch_size,
        "metric": metric, "lower_is_better": lower, "data": fingerprint((arrays, held_out)),
    }  # fmt: skip
    if directory is not None:
        with generators_kept():
            settings["model"] = model_described(_objects.made_by("model_factory", model_factory))
    kept = KeptRuns(directory, "comparison", settings)
    tuned_by = next(seed for seed in range(len(listed) + 1) if seed not in listed)
    with Jobs(problem, found, kept, workers, int(verbose)) as jobs:
        jobs.expect(sum(trials for one in found.values() if one.ranges) + len(found) * len(listed))
        contenders = _tuned(found, jobs, trials, tuned_by)
        runs = jobs.run([Job(one.name, dict(one.setting), seed, True) for seed in listed for one in contenders])
    number = len(contenders)
    contenders = [dataclasses.replace(one, runs=tuple(runs[i::number])) for i, one in enumerate(contenders)]
    clock = "wall" if keras.distribution.list_devices("gpu") else "CPU"
    result = OptimizerComparison(metric, lower, target, clock, tuple(contenders))
    if log_dir is not None:
        _write(log_dir, result, problem, found, validation_data is not None)
    if verbose:
        say(str(result))
    return result


def _tuned(candidates: Mapping[str, Candidate], jobs: Jobs, trials: int, seed: int) -> list[Contender]:
    """Return the candidates with their best settings, nothing run over seeds yet."""
    lower = jobs.problem.lower_is_better
    tried = {name: _search.settings(one.ranges, trials if one.ranges else 0) for name, one in candidates.items()}
    runs: dict[str, list[TimedRun]] = {name: [] for name in candidates}
    new = [Job(name, setting, seed) for name, settings in tried.items() for setting in settings if setting]
    for _ in range(_search.EXTENSIONS + 1):
        for job, run in zip(new, jobs.run(new), strict=True):
            runs[job.candidate].append(run)
        new = []
        for name, own in runs.items():
            ranges, losses = candidates[name].ranges, scores(own, lower)
            key = rate_of(ranges)
            further = _search.beyond_in(ranges[key], [s[key] for s in tried[name]], losses) if own else None
            if further is not None:
                best = tried[name][int(np.argmin(losses))]
                tried[name].append({**best, key: further})
                new.append(Job(name, tried[name][-1], seed))
                jobs.expect(1)
        if not new:
            break
    for job in new:  # of these the boundary is told
        tried[job.candidate].pop()
    keys = {name: rate_of(one.ranges) for name, one in candidates.items()}
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
                "`data` and `validation_data` must fit the model that `model_factory` makes. Received: arrays with "
                f"which it ends in {type(error).__name__}: {keras_private.first_sentence(error)} Change one of them."
            ) from error
    return direction_of(first, metric, mode, reported) == "min"


def _write(
    log_dir: str, result: OptimizerComparison, problem: Problem, candidates: Mapping[str, Candidate], held_out: bool
) -> None:
    """Write each training over the seeds as a run of its own for TensorBoard."""
    for one in result.contenders:
        optimizer = candidates[one.name].new(one.setting)
        schedule = keras_private.schedule_of(optimizer)
        settings: dict[str, object] = {
            "optimizer": one.name,
            "learning_rate": float(optimizer.learning_rate) if schedule is None else type(schedule).__name__,
            "batch_size": candidates[one.name].batch_size_of(
                optimizer, problem.batch_size, _batches.examples_of(problem.data[0])
            ),
            "epochs": problem.epochs,
        }
        for run in one.runs:
            at = run.reached(result.target, result.lower_is_better)
            said = None if at is None else (int(run.steps[at]), f"{result.metric} has reached {result.target:g}.")
            folder = os.path.join(log_dir, re.sub(r"[^\w.-]+", "_", one.name), f"seed_{run.seed}")
            name = f"val_{result.metric}" if held_out else result.metric
            write_compared(folder, ComparedRun(settings, name, list(run.steps), list(run.values), said))
