"""Good enough."""

import dataclasses
import math
from typing import final

from .. import _checks
from .criterion import AbstractMonitor
from .history import EpochHistory, Reason, StopReason


@final
@dataclasses.dataclass(frozen=True)
class Threshold(AbstractMonitor):
    """Stop when a quantity is as good as asked for (section 8.1.2).

        stop if E(t) <= value        (>= where larger is better)

    Args:
        value: Number.
        monitor: Quantity to look at. Defaults to that of the callback.
        mode: `"min"`, `"max"`, or `"auto"` for the direction that Keras knows. Defaults to `"auto"`.

    Raises:
        ValueError: If `value` is no number.

    Example:
        >>> good = keras_ch8.stopping.Threshold(0.99, monitor="val_accuracy")
        >>> stop = keras_ch8.callbacks.EarlyStopping(criterion=good)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.1.2.
    """

    section = "8.1"

    value: float

    def __post_init__(self) -> None:
        super().__post_init__()
        _checks.number(
            "value", self.value, -math.inf, math.inf, open_low=True, meaning="what is good enough", mend="Try 0.01."
        )

    def evaluate(self, past: EpochHistory) -> Reason | None:
        """Return the reason to stop, or None."""
        name = self.name(past)
        values = past.falling(name)
        if not len(values) or not values[-1] <= (-self.value if past.is_max(name) else self.value):
            return None
        sentence = f"`{name}` is {past.values(name)[-1]:.4g} and has reached {self.value:g}"
        return Reason(StopReason.THRESHOLD, sentence, past.epoch)
