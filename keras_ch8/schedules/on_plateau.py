"""Decay where nothing gets better any more."""

import dataclasses
import math
from typing import final

from .. import _checks
from ..stopping.criterion import EpochHistory, is_better, margin


@final
@dataclasses.dataclass(frozen=True)
class ReduceOnPlateau:
    """Keras's `ReduceLROnPlateau`, beside a schedule too and not misled by NaN (section 8.3.1).

        epsilon <- max(factor * epsilon, min_lr)    after `patience` epochs without improvement

    It is a rule for `callbacks.LearningRateDecay`, with the arguments of `keras.callbacks.ReduceLROnPlateau`.

    Differs from `keras.callbacks.ReduceLROnPlateau`: `min_delta` is relative by default; a NaN is never the best value;
    it works with a schedule, which it scales; it may go back to the best weights.

    Args:
        monitor: Quantity that is watched. Defaults to `"val_loss"`.
        factor: Number in (0, 1). Defaults to `0.1`.
        patience: Epochs without improvement after which to lower the rate. Defaults to `10`.
        mode: `"min"`, `"max"`, or `"auto"` for the direction that Keras knows. Defaults to `"auto"`.
        min_delta: The smallest change that counts: a number, or a fraction of the best value. Defaults to `"0.01%"`.
        cooldown: Epochs after a reduction that are not counted. Defaults to `0`.
        min_lr: Number of at least 0: the lowest rate. Defaults to `0.0`.
        restore_best_weights: Whether to go back to the best weights at each reduction. Defaults to `False`.

    Raises:
        ValueError: If an argument lies outside its range.

    Example:
        >>> rule = keras_ch8.schedules.ReduceOnPlateau(factor=0.5, patience=5)
        >>> decay = keras_ch8.callbacks.LearningRateDecay(rule)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.3.1.
    """

    section = "8.3.1"

    monitor: str = "val_loss"
    factor: float = 0.1
    patience: int = 10
    mode: str = "auto"
    min_delta: float | str = "0.01%"
    cooldown: int = 0
    min_lr: float = 0.0
    restore_best_weights: bool = False

    def __post_init__(self) -> None:
        _checks.text("monitor", self.monitor, meaning="the name of the quantity to watch")
        _checks.mode(self.mode)
        _checks.flag(
            "restore_best_weights",
            self.restore_best_weights,
            meaning="whether a lower rate begins from the best weights",
        )
        margin(self.min_delta, 0.0)
        _checks.number(
            "factor", self.factor, 0.0, 1.0, open_low=True, meaning="what is left of the rate", fix="Try 0.5."
        )
        _checks.count("patience", self.patience, 0, meaning="epochs to wait for an improvement", fix="Try 10.")
        _checks.count("cooldown", self.cooldown, 0, meaning="epochs that are not counted", fix="Try 0.")
        _checks.rate("min_lr", self.min_lr, or_zero=True)

    def is_due(self, history: EpochHistory) -> bool:
        """Whether to lower the rate after the last epoch."""
        best, wait, cooldown, due = math.nan, 0, 0, False
        for value in history.falling(self.monitor):
            due = False
            if cooldown:
                cooldown, wait = cooldown - 1, 0
            if is_better(value, best, self.min_delta):
                best, wait = value, 0
            elif not cooldown:
                wait += 1
                if wait >= self.patience:
                    wait, cooldown, due = 0, self.cooldown, True
        return due and self.monitor in history.logs[-1]

    def lowered(self, rate: float) -> float:
        """Return the next lower rate."""
        return max(self.factor * rate, self.min_lr) if rate > self.min_lr else rate
