"""The loss between and around weights, and standard surfaces of two variables. The model stays as it is.

Vectors are flat: the entries of `model.trainable_variables`, one variable after the other.
"""

from ..integration import backend as _backend

_backend.require_tensorflow(__name__)

from .slices import Interpolation, LossPlane, Trajectory, interpolate, loss_plane
from .surfaces import Cliff, Ravine, Rosenbrock, Saddle, Surface

__all__ = [
    "Cliff",
    "Interpolation",
    "LossPlane",
    "Ravine",
    "Rosenbrock",
    "Saddle",
    "Surface",
    "Trajectory",
    "interpolate",
    "loss_plane",
]  # fmt: skip
