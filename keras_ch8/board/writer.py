"""Writes one run for TensorBoard, and never stops the training."""

import os
import time
import warnings
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

from tensorboard.compat import tf
from tensorboard.compat.proto import event_pb2, summary_pb2

from .. import _net
from . import _run_files
from ._run_files import EventFile, Lock, RunFolder
from .tags import RECORD, Tag
from .window import Point


class RunListener(Protocol):
    """Gets all that is written of a run: see `RunWriter.add_listener`. None of this raises."""

    def describe(self, name: str, description: str) -> None:
        """Take what a series says of itself, before its first point."""

    def points(self, points: Sequence[Point]) -> None:
        """Take points of several steps."""

    def record(self, text: str) -> None:
        """Take the newest record, as JSON."""

    def flush(self) -> None:
        """Bring what came to the disk, if it writes files."""

    def close(self, is_whole: bool = True) -> None:
        """Know that nothing more comes, and whether all was written."""


class RunPosition(NamedTuple):
    """Where a run is, once all of it is on the disk.

    Args:
        folder: Name of its folder.
        files: Size of each file in it; none where nothing was written, or no more.
        last: The last step of each series.
    """

    folder: str
    files: dict[str, int]
    last: dict[str, int]


class RunWriter:
    """One run of TensorBoard, made by `RunWriter.open`: a folder `optimization` beside Keras's own `train`.

    Once it is open nothing raises: where the disk fails, one warning says so, and what comes later is dropped.
    """

    def __init__(self, run: RunFolder, file: EventFile | None, lock: Lock | None) -> None:
        self.folder = run.folder
        self._file: Any = file
        self._steps = Steps(run.last)
        self._described: set[str] = set()
        self._declared: dict[str, Tag] = {}
        self._listeners: list[tuple[_net.Net, RunListener]] = []
        self._described_to_listeners: set[str] = set()
        """Series of which the listeners have the description."""
        self.failed = file is None
        """Whether nothing is written any more, since that has failed, or at all."""
        self._net = _net.Net("What writes curves for TensorBoard")
        self._finish = weakref.finalize(self, _finish, file, lock)

    @classmethod
    def open(cls, log_dir: str, first_step: int) -> "RunWriter":
        """Open the run that starts at `first_step`.

        It is `<log_dir>/optimization`. Where that has a later step already, or a writer, it is `optimization_2` and
        so on. A run that ended just before `first_step` goes on.

        Raises:
            OSError: if nothing can be written there.
        """
        lock = None
        try:
            run, lock = _run_files.choose(os.fspath(log_dir), first_step)
            return cls(run, EventFile(run.folder), lock)
        except Exception as error:  # TensorFlow's or the system's
            if lock:
                lock.release()
            raise OSError(
                "`log_dir` is where the files for TensorBoard go, so it must be a folder that can be written. "
                f"Received: log_dir={log_dir!r}, which fails with {type(error).__name__}: {error}. Pass another "
                "folder, or make this one writable."
            ) from error

    @classmethod
    def silent(cls, log_dir: str) -> "RunWriter":
        """Return one that takes everything and writes nothing, as for a worker that is not the chief."""
        return cls(RunFolder(os.path.join(os.fspath(log_dir), _run_files.NAME)), None, None)

    @classmethod
    def resume(cls, log_dir: str, position: RunPosition, first_step: int) -> "RunWriter":
        """Go on in the folder of a run as it was at a position; what was written there since then goes.

        Where that folder is gone, or another writer has it, a warning says so, and a new run begins.

        Raises:
            OSError: If nothing can be written there.
        """
        if not position.files:
            return cls.open(log_dir, first_step)
        lock, folder = None, os.path.join(os.fspath(log_dir), position.folder)
        try:
            lock = _run_files.go_back(folder, position.files)
            return cls(RunFolder(folder, last=dict(position.last)), EventFile(folder), lock)
        except Exception as error:
            if lock:
                lock.release()
            warnings.warn(
                f"The run {position.folder!r} for TensorBoard cannot continue in {os.fspath(log_dir)!r}, so a new one "
                f"starts there: {error}.",
                RuntimeWarning,
                stacklevel=2,
            )
        return cls.open(log_dir, first_step)

    def position(self) -> RunPosition:
        """Bring all to the disk, and return where the run is: what `resume` goes back to."""
        self.flush()
        self._notify("flush")
        files = {} if self.failed else _run_files.sizes_of(self.folder)
        return RunPosition(os.path.basename(self.folder), files, self._steps.last())

    def declare(self, tags: Iterable[Tag]) -> None:
        """Let the scalars of these tags have their descriptions; those of the suite have theirs."""
        self._declared |= {tag.name: tag for tag in tags}

    def add_listener(self, listener: RunListener) -> None:
        """Pass on to a listener the scalars, their descriptions and the records too, so that it need not read them.

        It gets them all the same where the disk fails. The run is closed for listeners in the order in which they came.
        """
        self._listeners.append((_net.Net(f"`{type(listener).__name__}`, which listens to the run,"), listener))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Write scalars by name; one whose step is not above the last of its series is dropped, with one warning."""
        self.points([(step, values)])

    def points(self, points: Iterable[tuple[int, Mapping[str, float]]]) -> None:
        """Write the scalars of several steps, as `scalars` does."""
        self._net.attempt(partial(self._write_points, points))

    def _write_points(self, points: Iterable[tuple[int, Mapping[str, float]]]) -> None:
        new: list[Point] = []
        for step, values in points:
            kept = self._steps.forward(step, values)
            new.append((step, {name: value for name, value in values.items() if name in kept}))
        names = {name for _, values in new for name in values}
        for name in sorted(names - self._described_to_listeners):
            self._notify("describe", name, _run_files.description(name, self._declared))
        self._notify("points", new)
        self._described_to_listeners |= names
        build = partial(_run_files.scalars, described=self._described, declared=self._declared)
        self._write(*((step, partial(build, values)) for step, values in new if values))

    def text(self, tag: Tag, markdown: str, step: int) -> None:
        """Write a text in markdown at `step`, or at the first one after it that has none yet."""
        self._write((self._steps.free(step, tag.name), lambda: _run_files.text(tag, markdown)))

    def record(self, text: Callable[[], str], step: int) -> None:
        """Write the record of the run, JSON that `text` returns, at `step` or at the first one after it without one.

        It is on the disk at once: what it says may call for action.
        """
        try:
            said = text()
        except Exception as error:  # of what a callback puts in
            self._fail(error)
            return
        self._notify("record", said)
        self._write((self._steps.free(step, RECORD.name), lambda: _run_files.record(RECORD, said)))
        self._attempt(lambda: self._file.flush_soon())

    def lines(self, name: str, lines: Iterable[str]) -> None:
        """Append lines to a text file of this name, beside the event file."""

        def append() -> None:
            with tf.io.gfile.GFile(os.path.join(self.folder, name), "a") as file:
                file.write("".join(f"{line}\n" for line in lines))

        self._attempt(append)

    def flush(self) -> None:
        """Wait until everything is on the disk, but not for ever."""
        self._attempt(lambda: self._file.flush())

    def close(self) -> None:
        """Flush, close and give the folder free; also happens when the writer or the process ends."""
        if error := self._finish():
            self._fail(error)
        self._notify("close", not self.failed)
        self._listeners = []

    def _notify(self, what: str, *args: Any) -> None:
        """Call a method of each listener that has not failed."""
        for its_net, listener in self._listeners:
            its_net.attempt(partial(getattr(listener, what), *args))

    def _write(self, *events: tuple[int, Callable[[], summary_pb2.Summary]]) -> None:
        now = time.time()
        self._attempt(
            lambda: self._file.write(*(event_pb2.Event(wall_time=now, step=s, summary=build()) for s, build in events))
        )

    def _attempt(self, action: Callable[[], None]) -> None:
        if not self.failed:
            try:
                action()
            except Exception as error:  # a training of days is worth more than its charts
                self._fail(error)

    def _fail(self, error: Exception) -> None:
        if self.failed:
            return
        self.failed = True
        warnings.warn(
            f"Writing for TensorBoard has stopped in {self.folder!r}, but training continues: {type(error).__name__}: "
            f"{error}. The last seconds may be lost, too.",
            RuntimeWarning,
            stacklevel=2,
        )


class Steps:
    """The last step of each series of a run.

    Steps go forward: TensorBoard's fast loader deletes all later points of a series whose step goes back.
    """

    def __init__(self, last: dict[str, int]) -> None:
        self._last = last
        self._warned = False

    def __contains__(self, name: str) -> bool:
        return name in self._last

    def last(self) -> dict[str, int]:
        """Return the last step of each series."""
        return {name: int(step) for name, step in self._last.items()}

    def forward(self, step: int, names: Iterable[str]) -> set[str]:
        """Return the names for which `step` is new, which it is no more after this; warn of others once."""
        names = set(names)
        kept = {name for name in names if self._last.get(name, -1) < step}
        if kept != names and not self._warned:
            self._warned = True
            name = min(names - kept)
            warnings.warn(
                f"The steps of a TensorBoard run must increase, so some points are dropped. Received: {name!r} at step "
                f"{step}, after step {self._last[name]}. To restart a run, open a writer with first_step={step}.",
                RuntimeWarning,
                stacklevel=2,
            )
        self._last.update(dict.fromkeys(kept, step))
        return kept

    def free(self, step: int, name: str) -> int:
        """Return `step`, or the first one after it that is new for this series; it is no more after this."""
        self._last[name] = max(step, self._last.get(name, -1) + 1)
        return self._last[name]


def _finish(file: EventFile | None, lock: Lock | None) -> Exception | None:
    """Close the file and give the folder free; return what went wrong."""
    try:
        if file is not None:
            file.close()
    except Exception as error:
        return error
    finally:
        if lock:
            lock.release()
    return None
