"""What a run is on the disk: a folder of the log_dir, with a lock that says that it has a writer, and an event file.

Steps that go back make TensorBoard's fast loader delete the later points of the series. So a run goes on in a folder
only where that folder ended before it. Of two writers in one folder, one loses its points: hence the lock. It is one of
the operating system, which frees it when the process dies, however that happens; the file in which it is stays.

The event file is written by a thread of its own, so that a slow disk does not slow the training. TensorBoard's own
`EventFileWriter` is not used: once its thread has failed, it prints a traceback that nobody can catch, and its `flush`
and `close` wait for the disk without limit. Its `RecordWriter` takes the checksum of each record byte by byte in
Python, 3 us a scalar, where TensorFlow's takes 0.05.
"""

import contextlib
import itertools
import os
import queue
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import filelock
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
from tensorboard.compat import tf
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.plugins.scalar import metadata as scalar_metadata
from tensorboard.plugins.text import metadata as text_metadata

from . import tags

FLUSH_SECONDS = 1.0
"""The longest time between two flushes: what a process that is killed may lose."""

PATIENCE = 30.0
"""Seconds that a caller waits for the disk, at most."""

QUEUE = 10_000
"""Calls of `write` that wait for the disk, at most."""

_numbers = itertools.count()


@dataclass
class _Mark:
    """A place in the queue: all that stands before it is to be on the disk, and `done` says that it is."""

    last: bool
    done: threading.Event = field(default_factory=threading.Event)


class EventFile:
    """A new event file in `folder`, which is created; raises at once if it cannot be written."""

    def __init__(self, folder: str) -> None:
        tf.io.gfile.makedirs(folder)
        # Readers take the files of a run in the order of their names, so the time is finer than TensorFlow's second.
        name = f"events.out.tfevents.{time.time():.6f}.{socket.gethostname()}.{os.getpid()}.{next(_numbers)}"
        self._path = os.path.join(folder, name)
        self._records = tf.io.TFRecordWriter(self._path)
        self._records.write(event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2").SerializeToString())
        self._flush()
        self._error: Exception | None = None
        self._queue: queue.Queue[list[bytes] | _Mark] = queue.Queue(QUEUE)
        self._worker = threading.Thread(target=self._work, name="keras_ch8 event file", daemon=True)
        self._worker.start()

    def write(self, *events: event_pb2.Event) -> None:
        """Queue events, all at once: to wake the thread costs more than to write; raises what went wrong earlier."""
        if events:
            self._put([event.SerializeToString() for event in events])

    def flush(self) -> None:
        """Wait until all that was queued is on the disk; raises what went wrong, or that it took too long."""
        self._wait(_Mark(last=False))

    def flush_soon(self) -> None:
        """Do as `flush` does, without waiting."""
        self._put(_Mark(last=False))

    def close(self) -> None:
        """Do as `flush` does, and close the file."""
        self._wait(_Mark(last=True))
        self._worker.join(PATIENCE)

    def _put(self, item: list[bytes] | _Mark) -> None:
        if not self._worker.is_alive() and not self._error:
            raise OSError("the file is closed, or this process was forked from the one that opened it")
        try:
            self._queue.put_nowait(item)
        except queue.Full:
            self._error = self._error or TimeoutError(f"{QUEUE} writes wait for the disk")
        if self._error:
            raise self._error

    def _wait(self, mark: _Mark) -> None:
        self._put(mark)
        if not mark.done.wait(PATIENCE):
            self._error = TimeoutError(f"the disk took more than {PATIENCE:g} s")
        if self._error:
            raise self._error

    def _work(self) -> None:
        """Write what comes, and flush every second, until the last mark or the first error."""
        due = time.monotonic() + FLUSH_SECONDS
        last = False
        while not last and not self._error:
            item: list[bytes] | _Mark = []
            with contextlib.suppress(queue.Empty):
                item = self._queue.get(timeout=max(0.0, due - time.monotonic()))
            late = time.monotonic() >= due
            due = time.monotonic() + FLUSH_SECONDS if late else due
            try:
                for record in item if isinstance(item, list) else ():
                    self._records.write(record)
                if late or isinstance(item, _Mark):
                    self._flush()
            except Exception as error:  # TensorFlow's or the system's; raised where the caller can see it
                self._error = self._error or error
            last = _release(item)
        while not self._queue.empty():  # who puts a mark there from now on sees the error, and does not wait
            _release(self._queue.get())
        with contextlib.suppress(Exception):  # all was flushed, or the error is known
            self._records.close()

    def _flush(self) -> None:
        self._records.flush()
        if not tf.io.gfile.exists(self._path):  # writing to a deleted file succeeds
            raise FileNotFoundError(f"{self._path} is gone")


def _release(item: list[bytes] | _Mark) -> bool:
    """Let go on who waits for a mark, and return whether it was the last one."""
    if isinstance(item, _Mark):
        item.done.set()
    return isinstance(item, _Mark) and item.last


# --- the values of an event, as TensorBoard's own plugins read them --------------------------------------------------


PLUGIN = "keras_ch8"
"""Name of the plugin that reads the records."""


def scalars(values: Mapping[str, float], described: set[str], declared: Mapping[str, tags.Tag]) -> summary_pb2.Summary:
    """Return a summary of scalars; those not yet in `described` carry their description, and are added to it.

    Those of the suite have it in `tags`, all others in `declared`. Edges of bands are tensors: what has a simple value
    is a chart, whatever plugin it says that it is of.
    """
    summary = summary_pb2.Summary()
    for name, value in values.items():
        if tags.is_edge(name):
            entry = summary.value.add(
                tag=name, tensor=tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, float_val=[value])
            )
        else:
            entry = summary.value.add(tag=name, simple_value=value)
        if name not in described:
            entry.metadata.CopyFrom(scalar_metadata.create_summary_metadata(name, description(name, declared)))
            entry.metadata.data_class = summary_pb2.DATA_CLASS_SCALAR
            if tags.is_edge(name):
                entry.metadata.plugin_data.plugin_name = tags.EDGES
            described.add(name)
    return summary


def description(name: str, declared: Mapping[str, tags.Tag]) -> str:
    """Return what a series says of itself."""
    return declared[name].description if name in declared else tags.describe(name)


def text(tag: tags.Tag, markdown: str) -> summary_pb2.Summary:
    """Return a summary of one markdown text."""
    metadata = text_metadata.create_summary_metadata(tag.name, tag.description)
    return _string(tag.name, metadata, markdown)


def record(tag: tags.Tag, json: str) -> summary_pb2.Summary:
    """Return a summary of one JSON object, for the plugin of the suite."""
    data = summary_pb2.SummaryMetadata.PluginData(plugin_name=PLUGIN)
    metadata = summary_pb2.SummaryMetadata(plugin_data=data, summary_description=tag.description)
    return _string(tag.name, metadata, json)


def _string(name: str, metadata: summary_pb2.SummaryMetadata, value: str) -> summary_pb2.Summary:
    metadata.data_class = summary_pb2.DATA_CLASS_TENSOR
    shape = tensor_shape_pb2.TensorShapeProto()  # a scalar
    tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=[value.encode()], tensor_shape=shape)
    return summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=name, metadata=metadata, tensor=tensor)])


# --- the folder of a run ---------------------------------------------------------------------------------------------


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

    What was appended is cut off, and files that came later go, so that nothing stands there twice when it is
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
        if name not in sizes:
            os.unlink(path)
        elif size > sizes[name]:
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
