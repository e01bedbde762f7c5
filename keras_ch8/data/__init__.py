"""The data of a training in an order that a seed decides, fresh in every epoch (section 8.1.3)."""

from ..integration import backend as _backend

_backend.require_tensorflow(__name__)

from ._examples import read
from ._source import ArraySource

__all__ = [
    "ArraySource",
    "read",
]


def __dir__() -> list[str]:
    return sorted(__all__)
