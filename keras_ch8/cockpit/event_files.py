"""Reads the event files of a folder, also of runs that are cut short, still written, or not of this package.

Of TensorBoard only the messages are imported: how they are framed in a file is read here, without TensorFlow.
"""

import os
import struct
from collections.abc import Iterator
from typing import IO

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

from ..board import tags
from . import files
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
    if not files.is_folder(log_dir):
        raise FileNotFoundError(
            "`log_dir` must be a folder with runs, such as the `log_dir` of `keras_ch8.callbacks.TensorBoard`. "
            f"Received: log_dir={log_dir!r}, which is no folder. Give the one that the training was told to write to."
        )
    folders = sorted(folder for folder, _, names in files.walk(log_dir) if any(map(_is_event_file, names)))
    found = ((folder, read_run(folder, name_of(os.path.relpath(folder, log_dir), log_dir))) for folder in folders)
    runs = {folder: run for folder, run in found if run.is_ours}
    if not runs:
        raise FileNotFoundError(
            "`log_dir` must hold a run that `keras_ch8.callbacks.TensorBoard` has written. Received: "
            f"log_dir={log_dir!r}, with {len(folders)} folders of event files, none of which is of keras_ch8. Add "
            f"`keras_ch8.callbacks.TensorBoard({log_dir!r})` to the callbacks of `fit`, or give the folder above."
        )
    return runs


def read_run(folder: str, name: str) -> Run:
    """Return what the event files of one folder say, in the order of their names, which is that of time."""
    run = Run(name)
    record, torn = b"", []
    for file in sorted(filter(_is_event_file, next(iter(files.walk(folder)))[2])):
        try:
            with files.opened(os.path.join(folder, file)) as opened:
                for event in _events(opened, files.size(opened)):
                    run.last_written = max(run.last_written, event.wall_time)
                    for value in event.summary.value:
                        _add(run, event.step, value)
                        if value.tag == tags.RECORD.name and value.tensor.string_val:
                            record = value.tensor.string_val[0]
        except (OSError, ValueError) as error:
            torn.append(f"Of {file} only a part can be read: {error}.")
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
        yield _event(event[:-_CHECKSUM])


def _event(encoded: bytes) -> event_pb2.Event:
    try:
        return event_pb2.Event.FromString(encoded)
    except Exception as error:  # of a class without a public name
        raise ValueError(_DAMAGED) from error


def _add(run: Run, step: int, value: summary_pb2.Summary.Value) -> None:
    """Add a scalar, or the edge of a band, to a run."""
    if value.HasField("simple_value"):
        run.point(value.tag, step, value.simple_value)
    elif tags.is_edge(value.tag) and value.tensor.float_val:
        run.point(value.tag, step, value.tensor.float_val[0])
    if value.metadata.summary_description:
        run.describe(value.tag, value.metadata.summary_description)
