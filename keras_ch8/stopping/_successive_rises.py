"""Prechelt's UP."""

import dataclasses
from typing import final

import numpy as np

from .. import _checks
from .criterion import AbstractMonitor
from .history import EpochHistory, Reason, StopReason


@final
@dataclasses.dataclass(frozen=True)
class SuccessiveRises(AbstractMonitor):
    """Stop when the error has risen from strip to strip several times in a row (section 7.8; Prechelt's UP).

        stop at the end of a strip, at epoch t, if E(t - i * strip) > E(t - (i + 1) * strip) for i = 0 .. s - 1

    It does not ask how far the error has risen, so it works for any quantity. Prechelt found the best trade of time for
    error with s = 3, 4 and 6.

    Args:
        s: Integer of at least 1: rises in a row.
        strip: Integer of at least 1: epochs in a strip. Defaults to `5`.
        monitor: Quantity to look at. Defaults to that of the callback.
        mode: `"min"`, `"max"`, or `"auto"` for the direction that Keras knows. Defaults to `"auto"`.

    Raises:
        ValueError: If an argument lies outside its range.

    Example:
        >>> stop = keras_ch8.callbacks.EarlyStopping(criterion=keras_ch8.stopping.SuccessiveRises(3))

    References:
        Prechelt (1998), Early Stopping - But When?
    """

    section = "8.1"

    s: int
    strip: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        _checks.count("s", self.s, 1, meaning="the rises in a row", mend="Try 3.")
        _checks.count("strip", self.strip, 1, meaning="the epochs in a strip", mend="Prechelt's is 5.")

    def evaluate(self, past: EpochHistory) -> Reason | None:
        """Return the reason to stop, or None."""
        name = self.name(past)
        ends = past.falling(name)[self.strip - 1 :: self.strip]
        at_end_of_strip = len(past.epochs_with(name)) % self.strip == 0
        rises = np.diff(ends[-self.s - 1 :])
        if not at_end_of_strip or len(rises) < self.s or not (rises > 0).all():
            return None
        sentence = f"`{name}` has become worse in {self.s} strips of {self.strip} epochs in a row"
        return Reason(StopReason.SUCCESSIVE_RISES, sentence, past.epoch)
