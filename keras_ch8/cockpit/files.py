"""Files on the disk, and those that TensorFlow reaches by a protocol (`gs://...`), which is imported for them only."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from typing import IO, Any


def is_folder(path: str) -> bool:
    """Return whether there is a folder."""
    return bool(_gfile().isdir(path)) if _is_remote(path) else os.path.isdir(path)


def walk(folder: str) -> Iterable[tuple[str, list[str], list[str]]]:
    """Return each folder below one, with the names of its folders and of its files."""
    walked: Iterable[tuple[str, list[str], list[str]]] = (_gfile() if _is_remote(folder) else os).walk(folder)
    return walked


@contextlib.contextmanager
def opened(path: str) -> Iterator[IO[bytes]]:
    """Open a file to read its bytes."""
    with _gfile().GFile(path, "rb") if _is_remote(path) else open(path, "rb") as file:
        yield file


def size(file: Any) -> int:
    """Return how many bytes an opened file has."""
    return int(file.size()) if hasattr(file, "size") else os.fstat(file.fileno()).st_size


def write(path: str, text: str) -> None:
    """Write a whole file at once: whoever reads it meanwhile sees the old one or the new one."""
    draft = f"{path}.{os.getpid()}.tmp"
    if _is_remote(path):
        with _gfile().GFile(draft, "wb") as remote:
            remote.write(text.encode(errors="replace"))
        _gfile().rename(draft, path, overwrite=True)
        return
    try:
        with open(draft, "wb") as local:
            local.write(text.encode(errors="replace"))
        os.replace(draft, path)
    except BaseException:
        if os.path.exists(draft):
            os.unlink(draft)
        raise


def _is_remote(path: str) -> bool:
    return "://" in path


def _gfile() -> Any:
    from tensorboard.compat import tf

    return tf.io.gfile
