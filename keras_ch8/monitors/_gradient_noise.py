"""How noisy the gradient of a minibatch is, and what batch size that asks for."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import ops

from .. import _checks
from .._describe import section
from .._result import Result
from .._types import Data, Tensor
from ..verdicts import quantities as q
from ..verdicts import table
from ..verdicts.fact import Fact
from ..verdicts.quantities import LAST
from .base import Curve, Evaluation, Monitor, Snapshot
from .measurement_log import MeasurementLog
from .probe import ProbeEvaluator
from .progress import (
    BATCHES,
    FEWEST,
    Progress,
    effective_rate,
    progress,
    progress_measured,
)


@dataclasses.dataclass(frozen=True, repr=False)
class GradientNoise(Result):
    """Variance and size of the gradient, each without bias.

    Args:
        trace: tr(Sigma), the variance of the gradient of one example, summed over all weights.
        squared_norm: |G|^2 of the gradient G over all data; below 0 where it is lost in the noise.
    """

    trace: float
    squared_norm: float

    @property
    def scale(self) -> float:
        """The noise scale tr(Sigma) / |G|^2: the batch size at which noise and gradient are equally large."""
        return self.trace / self.squared_norm if self.squared_norm > 0 else float("inf")

    def standard_error(self, batch_size: float) -> float:
        """Return the standard error of the gradient of a minibatch, over |G|: sqrt(tr(Sigma) / m) / |G|."""
        return float(np.sqrt(self.scale / batch_size))

    _shows = ("trace", "squared_norm", "scale")

    def _headline(self) -> str:
        return f"in a batch of {self.scale:.3g} examples noise and gradient are equally large"


LEAST_BATCH = 16
"""Examples of a minibatch below which smaller ones take no less time."""


class GradientNoiseMonitor(Monitor):
    """See `gradient_noise`."""

    name = "gradient_noise"
    sets = ("cheap", "standard", "full")
    order = 2
    reading = GradientNoise
    rules = table.GRADIENT_NOISE
    curves = (
        Curve(
            "noise_scale",
            "Noise scale: batch size where noise equals gradient",
            "examples",
            "Batch size at which noise and gradient are equal, tr(Sigma) / |G|^2.",
            "8.1.3",
            lines=(("batch_size", "batch size"),),
        ),
        Curve(
            "standard_error",
            "Relative error of the minibatch gradient",
            "ratio",
            "Standard error of the minibatch gradient over the gradient.",
            "8.1.3",
        ),
    )

    def tensors(self, snapshot: Snapshot) -> dict[str, Tensor]:
        """Return the two estimates, each the mean over both ends of the step."""
        both = [_estimates(end, snapshot.examples) for end in (snapshot.before, snapshot.now) if end is not None]
        trace, squared_norm = (sum(part) / len(both) for part in zip(*both, strict=True))
        return {"trace": trace, "squared_norm": squared_norm}

    def numbers(self, log: MeasurementLog) -> dict[str, float]:
        """Return the noise scale over the last measurements, and the standard error of a minibatch."""
        noise = pooled(log.of(self.name)[-LAST:])
        error = {"standard_error": noise.standard_error(log.batch_size)} if log.batch_size else {}
        return {"noise_scale": noise.scale} | error

    def measure(self, log: MeasurementLog) -> dict[str, float]:
        """Return how noisy a minibatch is, and what that costs."""
        seen, last = progress(log), log.of(self.name)[-LAST:]
        if seen is None or not log.batch_size:
            return {}
        noise = pooled(last)
        costs = excess(noise, log) / abs(seen.now) if seen.now else float("nan")
        return progress_measured(log) | {
            q.NOISE_OVER_BATCH.name: noise.scale / log.batch_size,
            q.FALL_NOISE.name: _while_it_fell(log, seen) / log.batch_size,
            q.EXCESS.name: costs if np.isfinite(costs) else float("nan"),
            q.NOISE_SCALE.name: noise.scale,
            q.BATCH_SIZE.name: log.batch_size,
            q.COMPARES.name: float(Fact.COMPARED_LOSSES in log.has),
            "smaller_batch": float(max(LEAST_BATCH, np.rint(noise.scale))),  # a number of a cure
        }


def pooled(readings: list[GradientNoise]) -> GradientNoise:
    """Return the mean over several readings, whose ratio is the noise scale."""
    trace, squared_norm = (float(np.mean([getattr(r, part) for r in readings])) for part in ("trace", "squared_norm"))
    return GradientNoise(trace, squared_norm)


def _while_it_fell(log: MeasurementLog, seen: Progress) -> float:
    """Return the noise scale by the measurements before the loss was low; NaN of fewer than four."""
    ends = dict(zip(log.steps_of("gradient_norm"), log.of("gradient_norm"), strict=True))
    at = zip(log.steps_of(GradientNoiseMonitor.name), log.of(GradientNoiseMonitor.name), strict=True)
    known = ((reading, ends[step]) for step, reading in at if step in ends)
    early = [reading for reading, end in known if seen.gained_at(end.loss, end.penalty) < table.LOW.watch]
    return pooled(early).scale if len(early) >= FEWEST else float("nan")


def excess(noise: GradientNoise, log: MeasurementLog) -> float:
    """Return by how much noise keeps the loss above its floor at rest, rate tr(Sigma) / (4 m) on a quadratic.

    The variance of a minibatch is not more than what their gradients have: where the training examples are learned by
    heart, those of a probe are noisier. One batch of all examples has no noise, and what searches along a line no rate.
    """
    if log.batch_size >= log.examples > 0 or Fact.OWN_STEP_LENGTH in log.has:
        return 0.0
    seen = log.rows.norm[-BATCHES:]
    variance = np.fmin(noise.trace / log.batch_size, np.median(seen**2) if len(seen) else np.nan)
    return float(effective_rate(log) * variance / 4)


def _estimates(evaluation: Evaluation, examples: int) -> tuple[Tensor, Tensor]:
    """Return tr(Sigma) and |G|^2 from the gradients of k equal parts and their mean."""
    k = len(evaluation.part_gradients)
    if k < 2:
        raise ValueError(
            "Gradient noise is measured from equal parts of the probe, so each part needs an example. Received: a "
            f"probe with fewer examples ({examples}) than parts. Pass more examples, in random order."
        )
    squares = sum(ops.sum(ops.square(gradient)) for gradient in evaluation.part_gradients)
    mean = ops.sum(ops.square(evaluation.gradient))
    trace = examples / k / (k - 1) * (squares - k * mean)
    return trace, mean - trace / examples


@section("8.1.3")
def gradient_noise(model: keras.Model, x: Data, y: Data = None, *, parts: int = 2, **options: Any) -> GradientNoise:
    """Return the noise of the gradient from the gradients of some parts of a batch (section 8.1.3).

        tr(Sigma) <- b / (k - 1) sum_j |g_j - g|^2        b examples in each of k parts, g their mean
        |G|^2     <- |g|^2 - tr(Sigma) / (k b)
        SE(m)     =  sqrt(tr(Sigma) / m)                  the standard error of a minibatch of m: falls as 1 / sqrt(m)

    Two parts show it as well as the gradients of all examples, at the cost of one gradient of the batch. One estimate
    of |G|^2 is noisy itself: take the ratio of means over several, never the mean of ratios.

    Args:
        model: A compiled model.
        x: Inputs, as for `fit`, in random order.
        y: Targets.
        parts: Integer of at least 2: the number k of equal parts of the batch whose gradients are compared; examples
            that are left over are not used. Defaults to `2`.
        **options: As for `curvature.gradient`.

    Returns:
        A `GradientNoise`.

    Raises:
        ValueError: If `parts` is below 2, or there are fewer examples than parts.

    Example:
        >>> dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
        >>> model = keras.Sequential([keras.Input((1,)), dense])
        >>> model.compile(loss="mse")  # the gradient of one example is -2 y
        >>> found = keras_ch8.monitors.gradient_noise(model, np.ones((2, 1)), np.array([[1.0], [3.0]]))
        >>> found.trace, found.squared_norm, found.scale
        (8.0, 12.0, 0.6666666666666666)

    References:
        McCandlish et al. (2018), An Empirical Model of Large-Batch Training.
    """
    parts = _checks.count("parts", parts, 2, meaning="the number of gradients that are compared", fix="Try 2.")
    probe = ProbeEvaluator(model, x, y, monitors=[GradientNoiseMonitor()], parts=parts, **options)
    return probe.evaluate()["gradient_noise"]
