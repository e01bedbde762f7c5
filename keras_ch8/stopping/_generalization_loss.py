"""Prechelt's GL."""

import dataclasses
import math
from typing import final

import numpy as np

from .. import _checks
from .criterion import AbstractMonitor
from .history import EpochHistory, Reason, StopReason


@final
@dataclasses.dataclass(frozen=True)
class GeneralizationLoss(AbstractMonitor):
    """Stop when the error is too far above its minimum so far (sections 8.1.2 and 7.8; Prechelt's GL).

        GL(t) = 100 * (E(t) / min over t' <= t of E(t') - 1)        stop if GL(t) > alpha

    Args:
        alpha: Number above 0, in percent. Prechelt studied 1, 2, 3 and 5.
        monitor: Quantity to look at; where larger is better the error is 1 - x. Defaults to that of the callback.
        mode: `"min"`, `"max"`, or `"auto"` for the direction that Keras knows. Defaults to `"auto"`.

    Raises:
        ValueError: If `alpha` is not above 0; in `fit`, if an error is negative.

    Example:
        >>> stop = keras_ch8.callbacks.EarlyStopping(criterion=keras_ch8.stopping.GeneralizationLoss(5))

    References:
        Prechelt (1998), Early Stopping - But When?
    """

    section = "8.1"

    alpha: float

    def __post_init__(self) -> None:
        super().__post_init__()
        _checks.positive("alpha", self.alpha, meaning="the loss of generalization in percent", mend="Try 5.")

    def evaluate(self, past: EpochHistory) -> Reason | None:
        """Return the reason to stop, or None."""
        name = self.name(past)
        loss = generalization_loss_of(past.errors(name))
        if not loss > self.alpha:
            return None
        sentence = f"`{name}` is {loss:.3g} % above its minimum, more than alpha = {self.alpha:g} %"
        return Reason(StopReason.GENERALIZATION_LOSS, sentence, past.epoch)


def generalization_loss_of(errors: np.ndarray) -> float:
    """Return GL after the last epoch; NaN without a number, infinite above a minimum of 0."""
    if not len(errors) or math.isnan(errors[-1]):
        return math.nan
    lowest = float(np.nanmin(errors))
    if lowest == 0:
        return math.inf if errors[-1] > 0 else 0.0
    return 100 * (float(errors[-1]) / lowest - 1)
