"""The contract of a stopping criterion."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

import keras_ch8

from ._require import explained, name_of, require, require_a_value


def check_stopping_criterion(criterion: Any) -> None:
    """Check a stopping criterion: a value with one pure function of the epochs so far.

    Args:
        criterion: One, with its arguments.

    Raises:
        AssertionError: Where the contract is broken; the message says what is wrong and how to fix it.

    Example:
        >>> keras_ch8.testing.check_stopping_criterion(keras_ch8.stopping.Patience(3))
    """
    name, base = name_of(criterion), keras_ch8.stopping.Criterion
    require(isinstance(criterion, base), f"`{name}` must inherit from `{base.__name__}`.")
    require_a_value(criterion)
    watched = list(criterion.watched("val_loss"))
    require(
        all(isinstance(quantity, str) and mode in ("auto", "min", "max") for quantity, mode in watched),
        f"`{name}.watched` must yield the name and the mode ('min', 'max' or 'auto') of each quantity.",
    )
    for curve in _curves():
        history = keras_ch8.stopping.EpochHistory("val_loss", {"val_loss": "min", "loss": "min"})
        answers = []
        for epoch, value in enumerate(curve):
            logs = {quantity: value for quantity in ("loss", "val_loss", *(q for q, _ in watched))}
            history = history.after(epoch, logs, epoch + 1.0)
            with explained(f"`{name}.evaluate` must decide on any positive numbers, and on NaN."):
                reason = criterion.evaluate(history)
            answers.append(reason)
            _check_reason(name, reason, history)
        first = criterion.evaluate(history)
        criterion.evaluate(history.since(len(history) // 2))
        require(
            criterion.evaluate(history) == first == answers[-1],
            f"`{name}.evaluate` must be a pure function of the epochs: it answered {answers[-1]!r} and then "
            f"{criterion.evaluate(history)!r} to the same ones. Read the past from its argument, and remember nothing.",
        )


def _curves() -> Iterator[list[float]]:
    falling = [1 / (1 + epoch) for epoch in range(30)]
    yield falling
    yield falling[::-1]
    yield [math.nan, *falling, math.nan, *falling[::-1], math.nan]
    yield list(np.abs(1 + 0.1 * np.cumsum(np.random.default_rng(0).normal(size=60))) + 0.01)


def _check_reason(name: str, reason: Any, history: Any) -> None:
    if reason is None:
        return
    require(
        isinstance(reason, keras_ch8.stopping.Reason),
        f"`{name}.evaluate` must return a `stopping.Reason` or None. Received: {reason!r}.",
    )
    require(
        reason.epoch == history.epoch,
        f"`{name}` must date its reason to the last epoch, {history.epoch}. Received: epoch={reason.epoch!r}. "
        "Write `past.epoch`.",
    )
    require(
        isinstance(reason.message, str) and len(reason.message.split()) > 2,
        f"The reason of `{name}` must say in a sentence, with the number, why the training ends. "
        f"Received: message={reason.message!r}.",
    )
