"""Whether an optimizer of section 8.6 has found a fault in the loss."""

from collections.abc import Mapping, Sequence

import keras

from ..verdicts import quantities as q
from ..verdicts import table
from .base import Monitor
from .measurement_log import MeasurementLog
from .progress import progress_measured, reported


class SolverMonitor(Monitor):
    """Says at the end what the `stop_reason` of an optimizer of section 8.6 says of the loss."""

    name = "solver"
    sets = ("cheap", "standard", "full")
    order = 5
    source = "finish"
    rules = table.SOLVER

    def kinds_for(self, layers: Sequence[keras.layers.Layer]) -> set[str]:
        """Return none: that a solver has found no fault does not tell that the loss fits the targets."""
        return set()

    def measure(self, log: MeasurementLog) -> dict[str, float]:
        """Return that there is a fault, and how far the loss fell before it; nothing without one."""
        if not log.fault_of_loss:
            return {}
        losses = reported(log)
        gained = {q.GAINED.name: 1 - losses[1] / losses[0]} if losses is not None and losses[0] > 0 else {}
        return gained | progress_measured(log) | {q.FAULT_OF_LOSS.name: 1.0}

    def remarks(self, log: MeasurementLog) -> Mapping[str, str]:
        """Return the reason."""
        reason = log.fault_of_loss.partition(": ")[2].partition(". ")[0]
        return {rule.kind: reason for rule in self.rules}
