"""The source of a script: read as Python reads it, edited at nodes of its syntax tree, and compared as a diff."""

from pathlib import Path


def read(path: Path) -> tuple[str, str]:
    """Return the text of a script, with its line ends and its byte order mark, and its encoding."""
    raise NotImplementedError


def diff(before: str, after: str, name: str) -> str:
    """Return the unified diff of two texts of a file, as `git apply` takes it; "" where they are equal."""
    raise NotImplementedError
