"""Which settings of `compile` and which batch size make a training fast."""

import itertools
import math
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any

import keras
import numpy as np

from .. import _batches, _checks, _objects
from .._batches import Batch, FitData
from .._describe import section
from .._sandbox import build_on, put_values, sandbox, values_of, variables_of
from .._types import Data
from ..callbacks.base import say
from ..integration import backend, keras_private
from ._learning_rates import checked
from ._paired_test import distributions
from ._speed_tuning import SpeedSetting, SpeedTuning, Timed, name_of, noise_of, simplest_of_the_fastest

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
    """Measure with which settings a model is trained fastest on this machine (section 8.1.3).

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
        stand = _Stand(model, batches, rounds, bool(verbose))
        settings, again = stand.compare([now, *(each for each in grid if each != now)])
        noise = noise_of(settings[0], again)
        best = simplest_of_the_fastest(settings, noise).setting
        larger = [best._replace(batch_size=size * n) for n in sorted(sizes) if 1 < n <= len(batches)]
        policy = backend.mixed_precision()
        is_wide = all(leaf.compute_dtype == "float32" for leaf in keras_private.leaves_of(model))
        narrow = [best._replace(policy=policy)] if policy and is_wide else []
        found, _ = stand.compare([best, *larger, *narrow]) if larger or narrow else ((), None)
    return SpeedTuning(settings, found or (next(t for t in settings if t.setting == best),), noise, seconds_of_data)


def _refuse(model: keras.Model) -> None:
    if not model.compiled:
        raise ValueError(
            f"What is timed is the training step. Received: model={model.name!r}, which is not compiled. Compile it as "
            "for `fit`."
        )
    if model.run_eagerly:
        raise ValueError(
            "What is timed is a compiled step. Received: a model with run_eagerly=True. Compile it without."
        )
    if model.distribute_strategy.num_replicas_in_sync > 1:
        replicas = model.distribute_strategy.num_replicas_in_sync
        raise ValueError(
            f"The step is timed on one device. Received: a model that is distributed over {replicas}. Build it outside "
            "the strategy."
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


class _Stand:
    """Where the training step of one model is timed with several settings.

    Args:
        model: The model, in a sandbox.
        batches: What it is trained on, again and again.
        rounds: How often each setting is timed.
        verbose: Whether it says how far it is.
    """

    def __init__(self, model: keras.Model, batches: Sequence[Batch], rounds: int, verbose: bool) -> None:
        self._model, self._batches, self._rounds, self._verbose = model, batches, rounds, verbose
        self._variables = variables_of(model)
        self._values = values_of(self._variables)
        self._rng = np.random.default_rng(0)

    def compare(self, settings: Sequence[SpeedSetting]) -> tuple[tuple[Timed, ...], Timed]:
        """Return how fast each is, and how fast the first, which must work, is when it is measured once more."""
        runs = [self._made(settings[0], must_work=True)]
        runs += [self._made(setting) for setting in (*settings[1:], settings[0])]
        seconds = np.full((len(runs), self._rounds), np.nan)
        for number in range(self._rounds):
            for place in self._rng.permutation(len(runs)):
                if not runs[place].failure:
                    self._restore()
                    seconds[place, number] = runs[place].time()
        timed = [Timed(run.setting, own, run.first_call, run.failure) for run, own in zip(runs, seconds, strict=True)]
        return tuple(timed[:-1]), timed[-1]

    def _restore(self) -> None:
        put_values(self._variables, self._values)

    def _made(self, setting: SpeedSetting, must_work: bool = False) -> "_TimedStep":
        self._restore()
        run = _TimedStep(self._model, self._batches, setting)
        try:
            run.begin(self._model)
        except Exception as error:  # of XLA, where it cannot compile a step
            if must_work:
                raise
            run.failure = f"fails: {type(error).__name__}: {keras_private.first_sentence(error)}"[:200]
        if self._verbose:
            say(f"{name_of(setting)}: {run.failure or f'compiled in {run.first_call:.2g} s'}")
        return run


class _TimedStep:
    """The compiled training step of a model with one setting, and its data."""

    def __init__(self, model: keras.Model, batches: Sequence[Batch], setting: SpeedSetting) -> None:
        self.setting, self.failure, self.first_call, self._calls = setting, "", math.nan, 1
        joined = setting.batch_size // _batches.examples_of(batches[0])
        self._data = backend.repeated([keras.utils.pack_x_y_sample_weight(*batch) for batch in batches], joined)
        self._step: Callable[[Any], Any] = model.train_function

    def begin(self, model: keras.Model) -> None:
        """Trace and compile the step, and find out how often it runs in a round."""
        with ExitStack() as exits:
            for name in ("jit_compile", "steps_per_execution", "train_function"):
                exits.callback(setattr, model, name, getattr(model, name))
            for leaf in keras_private.leaves_of(model) if self.setting.policy else ():
                exits.callback(setattr, leaf, "dtype_policy", leaf.dtype_policy)
                leaf.dtype_policy = self.setting.policy
            model.jit_compile, model.steps_per_execution = self.setting[:2]
            model.make_train_function(force=True)
            self._step = model.train_function
            self.first_call = self._seconds()
        self._calls = max(1, math.ceil(SECONDS / max(self._seconds(), 1e-6)))

    def time(self) -> float:
        """Return the seconds of a step, of some steps."""
        return self._seconds() / (self._calls * self.setting.steps_per_execution)

    def _seconds(self) -> float:
        begun = time.perf_counter()
        for _ in range(self._calls):
            logs = self._step(self._data)
        keras.tree.map_structure(np.asarray, logs)  # which waits for the device
        return time.perf_counter() - begun
