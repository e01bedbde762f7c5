"""The contract of a learning-rate schedule."""

from typing import Any

import keras
import numpy as np
from keras import ops

import keras_ch8

from ..integration import backend
from ._require import explained, name_of, require, require_close, require_that_keras_saves


def check_schedule(schedule: Any, steps: int = 1000) -> None:
    """Check a learning-rate schedule: a pure function of the step that compiled training steps can read.

    Args:
        schedule: One, with its arguments. Lengths in epochs, batches or percent are resolved for 10 epochs.
        steps: Number of steps over which it is checked. Defaults to `1000`.

    Raises:
        AssertionError: Where the contract is broken; the message says what is wrong and how to fix it.

    Example:
        >>> keras_ch8.testing.check_schedule(keras_ch8.schedules.LinearDecay(0.1, "10ep"))
    """
    name = name_of(schedule)
    require(
        isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule),
        f"`{name}` must be a `keras.optimizers.schedules.LearningRateSchedule`.",
    )
    require_that_keras_saves(schedule)
    again = type(schedule).from_config(schedule.get_config())
    for each in (schedule, again):
        if hasattr(each, "resolve"):
            each.resolve(
                keras_ch8.schedules.Clock(steps_per_epoch=steps / 10, batches_per_step=1.0, steps=float(steps))
            )
    at = sorted({0, 1, 2, steps // 3, steps // 2, steps - 1, steps, 10 * steps})
    with explained(f"`{name}` must give a rate for each step, counted from 0, as an integer or as a tensor."):
        rates = np.array([float(schedule(k)) for k in at])
        of_tensors = np.array([float(schedule(ops.convert_to_tensor(k, "int64"))) for k in at])
        dtype = keras.backend.standardize_dtype(ops.convert_to_tensor(schedule(1)).dtype)
    require(
        np.isfinite(rates).all() and (rates >= 0).all(),
        f"The rates of `{name}` must be finite and at least 0. Received: {rates} at the steps {at}.",
    )
    require(
        dtype == keras.config.floatx(),
        f"`{name}` must give a rate of type {keras.config.floatx()}. Received: {dtype}. Write `rate(k)` and leave the "
        "cast to the base class.",
    )
    message = f"`{name}` must depend on the step alone: no attribute may change when it is called."
    require_close(of_tensors, rates, message, rtol=1e-6, atol=0)
    require_close([float(schedule(k)) for k in reversed(at)], rates[::-1], message, rtol=0, atol=0)
    message = f"A `{name}` that is made again from its configuration must give the same rates."
    require_close([float(again(k)) for k in at], rates, message, rtol=1e-6, atol=0)
    with explained(f"`{name}` cannot be part of a compiled step: write `rate` in `keras.ops`, without `if` on `k`."):
        traced = backend.trace(schedule)
        compiled = [float(traced(ops.convert_to_tensor(k, "int64"))) for k in at]
    message = f"`{name}` gives other rates in a compiled step: write `rate` in `keras.ops`."
    require_close(compiled, rates, message, rtol=1e-6, atol=0)
