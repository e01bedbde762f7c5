"""Keeps what is finished of a long work in files, so that another process can go on with the same work."""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from . import _arrays_file, _state
from ._types import Tree


class Keeper:
    """Files of what is finished, in a folder; with `None` for a folder, nothing is kept.

    Args:
        directory: Folder of the files; made if it is not there.
        of: What the files belong to, as messages call it: a "study".
        settings: What who goes on must have in common with who was interrupted.

    Raises:
        ValueError: If the folder is of another one.
    """

    def __init__(self, directory: str | os.PathLike[str] | None, of: str, settings: Mapping[str, Any]) -> None:
        self._folder, self._of = None if directory is None else os.fspath(directory), of
        if self._folder is None:
            return
        os.makedirs(self._folder, exist_ok=True)
        settings = json.loads(json.dumps(settings))
        self._settings = json.dumps(settings, sort_keys=True)
        if not os.path.exists(self._described):
            _arrays_file.write(self._described, settings)
            return
        written = self._read(self._described)
        differing = [name for name, value in settings.items() if written.get(name) != value]
        if differing:
            raise ValueError(
                f"`directory` keeps what is finished of one {of}, and {self._folder!r} is of another: it differs in "
                f"{', '.join(differing)}. Received: directory={self._folder!r}. Give the same arguments to go on "
                "with it, or another `directory`."
            )

    def load(self, key: str) -> Any:
        """Return what is finished; None if it is not."""
        if self._folder is None or not os.path.exists(path := self._path(key)):
            return None
        return _state.load(self._read(path))

    def save(self, key: str, finished: Any) -> None:
        """Keep what is finished: anything that `_state.dump` takes."""
        if self._folder is not None:
            _arrays_file.write(self._path(key), _state.dump(finished))

    def remove(self, key: str) -> None:
        """Delete the file of a key and the description of the whole, once all is done."""
        for path in (self._path(key), self._described) if self._folder is not None else ():
            with contextlib.suppress(FileNotFoundError):
                os.remove(path)

    @property
    def _described(self) -> str:
        """The file that says what the folder is of."""
        return self._in_folder(self._of)

    def _path(self, key: str) -> str:
        # The name depends on the settings too: where the file that says them was deleted, nothing of others is taken.
        return self._in_folder(hashlib.sha256(f"{self._settings} {key}".encode()).hexdigest()[:24])

    def _in_folder(self, name: str) -> str:
        assert self._folder is not None  # noqa: S101
        return os.path.join(self._folder, f"{name}.npz")

    def _read(self, path: str) -> Any:
        try:
            return _arrays_file.read(path)
        except ValueError as error:
            raise ValueError(
                f"`directory` holds what a {self._of} has written, so {path!r} must be such a file. Received: one "
                f"that is not: {error}. Put back a copy of it, or delete it, and what it held is trained again."
            ) from error


def fingerprint(data: Tree) -> str:
    """Return what tells whether arrays are the same as another time."""
    leaves = [np.asarray(leaf) for leaf in keras.tree.flatten(data) if leaf is not None]
    return _arrays_file.checksum({str(place): leaf for place, leaf in enumerate(leaves)})
