"""Reads the event files of a folder, also of runs that are cut short, still written, or not of this package.

Of TensorBoard only the messages are imported: how they are framed in a file is read here, without TensorFlow.
"""

import contextlib
import os
import struct
from collections.abc import Iterable, Iterator
from typing import IO, Any

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

from ..board import tags
from .document import Document, Run, document, name_of, title_of

_HEADER = struct.Struct("<QI")
"""Of a record: its length, and the checksum of that."""
_CHECKSUM = 4
"""Bytes behind a record. They are not looked at: Python would need a second for 10 MB."""

_CUT, _DAMAGED = "it is cut short", "it is damaged, or no event file"


def read(log_dir: str | os.PathLike[str]) -> Document:
    """Return the document of all runs of this package below a folder; raises as `runs_below` does."""
    return document(title_of(os.fspath(log_dir)), list(runs_below(log_dir).values()))


def runs_below(log_dir: str | os.PathLike[str]) -> dict[str, Run]:
    """Return all runs of this package below a folder, by their folders.

    Raises:
        FileNotFoundError: If there is no such folder, or no run of this package in it.
    """
    log_dir = os.fspath(log_dir)
    if not (_gfile().isdir(log_dir) if _is_remote(log_dir) else os.path.isdir(log_dir)):
        raise FileNotFoundError(
            "`log_dir` must be a folder with runs, such as the `log_dir` of `keras_ch8.Doctor`. "
            f"Received: log_dir={log_dir!r}, which is not a folder. Pass the `log_dir` that the training wrote to."
        )
    folders = sorted(folder for folder, _, names in walk(log_dir) if any(map(_is_event_file, names)))
    found = ((folder, read_run(folder, name_of(os.path.relpath(folder, log_dir), log_dir))) for folder in folders)
    runs = {folder: run for folder, run in found if run.is_ours}
    if not runs:
        raise FileNotFoundError(
            "`log_dir` must hold a run that `keras_ch8.Doctor` has written. Received: "
            f"log_dir={log_dir!r}, with {len(folders)} folders of event files, none of them written by keras_ch8. Pass "
            f"`callbacks=[keras_ch8.Doctor({log_dir!r})]` to `fit`, or name the folder above."
        )
    return runs


def read_run(folder: str, name: str) -> Run:
    """Return what the event files of one folder say, in the order of their names, which is that of time."""
    run = Run(name)
    record, torn = b"", []
    for file in sorted(filter(_is_event_file, next(iter(walk(folder)))[2])):
        try:
            with opened(os.path.join(folder, file)) as bytes_of:
                size = bytes_of.size() if hasattr(bytes_of, "size") else os.fstat(bytes_of.fileno()).st_size
                for event in _events(bytes_of, size):
                    run.last_written = max(run.last_written, event.wall_time)
                    for value in event.summary.value:
                        _add(run, event.step, value)
                        if value.tag == tags.RECORD.name and value.tensor.string_val:
                            record = value.tensor.string_val[0]
        except (OSError, ValueError) as error:
            torn.append(f"Only a part of {file} can be read: {error}.")
    if record:
        run.record(record)
    if not run.is_live:  # the end of a file that is written right now may be on its way
        for problem in torn:
            run.problem(problem)
    return run


def _is_event_file(name: str) -> bool:
    return "tfevents" in name


def _events(file: IO[bytes], size: int) -> Iterator[event_pb2.Event]:
    """Yield the events of a file of so many bytes, which an event may claim to be longer than.

    Raises:
        ValueError: If the file is cut short, or is no event file, after what can be read.
    """
    while header := file.read(_HEADER.size):
        if len(header) < _HEADER.size:
            raise ValueError(_CUT)
        length, checksum = _HEADER.unpack(header)
        if masked_crc32c(header[:8]) != checksum:
            raise ValueError(_DAMAGED)
        event = file.read(length + _CHECKSUM) if length <= size else b""
        if len(event) < length + _CHECKSUM:
            raise ValueError(_CUT)
        try:
            found = event_pb2.Event.FromString(event[:-_CHECKSUM])
        except Exception as error:  # of a class without a public name
            raise ValueError(_DAMAGED) from error
        yield found


def _add(run: Run, step: int, value: summary_pb2.Summary.Value) -> None:
    """Add a scalar, or the edge of a band, to a run."""
    if value.HasField("simple_value"):
        run.point(value.tag, step, value.simple_value)
    elif tags.is_edge(value.tag) and value.tensor.float_val:
        run.point(value.tag, step, value.tensor.float_val[0])
    if value.metadata.summary_description:
        run.describe(value.tag, value.metadata.summary_description)


# --- files on the disk, and those that TensorFlow reaches by a protocol (`gs://...`), which is imported for them only -


def walk(folder: str) -> Iterable[tuple[str, list[str], list[str]]]:
    """Return each folder below one, with the names of its folders and of its files."""
    walked: Iterable[tuple[str, list[str], list[str]]] = (_gfile() if _is_remote(folder) else os).walk(folder)
    return walked


@contextlib.contextmanager
def opened(path: str, mode: str = "rb") -> Iterator[Any]:
    """Open a file to read, or to write, its bytes."""
    with _gfile().GFile(path, mode) if _is_remote(path) else open(path, mode) as file:
        yield file


def write(path: str, text: str) -> None:
    """Write a whole file at once: whoever reads it meanwhile sees the old one or the new one."""
    draft = f"{path}.{os.getpid()}.tmp"
    try:
        with opened(draft, "wb") as file:
            file.write(text.encode(errors="replace"))
        _gfile().rename(draft, path, overwrite=True) if _is_remote(path) else os.replace(draft, path)
    except BaseException:
        if os.path.exists(draft):
            os.unlink(draft)
        raise


def _is_remote(path: str) -> bool:
    return "://" in path


def _gfile() -> Any:
    from tensorboard.compat import tf

    return tf.io.gfile
