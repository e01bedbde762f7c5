"""AutoClip: the limit is a percentile of the norms so far."""

import dataclasses
from typing import Annotated, final

from keras import ops

from .. import _numerics
from .._registration import registered
from .._settings import Count, Number
from .._types import Tensor
from .rule import GlobalRule, State

PERCENTILE = Number(
    "the percentile of past gradient norms to clip to", "10 is AutoClip's; a larger one clips less.",
    0.0, 100.0, closed_high=True,
)  # fmt: skip


@final
@registered
@dataclasses.dataclass(frozen=True)
class ByPercentile(GlobalRule):
    """Clip the norm of the whole gradient to a percentile of its past norms (8.2.4; AutoClip, 2020).

        add |g| to the norms remembered
        limit <- the p-th percentile of them
        if |g| > limit:  g <- g * limit / |g|

    No limit needs tuning; with p = 10 about nine steps of ten are clipped. Differs from the paper: the last `memory`
    norms are remembered, not all; and an infinite or NaN norm is not remembered.

    State: `norms`, a ring of `memory` float32 numbers, and `count`, among the optimizer's variables.

    Args:
        p: Number in [0, 100]: the percentile of the norms that is the limit. Defaults to `10`.
        memory: Number of norms to remember, an integer of at least 2. Defaults to `1000`.

    Raises:
        ValueError: If an argument lies outside its range.

    Example:
        >>> variable = keras.Variable([0.0])
        >>> optimizer = keras_ch8.optimizers.SGD(1.0, clip=keras_ch8.clipping.ByPercentile(50))
        >>> for g in (1.0, 3.0, 100.0):
        ...     optimizer.apply([keras.ops.array([g])], [variable])
        >>> float(variable[0])  # 1, then (1 + 3) / 2, then 3, the median of 1, 3 and 100
        -6.0

    References:
        Seetharaman, Wichern, Pardo, Le Roux (2020), AutoClip: Adaptive Gradient Clipping for Source
        Separation Networks.
    """

    section = "8.2.4"

    p: Annotated[float, PERCENTILE] = 10
    memory: Annotated[int, Count("how many gradient norms to remember", "Try 1000.", 2)] = 1000

    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the ring of norms and the number of norms that it has seen."""
        return {"norms": (self.memory,), "count": ()}

    def coefficient(self, norm: Tensor, **state: Tensor) -> tuple[Tensor, State]:
        """Return limit / |g|, with the limit from the norms so far and this one."""
        norm, finite = ops.cast(norm, "float32"), ops.isfinite(norm)
        place = ops.arange(self.memory)
        here = place == ops.cast(state["count"] % self.memory, "int32")
        norms = ops.where(here & finite, norm, state["norms"])
        count = state["count"] + ops.cast(finite, "float32")
        count = ops.where(count < 2 * self.memory, count, self.memory)  # stays a small number, for the same place
        remembered = ops.cast(ops.minimum(count, self.memory), "int32")
        limit = self._percentile(ops.where(place < remembered, norms, float("inf")), remembered)
        return _numerics.shrink_to(limit, norm), {"norms": norms, "count": count}

    def _percentile(self, norms: Tensor, filled: Tensor) -> Tensor:
        """Return the percentile of the `filled` smallest, between two neighbours by linear interpolation."""
        ascending = ops.sort(norms)
        place = self.p / 100 * ops.cast(ops.maximum(filled - 1, 0), "float32")
        below = ops.cast(ops.floor(place), "int32")
        above = ops.minimum(below + 1, ops.maximum(filled - 1, 0))
        low, high = ops.take(ascending, below), ops.take(ascending, above)
        return low + (high - low) * (place - ops.floor(place))
