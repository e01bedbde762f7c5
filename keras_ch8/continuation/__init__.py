"""Continuation: from an easy problem to the real one (section 8.7.6). `callbacks.Continuation` moves the parts here."""

from ..integration import backend as _backend

_backend.require_tensorflow(__name__)

from ._layers import Temperature, WeightNoise
from ._minimize import minimize

__all__ = [
    "Temperature",
    "WeightNoise",
    "minimize",
]


def __dir__() -> list[str]:
    return sorted(__all__)
