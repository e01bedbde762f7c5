"""The loss between and around weights. The model stays as it is.

Vectors are flat: the entries of `model.trainable_variables`, one variable after the other.
"""

from ..integration import backend as _backend

_backend.require_tensorflow(__name__)

from .slices import interpolate, loss_plane

__all__ = [
    "interpolate",
    "loss_plane",
]


def __dir__() -> list[str]:
    return sorted(__all__)
