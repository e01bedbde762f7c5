"""The loss between and around weights, and standard surfaces of two variables. Looking changes nothing of the model.

Vectors are flat: the entries of `model.trainable_variables`, one variable after the other.
"""

from ._cliff import cliff
from ._path import Path, Trajectory, path
from ._plane import Plane, plane
from ._ravine import ravine
from ._rosenbrock import rosenbrock
from ._saddle import saddle

__all__ = ["Path", "Plane", "Trajectory", "cliff", "path", "plane", "ravine", "rosenbrock", "saddle"]
