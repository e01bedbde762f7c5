"""The code of a cure written into a script, in its names and where it belongs."""

from ._place import NoPatch, Place


def patched(source: str, place: Place, code: str) -> str | NoPatch:
    """Return the script with the code of a cure in it, or why that cannot be."""
    raise NotImplementedError
