"""The stages of a step, in the order in which they happen: each is a function of what it is given.

What stands between them belongs to one optimizer, and is in `base.py`: whether a step counts, and the update.
"""

from collections.abc import Mapping, Sequence

import keras
from keras import ops

from .. import _numerics
from .._types import Tensor
from ..integration import backend

Gradients = Mapping[int, Tensor]
"""The gradient of each variable that has one, by the variable's place among all."""


def sum_over_replicas(grads: Gradients) -> Gradients:
    """Return the mean gradient, in which no row of a sparse one occurs twice."""
    summed = backend.all_reduce_sum(list(grads.values()))
    return dict(zip(grads, map(backend.sum_duplicates, summed), strict=True))


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


def leave_out(
    t: Tensor, active: Tensor | None, laid_out: Sequence[Tensor], skipped: keras.Variable
) -> tuple[Tensor, Tensor]:
    """Return the number of the update and whether it counts: not where the gradient is not finite, which is counted."""
    good = backend.all_finite(laid_out)
    count = backend.as_tensor(skipped) + ops.cast(_numerics.and_(active, ~good), "int64")
    backend.write([skipped], [count])
    return t - count, _numerics.and_(active, good)
