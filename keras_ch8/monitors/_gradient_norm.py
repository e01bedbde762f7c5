"""Whether the gradient gets small at all."""

import dataclasses
from typing import Any

import numpy as np
from keras import ops

from .. import _numerics
from .._section import section
from ..verdicts import THRESHOLDS, Claim
from ..verdicts.docket import RAISED_BY
from ..verdicts.verdict import mildest
from ._monitor import AbstractMonitor, Scene
from .past import Past
from .probe import Probe
from .progress import elasticity, progress


@dataclasses.dataclass(frozen=True)
class GradientNorm:
    """The gradient of the probe against the loss.

    Args:
        norm: |g|.
        weight_norm: |theta|.
        loss: L(theta).
    """

    norm: float
    weight_norm: float
    loss: float

    @property
    def elasticity(self) -> float:
        """|g| |theta| / L: how much of the loss a change of all weights by their own size moves. No unit."""
        return self.norm * self.weight_norm / abs(self.loss) if self.loss else float("nan")


class GradientNormMonitor(AbstractMonitor):
    """See `gradient_norm`."""

    name = "gradient_norm"
    sets = ("cheap", "standard", "full")
    place = 3

    def tensors(self, scene: Scene) -> dict[str, Any]:
        """Return the norms and the loss."""
        norm, weight_norm = (ops.sqrt(_numerics.squared_norm(a)) for a in (scene.now.grads, scene.theta))
        return {"norm": norm, "weight_norm": weight_norm, "loss": scene.now.loss}

    def reading(self, **arrays: np.ndarray) -> GradientNorm:
        """Return the numbers."""
        return GradientNorm(**{name: float(value) for name, value in arrays.items()})

    def numbers(self, past: Past) -> dict[str, float]:
        """Return the loss and the norm."""
        last = past.of(self.name)[-1]
        return {"loss": last.loss, "gradient_norm": last.norm, "elasticity": last.elasticity}

    def claims(self, past: Past) -> list[Claim]:
        """Say whether the training has not left a flat region; what kind of one, the spectrum says, seen twice."""
        seen = progress(past)
        if seen is None:
            return []
        size = elasticity(past, past.of(self.name)[-1])
        is_held_up = seen.has_hardly_moved and seen.is_stuck and len(past.of("spectrum")) < RAISED_BY
        small = mildest(THRESHOLDS["small_gradient"].level(size), "watch")
        finding = (
            f"The loss is {seen.fallen:.1%} below its start, and |g| |theta| / L is {size:.1e}; "
            "`Diagnosis(checks='full')` tells a plateau from a saddle point."
        )
        return [Claim("plateau", small if is_held_up else "ok", finding)]


@section("8.2.2")
def gradient_norm(model: Any, x: Any, y: Any = None, **options: Any) -> GradientNorm:
    """Return the norm of the gradient on a batch, beside weights and loss (section 8.2.2).

    The book's test: at a local minimum or a saddle point the gradient is small. While its norm does not shrink along
    the training, neither is what holds the training up.

    Args:
        model: A compiled model.
        x: Inputs, as for `fit`.
        y: Targets.
        **options: As for `curvature.gradient`.

    Returns:
        A `GradientNorm`.

    Example:
        >>> dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
        >>> model = keras.Sequential([keras.Input((1,)), dense])
        >>> model.compile(loss="mse")
        >>> found = keras_ch8.monitors.gradient_norm(model, np.ones((1, 1)), np.array([[3.0]]))
        >>> found.norm, found.loss, found.elasticity
        (4.0, 4.0, 1.0)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.2.
    """
    return Probe(model, x, y, monitors=[GradientNormMonitor()], **options).look()["gradient_norm"]
