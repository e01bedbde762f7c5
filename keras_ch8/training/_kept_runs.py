"""Keeps each complete training of a comparison in a file, so that another process can go on."""

import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from .. import _arrays_file
from ._candidates import Candidate, Copy
from ._timed_run import TimedRun

NAME = "comparison.npz"
ARRAYS = ("steps", "values", "cpu_seconds", "wall_seconds")


class KeptRuns:
    """Files of complete trainings in a folder; with `None` for a folder, nothing is kept.

    Args:
        directory: Folder of the files; made if it is not there.
        settings: What a comparison that goes on must have in common with the one that was interrupted.

    Raises:
        ValueError: If the folder is of another comparison.
    """

    def __init__(self, directory: str | os.PathLike[str] | None, settings: Mapping[str, Any]) -> None:
        self._folder = None if directory is None else os.fspath(directory)
        if self._folder is None:
            return
        os.makedirs(self._folder, exist_ok=True)
        path = os.path.join(self._folder, NAME)
        settings = json.loads(json.dumps(settings))
        if not os.path.exists(path):
            _arrays_file.write(path, {}, settings)
            return
        _, written = _read(path)
        differing = [name for name, value in settings.items() if written.get(name) != value]
        if differing:
            raise ValueError(
                f"`directory` keeps the trainings of one comparison, and {self._folder!r} is of another: it differs in "
                f"{', '.join(differing)}. Received: directory={self._folder!r}. Give the same arguments to go on "
                "with it, or another `directory`."
            )

    def load(self, job: tuple[Any, ...]) -> TimedRun | None:
        """Return a training that is complete; None if it is not."""
        if self._folder is None or not os.path.exists(path := self._path(job)):
            return None
        arrays, meta = _read(path)
        steps, values, cpu, wall = (arrays[name] for name in ARRAYS)
        return TimedRun(meta["seed"], steps, values, cpu, wall)

    def save(self, job: tuple[Any, ...], run: TimedRun) -> None:
        """Keep a training that is complete; one that ended in an error is tried again another time."""
        if self._folder is not None and not run.error:
            _arrays_file.write(self._path(job), {name: getattr(run, name) for name in ARRAYS}, {"seed": run.seed})

    def _path(self, job: tuple[Any, ...]) -> str:
        assert self._folder is not None  # noqa: S101
        digest = hashlib.sha256(json.dumps(job).encode()).hexdigest()
        return os.path.join(self._folder, f"{digest[:24]}.npz")


def _read(path: str) -> tuple[dict[str, np.ndarray], Any]:
    try:
        return _arrays_file.read(path)
    except ValueError as error:
        raise ValueError(
            f"`directory` holds what a comparison has written, so {path!r} must be such a file. Received: one of which "
            f"{error}. Delete it, and what it held is trained again."
        ) from error


def described(value: Any) -> Any:
    """Return what tells whether a candidate, or arrays, are the same as another time."""
    if isinstance(value, Candidate):
        make = value.factory
        made = "a function"
        if isinstance(make, Copy):  # which Keras names anew each time
            config = {key: each for key, each in make.config.items() if key != "name"}
            made = json.dumps([make.kind.__name__, config], default=_kind)
        return [made, {name: list(map(float, ends)) for name, ends in value.ranges.items()}, value.batch_size]
    leaves = [np.asarray(leaf) for leaf in keras.tree.flatten(value) if leaf is not None]
    return _arrays_file.checksum({str(place): leaf for place, leaf in enumerate(leaves)})


def _kind(value: Any) -> str:
    return type(value).__name__
