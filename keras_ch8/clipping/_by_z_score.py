"""ZClip: the limit follows from how far the norm lies above the running mean of the norms, in deviations."""

import dataclasses
from typing import final

from keras import ops

from .. import _checks
from .._registration import registered
from .._types import Tensor
from .rule import GlobalRule, State


@final
@registered
@dataclasses.dataclass(frozen=True)
class ByZScore(GlobalRule):
    r"""Clip a gradient whose norm stands out from the norms before it (8.2.4; ZClip, Kumar et al. 2025).

    With the running mean m and deviation s of the norms so far:

    .. math::

        z &\leftarrow \frac{|g| - m}{s} \\
        & \text{if } z > \text{threshold}: \qquad g \leftarrow \frac{g (m + \frac{s \cdot
          \text{threshold}^2}{z})}{|g|} \\
        n &\leftarrow |g|, \text{clipped} \\
        m &\leftarrow \rho m + (1 - \rho) n \\
        s &\leftarrow \sqrt{\rho s^2 + (1 - \rho) (n - m)^2}

    Only spikes are clipped, and the further one stands out the closer to the mean it comes down. In the first `warm_up`
    steps nothing is clipped; m and s are the plain mean and deviation of their norms.

    Differs from the paper: no small number is added to s, since the limit is computed without dividing by it; and an
    infinite or NaN norm is not remembered.

    State: `mean`, `deviation` and `count`, three float32 numbers, among the optimizer's variables.

    Args:
        threshold: Number above 0: the z-score from which on a norm is a spike. Defaults to `2.5`.
        rho: Number in [0, 1): the fraction of mean and variance that each step keeps. Defaults to `0.97`.
        warm_up: Steps in which norms are only collected, an integer of at least 2. Defaults to `25`.

    Raises:
        ValueError: If an argument lies outside its range.

    Example:
        >>> variable = keras.Variable([0.0])
        >>> optimizer = keras_ch8.optimizers.SGD(1.0, clip=keras_ch8.clipping.ByZScore(2.0, warm_up=2))
        >>> for g in (1.0, 3.0, 100.0):
        ...     optimizer.apply([keras.ops.array([g])], [variable])
        >>> round(float(variable[0]), 4)  # 1, then 3, then 2 + 2**2 / 98, where the mean is 2 and the deviation 1
        -6.0408

    References:
        Kumar, Owen, Chowdhury, Güra (2025), ZClip: Adaptive Spike Mitigation for LLM Pre-Training.
    """

    section = "8.2.4"

    threshold: float = 2.5
    rho: float = 0.97
    warm_up: int = 25

    def __post_init__(self) -> None:
        fix = "2.5 is ZClip's; a larger one clips less."
        _checks.positive("threshold", self.threshold, meaning="how many deviations above the mean a spike is", fix=fix)
        _checks.decay_rate("rho", self.rho, of="the mean and the variance of the norms")
        _checks.count("warm_up", self.warm_up, 2, meaning="the steps in which norms are collected", fix="Try 25.")

    def state_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return mean and deviation of the norms, and the number of norms up to the end of the warm-up."""
        return {"mean": (), "deviation": (), "count": ()}

    def coefficient(self, norm: Tensor, **state: Tensor) -> tuple[Tensor, State]:
        """Return the factor for a norm, and the statistics with the norm as it is after clipping."""
        norm = ops.cast(norm, "float32")
        mean, deviation, count = state["mean"], state["deviation"], state["count"]
        warm = count >= self.warm_up
        allowed = self.threshold * deviation
        excess = norm - mean
        is_spike = warm & (excess > allowed)
        limit = mean + allowed * (allowed / ops.where(is_spike, excess, 1.0))
        clipped = ops.where(is_spike, limit, norm)
        share = ops.where(warm, 1 - self.rho, 1 / (count + 1))
        off = clipped - mean
        moved = ops.where(warm, 1 - share, ops.sqrt(1 - share)) * off  # from the new mean; in the warm-up, from both
        new = {
            "mean": mean + share * off,
            "deviation": _root(1 - share, deviation, share, moved),
            "count": ops.minimum(count + 1, float(self.warm_up)),
        }
        finite = ops.isfinite(norm)
        return (
            ops.where(is_spike, limit / ops.where(is_spike, norm, 1.0), 1.0),
            {name: ops.where(finite, value, state[name]) for name, value in new.items()},
        )


def _root(a: Tensor, x: Tensor, b: Tensor, y: Tensor) -> Tensor:
    """Return sqrt(a x^2 + b y^2), also where a square overflows or underflows."""
    largest = ops.maximum(ops.abs(x), ops.abs(y))
    scale = ops.where((largest > 0) & ops.isfinite(largest), largest, 1.0)
    return scale * ops.sqrt(a * ops.square(x / scale) + b * ops.square(y / scale))
