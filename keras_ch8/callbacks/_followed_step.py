"""The training step of a model while callbacks follow each of its steps."""

from collections.abc import Callable, Iterable
from typing import Any

import keras

from .._types import Data
from ..integration import backend, keras_private


def followed(model: keras.Model, after_step: Iterable[Callable[[Any], None]]) -> Callable[[Any], Any]:
    """Return the training step of a model, which also tells each of `after_step` whether it has made an update."""
    theirs, each = model.train_step, list(after_step)

    def train_step(data: Data) -> Any:
        before = _updates(model)
        logs = theirs(data)
        moved = _updates(model) != before
        for follow in each:
            follow(moved)
        return logs

    return train_step


def _updates(model: keras.Model) -> Any:
    """Return how many updates the optimizers of a model have made, those that were skipped left out."""
    total = 0
    for optimizer in keras_private.optimizers_of(model).values():
        for mover in keras_private.movers_in(optimizer):
            total = total + backend.as_tensor(mover.iterations)
            skipped = getattr(mover, "skipped", None)
            total = total if skipped is None else total - backend.as_tensor(skipped)
    return total
