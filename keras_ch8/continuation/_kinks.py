"""Functions of straight pieces, and what noise adds to them."""

import dataclasses
import math
from typing import Any, final

from keras import ops

FAR = 10.0
"""Deviations from a kink beyond which noise adds nothing in float32: exp(-50) is 2e-22."""


@final
@dataclasses.dataclass(frozen=True)
class Kinks:
    """Where a function of straight pieces bends and jumps: pairs of place t and change c, of slope or of value.

    With u = (x - t) / sigma, and phi and Phi the density and the distribution of the normal, noise adds

        at a kink   c sigma (u Phi(u) + phi(u) - max(0, u))
        at a jump   c (Phi(u) - step(u))

    which is 0 far from t: so nothing cancels where x is large.
    """

    kinks: tuple[tuple[float, float], ...] = ()
    jumps: tuple[tuple[float, float], ...] = ()

    def added(self, x: Any, sigma: Any) -> Any:
        """Return E f(x + sigma z) - f(x)."""
        total = ops.zeros_like(x)
        for t, c in self.kinks:
            u = ops.clip((x - t) / sigma, -FAR, FAR)
            total = total + c * sigma * (u * _below(u) + ops.exp(-0.5 * ops.square(u)) / ROOT - ops.relu(u))
        for t, c in self.jumps:
            u = ops.clip((x - t) / sigma, -FAR, FAR)
            total = total + c * (_below(u) - 0.5 - 0.5 * ops.sign(u))
        return total


ROOT = math.sqrt(2 * math.pi)


def _below(u: Any) -> Any:
    return 0.5 + 0.5 * ops.erf(u / math.sqrt(2))
