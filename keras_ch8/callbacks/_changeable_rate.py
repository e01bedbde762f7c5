"""The learning rate of an optimizer, as a callback may change it: the number, or a factor before its schedule."""

import keras
from keras.optimizers.schedules import LearningRateSchedule

from .. import _checks, schedules
from ..integration import keras_private


def make_changeable(
    optimizer: keras.optimizers.Optimizer, given: LearningRateSchedule | None = None, to_scale: bool = True
) -> bool:
    """Let the rate of an optimizer be changed; return whether the training step must be traced anew for it.

    Args:
        optimizer: The optimizer.
        given: A schedule that takes the place of its rate; None keeps what it has.
        to_scale: Whether a schedule is put into a `ScaledSchedule`, whose factor can be changed.

    Raises:
        TypeError: If the rate is a callable, which cannot be changed.
    """
    now = keras_private.schedule_of(optimizer)
    inner = now.schedule if isinstance(now, schedules.ScaledSchedule) else now
    wanted = inner if given is None else given
    if wanted is None:
        _checks.changeable_rate(keras_private.rate_of(optimizer), type(optimizer).__name__)
        return False
    if wanted is inner and (inner is not now or not to_scale):
        return False
    optimizer.learning_rate = schedules.ScaledSchedule(wanted) if to_scale else wanted
    return True


def rate_or_factor(optimizer: keras.optimizers.Optimizer) -> float:
    """Return what the rate is changed by: the rate where that is a number, or the factor of its `ScaledSchedule`."""
    schedule = keras_private.schedule_of(optimizer)
    return keras_private.current_rate(optimizer) if schedule is None else float(schedule.factor)


def set_rate_or_factor(optimizer: keras.optimizers.Optimizer, value: float) -> None:
    """Set what `rate_or_factor` returns."""
    schedule = keras_private.schedule_of(optimizer)
    if schedule is None:
        optimizer.learning_rate = value
    else:
        schedule.factor = value
