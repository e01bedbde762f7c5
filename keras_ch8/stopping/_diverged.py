"""No hope."""

import dataclasses
import math
from typing import final

import numpy as np

from .. import _checks
from .criterion import AbstractMonitor
from .history import EpochHistory, Reason, StopReason


@final
@dataclasses.dataclass(frozen=True)
class Diverged(AbstractMonitor):
    """Stop when the training is lost: the loss or the quantity is infinite or NaN, or beyond a limit (section 8.2.4).

        stop if E(t) or the training loss is not finite, or E(t) > limit        (< where larger is better)

    Args:
        limit: Number; `None` for no limit. Defaults to `None`.
        monitor: Quantity to look at. Defaults to that of the callback.
        mode: `"min"`, `"max"`, or `"auto"` for the direction that Keras knows. Defaults to `"auto"`.

    Raises:
        ValueError: If `limit` is no number.

    Example:
        >>> lost = keras_ch8.stopping.AnyOf(keras_ch8.stopping.Patience(10), keras_ch8.stopping.Diverged())
        >>> stop = keras_ch8.callbacks.EarlyStopping(criterion=lost)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.4.
    """

    section = "8.1"

    limit: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.limit is not None:
            _checks.number(
                "limit", self.limit, -math.inf, math.inf, open_low=True, meaning="what is hopeless", mend="Try None."
            )

    def evaluate(self, past: EpochHistory) -> Reason | None:
        """Return the reason to stop, or None."""
        name = self.name(past)
        for quantity in dict.fromkeys((name, "loss")):
            values = past.values(quantity)
            if len(values) and not np.isfinite(values[-1]):
                return Reason(StopReason.DIVERGED, f"`{quantity}` is {values[-1]}", past.epoch)
        values = past.falling(name)
        if self.limit is None or not len(values) or not values[-1] > (-self.limit if past.is_max(name) else self.limit):
            return None
        sentence = f"`{name}` is {past.values(name)[-1]:.4g}, beyond {self.limit:g}"
        return Reason(StopReason.DIVERGED, sentence, past.epoch)
