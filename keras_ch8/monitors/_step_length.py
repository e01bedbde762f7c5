"""Whether the steps are too long for the curvature, or too short to arrive."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import ops

from .._describe import section
from .._result import Result
from .._types import Data, Tensor
from ..verdicts import quantities as q
from ..verdicts import table
from ..verdicts.quantities import LAST
from .base import Curve, Monitor, Snapshot
from .measurement_log import MeasurementLog
from .probe import ProbeEvaluator
from .progress import (
    BATCHES,
    progress,
    progress_measured,
    rate_of_limit,
)


@dataclasses.dataclass(frozen=True, repr=False)
class StepLength(Result):
    """The loss along one update d of the optimizer, on examples of the user's choice.

    Args:
        loss_before: L(theta), before the update.
        loss_after: L(theta + d).
        slope: g . d, what the loss would change by without curvature.
        curvature: d . H d, from the difference of the gradients at both ends.
        length: |d|.
    """

    loss_before: float
    loss_after: float
    slope: float
    curvature: float
    length: float

    @property
    def actual(self) -> float:
        """The change of the loss."""
        return self.loss_after - self.loss_before

    @property
    def predicted(self) -> float:
        """Its prediction to second order, g . d + d . H d / 2."""
        return self.slope + self.curvature / 2

    @property
    def trust(self) -> float:
        """Actual over predicted change: near 1 where the loss is quadratic along d."""
        return self.actual / self.predicted if self.predicted else float("nan")

    @property
    def ratio(self) -> float:
        """(1/2) d . H d over -g . d; for gradient descent (1/2) eps^2 g'Hg over eps g'g. Above 1 the loss rises."""
        return self.step_over_optimal / 2

    @property
    def step_over_optimal(self) -> float:
        """|d| over the length that is best along d; 2 leads to the same height on the other side."""
        return self.curvature / -self.slope if self.slope else float("nan")

    _shows = ("loss_before", "loss_after", "slope", "curvature", "length", "step_over_optimal", "trust")

    def _headline(self) -> str:
        return f"the step is {self.step_over_optimal:.3g} of the best length in its direction; above 2 the loss rises"


class StepLengthMonitor(Monitor):
    """See `step_length`.

    Steps that change a low loss by a large part of it do no harm. Steps with momentum lead up and down in many small
    ones: they are too long if the rate is near its limit, and it is no ravine.
    """

    name = "step_length"
    sets = ("cheap", "standard", "full")
    order = 1
    reading = StepLength
    needs_step = True
    rules = table.STEP_LENGTH
    curves = (
        Curve("step_over_best", "Step length / best (1 ideal, > 2 diverges)", "ratio",
              "Length of an update over the best length in its direction. Above 2 the loss rises.", "8.2.1", log=False,
              lines=((2.0, "above it the loss rises"), (1.0, "best"))),
        Curve("relative_loss_rises", "Relative rises of the loss", "ratio",
              "Sum of all rises of the loss between the last measurements, as a fraction of the loss.", "8.2.1",
              log=False),
        Curve("loss_over_start", "Probe loss over its start", "ratio",
              "Loss on the probe over its value at the start.", "8.2.1", lines=((1.0, "the start"),)),
        Curve("rate_times_curvature", "Learning rate times largest curvature (> 2 unstable)", "ratio",
              "Effective learning rate times the largest curvature. Above 2 gradient descent is unstable.", "8.2.1",
              lines=((2.0, "above it gradient descent is unstable"),)),
    )  # fmt: skip

    def tensors(self, snapshot: Snapshot) -> dict[str, Tensor]:
        """Return the losses and the products with d."""
        before, now, d = snapshot.before, snapshot.now, snapshot.d
        assert before is not None and d is not None  # noqa: S101, PT018
        return {
            "loss_before": before.loss,
            "loss_after": now.loss,
            "slope": ops.sum(before.gradient * d),
            "curvature": ops.sum((now.gradient - before.gradient) * d),
            "length": ops.sqrt(ops.sum(ops.square(d))),
        }

    def numbers(self, log: MeasurementLog) -> dict[str, float]:
        """Return the step over the best one, and the loss's way."""
        numbers = {"step_over_best": log.of(self.name)[-1].step_over_optimal}
        if (seen := progress(log)) is not None:
            numbers["relative_loss_rises"] = _rises(log.of(self.name)[-LAST:])
            numbers["loss_over_start"] = seen.over_start(log.of("gradient_norm")[-1].loss)
        if log.of("spectrum"):
            numbers["rate_times_curvature"] = rate_of_limit(log)
        return numbers

    def measure(self, log: MeasurementLog) -> dict[str, float]:
        """Return where the loss is, how it moves, and how long the steps are against what would be best."""
        seen, last = progress(log), log.of(self.name)[-LAST:]
        if seen is None or not np.isfinite(last[-1].loss_after):
            return {}
        last_losses = log.rows.loss[-BATCHES:]
        minibatches = _over_start(log, last_losses[np.isfinite(last_losses)])
        return progress_measured(log) | {
            q.RISES.name: _rises(last),
            q.STEP_OVER_BEST.name: abs(float(np.median([s.step_over_optimal for s in last]))),
            q.RATE_OF_LIMIT.name: rate_of_limit(log),
            q.MINIBATCHES.name: float(np.median(minibatches)) if len(minibatches) else float("nan"),
        }  # fmt: skip

    def newest(self, log: MeasurementLog) -> dict[str, float]:
        """Return what the last update did."""
        return {q.OVERSHOOT.name: log.of(self.name)[-1].ratio}


