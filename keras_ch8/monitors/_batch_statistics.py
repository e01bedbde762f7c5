"""Whether batch normalization means the same in training and at inference."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from .._describe import section
from .._plot import axes_of, finished, name_layers, points
from .._result import Result, Table
from .._types import Data, Tensor
from ..verdicts import quantities as q
from ..verdicts import table
from ..verdicts.wording import counted
from .base import Curve, Monitor, Snapshot
from .measurement_log import MeasurementLog
from .model_facts import is_batch_normalization
from .probe import ProbeEvaluator, root_mean_squares
from .progress import progress_measured


@dataclasses.dataclass(frozen=True, repr=False)
class BatchStatistics(Result):
    """Statistics of the probe beside the moving ones, one number for each layer of batch normalization.

    Args:
        names: Names of the layers.
        mean_gap: Root mean square over the channels of (mu_batch - mu_moving) / sigma_batch.
        scale_gap: The same of log(sigma_moving / sigma_batch).
        training_loss: Loss with the statistics of the probe.
        inference_loss: Loss with the moving statistics.
    """

    names: tuple[str, ...]
    mean_gap: np.ndarray
    scale_gap: np.ndarray
    training_loss: float
    inference_loss: float

    @property
    def gap(self) -> float:
        """The largest gap of any layer, in standard deviations."""
        return float(np.max([*self.mean_gap, *self.scale_gap], initial=0.0))

    def plot(self, ax: Any = None) -> Any:
        """Draw the gaps over the layers, with matplotlib; return the axes."""
        ax = axes_of(ax)
        for number, (name, gaps) in enumerate((("mean", self.mean_gap), ("scale", self.scale_gap))):
            ax.plot(range(len(gaps)), gaps, label=name, **points(number))
        name_layers(ax, self.names)
        return finished(
            ax,
            "Moving statistics against the probe's",
            "layer, the first on the left",
            "gap [standard deviations]",
            "gap of",
        )

    def _headline(self) -> str:
        return (
            f"{counted(len(self.names), 'layer')}, gap of at most {self.gap:.3g} standard deviations; "
            f"loss {self.training_loss:.4g} as in training, {self.inference_loss:.4g} at inference"
        )

    def _table(self) -> Table:
        columns = "layer", "gap of the mean", "gap of the scale"
        return Table(columns, list(zip(self.names, self.mean_gap, self.scale_gap, strict=True)))


class BatchStatisticsMonitor(Monitor):
    """See `batch_statistics`."""

    name = "batch_statistics"
    sets = ("standard", "full")
    order = 8
    reading = BatchStatistics
    needs_inference = True
    passes = 1 / 3
    rules = table.BATCH_STATISTICS
    curves = (
        Curve(
            "batch_norm_gap",
            "Batch normalization: error of the moving statistics",
            "standard deviations",
            "How far the moving statistics are from those of the probe, in standard deviations.",
            "8.7.1",
        ),
        Curve(
            "inference_loss", "Probe loss at inference", "loss", "Loss on the probe, computed as at inference.", "8.7.1"
        ),
    )

    def records(self, layer: keras.layers.Layer) -> bool:
        """Record the layers of batch normalization."""
        return is_batch_normalization(layer)

    def kinds_for(self, layers: Sequence[keras.layers.Layer]) -> set[str]:
        """Return all of them where there is batch normalization."""
        return super().kinds_for(layers) if any(map(self.records, layers)) else set()

    def tensors(self, snapshot: Snapshot) -> dict[str, Tensor]:
        """Return the gaps of each layer, and both losses."""
        calls = [call for call in snapshot.now.calls if self.records(call.layer)]
        if not calls:
            return {}
        columns = zip(*(_gaps(call.layer, ops.cast(call.inputs, "float32")) for call in calls), strict=True)
        mean_gaps, scale_gaps = map(list, columns)
        return {
            "names": tuple(call.layer.name for call in calls),
            "mean_gap": root_mean_squares(mean_gaps),
            "scale_gap": root_mean_squares(scale_gaps),
            "training_loss": snapshot.now.loss,
            "inference_loss": snapshot.inference_loss,
        }

    def numbers(self, log: MeasurementLog) -> dict[str, float]:
        """Return the largest gap, and the loss at inference."""
        last = log.of(self.name)[-1]
        return {"batch_norm_gap": last.gap, "inference_loss": last.inference_loss}

    def measure(self, log: MeasurementLog) -> dict[str, float]:
        """Return the largest gap, and what it costs at inference."""
        first, last = log.of(self.name)[0], log.of(self.name)[-1]
        chance = log.chance if math.isfinite(log.chance) else first.training_loss
        lost = last.inference_loss - last.training_loss
        return progress_measured(log) | {
            q.GAP.name: last.gap,
            q.LOST_AT_INFERENCE.name: lost / chance if chance > 0 else math.nan,
        }

    def remarks(self, log: MeasurementLog) -> dict[str, str]:
        """Return the layer with the largest gap."""
        last = log.of(self.name)[-1]
        return {"batch_norm_gap": f"worst: {last.names[int(np.argmax(np.maximum(last.mean_gap, last.scale_gap)))]}"}


def _gaps(layer: keras.layers.Layer, inputs: Tensor) -> tuple[Tensor, Tensor]:
    axes = [axis for axis in range(len(inputs.shape)) if axis != layer.axis % len(inputs.shape)]
    mean, variance = ops.mean(inputs, axes), ops.var(inputs, axes) + layer.epsilon
    if hasattr(layer, "inference_statistics"):
        statistics = layer.inference_statistics("float32")
    else:
        statistics = (layer.moving_mean, layer.moving_variance)
    moving_mean, moving_variance = (ops.cast(v, "float32") for v in statistics)
    mean_gap = (mean - moving_mean) / ops.sqrt(variance)
    scale_gap = ops.log((moving_variance + layer.epsilon) / variance) / 2
    return mean_gap, scale_gap


@section("8.7.1")
def batch_statistics(model: keras.Model, x: Data, y: Data = None, **options: Any) -> BatchStatistics:
    """Return how far the statistics of a batch are from the moving ones that inference uses (section 8.7.1).

    Args:
        model: A compiled model with at least one batch normalization, Keras's or that of `layers`.
        x: Inputs, as for `fit`.
        y: Targets.
        **options: As for `curvature.gradient`.

    Returns:
        A `BatchStatistics`.

    Raises:
        ValueError: If the model has no batch normalization.

    Example:
        >>> layers = [keras.Input((1,)), keras.layers.BatchNormalization(), keras.layers.Dense(1)]
        >>> model = keras.Sequential(layers)
        >>> model.compile(loss="mse")
        >>> found = keras_ch8.monitors.batch_statistics(model, np.array([[3.0], [5.0]]), np.zeros((2, 1)))
        >>> found.mean_gap.round(3), found.scale_gap.round(3)  # the batch has 4 and 1, a new layer assumes 0 and 1
        (array([3.998], dtype=float32), array([0.], dtype=float32))

    References:
        Ioffe and Szegedy (2015), Batch Normalization.
    """
    found = ProbeEvaluator(model, x, y, monitors=[BatchStatisticsMonitor()], **options).evaluate()
    if "batch_statistics" not in found:
        raise ValueError(
            "`batch_statistics` compares the statistics of a batch with the moving averages of layers of batch "
            f"normalization. Received: the model {model.name!r}, which has no such layer. Add one, or pass another "
            "model."
        )
    return found["batch_statistics"]
