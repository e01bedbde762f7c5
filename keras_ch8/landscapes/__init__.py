"""The loss between and around weights, and standard surfaces of two variables. Looking changes nothing of the model.

Vectors are flat: the entries of `model.trainable_variables`, one variable after the other.
"""

from ..integration import backend as _backend

if not _backend.is_tensorflow():
    raise _backend.needs_tensorflow(__name__)

from ._cliff import Cliff
from ._path import Path, Trajectory, path
from ._plane import Plane, plane
from ._ravine import Ravine
from ._rosenbrock import Rosenbrock
from ._saddle import Saddle

__all__ = ["Cliff", "Path", "Plane", "Ravine", "Rosenbrock", "Saddle", "Trajectory", "path", "plane"]
