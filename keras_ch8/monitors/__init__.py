"""What a training can be asked, one quantity one function, without a change to anything of it."""

from ..integration import backend as _backend

if not _backend.is_tensorflow():
    raise _backend.needs_tensorflow(__name__)

from ._batch_statistics import BatchStatistics, batch_statistics
from ._cliff import Cliff, cliff
from ._distance import Distance, distance
from ._gradient_noise import GradientNoise, gradient_noise
from ._gradient_norm import GradientNorm, gradient_norm
from ._layer_flow import LayerFlow, layer_flow
from ._layer_flow import LayerFlowMonitor as LayerFlowMonitor
from ._layer_flow import idle_units as idle_units
from ._layer_flow import scale_of_start as scale_of_start
from ._monitor import AbstractMonitor
from ._online_risk import OnlineRisk, online_risk
from ._spectrum import SpectrumEnds, spectrum
from ._spectrum import SpectrumMonitor as SpectrumMonitor
from ._spectrum import ends_of as ends_of
from ._step_length import StepLength, step_length
from ._time_horizon import TimeHorizon, time_horizon

__all__ = [
    "AbstractMonitor",
    "BatchStatistics",
    "Cliff",
    "Distance",
    "GradientNoise",
    "GradientNorm",
    "LayerFlow",
    "OnlineRisk",
    "SpectrumEnds",
    "StepLength",
    "TimeHorizon",
    "batch_statistics",
    "cliff",
    "distance",
    "gradient_noise",
    "gradient_norm",
    "layer_flow",
    "online_risk",
    "spectrum",
    "step_length",
    "time_horizon",
]
