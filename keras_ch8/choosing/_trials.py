"""Runs the trainings that choose: each once, one after another here or several at once in processes of their own."""

import math
import multiprocessing
import os
import pickle
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from multiprocessing import connection
from typing import Any, Generic, NamedTuple, TypeVar

import keras
import numpy as np
from keras.optimizers.schedules import LearningRateSchedule

from .._arrays_file import Keeper
from .._batches import Batch, examples_of
from .._describe import short
from .._sandbox import sandbox
from .._types import Tensor
from ..integration import backend, keras_private

Asked = TypeVar("Asked")
"""Which training: its `repr` tells it from all others, also in another process."""
Outcome = TypeVar("Outcome")
"""What came of it. To be kept it is a dataclass of arrays, numbers and dataclasses of these."""


class Trials(Generic[Asked, Outcome]):
    """Runs trainings, each of them once: what was run before, or is kept from another time, is not run again.

    Args:
        train: Runs a training. Where there are several workers, each is sent it.
        keeper: Where trainings are kept; `None` for nowhere.
        tell: Told each training that is done, also one that was kept.
        workers: Processes that train at once.
    """

    def __init__(
        self,
        train: Callable[[Asked], Outcome],
        keeper: Keeper | None = None,
        tell: Callable[[Asked, Outcome], None] | None = None,
        workers: int = 1,
    ) -> None:
        self.done: dict[str, tuple[Asked, Outcome]] = {}
        """What was asked, and what came of it, in the order in which it was done."""
        self._train, self._keeper, self._tell = train, keeper, tell
        self._workers, self._pool = workers, None if workers == 1 else _pool(workers, train)

    def run(self, asked: Sequence[Asked]) -> list[Outcome]:
        """Return what came of some trainings, in their order."""
        left = {key: each for each in asked if (key := repr(each)) not in self.done}
        for key, kept in [(key, self._keeper.load(key) if self._keeper else None) for key in left]:
            if kept is not None:
                self._add(key, left.pop(key), kept)
        for key, outcome in self._trained(left):
            if self._keeper is not None and not getattr(outcome, "error", ""):  # what has failed is tried again
                self._keeper.save(key, outcome)
            self._add(key, left[key], outcome)
        return [self.done[repr(each)][1] for each in asked]

    def one(self, asked: Asked) -> Outcome:
        """Return what came of one training."""
        return self.run([asked])[0]

    def _trained(self, left: Mapping[str, Asked]) -> Iterator[tuple[str, Outcome]]:
        if self._pool is None:
            yield from ((key, self._train(each)) for key, each in left.items())
            return
        futures: dict[Future[Outcome], str] = {self._pool.submit(_in_worker, each): key for key, each in left.items()}
        for future in as_completed(futures):
            yield futures[future], future.result()

    def _add(self, key: str, asked: Asked, outcome: Outcome) -> None:
        self.done[key] = asked, outcome
        if self._tell is not None:
            self._tell(asked, outcome)

    def __enter__(self) -> "Trials[Asked, Outcome]":
        return self

    def __exit__(self, *_: Any) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


# --- processes -------------------------------------------------------------------------------------------------------

_train: Callable[[Any], Any]
"""What a worker was sent."""


def _pool(workers: int, train: Callable[[Any], Any]) -> ProcessPoolExecutor:
    try:
        content = pickle.dumps(train)
    except Exception as error:  # pickle raises many kinds
        raise TypeError(
            "With several `workers` each process is sent `model_factory` and the candidates, so these must be "
            f"functions defined at the top of a module. Received: one that cannot be sent ({error}). Move it there, or "
            "pass workers=1."
        ) from error
    context = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
    return ProcessPoolExecutor(workers, context, _begin, (content,))


def _begin(content: bytes) -> None:
    """Take what all trainings share, and end when the process that asked for it has ended, even by `kill -9`."""
    global _train
    _train = pickle.loads(content)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


