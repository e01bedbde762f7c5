"""Runs the trainings that choose: each once, one after another here or several at once in processes of their own."""

import multiprocessing
import os
import pickle
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import connection
from typing import Any, Generic, TypeVar

import keras

from .._describe import short
from .._keeper import Keeper
from ..integration import keras_private

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
            "give workers=1."
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
            f"Whether more or less of {metric!r} is better is not known. Received: mode={short(mode)}. Give "
            "mode='max' or mode='min'."
        )
    return found
