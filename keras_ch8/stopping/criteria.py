"""The criteria: patience, a threshold, divergence, a deadline, and the first of several."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Annotated, final

import numpy as np

from .. import _checks
from .._settings import Count, Number, positive
from .criterion import (
    Criterion,
    EpochHistory,
    MonitorCriterion,
    Reason,
    StopReason,
    as_criterion,
    index_of_best,
    is_better,
    margin,
)


@final
@dataclasses.dataclass(frozen=True)
class Patience(MonitorCriterion):
    """Stop when the quantity has not improved for some epochs (sections 8.1.2 and 7.8, algorithm 7.1).

        stop if epochs since the last improvement >= epochs

    An epoch whose value is NaN is no improvement. Epochs without the quantity (`validation_freq`) are not counted.

    Args:
        epochs: Integer of at least 0; 0 and 1 both stop at the first epoch that is not better.
        min_delta: The smallest change that counts: a number, or a fraction of the best value such as `"1%"`.
            Defaults to `0`.
        baseline: Number. While no value is better than it, every epoch counts as one without improvement. Defaults to
            `None`.
        monitor: Quantity to evaluate. Defaults to that of the callback.
        mode: `"min"`, `"max"`, or `"auto"` for the direction that Keras knows. Defaults to `"auto"`.

    Raises:
        ValueError: If `epochs` is negative, or `min_delta` is neither a number nor a percentage.

    Example:
        >>> stop = keras_ch8.callbacks.EarlyStopping(criterion=keras_ch8.stopping.Patience(5, min_delta="1%"))

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, algorithm 7.1.
    """

    section = "8.1"

    epochs: Annotated[int, Count("epochs to wait for an improvement", "Try 5.", 0)]
    min_delta: float | str = 0.0
    baseline: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        margin(self.min_delta, 0.0)
        _checks.baseline(self.baseline)

    def left(self, history: EpochHistory) -> int:
        """Return after how many more epochs without an improvement the training is stopped."""
        wait, _ = self._waited(history)
        return max(0, max(1, self.epochs) - wait)

    def _waited(self, history: EpochHistory) -> tuple[int, bool]:
        """Return for how many epochs nothing has improved, and whether the last one is better than all before."""
        name = self.name(history)
        values, sign = history.falling(name), -1 if history.is_max(name) else 1
        best, wait, improved = math.nan, 0, True
        for value in values:
            improved = is_better(value, best, self.min_delta)
            best = value if improved else best
            beats_baseline = self.baseline is None or is_better(value, sign * self.baseline, self.min_delta)
            wait = 0 if improved and beats_baseline else wait + 1
        return wait, improved

    def evaluate(self, history: EpochHistory) -> Reason | None:
        """Return the reason to stop, or None."""
        name = self.name(history)
        values = history.falling(name)
        wait, improved = self._waited(history)
        if improved or wait < self.epochs or history.epoch == 0:
            return None
        at = index_of_best(values, self.min_delta)
        if at is None:
            message = f"`{name}` has been NaN for {wait} epochs"
        elif wait < len(values) - at:
            best_so_far = f"the best is {history.values(name)[at]:.4g} of epoch {history.epochs_with(name)[at] + 1}"
            message = f"`{name}` has not become better for {wait} epochs; {best_so_far}"
        else:
            message = f"`{name}` has not reached the baseline {self.baseline:g} for {wait} epochs"
        return Reason(StopReason.PATIENCE, message, history.epoch)


@final
@dataclasses.dataclass(frozen=True)
class Threshold(MonitorCriterion):
    """Stop when the quantity has reached a target value (section 8.1.2).

        stop if E(t) <= value        (>= where larger is better)

    Args:
        value: Finite number: the target value, in the unit of the quantity.
        monitor: Quantity to evaluate. Defaults to that of the callback.
        mode: `"min"`, `"max"`, or `"auto"` for the direction that Keras knows. Defaults to `"auto"`.

    Raises:
        ValueError: If `value` is not a finite number.

    Example:
        >>> good = keras_ch8.stopping.Threshold(0.99, monitor="val_accuracy")
        >>> stop = keras_ch8.callbacks.EarlyStopping(criterion=good)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.1.2.
    """

    section = "8.1"

    value: Annotated[float, Number("the target value", "Try 0.01.")]

    def evaluate(self, history: EpochHistory) -> Reason | None:
        """Return the reason to stop, or None."""
        name = self.name(history)
        values = history.falling(name)
        if not len(values) or not values[-1] <= (-self.value if history.is_max(name) else self.value):
            return None
        message = f"`{name}` is {history.values(name)[-1]:.4g} and has reached {self.value:g}"
        return Reason(StopReason.THRESHOLD, message, history.epoch)


@final
@dataclasses.dataclass(frozen=True)
class Diverged(MonitorCriterion):
    """Stop when the training has diverged: loss or quantity is infinite or NaN, or beyond a limit (section 8.2.4).

        stop if E(t) or the training loss is not finite, or E(t) > limit        (< where larger is better)

    Args:
        limit: Finite number beyond which the quantity counts as diverged, in its unit; `None` for no limit. Defaults to
            `None`.
        monitor: Quantity to evaluate. Defaults to that of the callback.
        mode: `"min"`, `"max"`, or `"auto"` for the direction that Keras knows. Defaults to `"auto"`.

    Raises:
        ValueError: If `limit` is not a finite number.

    Example:
        >>> lost = keras_ch8.stopping.AnyOf(keras_ch8.stopping.Patience(10), keras_ch8.stopping.Diverged())
        >>> stop = keras_ch8.callbacks.EarlyStopping(criterion=lost)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.4.
    """

    section = "8.1"

    limit: Annotated[float, Number("the limit beyond which the training has diverged", "Try None.")] | None = None

    def is_ready(self, history: EpochHistory) -> bool:
        """Return True: the training loss is looked at in any case."""
        return True

    def evaluate(self, history: EpochHistory) -> Reason | None:
        """Return the reason to stop, or None."""
        name = self.name(history)
        for quantity in dict.fromkeys((name, "loss")):
            values = history.values(quantity)
            if len(values) and not np.isfinite(values[-1]):
                return Reason(StopReason.DIVERGED, f"`{quantity}` is {values[-1]}", history.epoch)
        values = history.falling(name)
        if self.limit is None or not len(values):
            return None
        if not values[-1] > (-self.limit if history.is_max(name) else self.limit):
            return None
        message = f"`{name}` is {history.values(name)[-1]:.4g}, beyond {self.limit:g}"
        return Reason(StopReason.DIVERGED, message, history.epoch)


@final
@dataclasses.dataclass(frozen=True)
class Deadline(Criterion):
    """Stop before the epoch that would end too late (section 8.1.2).

        stop if time spent + mean + 2 * standard deviation of the time of an epoch > seconds

    The time spent before an interruption counts, if the callback's state was kept. The very first epoch, in which
    functions are compiled, counts for the mean only while it is the only one.

    Args:
        seconds: Number above 0: the time for the whole training, in seconds.

    Raises:
        ValueError: If `seconds` is not above 0.

    Example:
        >>> limits = keras_ch8.stopping.AnyOf(keras_ch8.stopping.Patience(10), keras_ch8.stopping.Deadline(3600))
        >>> stop = keras_ch8.callbacks.EarlyStopping(criterion=limits)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.1.2.
    """

    section = "8.1"

    seconds: Annotated[float, positive("the time for the training", "Try 3600, an hour.")]

    def is_ready(self, history: EpochHistory) -> bool:
        """Return True: it reads the clock alone."""
        return True

    def evaluate(self, history: EpochHistory) -> Reason | None:
        """Return the reason to stop, or None."""
        if not len(history):
            return None
        times = np.diff([0.0, *history.seconds])
        times[0] /= history.skipped + 1
        times = times[1:] if len(times) > 1 else times
        spent, next_one = history.seconds[-1], float(times.mean() + 2 * times.std())
        if spent + next_one <= self.seconds:
            return None
        message = (
            f"{spent:.3g} s are spent and the next epoch may take {next_one:.3g} s: too long for {self.seconds:g} s"
        )
        return Reason(StopReason.DEADLINE, message, history.epoch)


@final
@dataclasses.dataclass(frozen=True, init=False)
class AnyOf(Criterion):
    """Stop when one of several criteria has a reason to (section 8.1.2).

    Args:
        *criteria: One or more criteria of `keras_ch8.stopping`, each with a monitor of its own if need be.

    Raises:
        TypeError: If one is not a criterion.
        ValueError: If none is given.

    Example:
        >>> from keras_ch8 import stopping
        >>> either = stopping.AnyOf(stopping.Patience(5), stopping.Threshold(0.99, monitor="val_accuracy"))

    References:
        Prechelt (1998), Early Stopping - But When?
    """

    section = "8.1"

    criteria: tuple[Criterion, ...]

    def __init__(self, *criteria: Criterion) -> None:
        if not criteria:
            raise ValueError("`AnyOf` combines criteria. Received: none. Pass at least one.")
        object.__setattr__(self, "criteria", tuple(as_criterion(criterion) for criterion in criteria))

    def watched(self, monitor: str) -> Iterator[tuple[str, str]]:
        """Yield the quantities of each of them."""
        for criterion in self.criteria:
            yield from criterion.watched(monitor)

    def is_ready(self, history: EpochHistory) -> bool:
        """Return True: each of them looks itself at what there is."""
        return True

    def evaluate(self, history: EpochHistory) -> Reason | None:
        """Return the first reason to stop, or None."""
        reasons = (each.evaluate(history) for each in self.criteria if each.is_ready(history))
        return next((reason for reason in reasons if reason), None)
