"""The row of one step, made inside the step."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from .. import _numerics
from .._types import Tensor
from ..clipping.rule import Clipped
from ..integration import backend

HEAD = (
    "step",
    "learning_rate",
    "loss",
    "norm_before",  # before a rule that clips tensor by tensor; -1 without one
    "nonfinite_before",
    "factor",  # by which a rule for the whole gradient multiplied it
    "half_squares",  # half the sum of squares of the gradient, before the factor
)
"""What every row has."""

TAIL = ("norm", "nonfinite", "update")
"""What only a row that is due has, the effective rates of a sample behind it: norm and number of infinite or NaN
entries of the gradient, before the factor, and the norm of delta theta."""


class RowSlot(NamedTuple):
    """Where a step leaves its row.

    Args:
        ring: The table of rows.
        half: Half the plain sum of squares of the gradient; outside XLA a fast kernel takes it.
    """

    ring: Any
    half: Tensor

    def make(self, step: Tensor, lr: Tensor, loss: Tensor, clipped: Clipped, tail: Tensor | None = None) -> Any:
        """Return the row.

        Args:
            step: The number of the step.
            lr: The learning rate.
            loss: The loss.
            clipped: What has become of the gradient.
            tail: What `measured` returns, or None where the row is not due.
        """
        factor = 1.0 if clipped.factor is None else clipped.factor
        head = _vector(step, lr, loss, clipped.norm, clipped.nonfinite, factor, self.half)
        if int(self.ring.shape[1]) == len(HEAD):
            return head
        return ops.concatenate([head, self.nothing if tail is None else tail])

    @property
    def nothing(self) -> Any:
        """The tail of a row that is not due."""
        return ops.full((int(self.ring.shape[1]) - len(HEAD),), float("nan"), "float32")

    def measured(self, gs: Sequence[Any], deltas: Sequence[Any]) -> Any:
        """Return the tail of the row, with |delta theta / g| of a sample of the parameters, NaN where g is 0.

        Args:
            gs: The gradient of each variable that has one, before the factor.
            deltas: The change of each.
        """
        sample = int(self.ring.shape[1]) - len(HEAD) - len(TAIL)
        entries = max(1, sum(math.prod(delta.shape) for delta in deltas))
        places = np.linspace(0, entries - 1, sample).round().astype("int32")
        dense = [backend.densify(g, delta.shape) for g, delta in zip(gs, deltas, strict=True)]
        step, slope = (backend.rows(_end_to_end(tensors), places) for tensors in (deltas, dense))
        some = slope != 0
        rates = ops.where(some, ops.abs(step / ops.where(some, slope, 1)), float("nan"))
        (norm, nonfinite), (update, _) = _numerics.norms((gs, [self.half]), (deltas, _numerics.half_squares(deltas)))
        return ops.concatenate([_vector(norm, nonfinite, update), rates])


def _vector(*scalars: Any) -> Any:
    return ops.stack([_scalar(ops.cast(x, "float32")) for x in scalars])


def _scalar(x: Tensor) -> Tensor:
    """Return a number of a step as a scalar: a rate or a loss may come with axes, which nothing else asks about."""
    return x if x.shape.rank == 0 else ops.mean(x)


def _end_to_end(tensors: Sequence[Any]) -> Any:
    """Return the entries of some tensors in one vector; a single 0 where there are none, so that there is a first."""
    if not any(math.prod(t.shape) for t in tensors):
        return ops.zeros((1,), "float32")
    flat = [ops.cast(ops.reshape(t, [-1]), "float32") for t in tensors]
    return ops.concatenate(flat) if len(flat) > 1 else flat[0]
