"""The files of one training, of one worker or several: the newest few states, each whole, written off its thread."""

import contextlib
import os
import re
import signal
import threading
import warnings
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, NoReturn

import filelock

from .. import _arrays_file
from .._describe import short
from ..integration import backend

NAME = re.compile(r"state-(\d{6,})\.npz")
PROBE = f"can-be-written{_arrays_file.ENDING}"
"""Written and removed, to see that the folder can be written."""
HALF_WRITTEN = re.compile(rf"{NAME.pattern}{re.escape(_arrays_file.ENDING)}|{re.escape(PROBE)}")
"""What a process that has died may leave; anything else in the folder is the user's."""
DAMAGED = ".damaged"
"""Behind the name of a file that could not be read, so that it is not read again."""


class StoredState(NamedTuple):
    """A state that was read.

    Args:
        number: States are counted from 1.
        content: What was written, as plain data.
    """

    number: int
    content: dict[str, Any]


class Folder:
    """The folder in which a training keeps its newest states.

    Args:
        directory: Its path; it is made if it is not there.
        keep: How many of the newest states are kept.
    """

    def __init__(self, directory: str, keep: int) -> None:
        self.directory, self.keep = directory, keep
        self.number = 0
        """That of the newest state."""
        self._writer: ThreadPoolExecutor | None = None
        self._writing: Future[None] | None = None
        self._left: OSError | None = None
        """Why an old state is still there."""
        self._warned: set[str] = set()
        self._is_missing = False
        self._lock = filelock.FileLock(os.path.join(directory, "lock"))

    def prepare(self) -> None:
        """Make the folder, see that it can be written, keep others out, and remove what was left half written.

        Raises:
            OSError: If it cannot be written; with its path and the number of the system's error.
            ValueError: If another training is using it.
        """
        try:
            os.makedirs(self.directory, exist_ok=True)
            probe = os.path.join(self.directory, PROBE)
            try:
                with open(probe, "wb") as file:
                    file.write(b"yes")
            finally:
                with contextlib.suppress(OSError):  # where it was not made, what has failed is reported
                    os.remove(probe)
        except OSError as error:
            raise OSError(
                error.errno,
                "`directory` of `Resume` must be a writable folder. Received one that fails with "
                f"{type(error).__name__} ({error.strerror}). Pass another folder, or make this one writable",
                self.directory,
            ) from error
        try:
            self._lock.acquire(timeout=0)  # which the system gives free when a process dies
        except filelock.Timeout as error:
            raise ValueError(
                f"`directory` of `Resume` is for one training at a time. Received: {self.directory!r}, which another "
                "training is using now. Wait for it, or pass another folder."
            ) from error
        for name in os.listdir(self.directory):
            path = os.path.join(self.directory, name)
            if HALF_WRITTEN.fullmatch(name) and not os.path.isdir(path):
                os.remove(path)
        self.number = max(self._numbers(), default=0)

    def newest(self, unfinished: bool = False, up_to: int | None = None) -> StoredState | None:
        """Return the newest state that is whole; None where there is none.

        Args:
            unfinished: Whether the state at the end of a training is left out.
            up_to: The number of the newest that may be returned; None for any.

        Raises:
            ValueError: If there are states, and none is whole.
        """
        numbers = [number for number in self._numbers() if up_to is None or number <= up_to]
        failures = []
        for number in reversed(numbers):
            path = self._path(number)
            try:
                found = StoredState(number, _arrays_file.read(path))
            except ValueError as error:
                failures.append(f"{path!r}: {error}")
                continue
            if failures:
                warnings.warn(
                    "The newest state of the training is damaged, so training resumes from the one before it. "
                    f"{'; '.join(failures)}. The damaged one is kept with the suffix {DAMAGED!r}.",
                    RuntimeWarning,
                    stacklevel=2,
                )
                for later in (n for n in numbers if n > number):
                    os.replace(self._path(later), self._path(later) + DAMAGED)
            if not (unfinished and found.content.get("has_ended")):
                return found
        if failures:
            raise ValueError(
                f"`Resume` found no intact state in its `directory`. Received: {'; '.join(failures)}. Restore one from "
                "a copy, or delete them to start from scratch."
            )
        return None

    def forget_after(self, number: int) -> None:
        """Remove the states after one with which the training goes on."""
        for later in self._numbers():
            if later > number:
                os.remove(self._path(later))
        self.number = number

    @property
    def is_writing(self) -> bool:
        """Whether the last state is still being written."""
        return self._writing is not None and not self._writing.done()

    def write(self, content: Mapping[str, Any]) -> None:
        """Begin to write a state. Where the disk fails, one warning says so, and the next one is tried again."""
        self.wait()
        if self._writer is None:
            self._writer = ThreadPoolExecutor(1, "keras_ch8 writes a state")
        self.number += 1
        self._writing = self._writer.submit(self._write, self._path(self.number), content)

    def wait(self) -> bool:
        """Wait until the last state is written, or has failed; return whether it is there."""
        writing, self._writing = self._writing, None
        if writing is None:
            return True
        try:
            writing.result()
        except (OSError, MemoryError) as error:
            self._is_missing = not os.path.isdir(self.directory)
            self.report(error)
            return False
        if self._left is not None:
            self._warn_once(
                f"Old states of the training cannot be removed from {self.directory!r}, but training continues: "
                f"{type(self._left).__name__}: {self._left}. Make sure that the disk does not fill up, or pass a "
                "folder from which files can be removed."
            )
        return True

    def close(self) -> None:
        """Wait for the last state, and end the thread."""
        self.wait()
        if self._writer is not None:
            self._writer.shutdown()
            self._writer = None
        self._lock.release()

    def _write(self, path: str, content: Mapping[str, Any]) -> None:
        if self._is_missing:
            os.makedirs(self.directory, exist_ok=True)
        _arrays_file.write(path, content)
        for old in self._numbers()[: -self.keep]:
            try:
                os.remove(self._path(old))
            except FileNotFoundError:
                pass
            except OSError as error:
                self._left = error

    def report(self, error: Exception) -> None:
        """Warn that a state was not written, once for each kind of failure."""
        said = f"{type(error).__name__}: {error}".removesuffix(": ")
        self._warn_once(
            f"The state of the training could not be saved in {self.directory!r}, but training continues: {said}. "
            "Earlier states are kept, and the next one will be tried again.",
            type(error).__name__,
        )

    def _warn_once(self, text: str, kind: str = "left") -> None:
        if kind not in self._warned:
            self._warned.add(kind)
            warnings.warn(text, RuntimeWarning, stacklevel=2)

    def _path(self, number: int) -> str:
        return os.path.join(self.directory, f"state-{number:06d}.npz")

    def _numbers(self) -> list[int]:
        found = (NAME.fullmatch(name) for name in os.listdir(self.directory))
        return sorted(int(match[1]) for match in found if match)


