"""Different weights with the same function: why a network has no single minimum (section 8.2.2 of the book)."""

from ..integration import backend as _backend

_backend.require_tensorflow(__name__)

from .units import balance, permute_units, rescale_units

__all__ = [
    "balance",
    "permute_units",
    "rescale_units",
]


def __dir__() -> list[str]:
    return sorted(__all__)
