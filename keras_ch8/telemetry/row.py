"""The row of one step, made inside the step.

Each block of variables that is updated together has a ring of its own, so that the program that updates the block can
write it. Where rows are due every block writes one, and what concerns the whole step is repeated in each; at all other
steps one block writes for all.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from .. import _numerics
from .._types import Tensor
from ..integration import backend

HEAD = (
    "step",
    "learning_rate",
    "loss",
    "norm_before",  # of the whole gradient, before a rule that clips tensor by tensor; -1 without one
    "nonfinite_before",
    "factor",  # by which a rule for the whole gradient multiplied it
    "half_squares",  # half the sum of squares of this block's gradient, or of all, before the factor
)
"""What every row has."""

TAIL = ("norm", "nonfinite", "update")
"""What only a row that is due has, the effective rates of a sample behind it: norm and number of infinite or NaN
entries of this block's gradient, before the factor, and the norm of this block's delta theta."""


class Note(NamedTuple):
    """What a row says of the whole step, as scalars."""

    step: Any
    loss: Any
    norm_before: Any
    nonfinite_before: Any


class RowSlot(NamedTuple):
    """Where one block leaves its row."""

    ring: Any
    span: int
    """Entries, of the block laid end to end, that the sample is spread over at most."""
    half: Any
    """Half the plain sum of squares of the gradient; outside XLA a fast kernel takes it."""

    @property
    def sample(self) -> int:
        """How many parameters have their effective rate measured."""
        return int(self.ring.shape[1]) - len(HEAD) - len(TAIL)

    def make(self, note: Note, lr: Tensor, factor: Tensor | None, tail: Tensor | None = None) -> Any:
        """Return the row.

        Args:
            note: What concerns the whole step.
            lr: The learning rate.
            factor: By which the whole gradient is multiplied, or None.
            tail: What `measured` returns, or None where the row is not due.
        """
        step, *of_step = note
        head = _vector(step, lr, *of_step, 1.0 if factor is None else factor, self.half)
        size = int(self.ring.shape[1]) - len(HEAD)
        if not size:
            return head
        return ops.concatenate([head, self.nothing if tail is None else tail])

    @property
    def nothing(self) -> Any:
        """The tail of a row that is not due."""
        return ops.full((int(self.ring.shape[1]) - len(HEAD),), float("nan"), "float32")


class Change(NamedTuple):
    """What is measured of one block.

    Args:
        half: Half the plain sum of squares of the gradient.
        gs: Gradient of each tensor of the block that has one in this step.
        deltas: The change of each.
        row: Where it is left.
    """

    half: Tensor
    gs: Sequence[Any]
    deltas: Sequence[Any]
    row: RowSlot

    @property
    def places(self) -> np.ndarray:
        """The places of the parameters whose effective rate is measured, among those that have a gradient now."""
        there = min(self.row.span, sum(math.prod(delta.shape) for delta in self.deltas))
        return np.linspace(0, max(there, 1) - 1, self.row.sample).round().astype("int32")


def measured(blocks: Sequence[Change]) -> list[Any]:
    """Return the tail of the row of each block, with |delta theta / g| of a sample, NaN where g is 0.

    What can be done for all blocks at once is: an operation takes 3 us, however little it has to do.
    """
    places = [block.places for block in blocks]
    step = ops.concatenate([backend.rows(_end_to_end(b.deltas), at) for b, at in zip(blocks, places, strict=True)])
    dense = [[backend.densify(g, d.shape) for g, d in zip(b.gs, b.deltas, strict=True)] for b in blocks]
    slope = ops.concatenate([backend.rows(_end_to_end(gs), at) for gs, at in zip(dense, places, strict=True)])
    some = slope != 0
    rates = ops.where(some, ops.abs(step / ops.where(some, slope, 1)), float("nan"))
    of_gradients = [(block.gs, [block.half]) for block in blocks]
    of_changes = [(block.deltas, _numerics.half_squares(block.deltas)) for block in blocks]
    norms = _numerics.norms(*of_gradients, *of_changes)
    parts = backend.cut(rates, [(len(at),) for at in places])
    tails = []
    for (norm, nonfinite), (update, _), part in zip(norms[: len(blocks)], norms[len(blocks) :], parts, strict=True):
        tails.append(ops.concatenate([_vector(norm, nonfinite, update), part]))
    return tails


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
