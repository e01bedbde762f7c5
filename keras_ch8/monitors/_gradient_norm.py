"""Whether the gradient gets small at all."""

import dataclasses
from typing import Any

import keras
from keras import ops

from .._describe import section
from .._result import Result
from .._types import Data, Tensor
from ..verdicts import quantities as q
from ..verdicts import table
from .base import Curve, Monitor, Snapshot
from .measurement_log import MeasurementLog
from .probe import ProbeEvaluator
from .progress import progress, progress_measured, progress_newest

NEARLY = 1e-3
"""Difference between the loss and the mean over the examples, as a fraction, up to which it is rounding."""
SOLVED = 1e-6
"""Loss over that of a constant, below which there is nothing left to learn but digits."""


@dataclasses.dataclass(frozen=True, repr=False)
class GradientNorm(Result):
    """The gradient of the probe against the loss.

    Args:
        norm: |g|, the Euclidean norm of the gradient, in units of loss / weight.
        weight_norm: |theta|, the Euclidean norm of the trainable weights.
        loss: L(theta), with the penalties of the layers.
        penalty: The part of `loss` that layers have added, such as regularizers. Defaults to `0.0`.
        spread: Standard deviation over the examples of their loss, less that of the best constant prediction for the
            same example. Defaults to NaN: it is not known.
        examples: How many examples there are. Defaults to `0`: that is not known.
    """

    norm: float
    weight_norm: float
    loss: float
    penalty: float = 0.0
    spread: float = float("nan")
    examples: int = 0

    @property
    def elasticity(self) -> float:
        """|g| |theta| / L: how much of the loss a change of all weights by their own size moves. No unit."""
        return self.norm * self.weight_norm / abs(self.loss) if self.loss else float("nan")

    _shows = ("norm", "weight_norm", "loss", "elasticity")

    def _headline(self) -> str:
        return f"gradient norm {self.norm:.3g} at a loss of {self.loss:.4g}"


class GradientNormMonitor(Monitor):
    """See `gradient_norm`."""

    name = "gradient_norm"
    sets = ("cheap", "standard", "full")
    order = 3
    reading = GradientNorm
    rules = table.GRADIENT_NORM
    curves = (
        Curve("loss", "Probe loss", "loss", "Loss on the probe, computed as in training.", "8.2"),
        Curve(
            "gradient_norm",
            "Gradient norm on the probe",
            "loss / weight",
            "Norm of the gradient on the probe.",
            "8.2.2",
        ),
    )

    def tensors(self, snapshot: Snapshot) -> dict[str, Tensor]:
        """Return the norms and the loss."""
        now = snapshot.now
        norm, weight_norm = (ops.sqrt(ops.sum(ops.square(a))) for a in (now.gradient, snapshot.theta))
        found = {"norm": norm, "weight_norm": weight_norm, "loss": now.loss, "penalty": now.penalty}
        if now.losses is None or snapshot.chance is None:
            return found
        # Where their mean is not the loss, as behind a mask, nothing is known of single examples.
        off = ops.abs(ops.mean(now.losses) - ops.cast(now.loss - now.penalty, "float32"))
        is_sure = off <= NEARLY * ops.mean(ops.abs(now.losses))
        spread = ops.where(is_sure, ops.std(now.losses - snapshot.chance), float("nan"))
        return found | {"spread": spread, "examples": snapshot.examples}

    def numbers(self, log: MeasurementLog) -> dict[str, float]:
        """Return the loss and the norm."""
        last = log.of(self.name)[-1]
        return {"loss": last.loss, "gradient_norm": last.norm}

    def measure(self, log: MeasurementLog) -> dict[str, float]:
        """Return where the loss is, and how large the gradient."""
        seen = progress(log)
        if seen is None:
            return {}
        measured = {**progress_measured(log)}
        if log.least_squares > 0 and not log.is_penalized:
            is_solved = seen.now <= SOLVED * log.chance
            over = float("nan") if is_solved else seen.now / log.least_squares
            measured |= {q.OVER_LEAST_SQUARES.name: over, q.UNEVENNESS.name: log.unevenness}
        return measured

    def newest(self, log: MeasurementLog) -> dict[str, float]:
        """Return where the loss is by the last measurement alone."""
        return progress_newest(log)


@section("8.2.2")
def gradient_norm(model: keras.Model, x: Data, y: Data = None, **options: Any) -> GradientNorm:
    """Return the norm of the gradient on a batch, with the weights and the loss (section 8.2.2).

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
    return ProbeEvaluator(model, x, y, monitors=[GradientNormMonitor()], **options).evaluate()["gradient_norm"]
