"""The trainings of a comparison, one after another here or several at once in processes of their own."""

import contextlib
import dataclasses
import multiprocessing
import os
import pickle
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import connection
from typing import Any, NamedTuple

import keras

from ..callbacks.base import say
from ..integration import keras_private
from ._candidates import Candidate
from ._kept_runs import KeptRuns
from ._timed_run import Problem, TimedRun, timed_run


class Job(NamedTuple):
    """One training: of which candidate, with which setting and seed, and whether its time counts."""

    candidate: str
    setting: dict[str, float]
    seed: int
    counts: bool = False


class Jobs:
    """Runs trainings, unless they are kept from another time; shows how far it is.

    Args:
        problem: What they have in common.
        candidates: The candidates by their names.
        kept: Where they are kept.
        workers: Processes that train at once.
        verbose: As for `compare`.
    """

    def __init__(
        self, problem: Problem, candidates: Mapping[str, Candidate], kept: KeptRuns, workers: int, verbose: int
    ) -> None:
        self.problem = problem
        self._shared = problem, dict(candidates)
        self._kept, self._workers, self._verbose = kept, workers, verbose
        self._pool: ProcessPoolExecutor | None = None
        self._bar = keras.utils.Progbar(0, unit_name="training") if verbose == 1 and sys.stdout.isatty() else None

    def expect(self, number: int) -> None:
        """Let the bar know of so many trainings more."""
        if self._bar is not None:
            self._bar.target += number

    def run(self, jobs: Sequence[Job]) -> list[TimedRun]:
        """Return the trainings in the order of the jobs."""
        kept = {place: self._kept.load(job) for place, job in enumerate(jobs)}
        done = {place: TimedRun(**fields) for place, fields in kept.items() if fields is not None}
        for place in done:
            self._tell(jobs[place], done[place])
        for place, run in self._trained({place: job for place, job in enumerate(jobs) if place not in done}):
            if not run.error:  # which is tried again another time
                self._kept.save(jobs[place], run)
            self._tell(jobs[place], run)
            done[place] = run
        return [done[place] for place in range(len(jobs))]

    def _trained(self, jobs: Mapping[int, Job]) -> Iterator[tuple[int, TimedRun]]:
        if self._workers == 1 or not jobs:
            yield from ((place, trained(*self._shared, job)) for place, job in jobs.items())
            return
        if self._pool is None:
            self._pool = _pool(self._workers, self._shared)
        futures: dict[Future[TimedRun], int] = {
            self._pool.submit(_in_worker, job): place for place, job in jobs.items()
        }
        for future in as_completed(futures):
            yield futures[future], future.result()

    def _tell(self, job: Job, run: TimedRun) -> None:
        if self._bar is not None:
            self._bar.add(1)
        if self._verbose == 2:
            setting = "".join(f", {name} {value:.3g}" for name, value in job.setting.items())
            say(f"{job.candidate}{setting}, seed {job.seed}: {self.problem.metric} {run.last:.4g}")

    def __enter__(self) -> "Jobs":
        return self

    def __exit__(self, *_: Any) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


_has_trained = False
"""Whether this process has trained before: the first training of a process starts threads, libraries and compilers."""


def trained(problem: Problem, candidates: Mapping[str, Candidate], job: Job) -> TimedRun:
    """Return a training; one that ends in an error says so."""
    global _has_trained
    candidate = candidates[job.candidate]
    with contextlib.suppress(Exception):  # the training itself tells
        if job.counts and not _has_trained:
            timed_run(dataclasses.replace(problem, epochs=1), candidate, job.setting, job.seed)
    _has_trained = True
    try:
        return timed_run(problem, candidate, job.setting, job.seed)
    except Exception as error:  # of the candidate: the others go on
        said = f"{type(error).__name__}: {keras_private.first_sentence(error).rstrip('.')}"
        return TimedRun.failed(job.seed, problem.lower_is_better, said)


# --- processes -------------------------------------------------------------------------------------------------------

_shared: Any = None


def _pool(workers: int, shared: tuple[Problem, dict[str, Candidate]]) -> ProcessPoolExecutor:
    try:
        content = pickle.dumps(shared)
    except Exception as error:  # pickle raises many kinds
        raise TypeError(
            "With several `workers` each process is sent `model_factory` and the candidates, so these must be "
            f"functions defined at the top of a module. Received: one that cannot be sent ({error}). Move it there, or "
            "give workers=1."
        ) from error
    context = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
    return ProcessPoolExecutor(workers, context, _begin, (content,))


def _begin(content: bytes) -> None:
    """Take what all jobs share, and end when the process that asked for it has ended, even by `kill -9`."""
    global _shared
    _shared = pickle.loads(content)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


def _in_worker(job: Job) -> TimedRun:
    problem, candidates = _shared
    return trained(problem, candidates, job)
