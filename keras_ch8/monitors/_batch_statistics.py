"""Whether batch normalization means the same in training and in inference."""

import dataclasses
from typing import Any

import numpy as np
from keras import ops

from .. import layers
from .._section import section
from ..verdicts import THRESHOLDS, Claim
from ..verdicts.verdict import gravest, mildest
from ._layer import root_mean_square
from ._monitor import AbstractMonitor, Scene
from .past import Past
from .probe import Probe


@dataclasses.dataclass(frozen=True)
class BatchStatistics:
    """Statistics of the probe beside the moving ones, one number for each layer of batch normalization.

    Args:
        names: Names of the layers.
        mean_gap: Root mean square over the channels of (mu_batch - mu_moving) / sigma_batch.
        scale_gap: The same of log(sigma_moving / sigma_batch).
        collapsed: Share of the channels whose |gamma| is below 1 % of the largest: switched off.
        training_loss: Loss with the statistics of the probe.
        inference_loss: Loss with the moving statistics.
    """

    names: tuple[str, ...]
    mean_gap: np.ndarray
    scale_gap: np.ndarray
    collapsed: np.ndarray
    training_loss: float
    inference_loss: float

    @property
    def gap(self) -> float:
        """The largest gap of any layer, in standard deviations."""
        return float(np.max([*self.mean_gap, *self.scale_gap], initial=0.0))


class BatchStatisticsMonitor(AbstractMonitor):
    """See `batch_statistics`."""

    name = "batch_statistics"
    sets = ("standard", "full")
    place = 8
    needs_inference = True

    def takes(self, layer: Any) -> bool:
        """Take the layers of batch normalization along."""
        return isinstance(layer, layers.NORMALIZING)

    def tensors(self, scene: Scene) -> dict[str, Any]:
        """Return the gaps of each layer, and both losses."""
        met = [m for m in scene.now.met if self.takes(m.layer)]
        if not met:
            return {}
        columns = zip(*(_gaps(m.layer, ops.cast(m.given, "float32")) for m in met), strict=True)
        mean_gap, scale_gap, collapsed = (ops.stack(list(column)) for column in columns)
        return {
            "names": tuple(m.layer.name for m in met),
            "mean_gap": mean_gap,
            "scale_gap": scale_gap,
            "collapsed": collapsed,
            "training_loss": scene.now.loss,
            "inference_loss": scene.inference_loss,
        }

    def reading(self, **arrays: Any) -> BatchStatistics:
        """Return the numbers."""
        for name in ("training_loss", "inference_loss"):
            arrays[name] = float(arrays[name])
        return BatchStatistics(**arrays)

    def numbers(self, past: Past) -> dict[str, float]:
        """Return the largest gap, and the loss in inference."""
        last = past.of(self.name)[-1]
        return {"batch_norm_gap": last.gap, "inference_loss": last.inference_loss}

    def claims(self, past: Past) -> list[Claim]:
        """Say whether inference uses other statistics than training."""
        last = past.of(self.name)[-1]
        gap, losses = THRESHOLDS["statistics_gap"], THRESHOLDS["inference_gap"]
        ratio = last.inference_loss / last.training_loss if last.training_loss > 0 else float("nan")
        worst = last.names[int(np.argmax(np.maximum(last.mean_gap, last.scale_gap)))]
        return [
            Claim(
                "batch_norm_gap",
                gravest(
                    mildest(gap.level(last.gap), losses.level(ratio)), THRESHOLDS["statistics_far"].level(last.gap)
                ),
                f"The moving statistics of {worst} are off by {last.gap:.2g} standard deviations, and the loss of the "
                f"probe is {last.inference_loss:.3g} with them, {last.training_loss:.3g} with its own.",
            )
        ]


def _gaps(layer: Any, given: Any) -> tuple[Any, Any, Any]:
    axes = [axis for axis in range(len(given.shape)) if axis != layer.axis % len(given.shape)]
    mean, variance = ops.mean(given, axes), ops.var(given, axes) + layer.epsilon
    moving_mean, moving_variance = (ops.cast(v, "float32") for v in layers.statistics_of(layer))
    mean_gap = (mean - moving_mean) / ops.sqrt(variance)
    scale_gap = ops.log((moving_variance + layer.epsilon) / variance) / 2
    size = ops.abs(ops.cast(layer.gamma, "float32")) if layer.scale else ops.ones_like(mean)
    collapsed = ops.mean(ops.cast(size < 0.01 * ops.max(size), "float32"))
    return root_mean_square(mean_gap), root_mean_square(scale_gap), collapsed


@section("8.7.1")
def batch_statistics(model: Any, x: Any, y: Any = None, **options: Any) -> BatchStatistics:
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
    found = Probe(model, x, y, monitors=[BatchStatisticsMonitor()], **options).look()
    if "batch_statistics" not in found:
        raise ValueError(
            "`batch_statistics` compares what batches and moving averages say in layers of batch normalization. "
            f"Received: the model {model.name!r}, which has no such layer. Add one, or ask another monitor."
        )
    return found["batch_statistics"]