def _rises(last: list[StepLength]) -> float:
    """Return by how much the loss rises between the measurements, as a fraction of it."""
    heights = np.array([s.loss_after for s in last])
    height = abs(float(np.median(heights)))
    with np.errstate(invalid="ignore"):
        rises = float(np.diff(heights).clip(0).sum())
    return rises / height if height else 0.0


def _over_start(log: MeasurementLog, losses: np.ndarray) -> np.ndarray:
    """Return losses over that of the probe at the start; none where that is not above 0."""
    start = log.of("step_length")[0].loss_before
    return losses / start if start > 0 else np.zeros(0)


@section("8.2.1")
def step_length(model: keras.Model, x: Data, y: Data, before: list[np.ndarray], **options: Any) -> StepLength:
    """Return how the last update changed the loss, and how it should have (section 8.2.1).

        L(theta + d) - L(theta)  ~  g . d + (1/2) d . H d

    For gradient descent, d = -eps g, that is the book's -eps g'g + (1/2) eps^2 g'Hg: the loss rises when the second
    term exceeds the first. d . H d is (g(theta + d) - g(theta)) . d, which also knows the kinks of ReLU that second
    derivatives do not see. It costs two gradients, for any optimizer.

    Args:
        model: A compiled model, after the update.
        x: Inputs, as for `fit`; better not those that the update was made of.
        y: Targets.
        before: The trainable weights before the update, one array for each variable.
        **options: As for `curvature.gradient`.

    Returns:
        A `StepLength`.

    Raises:
        ValueError: If `before` does not have the shapes of the trainable weights.

    Example:
        >>> dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
        >>> model = keras.Sequential([keras.Input((1,)), dense])
        >>> model.compile(loss="mse")  # L(w) = (2 w - 2)^2, from w = 1 + 1 to w = 0
        >>> x, y = np.array([[2.0]]), np.array([[2.0]])
        >>> found = keras_ch8.monitors.step_length(model, x, y, before=[np.array([[2.0]])])
        >>> found.actual, found.slope, found.curvature, found.step_over_optimal
        (0.0, -16.0, 32.0, 2.0)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, equation 8.10.
    """
    probe = ProbeEvaluator(model, x, y, monitors=[StepLengthMonitor()], **options)
    return probe.evaluate(probe.objective.weights("before", before))["step_length"]
