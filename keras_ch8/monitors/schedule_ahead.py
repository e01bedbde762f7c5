"""The learning rates of a training that is to come, as its schedule gives them."""

import contextlib

import keras
import numpy as np

from ..integration import keras_private
from ..schedules.base import clock_of

PLACES, LATER = 33, 9
"""Places of the training at which its schedule is asked, and places after its end, as far as LONGER trainings reach."""
LONGER = 10
OF_THESE = ("keras.", "keras_ch8.")
"""Where schedules stand that only compute: one of the user's own may count or draw."""


def rates_ahead(model: keras.Model, batches: int) -> tuple[tuple[float, ...], float]:
    """Return the rates of a schedule, evenly spread over a training, and the largest one after it; () without one.

    Args:
        model: The model, before its first step.
        batches: The batches of the training; 0 where that is not known.
    """
    optimizers = keras_private.optimizers_in(getattr(model, "optimizer", None))
    schedule = keras_private.schedule_of(optimizers[0]) if len(optimizers) == 1 else None
    if not batches or not type(schedule).__module__.startswith(OF_THESE):
        return (), float("nan")
    with contextlib.suppress(Exception):  # such as a length that only the training tells
        clock = clock_of(optimizers[0], {"steps": batches, "epochs": 1}, 0, schedule)
        ends = clock.steps - clock.steps_per_epoch, clock.steps
        ahead, later = np.linspace(*ends, PLACES), np.linspace(ends[1], LONGER * ends[1], LATER)
        rates = [[float(schedule(round(place))) for place in places] for places in (ahead, later)]
        return tuple(rates[0]), max(rates[1])
    return (), float("nan")
