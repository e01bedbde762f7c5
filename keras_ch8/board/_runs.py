"""Which folder of a log_dir a run is written to, and the lock that says that it has a writer.

Steps that go back make TensorBoard's fast loader delete the later points of the series. So a run goes on in a folder
only where that folder ended before it. Of two writers in one folder, one loses its points: hence the lock. It is one of
the operating system, which frees it when the process dies, however that happens; the file in which it is stays.
"""

import contextlib
import itertools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import filelock
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
from tensorboard.compat import tf

NAME = "optimization"
LOCK = "writer.lock"

_kept: list[filelock.BaseFileLock] = []
"""Locks that this process has. One that nobody keeps is given free, and in a fork of this process it would be ours."""


@dataclass
class RunFolder:
    """A folder with what was written there before: the last step of its scalars, and of each series."""

    folder: str
    end: int = -1
    last: dict[str, int] = field(default_factory=dict)


def choose(log_dir: str, first_step: int) -> tuple[RunFolder, "Lock | None"]:
    """Return the run that goes on at `first_step`, created if it is new, and its lock.

    It is the free one that ended nearest before `first_step`, else a new one. File systems that are reached by a
    protocol ("gs://...") have no lock.
    """
    runs = [_read(folder) for folder in itertools.takewhile(tf.io.gfile.exists, _folders(log_dir))]
    before = sorted((run for run in runs if run.end < first_step), key=lambda run: run.end, reverse=True)
    new = (RunFolder(folder) for folder in itertools.islice(_folders(log_dir), len(runs), None))
    for run in itertools.chain(before, new):
        tf.io.gfile.makedirs(run.folder)
        if "://" in log_dir:
            return run, None
        if lock := Lock.take(run.folder):
            return run, lock
    raise AssertionError("there is always a next folder")


TEXTS = (".jsonl", ".csv")
"""Endings of files beside the event files, which grow with them."""


def sizes_of(folder: str) -> dict[str, int]:
    """Return the bytes of all files of a run that grow, by their names."""
    names = [name for name in tf.io.gfile.listdir(folder) if "tfevents" in name or name.endswith(TEXTS)]
    return {name: int(tf.io.gfile.stat(os.path.join(folder, name)).length) for name in names}


def go_back(folder: str, sizes: Mapping[str, int]) -> "Lock | None":
    """Make the files of a run again what they were when they had these sizes, and return its lock.

    What was appended is cut off, and event files that came later go, so that nothing stands there twice when it is
    written again. A file that is shorter than it was, as after the machine has lost its power, stays as it is.

    Raises:
        OSError: If the folder is gone, another writer has it, or its file system cannot do that.
    """
    if "://" in folder:
        raise OSError("its file system cannot shorten files")
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"{folder!r} is gone")
    lock = Lock.take(folder)
    if lock is None:
        raise OSError("another training writes there")
    for name, size in sizes_of(folder).items():
        path = os.path.join(folder, name)
        if name not in sizes and "tfevents" in name:
            os.unlink(path)
        elif size > sizes.get(name, size):
            os.truncate(path, sizes[name])
    return lock


def _folders(log_dir: str) -> Iterator[str]:
    yield os.path.join(log_dir, NAME)
    for number in itertools.count(2):
        yield os.path.join(log_dir, f"{NAME}_{number}")


def _read(folder: str) -> RunFolder:
    """Read what a folder holds; a last record that was cut short is passed over."""
    run = RunFolder(folder)
    names = [name for name in tf.io.gfile.listdir(folder) if "tfevents" in name]
    for name in sorted(names):
        for event in LegacyEventFileLoader(os.path.join(folder, name)).Load():
            for value in event.summary.value:
                run.last[value.tag] = max(run.last.get(value.tag, -1), event.step)
                if value.HasField("simple_value"):
                    run.end = max(run.end, event.step)
    return run


class Lock:
    """The lock of a folder, held until `release` or the death of the process, of which the system knows.

    Where the file system has no locks, there is none: as with one that is reached by a protocol.
    """

    def __init__(self, lock: filelock.BaseFileLock) -> None:
        self._lock, self._process = lock, os.getpid()

    @classmethod
    def take(cls, folder: str) -> "Lock | None":
        """Return the lock of an existing folder, or None if a living writer has it."""
        lock = filelock.FileLock(os.path.join(os.path.realpath(folder), LOCK), timeout=0, thread_local=False)
        try:
            lock.acquire()
        except filelock.Timeout:
            return None
        except NotImplementedError:  # no locks here
            pass
        _kept.append(lock)
        return cls(lock)

    def release(self) -> None:
        """Give the folder free, unless this is a fork of the process that has the lock."""
        if os.getpid() == self._process:
            self._lock.release()
            with contextlib.suppress(ValueError):
                _kept.remove(self._lock)
