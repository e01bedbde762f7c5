"""One training of a comparison: what is measured after each epoch, and how long it took to get there."""

import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from .. import _batches, _objects, data
from .._sandbox import generators_kept
from .._types import Data, Logs
from ..integration import keras_private
from ._candidates import Candidate


@dataclasses.dataclass(frozen=True)
class Problem:
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


def timed_run(problem: Problem, candidate: Candidate, setting: Mapping[str, float], seed: int) -> TimedRun:
    """Train a new model by a candidate with this setting, and measure it after each epoch."""
    with generators_kept():
        keras.utils.set_random_seed(seed)
        model = _objects.made_by("model_factory", problem.model_factory)
        clock = _Clock(problem)
        clock.measure(model)  # traces it, which is not counted
        optimizer = candidate.new(setting)
        size = candidate.batch_size_of(optimizer, problem.batch_size, _batches.examples_of(problem.data[0]))
        source = data.ArraySource(*problem.data, batch_size=size, seed=seed)
        clock.batches = len(source)
        clock.go()
        keras_private.set_optimizer(model, optimizer)
        model.fit(source, epochs=problem.epochs, callbacks=[clock], verbose=0)
    of_time = np.array(clock.seconds).reshape(-1, 2).T
    return TimedRun(seed, np.array(clock.steps), np.array(clock.values), *of_time)


class _Clock(keras.callbacks.Callback):
    """Measures after each epoch, and stops the time meanwhile; ends a training that has diverged."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self._problem = problem
        self.batches = 0
        self.steps: list[int] = []
        self.values: list[float] = []
        self.seconds: list[np.ndarray] = []
        self._spent = np.zeros(2)
        self._since = np.zeros(2)

    def go(self) -> None:
        """Let the time run."""
        self._since = _now()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Measure, and note it."""
        self._spent = self._spent + _now() - self._since
        value = self.measure(self.model)
        has_diverged = not (math.isfinite(value) and math.isfinite(float((logs or {}).get("loss", 0.0))))
        if has_diverged:
            value = math.inf if self._problem.lower_is_better else -math.inf
            self.model.stop_training = True
        self.steps.append((epoch + 1) * self.batches)
        self.values.append(value)
        self.seconds.append(self._spent)
        self.go()

    def measure(self, model: keras.Model) -> float:
        """Return what is compared, as the model is now."""
        return float(measured(model, self._problem.measured_on)[self._problem.metric])


def measured(model: keras.Model, arrays: tuple[Data, Data, Data]) -> dict[str, Any]:
    """Return what `evaluate` reports."""
    x, y, weight = arrays
    size = min(1024, _batches.examples_of(x))
    found: dict[str, Any] = model.evaluate(x, y, sample_weight=weight, batch_size=size, verbose=0, return_dict=True)
    return found


def _now() -> np.ndarray:
    return np.array([time.process_time(), time.perf_counter()])
