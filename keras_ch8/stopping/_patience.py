"""Patience."""

import dataclasses
import math
from typing import final

from .. import _checks
from .criterion import AbstractMonitor
from .history import EpochHistory, Reason, StopReason
from .improvement import index_of_best, is_better, margin


@final
@dataclasses.dataclass(frozen=True)
class Patience(AbstractMonitor):
    """Stop when nothing has become better for some epochs (sections 8.1.2 and 7.8, algorithm 7.1).

        stop if epochs since the last improvement >= epochs

    An epoch whose value is NaN is no improvement. Epochs without the quantity (`validation_freq`) are not counted.

    Args:
        epochs: Integer of at least 0; 0 and 1 both stop at the first epoch that is not better.
        min_delta: The smallest change that counts: a number, or a share of the best value such as `"1%"`. Defaults
            to `0`.
        baseline: Number. While no value is better than it, every epoch counts as one without improvement. Defaults to
            `None`.
        monitor: Quantity to look at. Defaults to that of the callback.
        mode: `"min"`, `"max"`, or `"auto"` for the direction that Keras knows. Defaults to `"auto"`.

    Raises:
        ValueError: If `epochs` is negative, or `min_delta` neither a number nor a share.

    Example:
        >>> stop = keras_ch8.callbacks.EarlyStopping(criterion=keras_ch8.stopping.Patience(5, min_delta="1%"))

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, algorithm 7.1.
    """

    section = "8.1"

    epochs: int
    min_delta: float | str = 0.0
    baseline: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        margin(self.min_delta, 0.0)
        _checks.count("patience", self.epochs, 0, meaning="epochs to wait for an improvement", mend="Try 5.")

    def evaluate(self, past: EpochHistory) -> Reason | None:
        """Return the reason to stop, or None."""
        name = self.name(past)
        values, sign = past.falling(name), -1 if past.is_max(name) else 1
        best, wait, improved = math.nan, 0, True
        for value in values:
            improved = is_better(value, best, self.min_delta)
            best = value if improved else best
            beats_baseline = self.baseline is None or is_better(value, sign * self.baseline, self.min_delta)
            wait = 0 if improved and beats_baseline else wait + 1
        if improved or wait < self.epochs or past.epoch == 0:
            return None
        at = index_of_best(values, self.min_delta)
        if at is None:
            sentence = f"`{name}` has been NaN for {wait} epochs"
        elif wait < len(values) - at:
            best_so_far = f"the best is {past.values(name)[at]:.4g} of epoch {past.epochs_with(name)[at] + 1}"
            sentence = f"`{name}` has not become better for {wait} epochs; {best_so_far}"
        else:
            sentence = f"`{name}` has not reached the baseline {self.baseline:g} for {wait} epochs"
        return Reason(StopReason.PATIENCE, sentence, past.epoch)