# --- what the workers that train one model together agree on ---------------------------------------------------------


OF_WORKER = re.compile(r"worker-\d+-of-(\d+)")
NONE, NONE_WHOLE = 0, -1
"""Said in the place of the number of a state."""


class Workers:
    """The workers that train one model together, as one of them: each keeps its own states, of the same batches.

    What differs between workers (metrics, statistics that are not synchronized, generators of random numbers) so comes
    back to the worker that had it, and the folder need not be shared by their machines.

    Args:
        strategy: The one in whose scope the model was made.
    """

    def __init__(self, strategy: Any) -> None:
        self._strategy = strategy
        self.count = backend.workers(strategy)
        self.number = backend.worker_number(strategy)

    @property
    def are_several(self) -> bool:
        """Whether there is more than this one."""
        return self.count > 1

    def check(self, every: int | str, unit: str, keep: int) -> None:
        """Check that all of several workers take their states at the same batches, and have one in common at any time.

        Raises:
            ValueError: If they do not.
        """
        if self.are_several and unit == "s":
            raise ValueError(
                "Several workers must save their states at the same batch, but their clocks differ. Received: "
                f'every={short(every)}, seconds. Pass batches or epochs, such as every="500ba".'
            )
        if self.are_several and keep == 1:
            raise ValueError(
                "Each of several workers must keep two states, because another one may not have saved the newest yet. "
                "Received: keep=1. Pass keep=2."
            )

    def folder_in(self, directory: str) -> str:
        """Return where this worker keeps its states: in a folder of its own, if there are several.

        Raises:
            ValueError: If another number of workers has left states there.
        """
        left = os.listdir(directory) if os.path.isdir(directory) else []
        counts = {int(match[1]) for match in map(OF_WORKER.fullmatch, left) if match}
        counts |= {1 for name in left if NAME.fullmatch(name)}
        if others := sorted(counts - {self.count}):
            raise ValueError(
                f"`Resume` needs as many workers as have written the states. Received: {self.count} of them, and in "
                f"{directory!r} the states of {others[0]}. Start as many, or pass another `directory` to start from "
                "scratch."
            )
        return os.path.join(directory, f"worker-{self.number}-of-{self.count}") if self.are_several else directory

    def any_says(self, yes: bool) -> bool:
        """Whether a worker says yes; each has to call this at the same batch."""
        return any(self._said_by_all(int(yes)))

    def newest(self, folder: Folder, unfinished: bool = False) -> StoredState | None:
        """Return the newest state that every worker has whole; None if the training has not got to its second one.

        Each worker says the number of its newest, and looks for an older one until all say the same.

        Raises:
            ValueError: If there is none that all have.
        """
        if not self.are_several:
            return folder.newest(unfinished)
        up_to = None
        while True:
            failure = None
            try:
                found = folder.newest(unfinished, up_to)
                number = NONE if found is None else found.number
            except ValueError as error:
                failure, number = error, NONE_WHOLE
            said = self._said_by_all(number)
            up_to = min(said)
            if up_to == max(said) != NONE_WHOLE:
                folder.forget_after(up_to)  # what not all have is trained again
                return found
            if sorted(set(said)) == [NONE, 1] and not unfinished:  # they died while they wrote the first one
                folder.forget_after(NONE)
                return None
            if up_to <= NONE:
                words = {NONE: "none", NONE_WHOLE: "damaged ones only"}
                raise ValueError(
                    "Workers resume from a state that all of them have. Received: "
                    + ", ".join(f"worker {i} with {words.get(n, f'state {n}')}" for i, n in enumerate(said))
                    + f" (this is worker {self.number}, with the folder {folder.directory!r}). If their machines do "
                    "not share `directory`, each must find what it wrote: restore that, or delete everything to "
                    "start from scratch."
                ) from failure

    def _said_by_all(self, number: int) -> list[int]:
        return backend.gathered_from_workers(number, self._strategy) if self.are_several else [number]


