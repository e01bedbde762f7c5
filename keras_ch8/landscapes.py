"""The loss on a line in the space of the weights. The model stays as it is.

Vectors are flat: the entries of `model.trainable_variables`, one variable after the other.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeAlias

import keras
import numpy as np

from .integration import backend as _backend

_backend.require_tensorflow(__name__)

from . import _checks
from ._describe import section, short
from ._plot import axes_of, finished, line
from ._result import Result, Table
from ._types import Data
from .curvature.objective import Objective

__all__ = ["interpolate"]

Weights: TypeAlias = np.ndarray | Sequence[np.ndarray]
"""Weights of a model: a list as from `model.get_weights()`, or a flat vector of the trainable ones."""

EASY = 0.01
"""The highest climb on an easy line, as a fraction of the range of its losses."""

ROUNDING = 1e-6
"""Rises up to this fraction of the largest loss are rounding in float32."""


@dataclasses.dataclass(frozen=True, repr=False)
class Trajectory(Result):
    """The loss at the recorded points of a training.

    Args:
        losses: Loss at each of the recorded weights.
        distances: Their distance from the first.
        travelled: Length of the path to each, along the recorded points.
        cosines: Cosine of the angle between their direction from the first and that of the line; NaN at the first.
    """

    losses: np.ndarray
    distances: np.ndarray
    travelled: np.ndarray
    cosines: np.ndarray

    def _headline(self) -> str:
        first, last = self.losses[[0, -1]]
        way = f"{self.distances[-1]:.3g} away by a way of {self.travelled[-1]:.3g}"
        return f"{len(self.losses)} points, loss from {first:.3g} to {last:.3g}, {way}"

    def _table(self) -> Table:
        columns = "loss", "distance [weight]", "way [weight]", "cosine to the line"
        return Table(columns, list(zip(self.losses, self.distances, self.travelled, self.cosines, strict=True)))


@dataclasses.dataclass(frozen=True, repr=False)
class Interpolation(Result):
    """The loss along a straight line.

    Args:
        alphas: Place on the line: 0 at its start, 1 at its end.
        distances: Distance from the start.
        losses: Loss at each place.
        trajectory: The loss at the recorded points of a training, if there are any.
    """

    alphas: np.ndarray
    distances: np.ndarray
    losses: np.ndarray
    trajectory: Trajectory | None = None

    @property
    def barrier(self) -> float:
        """The highest climb on the line: the largest of L_j - L_i for i before j; 0 if the loss never rises."""
        losses = np.where(np.isnan(self.losses), np.inf, self.losses)
        with np.errstate(invalid="ignore"):  # inf - inf is no climb
            return float(np.nanmax(losses - np.minimum.accumulate(losses), initial=0.0))

    @property
    def is_monotone(self) -> bool:
        """Whether the loss is finite and never rises on the line, up to rounding."""
        return self._is_finite and self.barrier <= ROUNDING * float(np.abs(self.losses).max())

    @property
    def message(self) -> str:
        """A description of the line. It says nothing about how good its ends are."""
        first, last, distance = self.losses[0], self.losses[-1], self.distances[-1]
        way = f"the loss goes from {first:.3g} to {last:.3g} over a distance of {distance:.3g}"
        if self.is_monotone:
            return f"Easy straight line: {way} and never rises."
        easy = self._is_finite and self.barrier <= EASY * np.ptp(self.losses)
        return f"{'Easy' if easy else 'Hard'} straight line: {way}, and has to climb {self.barrier:.3g} on the way."

    @property
    def _is_finite(self) -> bool:
        return bool(np.isfinite(self.losses).all())

    def plot(self, ax: Any = None) -> Any:
        """Draw the losses over the distance, with matplotlib; return the axes."""
        ax = axes_of(ax)
        ax.plot(self.distances, self.losses, label="straight line", **line(0))
        if self.trajectory is not None:
            ax.plot(self.trajectory.distances, self.trajectory.losses, "o", label="training", markersize=4, **line(1))
        return finished(ax, "Loss on the straight line", "distance from the start [weight]", "loss", "way")

    def _headline(self) -> str:
        return self.message

    def _table(self) -> Table:
        rows = zip(self.alphas, self.distances, self.losses, strict=True)
        return Table(("place (0 start, 1 end)", "distance [weight]", "loss"), list(rows))


@section("8.2.7")
def interpolate(
    model: keras.Model,
    x: Data,
    y: Data = None,
    start: Weights | None = None,
    end: Weights | None = None,
    *,
    points: int = 21,
    trajectory: Sequence[Weights] | None = None,
    **options: Any,
) -> Interpolation:
    """Return the loss along the straight line between two sets of weights (section 8.2.7; Goodfellow et al. 2015).

        L(a) <- J((1 - a) start + a end)        for alphas a = 0 .. 1
        barrier <- max of L(b) - L(a) over a < b

    and, of a recorded training, the loss at each point with |theta - start| and cos(theta - start, end - start). An
    easy straight line shows that descent could have gone straight there. It does not show that the end is good, nor
    does a hard one show that it is bad (Frankle 2020): Adam, batch normalization and large distances make lines hard
    (Lucas et al. 2021). Batch normalization uses the statistics of these examples at each point, since the moving ones
    belong to one point only. Dropout has one mask. All examples go through the model at once, `points` times.

    Args:
        model: A compiled model. It stays as it is.
        x: Inputs, as for `fit`.
        y: Targets.
        start: Weights where the line starts: a list as from `model.get_weights()`, or a flat vector of the trainable
            ones. Defaults to the first of `trajectory`.
        end: Weights where it ends. Defaults to the last of `trajectory`, without one to the weights as they are.
        points: Integer of at least 2: places on the line, its ends among them. Defaults to `21`.
        trajectory: List of the weights recorded during a training, oldest first.
        **options: As for `curvature.gradient`: `sample_weight`, `loss`, `training`.

    Returns:
        An `Interpolation`; `losses` and `distances` have `points` entries.

    Raises:
        ValueError: If neither `start` nor `trajectory` is given, if weights are not those of this model, or if `points`
            is below 2.

    Example:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile(loss="mse")
        >>> x, y = np.array([[1.0], [2.0]]), np.array([[1.0], [2.0]])
        >>> found = keras_ch8.landscapes.interpolate(model, x, y, start=[np.array([[3.0]]), np.array([0.0])], points=3)
        >>> found.losses
        array([10. ,  2.5,  0. ])
        >>> found.message
        'Easy straight line: the loss goes from 10 to 0 over a distance of 2 and never rises.'

    References:
        Goodfellow, Vinyals, Saxe (2015), Qualitatively Characterizing Neural Network Optimization Problems; Frankle
        (2020), Revisiting "Qualitatively Characterizing ..."; Lucas et al. (2021), Analyzing Monotonic Linear
        Interpolation in Neural Network Loss Landscapes.
    """
    points = _checks.count("points", points, 2, meaning="the number of places on the line", fix="Try 21.")
    if start is None and trajectory is None:
        raise ValueError(
            "`interpolate` needs the start of the line. Received: neither `start` nor `trajectory`. Pass `start`, "
            "such as what `model.get_weights()` returned before the training, or the recorded `trajectory`."
        )
    objective = Objective(model, x, y, **options)
    recorded = np.zeros((0, objective.size)) if trajectory is None else trajectory_of(trajectory, objective)
    present = recorded[-1] if len(recorded) else objective.theta()
    first = recorded[0] if start is None else flat("start", start, objective)
    last = present if end is None else flat("end", end, objective)
    alphas = np.linspace(0, 1, points)
    losses = np.array([objective.value((1 - a) * first + a * last) for a in alphas])
    distances = alphas * np.linalg.norm(last - first)
    return Interpolation(alphas, distances, losses, _along(objective, recorded, first, last) if len(recorded) else None)


def _along(objective: Objective, recorded: np.ndarray, first: np.ndarray, last: np.ndarray) -> Trajectory:
    away, line = recorded - first, last - first
    distances = np.linalg.norm(away, axis=1)
    steps = np.linalg.norm(np.diff(recorded, axis=0), axis=1)
    with np.errstate(invalid="ignore"):  # no direction at the start itself
        cosines = away @ line / (distances * np.linalg.norm(line))
    losses = np.array([objective.value(theta) for theta in recorded])
    return Trajectory(losses, distances, np.concatenate([[0.0], np.cumsum(steps)]), cosines)


def flat(name: str, weights: Weights, objective: Objective) -> np.ndarray:
    """Return the trainable weights as a flat vector in float64.

    `weights` is that already, or a list of arrays: of all variables, as from `model.get_weights()`, or of the trainable
    ones.
    """
    if isinstance(weights, np.ndarray) and weights.shape == (objective.size,):
        return weights.astype("float64")
    if isinstance(weights, (list, tuple)):
        try:
            arrays = [np.asarray(w) for w in weights]
        except ValueError:  # a list of lists of different lengths is no array
            arrays = []
        for variables in (objective.model.weights, objective.variables):
            if [a.shape for a in arrays] == [tuple(v.shape) for v in variables]:
                of = {id(v): a for v, a in zip(variables, arrays, strict=True)}
                return objective.join([of[id(v)] for v in objective.variables])
    raise ValueError(
        f"`{name}` must be weights of this model: a list of arrays as from `model.get_weights()`, of shapes "
        f"{short([tuple(v.shape) for v in objective.model.weights])}, or a flat vector of the {objective.size} "
        f"trainable ones. Received: {short(weights)}."
    )


def trajectory_of(weights: Sequence[Weights], objective: Objective) -> np.ndarray:
    """Return recorded weights [times, size]."""
    if not (isinstance(weights, list | tuple) or getattr(weights, "ndim", 0) > 0) or len(weights) < 2:
        raise ValueError(
            "`trajectory` must be a list of at least two sets of weights, oldest first. Received: "
            f"{type(weights).__name__}{f' of {len(weights)}' if isinstance(weights, list | tuple) else ''}. "
            "Record `model.get_weights()` at the beginning and after each epoch."
        )
    return np.stack([flat(f"trajectory[{number}]", w, objective) for number, w in enumerate(weights)])


def __dir__() -> list[str]:
    return sorted(__all__)
