"""Prechelt's PQ."""

import dataclasses
import math
from collections.abc import Iterator
from typing import final

import numpy as np

from .. import _checks
from ._generalization_loss import generalization_loss_of
from .criterion import AbstractMonitor
from .history import EpochHistory, Reason, StopReason


@final
@dataclasses.dataclass(frozen=True)
class Productivity(AbstractMonitor):
    """Stop when generalization is lost faster than the training makes progress (section 7.8; Prechelt's PQ).

        P(t) = 1000 * (sum of E_tr over the last strip / (strip * min of E_tr over the last strip) - 1)
        stop at the end of a strip if GL(t) / P(t) > alpha

    GL is that of `generalization_loss`. While the training error still falls fast, P is large and there is hope that
    the validation error falls again.

    Args:
        alpha: Number above 0. Prechelt studied 0.5, 0.75, 1, 2 and 3.
        strip: Integer of at least 2: epochs in a strip. Defaults to `5`.
        monitor: Validation quantity, named `val_...`; the training error is the same one without `val_`. Defaults to
            that of the callback.
        mode: `"min"`, `"max"`, or `"auto"` for the direction that Keras knows. Defaults to `"auto"`.

    Raises:
        ValueError: If an argument lies outside its range, or `monitor` does not begin with `val_`; in `fit`, if an
            error is negative.

    Example:
        >>> stop = keras_ch8.callbacks.EarlyStopping(criterion=keras_ch8.stopping.Productivity(0.75))

    References:
        Prechelt (1998), Early Stopping - But When?
    """

    section = "8.1"

    alpha: float
    strip: int = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        _checks.positive("alpha", self.alpha, meaning="the largest GL / P", mend="Try 0.75.")
        _checks.count("strip", self.strip, 2, meaning="the epochs in a strip", mend="Prechelt's is 5.")

    def watched(self, monitor: str) -> Iterator[tuple[str, str]]:
        """Yield the quantity on validation and on training data."""
        name = self.monitor or monitor
        if not name.startswith("val_"):
            raise ValueError(
                "`productivity` compares an error on validation data with the same one on training data, so its "
                f"monitor must be named 'val_...'. Received: monitor={name!r}. Try 'val_{name}'."
            )
        yield name, self.mode
        yield name.removeprefix("val_"), self.mode

    def evaluate(self, past: EpochHistory) -> Reason | None:
        """Return the reason to stop, or None."""
        name = self.name(past)
        validated = past.where(name)
        if len(validated) % self.strip or not len(validated) or name not in past.logs[-1]:
            return None
        training_errors = validated.errors(name.removeprefix("val_"))
        loss, progress = generalization_loss_of(validated.errors(name)), progress_of(training_errors[-self.strip :])
        quotient = loss / progress if progress else math.copysign(math.inf, loss) if loss else 0.0
        if not quotient > self.alpha:
            return None
        sentence = (
            f"`{name}` is {loss:.3g} % above its minimum while the training made {progress:.3g} per mille of progress "
            f"in {self.strip} epochs; their quotient {quotient:.3g} is above alpha = {self.alpha:g}"
        )
        return Reason(StopReason.PRODUCTIVITY, sentence, past.epoch)


def progress_of(strip: np.ndarray) -> float:
    """Return by how many per mille the mean training error of a strip is above its minimum."""
    lowest = float(strip.min())
    if lowest == 0:
        return math.inf if strip.max() > 0 else 0.0
    return 1000 * (float(strip.mean()) / lowest - 1)
