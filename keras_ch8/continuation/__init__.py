"""Continuation: from an easy problem to the real one (section 8.7.6). `callbacks.Continuation` moves the parts here."""

from ..integration import backend as _backend

_backend.require_tensorflow(__name__)

from ._annealed import Annealed
from ._annealed import Schedule as Schedule
from ._annealed import annealed_in as annealed_in
from ._annealed import as_schedule as as_schedule
from ._gaussian_blur import GaussianBlur
from ._label_smoothing import LabelSmoothing
from ._minimize import Continued, minimize
from ._smoothed_activation import SmoothedActivation
from ._temperature import Temperature
from ._weight_noise import WeightNoise

__all__ = [
    "Annealed",
    "Continued",
    "GaussianBlur",
    "LabelSmoothing",
    "SmoothedActivation",
    "Temperature",
    "WeightNoise",
    "minimize",
]
