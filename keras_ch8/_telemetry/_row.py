"""The row of one step, made inside the step.

Each block of variables that is updated together has a ring of its own, so that the program that updates the block can
write it; what concerns the whole step is repeated in each.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from .. import _backend, _numerics

COLUMNS = (
    "step",
    "learning_rate",
    "loss",
    "norm_before",  # of the whole gradient, before clipping; -1 without a clipping rule
    "nonfinite_before",
    "factor",  # by which a rule for the whole gradient multiplied it
    "norm",  # of this block's gradient, before the factor
    "nonfinite",
    "squared_update",  # |delta theta|^2 of this block, at every k-th step
)


class Note(NamedTuple):
    """What a row says of the whole step, as scalars."""

    step: Any
    loss: Any
    norm_before: Any
    nonfinite_before: Any


class Row(NamedTuple):
    """Where one block leaves its row."""

    ring: Any
    span: int
    """Entries, of the block laid end to end, that the sample is spread over: its place is compiled into the program."""
    squares: Any
    """Plain sum of squares of the block's gradient; outside XLA a fast kernel takes it."""

    def make(
        self, note: Note, lr: Any, factor: Any, gs: Sequence[Any], measured: Any, moved: Callable[[], Sequence[Any]]
    ) -> Any:
        """Return the row.

        Args:
            note: What concerns the whole step.
            lr: The learning rate.
            factor: By which the whole gradient is multiplied, or None.
            gs: Gradient of each tensor of the block.
            measured: Whether update and effective rate are measured at this step.
            moved: Gives the change of each tensor of the block; called where it is measured only.
        """
        norm, nonfinite = _numerics.total_norm(gs, self.squares)
        squared, rates = self._measure(gs, measured, moved)
        step, *of_step = note
        columns = (step, lr, *of_step, 1.0 if factor is None else factor, norm, nonfinite, squared)
        return ops.concatenate([ops.stack([ops.cast(x, "float32") for x in columns]), rates])

    def _measure(self, gs: Sequence[Any], measured: Any, moved: Callable[[], Sequence[Any]]) -> tuple[Any, Any]:
        """Return |delta theta|^2, and the effective rate |delta theta / g| of the sample, NaN where g is 0."""
        size = int(self.ring.shape[1]) - len(COLUMNS)
        sample = np.linspace(0, self.span - 1, size).round().astype("int32")

        def at_this_step() -> tuple[Any, Any]:
            deltas = moved()
            step = ops.take(_end_to_end(deltas), sample)
            slope = ops.take(_end_to_end([_backend.densify(g, g.shape) for g in gs]), sample)
            some = slope != 0
            rates = ops.where(some, ops.abs(step / ops.where(some, slope, 1)), float("nan"))
            return ops.cast(_numerics.sum_of_squares(deltas), "float32"), rates

        nothing = ops.full((), float("nan"), "float32"), ops.full((size,), float("nan"), "float32")
        return _backend.branch(measured, at_this_step, lambda: nothing)


def _end_to_end(tensors: Sequence[Any]) -> Any:
    flat = [ops.cast(ops.reshape(t, [-1]), "float32") for t in tensors]
    return ops.concatenate(flat) if len(flat) > 1 else flat[0]
