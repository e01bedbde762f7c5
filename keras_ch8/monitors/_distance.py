"""How far the training has come from where it began."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import ops

from .. import _numerics
from .._describe import section
from .._result import Result
from .._types import Data, Tensor
from .base import Curve, Monitor, Snapshot
from .measurement_log import MeasurementLog
from .probe import ProbeEvaluator


@dataclasses.dataclass(frozen=True, repr=False)
class Distance(Result):
    """The way from the start.

    Args:
        distance: |theta - theta_0|, the distance of the weights theta from the start theta_0.
        start_norm: |theta_0|.
        weight_norm: |theta|.
        heading: Cosine between -g, where gradient descent goes, and the way back to the start: -1 while descent leads
            straight away from the start, 1 while it leads straight back.
    """

    distance: float
    start_norm: float
    weight_norm: float
    heading: float

    _shows = ("distance", "start_norm", "weight_norm", "heading")

    def _headline(self) -> str:
        return f"{self.distance:.3g} away from the start, whose norm is {self.start_norm:.3g}"


class DistanceMonitor(Monitor):
    """See `distance`."""

    name = "distance"
    sets = ("standard", "full")
    order = 9
    reading = Distance
    curves = (
        Curve(
            "distance",
            "Distance from the start",
            "weight",
            "Distance of the weights from their start, |theta - theta_0|.",
            "8.2.7",
            log=False,
        ),
        Curve(
            "cosine_to_start",
            "Direction relative to the start",
            "ratio",
            "Cosine between the descent direction and the way back to the start.",
            "8.2.7",
            log=False,
        ),
    )

    def tensors(self, snapshot: Snapshot) -> dict[str, Tensor]:
        """Return the norms, and the cosine."""
        way, gradient = snapshot.theta - snapshot.start, snapshot.now.gradient
        vectors = way, snapshot.start, snapshot.theta, gradient
        distance, start, theta, slope = (ops.sqrt(ops.sum(ops.square(vector))) for vector in vectors)
        heading = _numerics.safe_ratio(ops.sum(way * gradient), distance * slope, 0.0)
        return {"distance": distance, "start_norm": start, "weight_norm": theta, "heading": heading}

    def numbers(self, log: MeasurementLog) -> dict[str, float]:
        """Return the distance and the cosine."""
        last = log.of(self.name)[-1]
        return {"distance": last.distance, "cosine_to_start": last.heading}


@section("8.2.7")
def distance(model: keras.Model, x: Data, y: Data, start: list[np.ndarray], **options: Any) -> Distance:
    """Return how far the weights are from a start, and whether the gradient leads on (section 8.2.7).

    Training moves by the local slope, which need not point at a distant good region. Where the loss has no minimum but
    falls for ever (softmax on data that can be separated), the distance goes on growing while the gradient vanishes.

    Args:
        model: A compiled model.
        x: Inputs, as for `fit`.
        y: Targets.
        start: The trainable weights at the start, one array for each variable.
        **options: As for `curvature.gradient`.

    Returns:
        A `Distance`.

    Raises:
        ValueError: If `start` does not have the shapes of the trainable weights.

    Example:
        >>> dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
        >>> model = keras.Sequential([keras.Input((1,)), dense])
        >>> model.compile(loss="mse")
        >>> found = keras_ch8.monitors.distance(model, np.ones((1, 1)), np.array([[3.0]]), [np.array([[0.0]])])
        >>> found.distance, found.heading
        (1.0, -1.0)

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.2.7.
    """
    probe = ProbeEvaluator(model, x, y, monitors=[DistanceMonitor()], **options)
    return probe.evaluate(start=probe.objective.weights("start", start))["distance"]
