"""Measurements of a training that change nothing of it: one quantity, one function, one monitor of `Diagnosis`."""

from ..integration import backend as _backend

_backend.require_tensorflow(__name__)

from ._batch_statistics import batch_statistics
from ._cliff import cliff
from ._gradient_noise import gradient_noise
from ._gradient_norm import gradient_norm
from ._step_length import step_length
from ._time_horizon import time_horizon
from .eigenvalues import spectrum
from .flow import layer_flow

__all__ = [
    "batch_statistics",
    "cliff",
    "gradient_noise",
    "gradient_norm",
    "layer_flow",
    "spectrum",
    "step_length",
    "time_horizon",
]


def __dir__() -> list[str]:
    return sorted(__all__)
