"""A lock file says that a folder has a writer: of two writers in one folder, one loses its points."""

import contextlib
import os
import socket

NAME = "writer.lock"

_held: set[str] = set()
"""Locks of this process. One with our number that is not here was left by an earlier process of the same number."""


class Lock:
    """The lock of a folder, held until `release`."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._text = _own_text()

    @classmethod
    def take(cls, folder: str) -> "Lock | None":
        """Return the lock of an existing folder, or None if a living writer has it."""
        path = os.path.join(os.path.realpath(folder), NAME)
        with contextlib.suppress(FileNotFoundError):
            if not _is_alive(path):
                os.unlink(path)
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            return None
        lock = cls(path)
        _held.add(path)  # before the text is there, which another thread takes for a lock left behind otherwise
        with os.fdopen(handle, "w") as file:
            file.write(lock._text)
        return lock

    def release(self) -> None:
        """Remove the lock file, unless it is another's by now, as in a forked process."""
        _held.discard(self._path)
        with contextlib.suppress(OSError):
            if _own_text() == self._text == _text(self._path):
                os.unlink(self._path)


def _own_text() -> str:
    return f"{socket.gethostname()} {os.getpid()}"


def _text(path: str) -> str:
    with open(path) as file:
        return file.read()


def _is_alive(path: str) -> bool:
    """Return whether the lock's writer lives; True where that cannot be known."""
    text = _text(path)
    host, _, pid = text.rpartition(" ")
    if text == _own_text():
        return path in _held
    if os.name != "posix" or host != socket.gethostname() or not pid.isdecimal():
        return True
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
