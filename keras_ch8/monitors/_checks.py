"""The sets of monitors."""

from collections.abc import Sequence
from typing import Any

from ._batch_statistics import BatchStatisticsMonitor
from ._cliff import CliffMonitor
from ._distance import DistanceMonitor
from ._gradient_noise import GradientNoiseMonitor
from ._gradient_norm import GradientNormMonitor
from ._layer_flow import LayerFlowMonitor
from ._monitor import AbstractMonitor
from ._online_risk import OnlineRiskMonitor
from ._spectrum import SpectrumMonitor
from ._step_length import StepLengthMonitor
from ._time_horizon import TimeHorizonMonitor

CHEAP = (StepLengthMonitor(), GradientNoiseMonitor(), GradientNormMonitor(), CliffMonitor(), OnlineRiskMonitor())
LAYERS = (LayerFlowMonitor(), TimeHorizonMonitor(), BatchStatisticsMonitor(), DistanceMonitor())
SETS: dict[str, tuple[AbstractMonitor, ...]] = {
    "cheap": CHEAP,
    "standard": (*CHEAP, *LAYERS, SpectrumMonitor()),
    "full": (*CHEAP, *LAYERS, SpectrumMonitor(always=True)),
}
NAMES = {monitor.name: monitor for monitor in SETS["full"]}


def chosen(checks: str | Sequence[str | AbstractMonitor]) -> tuple[AbstractMonitor, ...]:
    """Return the monitors of a set, or those that are listed, by name or as they are.

    Raises:
        ValueError: If there is none of that name.
    """
    if isinstance(checks, str) and checks in SETS:
        return SETS[checks]
    if isinstance(checks, str) or not isinstance(checks, Sequence):
        raise _unknown(checks)
    return tuple(_one(check) for check in checks)


def _one(check: Any) -> AbstractMonitor:
    if isinstance(check, AbstractMonitor):
        return check
    if check not in NAMES:
        raise _unknown(check)
    return NAMES[check]


def _unknown(check: Any) -> ValueError:
    return ValueError(
        f"`checks` is 'cheap', 'standard' or 'full', or a list of monitors: {', '.join(NAMES)}. "
        f"Received: {check!r}. Name some of these, or give an `AbstractMonitor` of your own."
    )
