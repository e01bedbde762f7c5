"""Prechelt's three criteria: generalization loss, its quotient with the progress of the training, successive rises."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Annotated, final

import numpy as np

from .._describe import short
from .._settings import Count, positive
from .criterion import EpochHistory, MonitorCriterion, Reason, StopReason


@final
@dataclasses.dataclass(frozen=True)
class GeneralizationLoss(MonitorCriterion):
    """Stop when the error is too far above its minimum so far (sections 8.1.2 and 7.8; Prechelt's GL).

        E_opt(t) = min over t' <= t of E(t')
        GL(t)    = 100 * (E(t) / E_opt(t) - 1)        stop if GL(t) > alpha

    Args:
        alpha: Number above 0, in percent. Prechelt studied 1, 2, 3 and 5.
        monitor: Quantity to evaluate; where larger is better the error is 1 - x. Defaults to that of the callback.
        mode: `"min"`, `"max"`, or `"auto"` for the direction that Keras knows. Defaults to `"auto"`.

    Raises:
        ValueError: If `alpha` is not above 0; in `fit`, if an error is negative.

    Example:
        >>> stop = keras_ch8.callbacks.EarlyStopping(criterion=keras_ch8.stopping.GeneralizationLoss(5))

    References:
        Prechelt (1998), Early Stopping - But When?
    """

    section = "8.1"

    alpha: Annotated[float, positive("the loss of generalization in percent", "Try 5.")]

    def evaluate(self, history: EpochHistory) -> Reason | None:
        """Return the reason to stop, or None."""
        name = self.name(history)
        loss = generalization_loss_of(history.errors(name))
        if not loss > self.alpha:
            return None
        message = f"`{name}` is {loss:.3g} % above its minimum, more than alpha = {self.alpha:g} %"
        return Reason(StopReason.GENERALIZATION_LOSS, message, history.epoch)


def generalization_loss_of(errors: np.ndarray) -> float:
    """Return GL after the last epoch; NaN without a number, infinite above a minimum of 0."""
    if not len(errors) or math.isnan(errors[-1]):
        return math.nan
    lowest = float(np.nanmin(errors))
    if lowest == 0:
        return math.inf if errors[-1] > 0 else 0.0
    return 100 * (float(errors[-1]) / lowest - 1)


def _refuse_training_error(monitor: str) -> None:
    if not monitor.startswith("val_"):
        raise ValueError(
            "`Productivity` compares an error on validation data with the same one on training data, so its "
            f"monitor must be named 'val_...'. Received: monitor={short(monitor)}. Try 'val_{monitor}'."
        )


@final
@dataclasses.dataclass(frozen=True)
class Productivity(MonitorCriterion):
    """Stop when generalization is lost faster than the training makes progress (section 7.8; Prechelt's PQ).

        P(t) = 1000 * (sum of E_tr over the last strip / (strip * min of E_tr over the last strip) - 1)
        stop at the end of a strip if GL(t) / P(t) > alpha

    GL is that of `GeneralizationLoss`. While the training error still falls fast, P is large and there is hope that
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

    alpha: Annotated[float, positive("the largest GL / P", "Try 0.75.")]
    strip: Annotated[int, Count("the epochs in a strip", "Prechelt's is 5.", 2)] = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.monitor is not None:
            _refuse_training_error(self.monitor)

    def watched(self, monitor: str) -> Iterator[tuple[str, str]]:
        """Yield the quantity on validation and on training data."""
        name = self.monitor or monitor
        _refuse_training_error(name)
        yield name, self.mode
        yield name.removeprefix("val_"), self.mode

    def evaluate(self, history: EpochHistory) -> Reason | None:
        """Return the reason to stop, or None."""
        name = self.name(history)
        validated = history.where(name)
        if len(validated) % self.strip or not len(validated) or name not in history.logs[-1]:
            return None
        training_errors = validated.errors(name.removeprefix("val_"))
        loss, progress = generalization_loss_of(validated.errors(name)), progress_of(training_errors[-self.strip :])
        quotient = loss / progress if progress else math.copysign(math.inf, loss) if loss else 0.0
        if not quotient > self.alpha:
            return None
        message = (
            f"`{name}` is {loss:.3g} % above its minimum while the training made {progress:.3g} per mille of progress "
            f"in {self.strip} epochs; their quotient {quotient:.3g} is above alpha = {self.alpha:g}"
        )
        return Reason(StopReason.PRODUCTIVITY, message, history.epoch)


def progress_of(strip: np.ndarray) -> float:
    """Return by how many per mille the mean training error of a strip is above its minimum."""
    lowest = float(strip.min())
    if lowest == 0:
        return math.inf if strip.max() > 0 else 0.0
    return 1000 * (float(strip.mean()) / lowest - 1)


@final
@dataclasses.dataclass(frozen=True)
class SuccessiveRises(MonitorCriterion):
    """Stop when the error has risen in several strips of epochs in a row (section 7.8; Prechelt's UP).

        stop at the end of a strip, at epoch t, if E(t - i * strip) > E(t - (i + 1) * strip) for i = 0 .. s - 1

    It does not depend on how far the error has risen, so it works for any quantity. Prechelt found the best trade of
    time for error with s = 3, 4 and 6.

    Args:
        s: Integer of at least 1: rises in a row.
        strip: Integer of at least 1: epochs in a strip. Defaults to `5`.
        monitor: Quantity to evaluate. Defaults to that of the callback.
        mode: `"min"`, `"max"`, or `"auto"` for the direction that Keras knows. Defaults to `"auto"`.

    Raises:
        ValueError: If an argument lies outside its range.

    Example:
        >>> stop = keras_ch8.callbacks.EarlyStopping(criterion=keras_ch8.stopping.SuccessiveRises(3))

    References:
        Prechelt (1998), Early Stopping - But When?
    """

    section = "8.1"

    s: Annotated[int, Count("the rises in a row", "Try 3.", 1)]
    strip: Annotated[int, Count("the epochs in a strip", "Prechelt's is 5.", 1)] = 5

    def evaluate(self, history: EpochHistory) -> Reason | None:
        """Return the reason to stop, or None."""
        name = self.name(history)
        ends = history.falling(name)[self.strip - 1 :: self.strip]
        at_end_of_strip = len(history.epochs_with(name)) % self.strip == 0
        rises = np.diff(ends[-self.s - 1 :])
        if not at_end_of_strip or len(rises) < self.s or not (rises > 0).all():
            return None
        message = f"`{name}` has become worse in {self.s} strips of {self.strip} epochs in a row"
        return Reason(StopReason.SUCCESSIVE_RISES, message, history.epoch)
