"""The learning rates of a training that is to come, as its schedule gives them, and how far they can bring it."""

import contextlib
from collections.abc import Set
from typing import Any

import keras
import numpy as np

from ..integration import keras_private
from ..schedules.base import clock_of
from ..verdicts.fact import Fact
from .model_facts import STRONG_DECAY

PLACES, LATER = 25, 13
"""Places of the training at which its schedule is asked, and places after its end, as far as LONGER trainings reach."""
LONGER = 30
OF_THESE = ("keras.", "keras_ch8.")
"""Where schedules stand that only compute: one of the user's own may count or draw."""


def ahead(model: keras.Model, batches: int, has: Set[Fact]) -> dict[str, Any]:
    """Return the facts about the rates of a training, by their names in `Facts`; {} where they are not known.

    Args:
        model: The model, before its first step.
        batches: The batches of the training; 0 where that is not known.
        has: What the model and its optimizer have.
    """
    optimizers = keras_private.optimizers_in(getattr(model, "optimizer", None))
    if not batches or len(optimizers) != 1:
        return {}
    schedule, found = keras_private.schedule_of(optimizers[0]), dict[str, Any]()
    if schedule is None:
        found["rates"] = (keras_private.current_rate(optimizers[0]),)
    with contextlib.suppress(Exception):  # such as a length that only the training tells
        found |= {} if schedule is None else _scheduled(optimizers[0], schedule, batches)
    mean = float(np.mean(found.get("rates", np.nan)))
    if Fact.STEPS_OF_THE_RATE in has:
        found["reach"] = batches // keras_private.accumulation_of(model)[0] * mean
    if (getattr(optimizers[0], "weight_decay", None) or 0.0) * mean >= STRONG_DECAY:  # of a schedule, on average
        found["has"] = has | {Fact.STRONG_DECAY}
    return found


def _scheduled(optimizer: Any, schedule: Any, batches: int) -> dict[str, Any]:
    """Return what a schedule gives, evenly spread over the training, and the most that it gives after it."""
    if not type(schedule).__module__.startswith(OF_THESE):
        return {}
    clock = clock_of(optimizer, {"steps": batches, "epochs": 1}, 0, schedule)
    places = np.linspace(clock.steps - clock.steps_per_epoch, clock.steps, PLACES)
    later = np.geomspace(clock.steps, LONGER * clock.steps, LATER)
    rates, others = ([float(schedule(round(place))) for place in some] for some in (places, later))
    return {"rates": tuple(rates), "later_rate": max(others)}
