"""Plain data with arrays in one file that is whole or not there: NumPy's npz with a checksum, and nothing pickled.

A `Keeper` has such files of what is finished of a long work.
"""

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from . import _state
from ._types import Tree

KNOWN = "biufcSU"
"""Kinds of NumPy types that its files keep; of others (bfloat16) the bytes are kept, with the name of the type."""
ENDING = ".new"
"""What a file is called, behind its name, while it is written."""

_ARRAY = "<array>"
"""The key under which, in the place of an array, its name in the file, its type and its shape stand."""
_META, _CHECKSUM = "meta", "checksum"


def write(path: str, content: Any) -> None:
    """Write what JSON takes, with arrays anywhere in it, beside `path`; once the disk has it, let it replace `path`.

    Raises:
        OSError: If the disk does not take it; what was at `path` is still there.
    """
    stored: dict[str, np.ndarray] = {}

    def apart(array: np.ndarray) -> dict[str, Any]:
        name = f"a{len(stored)}"
        stored[name] = array if array.dtype.kind in KNOWN else np.frombuffer(array.tobytes(), np.uint8)
        return {_ARRAY: [name, array.dtype.name, list(array.shape)]}

    text = json.dumps(content, default=apart)
    stored[_META] = np.array(text)
    try:
        with open(path + ENDING, "wb") as file:
            np.savez(file, **stored, **{_CHECKSUM: np.array(checksum(stored))})  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        os.replace(path + ENDING, path)
    except (OSError, MemoryError):
        with contextlib.suppress(OSError):
            os.remove(path + ENDING)
        raise
    _let_disk_have(os.path.dirname(path) or ".")


def read(path: str) -> Any:
    """Return what `write` was given.

    Raises:
        ValueError: If it is not a whole file that `write` has written; the error says why.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as content:
            stored = dict(content)
        written, text = str(stored.pop(_CHECKSUM)), str(stored[_META])
    except Exception as error:  # numpy and zipfile raise many kinds of errors for a damaged file
        raise ValueError(f"it cannot be read ({type(error).__name__}: {error})") from error
    found = checksum(stored)
    if found != written:
        raise ValueError(f"its sha256 is {found[:16]}..., and it says {written[:16]}...: it was damaged or changed")

    def together(part: dict[str, Any]) -> Any:
        if part.keys() != {_ARRAY}:
            return part
        name, dtype, shape = part[_ARRAY]
        array = stored[name]
        is_kept = array.dtype.name == dtype and array.shape == tuple(shape)
        return array if is_kept else np.frombuffer(array.tobytes(), np.dtype(dtype)).reshape(shape)

    return json.loads(text, object_hook=together)


def checksum(arrays: Mapping[str, np.ndarray]) -> str:
    """Return the sha256 of names, types, shapes and bytes, in the order of the names.

    Types without a letter in numpy's files (bfloat16) come back as plain bytes, so of those the length alone counts.
    """
    total = hashlib.sha256()
    for name in sorted(arrays):
        value = np.asarray(arrays[name])
        kind = value.dtype.str if value.dtype.kind in KNOWN else f"V{value.dtype.itemsize}"
        total.update(f"{name} {kind} {value.shape} ".encode())
        total.update(np.ascontiguousarray(value).tobytes())
    return total.hexdigest()


def _let_disk_have(directory: str) -> None:
    """Let the disk have the new name of a file, where it can be asked to: not on Windows, and not on every network."""
    if hasattr(os, "O_DIRECTORY"):
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise
        finally:
            os.close(handle)


# --- what is finished of a long work, kept so that another process can go on with the same work ----------------------


class Keeper:
    """Files of what is finished, in a folder; with `None` for a folder, nothing is kept.

    Args:
        directory: Folder of the files; made if it is not there.
        of: What the files belong to, as messages call it: a "comparison".
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
            write(self._described, settings)
            return
        written = self._read(self._described)
        differing = [name for name, value in settings.items() if written.get(name) != value]
        if differing:
            raise ValueError(
                f"`directory` stores the finished parts of one {of}, and {self._folder!r} belongs to another: it "
                f"differs in {', '.join(differing)}. Received: directory={self._folder!r}. Pass the same arguments to "
                "resume it, or another `directory`."
            )

    def load(self, key: str) -> Any:
        """Return what is finished; None if it is not."""
        if self._folder is None or not os.path.exists(path := self._path(key)):
            return None
        return _state.load(self._read(path))

    def save(self, key: str, finished: Any) -> None:
        """Keep what is finished: anything that `_state.dump` takes."""
        if self._folder is not None:
            write(self._path(key), _state.dump(finished))

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
            return read(path)
        except ValueError as error:
            raise ValueError(
                f"`directory` holds what a {self._of} has written, so {path!r} must be such a file. Received: one "
                f"that is not: {error}. Put back a copy of it, or delete it, and what it held is trained again."
            ) from error


def fingerprint(data: Tree) -> str:
    """Return what tells whether arrays are the same as another time."""
    leaves = [np.asarray(leaf) for leaf in keras.tree.flatten(data) if leaf is not None]
    return checksum({str(place): leaf for place, leaf in enumerate(leaves)})