def _in_worker(asked: Any) -> Any:
    return _train(asked)


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
            f"Whether more or less of {metric!r} is better is unknown. Received: mode={short(mode)}. Pass mode='max' "
            "or mode='min'."
        )
    return found


# --- trainings of a model that is there ------------------------------------------------------------------------------


class Dial(LearningRateSchedule):
    """A learning rate that can be set between two steps."""

    def __init__(self) -> None:
        super().__init__()
        self._rate = backend.scalar(0.0, "float32")

    def assign(self, rate: float) -> None:
        """Set the rate."""
        self._rate.assign(rate)

    def get_config(self) -> dict[str, Any]:
        """Return nothing: it stands in an optimizer while this is tried, and what it is set to belongs to no config."""
        return {}

    def __call__(self, step: Tensor) -> Tensor:
        """Return the rate."""
        return backend.as_tensor(self._rate)


def dial_of(optimizer: keras.optimizers.Optimizer) -> Any:
    """Return what sets the rate of an optimizer between two steps: its variable or, for a schedule, a dial."""
    rate = keras_private.rate_of(optimizer)
    return Dial() if isinstance(rate, LearningRateSchedule) or callable(rate) else rate


AT_REST = 1e-30
"""A rate at which no weight moves: some optimizers of Keras do not accept 0."""


class StepsAt(NamedTuple):
    """A short training: one step at each rate, until a loss is above the limit or NaN."""

    rates: tuple[float, ...]
    limit: float = math.inf

    @classmethod
    def rest(cls, steps: int) -> "StepsAt":
        """Return one that stays at the start."""
        return cls((AT_REST,) * steps)


class ShortTrainings:
    """Short trainings of one model on the same batches, each in a sandbox; the training step is traced once for all.

    Args:
        model: A built model.
        data: Returns the batches, the same at each call.
    """

    def __init__(self, model: keras.Model, data: Callable[[], Iterable[Batch]]) -> None:
        self._model, self._data = model, data
        (self._optimizer,) = keras_private.optimizers_in(model.optimizer)
        self._dial = dial_of(self._optimizer)
        self._step: Callable[..., Tensor] | None = None

    def losses(self, asked: StepsAt) -> np.ndarray:
        """Take the steps, and return the loss of the next batch after each; fewer, where it has ended early."""
        losses: list[float] = []
        with sandbox(self._model) as model:
            if keras_private.rate_of(self._optimizer) is not self._dial:
                self._optimizer.learning_rate = self._dial
            model.steps_per_execution, model.train_function = 1, self._step
            rates = [*asked.rates, asked.rates[-1]]
            for (x, y, sample_weight), rate in zip(self._data(), rates, strict=False):
                self._dial.assign(rate)
                logs = model.train_on_batch(x, y, sample_weight=sample_weight, return_dict=True)
                losses.append(float(logs["loss"]))
                if not losses[-1] <= asked.limit:
                    break
            self._step = model.train_function
        return np.array(losses[1:])


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


class TimedStep:
    """The compiled training step of a model with one setting, and its data."""

    def __init__(self, model: keras.Model, batches: Sequence[Batch], setting: SpeedSetting) -> None:
        self.setting, self.failure, self.first_call, self._calls = setting, "", math.nan, 1
        joined = setting.batch_size // examples_of(batches[0])
        self._data = backend.repeated([keras.utils.pack_x_y_sample_weight(*batch) for batch in batches], joined)
        self._model = model
        self._step: Callable[[Any], Any] = model.train_function

    def begin(self, at_least: float) -> None:
        """Trace and compile the step, and find out how often it runs in a round of so many seconds."""
        model = self._model
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
        self._calls = max(1, math.ceil(at_least / max(self._seconds(), 1e-6)))

    def time(self) -> float:
        """Return the seconds of a step, of some steps."""
        return self._seconds() / (self._calls * self.setting.steps_per_execution)

    def _seconds(self) -> float:
        begun = time.perf_counter()
        for _ in range(self._calls):
            logs = self._step(self._data)
        keras.tree.map_structure(np.asarray, logs)  # which waits for the device
        return time.perf_counter() - begun
