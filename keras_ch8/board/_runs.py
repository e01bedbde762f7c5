"""Which folder of a log_dir a run is written to.

Steps that go back make TensorBoard's fast loader delete the later points of the series. So a run goes on in a folder
only where that folder ended before it.
"""

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field

from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
from tensorboard.compat import tf

from ._lock import Lock

NAME = "optimization"


@dataclass
class Run:
    """A folder with what was written there before: the last step of its scalars, and of each series."""

    folder: str
    end: int = -1
    last: dict[str, int] = field(default_factory=dict)


def choose(log_dir: str, first_step: int) -> tuple[Run, Lock | None]:
    """Return the run that goes on at `first_step`, created if it is new, and its lock.

    It is the free one that ended nearest before `first_step`, else a new one. File systems that are reached by a
    protocol ("gs://...") have no lock.
    """
    runs = [_read(folder) for folder in itertools.takewhile(tf.io.gfile.exists, _folders(log_dir))]
    before = sorted((run for run in runs if run.end < first_step), key=lambda run: run.end, reverse=True)
    new = (Run(folder) for folder in itertools.islice(_folders(log_dir), len(runs), None))
    for run in itertools.chain(before, new):
        tf.io.gfile.makedirs(run.folder)
        if "://" in log_dir:
            return run, None
        if lock := Lock.take(run.folder):
            return run, lock
    raise AssertionError("there is always a next folder")


def _folders(log_dir: str) -> Iterator[str]:
    yield os.path.join(log_dir, NAME)
    for number in itertools.count(2):
        yield os.path.join(log_dir, f"{NAME}_{number}")


def _read(folder: str) -> Run:
    """Read what a folder holds; a last record that was cut short is passed over."""
    run = Run(folder)
    names = [name for name in tf.io.gfile.listdir(folder) if "tfevents" in name]
    for name in sorted(names):
        for event in LegacyEventFileLoader(os.path.join(folder, name)).Load():
            for value in event.summary.value:
                run.last[value.tag] = max(run.last.get(value.tag, -1), event.step)
                if value.HasField("simple_value"):
                    run.end = max(run.end, event.step)
    return run
