"""Continuation: from an easy problem to the real one (section 8.7.6). `callbacks.Continuation` moves the parts here."""

from ..integration import backend as _backend

_backend.require_tensorflow(__name__)

from ._gaussian_blur import GaussianBlur
from ._label_smoothing import LabelSmoothing
from ._minimize import minimize
from ._smoothed_activation import SmoothedActivation
from ._temperature import Temperature
from ._weight_noise import WeightNoise

__all__ = [
    "GaussianBlur",
    "LabelSmoothing",
    "SmoothedActivation",
    "Temperature",
    "WeightNoise",
    "minimize",
]


def __dir__() -> list[str]:
    return sorted(__all__)
