"""AdaGC: each tensor is clipped against the running mean of its own clipped norms."""

import dataclasses
from typing import ClassVar, final

from keras import ops

from .. import _checks, _numerics
from .._registration import registered
from .._types import Tensor
from .rule import NormsRule, State


@final
@registered
@dataclasses.dataclass(frozen=True)
class ByTensorHistory(NormsRule):
    """Clip the norm of each tensor's gradient against its own past norms (8.2.4; AdaGC, Wang et al. 2025).

    With gamma_i the running mean of the clipped norms of tensor i, and g the gradient of all tensors:

        in the first `warm_up` steps
            g_i <- g_i * min(limit / |g|, 1)
            gamma_i <- min(gamma_i, |g_i|), of the first step |g_i|
        then
            g_i <- g_i * min(ratio * gamma_i / |g_i|, 1)
            gamma_i <- rho gamma_i + (1 - rho) |g_i|

    A spike in one layer is cut off there, and the other layers make their step. With the paper's `ratio` every norm
    that rises is clipped, and gamma_i grows by 0.1 % a step at most; a larger ratio clips spikes only.

    Differs from the paper: a norm that is 0, infinite or NaN is not remembered, so that a tensor whose gradient was 0
    at first can still move. Each tensor counts its own warm-up, in steps with a gradient that is not 0.

    State: `gamma` and `counts`, a float32 number for each tensor, among the optimizer's variables.

    Args:
        ratio: Number of at least 1: the largest norm as a multiple of gamma_i. Defaults to `1.05`.
        rho: Number in [0, 1): the fraction of gamma_i that each step keeps. Defaults to `0.98`.
        warm_up: Steps in which the whole gradient is clipped, an integer of at least 1. Defaults to `100`.
        limit: Number above 0: the largest norm of the whole gradient meanwhile. Defaults to `1.0`.

    Raises:
        ValueError: If an argument lies outside its range.

    Example:
        >>> variables = [keras.Variable([0.0]), keras.Variable([0.0])]
        >>> rule = keras_ch8.clipping.ByTensorHistory(2.0, warm_up=1, limit=9.0)
        >>> optimizer = keras_ch8.optimizers.SGD(1.0, clip=rule)
        >>> for a, b in ((1.0, 1.0), (100.0, 1.0)):
        ...     optimizer.apply([keras.ops.array([a]), keras.ops.array([b])], variables)
        >>> [float(v[0]) for v in variables]  # of the first tensor 1, then 2 * 1 instead of 100
        [-3.0, -2.0]

    References:
        Wang et al. (2025), AdaGC: Improving Training Stability for Large Language Model Pretraining.
    """

    section = "8.2.4"

    ratio: float = 1.05
    rho: float = 0.98
    warm_up: int = 100
    limit: float = 1.0

    state_names: ClassVar[tuple[str, ...]] = ("gamma", "counts")

    def __post_init__(self) -> None:
        _checks.number(
            "ratio",
            self.ratio,
            1.0,
            float("inf"),
            meaning="the largest norm of a tensor's gradient as a multiple of the mean of its past norms",
            fix="1.05 is AdaGC's; a larger one clips less.",
        )
        _checks.decay_rate("rho", self.rho, of="the mean of the norms")
        _checks.count(
            "warm_up", self.warm_up, 1, meaning="the steps in which the whole gradient is clipped", fix="Try 100."
        )
        _checks.positive(
            "limit", self.limit, meaning="the largest norm of the whole gradient in the warm-up", fix="Try 1.0."
        )

    def factors(self, norms: Tensor, **state: Tensor) -> tuple[Tensor, State]:
        """Return the factor of each tensor, and the means with the norms as they are after clipping."""
        gamma, counts = state["gamma"], state["counts"]
        warm, known = counts >= self.warm_up, gamma > 0
        whole = _numerics.shrink_to(self.limit, _numerics.norm(norms))
        own = _numerics.shrink_to(self.ratio * gamma, ops.where(warm, norms, 0.0))
        factors = ops.where(warm, own, whole)
        clipped = factors * norms
        followed = ops.where(warm, self.rho * gamma + (1 - self.rho) * clipped, ops.minimum(gamma, clipped))
        counted = (norms > 0) & ops.isfinite(norms) & (clipped > 0)
        new = {
            "gamma": ops.where(known, followed, clipped),
            "counts": ops.minimum(counts + 1, float(self.warm_up)),
        }
        return factors, {name: ops.where(counted, value, state[name]) for name, value in new.items()}
