"""The stages of a step, in the order in which they happen: each is a function of what it is given.

What stands between them belongs to one optimizer, and is in `base.py`: whether a step counts, and the update.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import keras
from keras import ops

from .. import _numerics
from .._types import Tensor
from ..clipping.rule import Clipper
from ..integration import backend
from ..telemetry.recorder import Recorder
from ..telemetry.row import Note
from ._layout import Layout

Gradients = dict[int, Tensor]
"""The gradient of each variable that has one, by the variable's place among all."""


def sum_over_replicas(grads: Gradients, loss: Tensor | None) -> tuple[Gradients, Tensor | None]:
    """Return the mean gradient, in which no row of a sparse one occurs twice, and the mean loss."""
    recorded = [] if loss is None else [loss]
    summed = backend.all_reduce_sum([*grads.values(), *recorded])
    loss = summed.pop() if recorded else None
    return dict(zip(grads, map(backend.sum_duplicates, summed), strict=True)), loss


def accumulate(
    grads: Gradients, sums: Mapping[int, keras.Variable], micro_steps: keras.Variable, steps: int
) -> tuple[Gradients, Tensor]:
    """Return the mean over the micro-steps so far, and whether the last of `steps` has come."""
    is_last = (backend.as_tensor(micro_steps) + 1) % steps == 0
    totals = {i: backend.as_tensor(s) for i, s in sums.items()}
    for i, g in grads.items():
        totals[i] = totals[i] + backend.densify(g, sums[i].shape)
    after = [_numerics.where(is_last, ops.zeros_like(total), total) for total in totals.values()]
    backend.write(list(sums.values()), after)
    return {i: totals[i] / steps for i in grads}, is_last


def gather(grads: Gradients, layout: Layout) -> list[Tensor]:
    """Return the gradient of each block of variables: of a tile, one vector."""
    return [block.gather([grads.get(i) for i in block.indices]) for block in layout.blocks_with(grads)]


def leave_out(
    t: Tensor, active: Tensor | None, gathered: Sequence[Tensor], skipped: keras.Variable
) -> tuple[Tensor, Tensor]:
    """Return the number of the update and whether it counts: not where the gradient is not finite, which is counted."""
    good = backend.all_finite(gathered)
    count = backend.as_tensor(skipped) + ops.cast(_numerics.and_(active, ~good), "int64")
    backend.write([skipped], [count])
    return t - count, _numerics.and_(active, good)


class Clipped(NamedTuple):
    """The gradient after clipping, as the update reads it.

    Args:
        gathered: The gradient of each block of variables: of a tile, one vector.
        halves: Half the sum of squares of each.
        factor: What the whole gradient is still to be multiplied by, or `None`.
        norm: The norm of the whole gradient before a rule has clipped it tensor by tensor; else -1.
        nonfinite: How many entries of it were infinite or NaN; 0 without such a rule.
    """

    gathered: list[Tensor]
    halves: list[Tensor]
    factor: Tensor | None
    norm: Tensor
    nonfinite: Tensor


def clip(
    grads: Gradients,
    known: Sequence[keras.Variable],
    layout: Layout,
    clipper: Clipper,
    active: Tensor | None,
) -> Clipped:
    """Clip tensor by tensor, lay out the gradients for the update, and return the factor for all that is left."""
    variables = [known[i] for i in grads]
    tensors, *before = clipper.tensors(list(grads.values()), variables, list(grads), active)
    gathered = gather(dict(zip(grads, tensors, strict=True)), layout)
    halves = _numerics.half_squares(gathered)
    return Clipped(gathered, halves, clipper.factor(gathered, halves, active), *before)


class RowPlan(NamedTuple):
    """Which rows of telemetry a step leaves.

    Args:
        is_due: Whether each block leaves one; else one block leaves a row for all.
        halves: Half the sum of squares of the gradient of each block.
        total: The same of the whole gradient; `None` if nobody listens.
    """

    is_due: Tensor | bool
    halves: list[Tensor]
    total: Tensor | None


def observe(
    grads: Gradients, clipped: Clipped, loss: Tensor | None, number: Tensor, recorder: Recorder
) -> tuple[Note | None, RowPlan]:
    """Return what the rows of telemetry say of the whole step, and which are due; the update writes them."""
    unobserved = None, RowPlan(False, clipped.halves, None)

    def observed() -> tuple[Note | None, RowPlan]:
        recorder.write_layers(number, grads)
        total = _numerics.half_of_all(clipped.halves)
        note = Note(number, loss, clipped.norm, clipped.nonfinite)
        return note, RowPlan(recorder.is_due(number, total), clipped.halves, total)

    return recorder.net.attempt(observed, unobserved) if recorder.listening else unobserved
