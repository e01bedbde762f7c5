"""Plain data with arrays in one file that is whole or not there: NumPy's npz with a checksum, and nothing pickled."""

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

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