# --- SIGTERM, which rented machines send before they are taken away --------------------------------------------------


STATUS = 128 + signal.SIGTERM
"""With this a process ends that has been asked to, as shells count."""


class Sigterm:
    """Notes SIGTERM, instead of letting it end the process at once.

    It does so from `listen` on until `exits` ends, in the main thread, where Python lets signals be noted; somebody who
    ignores the signal goes on ignoring it.

    Args:
        came: Whether the signal has come.
    """

    def __init__(self) -> None:
        self.came = False
        self._previous: Any = signal.SIG_DFL

    def listen(self, exits: contextlib.ExitStack) -> None:
        """Note the signal until `exits` ends."""
        previous = signal.getsignal(signal.SIGTERM)
        if threading.current_thread() is not threading.main_thread() or previous is signal.SIG_IGN:
            return
        self._previous = signal.SIG_DFL if previous is None else previous
        signal.signal(signal.SIGTERM, self._note)
        exits.callback(signal.signal, signal.SIGTERM, self._previous)

    def _note(self, number: int, frame: Any) -> None:
        self.came = True

    def end(self) -> NoReturn:
        """Let whoever listened before know, and end the process; `with` blocks and `atexit` close what is open."""
        if callable(self._previous):
            self._previous(signal.SIGTERM, None)
        raise SystemExit(STATUS)
