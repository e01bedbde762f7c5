"""Whether more or less of what `evaluate` reports is better."""

from collections.abc import Iterable

import keras

from .._describe import short
from ..integration import keras_private


def direction_of(model: keras.Model, metric: str, mode: str, reported: Iterable[str]) -> str:
    """Return "min" or "max" for a metric of a model; refuse one that is not reported, or without a direction."""
    if metric not in reported:
        raise ValueError(
            f"`metric` is measured after each training. Received: metric={short(metric)}. Reported: "
            f"{', '.join(reported)}."
        )
    found = keras_private.mode_of(model, metric) if mode == "auto" else mode
    if found is None:
        raise ValueError(
            f"Whether more or less of {metric!r} is better is not known. Received: mode={short(mode)}. Give "
            "mode='max' or mode='min'."
        )
    return found
