"""Out of time."""

import dataclasses
from typing import final

import numpy as np

from .. import _checks
from .criterion import AbstractCriterion
from .history import EpochHistory, Reason, StopReason


@final
@dataclasses.dataclass(frozen=True)
class Deadline(AbstractCriterion):
    """Stop before the epoch that would end too late (section 8.1.2).

        stop if time spent + mean + 2 * standard deviation of the time of an epoch > seconds

    The time spent before an interruption counts, if the callback's state was kept. The very first epoch, in which
    functions are compiled, counts for the mean only while it is the only one.

    Args:
        seconds: Number above 0.

    Raises:
        ValueError: If `seconds` is not above 0.

    Example:
        >>> limits = keras_ch8.stopping.AnyOf(keras_ch8.stopping.Patience(10), keras_ch8.stopping.Deadline(3600))
        >>> stop = keras_ch8.callbacks.EarlyStopping(criterion=limits)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.1.2.
    """

    section = "8.1"

    seconds: float

    def __post_init__(self) -> None:
        _checks.positive("seconds", self.seconds, meaning="the time for the training", mend="Try 3600, an hour.")

    def evaluate(self, past: EpochHistory) -> Reason | None:
        """Return the reason to stop, or None."""
        if not len(past):
            return None
        times = np.diff([0.0, *past.seconds])
        times = times[1:] if len(times) > 1 else times
        spent, next_one = past.seconds[-1], float(times.mean() + 2 * times.std())
        if spent + next_one <= self.seconds:
            return None
        sentence = (
            f"{spent:.3g} s are spent and the next epoch may take {next_one:.3g} s: too long for {self.seconds:g} s"
        )
        return Reason(StopReason.DEADLINE, sentence, past.epoch)
