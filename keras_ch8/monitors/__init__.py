"""Measurements of a training that change nothing of it: one quantity, one function, one monitor of `Diagnosis`."""

from ..integration import backend as _backend

_backend.require_tensorflow(__name__)

from ._batch_statistics import BatchStatistics, batch_statistics
from ._cliff import Cliff, cliff
from ._distance import Distance, distance
from ._gradient_noise import GradientNoise, gradient_noise
from ._gradient_norm import GradientNorm, gradient_norm
from ._layer_flow import LayerFlow, layer_flow
from ._layer_flow import LayerFlowMonitor as LayerFlowMonitor
from ._layer_flow import gradient_through_depth as gradient_through_depth
from ._layer_flow import idle_units as idle_units
from ._layer_flow import scale_of_start as scale_of_start
from ._online_risk import OnlineRisk, online_risk
from ._spectrum import SpectrumEnds, spectrum
from ._spectrum import SpectrumMonitor as SpectrumMonitor
from ._spectrum import ends_of as ends_of
from ._step_length import StepLength, step_length
from ._time_horizon import TimeHorizon, time_horizon
from .base import Curve, LayerCall, Monitor, Snapshot
from .past import Past

__all__ = [
    "BatchStatistics",
    "Cliff",
    "Curve",
    "Distance",
    "GradientNoise",
    "GradientNorm",
    "LayerCall",
    "LayerFlow",
    "Monitor",
    "OnlineRisk",
    "Past",
    "Snapshot",
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
