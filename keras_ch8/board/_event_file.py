"""One event file, written by a thread of its own, so that a slow disk does not slow the training.

TensorBoard's own `EventFileWriter` is not used: once its thread has failed, it prints a traceback that nobody can
catch, and its `flush` and `close` wait for the disk without limit. Its `RecordWriter` takes the checksum of each record
byte by byte in Python, 3 us a scalar, where TensorFlow's takes 0.05.
"""

import contextlib
import itertools
import os
import queue
import socket
import threading
import time
from dataclasses import dataclass, field

from tensorboard.compat import tf
from tensorboard.compat.proto import event_pb2

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


class NoFile:
    """In the place of an event file where nothing is written."""

    def flush(self) -> None:
        """Do nothing."""

    def flush_soon(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


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
            item = self._next(due)
            late = time.monotonic() >= due
            due = time.monotonic() + FLUSH_SECONDS if late else due
            self._error = self._error or self._handle(item, late)
            last = _release(item)
        while not self._queue.empty():  # who puts a mark there from now on sees the error, and does not wait
            _release(self._queue.get())
        with contextlib.suppress(Exception):  # all was flushed, or the error is known
            self._records.close()

    def _next(self, due: float) -> list[bytes] | _Mark | None:
        try:
            return self._queue.get(timeout=max(0.0, due - time.monotonic()))
        except queue.Empty:
            return None

    def _handle(self, item: list[bytes] | _Mark | None, late: bool) -> Exception | None:
        try:
            for record in item if isinstance(item, list) else ():
                self._records.write(record)
            if late or isinstance(item, _Mark):
                self._flush()
        except Exception as error:  # TensorFlow's or the system's; raised where the caller can see it
            return error
        return None

    def _flush(self) -> None:
        self._records.flush()
        if not tf.io.gfile.exists(self._path):  # writing to a deleted file succeeds
            raise FileNotFoundError(f"{self._path} is gone")


def _release(item: list[bytes] | _Mark | None) -> bool:
    """Let go on who waits for a mark, and return whether it was the last one."""
    if isinstance(item, _Mark):
        item.done.set()
    return isinstance(item, _Mark) and item.last
