"""Lengths of time in a training: steps, or "10ep", "500ba", "10st", "30%", known in steps once `fit` has begun."""

import numbers
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import keras

from ._describe import misfit
from .integration import fit, keras_private

_WORD = re.compile(r"(\d+\.?\d*|\.\d+)\s*(ep|ba|st|s|%)")
BEYOND = 2.0**63
"""Steps are counted in 64 bits."""


class Clock(NamedTuple):
    """How long a training is, in the unit that the optimizer hands to its schedule.

    Args:
        steps_per_epoch: Steps of the optimizer in one epoch.
        batches_per_step: Batches that make one step: 1 without gradient accumulation.
        steps: All steps of the training, from the optimizer's first one on.
    """

    steps_per_epoch: float
    batches_per_step: float
    steps: float


def clock_of(optimizer: keras.optimizers.Optimizer, params: Mapping[str, Any], epoch: int, schedule: Any) -> Clock:
    """Return the length of a training in the steps that `optimizer` counts for its schedule.

    Those are updates for an optimizer of the suite, calls of `apply` for Keras's: they differ where gradients are
    accumulated.
    """
    batches = params.get("steps")
    if batches is None:
        raise ValueError(
            f"{schedule.get_config()} has a length in epochs, batches or percent, and the length of an epoch is "
            "unknown: the data do not say how many batches they have (or a `CallbackList` of your own was made "
            "without `steps`). Pass `steps_per_epoch` to `fit`, or the length in steps."
        )
    accumulated = optimizer.gradient_accumulation_steps or 1
    counts_updates = isinstance(optimizer, keras_private.Optimizer)
    batches_per_step = accumulated if counts_updates else 1
    begun = int(optimizer.iterations.numpy()) * (1 if counts_updates else accumulated)
    training = fit.running_training()
    missing = 0 if training is None else training.first_batch  # of this epoch: they are counted in `begun`
    per_epoch = batches / batches_per_step
    steps = begun - missing / batches_per_step + per_epoch * (params["epochs"] - epoch)
    return Clock(per_epoch, batches_per_step, steps)


class Duration(NamedTuple):
    """An amount and its unit: "st" (steps of the optimizer), "ep" (epochs), "ba" (batches) or "%" (of all steps).

    Where a clock decides it may be "s" (seconds), which are no number of steps.
    """

    amount: float
    unit: str

    @property
    def is_relative(self) -> bool:
        """Whether the number of steps depends on the training."""
        return self.unit != "st"

    def steps(self, clock: Clock) -> float:
        """Return the number of steps in a training of this length; it need not be whole."""
        in_steps = {
            "st": 1.0,
            "ep": clock.steps_per_epoch,
            "ba": 1 / clock.batches_per_step,
            "%": clock.steps,
        }
        return self.amount * in_steps[self.unit] / (100 if self.unit == "%" else 1)

    def batches(self, steps: int | None, epochs: int) -> int | None:
        """Return the number of batches, at least 1, in a `fit` of epochs of so many; None where it is not known."""
        if steps is None and self.unit in ("ep", "%"):
            return None
        of_epoch = steps or 1
        return max(1, round(self.steps(Clock(of_epoch, 1, of_epoch * epochs))))


def duration(name: str, value: Any, number: str = "a number of steps above 0", *, or_seconds: bool = False) -> Duration:
    """Return a duration from the user's word for it; else raise ValueError."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if is_number and 0 < value < BEYOND:
        return Duration(float(value), "st")
    word = _WORD.fullmatch(value.strip()) if isinstance(value, str) else None
    is_of_steps = word is not None and (word[2] != "s" or or_seconds)
    if word and is_of_steps and 0 < float(word[1]) < BEYOND and not (word[2] == "%" and float(word[1]) > 100):
        return Duration(float(word[1]), word[2])
    words = '"10ep" (epochs), "500ba" (batches), "10st" (steps) or "30%" (of the whole training)'
    expected = f"{number} (and below 2^63), or a string such as {words}"
    raise ValueError(misfit(name, "is a length of time", expected, value))


def of_unknown_epoch(units: str, received: str, instead: str) -> ValueError:
    """Return the error of a length in units that need the length of an epoch, where `fit` does not know that."""
    return ValueError(
        f"{units}, and the length of an epoch is unknown: the data do not say how many batches they have. Received: "
        f"{received}. Pass `steps_per_epoch` to `fit`, or {instead}."
    )
