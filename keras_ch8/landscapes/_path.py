"""The loss on the way from one set of weights to another."""

import dataclasses
from typing import Any

import numpy as np

from .. import _checks
from .._plot import axes_of
from .._section import section
from ..curvature.objective import Objective
from ._weights import flat, trajectory_of

EASY = 0.01
"""Share of the range of the losses on a line that a climb may have on an easy one."""

ROUNDING = 1e-6
"""Share of the largest loss that is rounding in float32."""


@dataclasses.dataclass(frozen=True)
class Trajectory:
    """The loss where a training has been.

    Args:
        losses: Loss at each of the recorded weights.
        distances: Their distance from the first.
        travelled: Length of the way to there, from one recorded point to the next.
        cosines: Cosine of the angle between their direction from the first and that of the line; NaN at the first.
    """

    losses: np.ndarray
    distances: np.ndarray
    travelled: np.ndarray
    cosines: np.ndarray


@dataclasses.dataclass(frozen=True)
class Path:
    """The loss along a straight line.

    Args:
        shares: Place on the line: 0 at its start, 1 at its end.
        distances: Distance from the start.
        losses: Loss at each place.
        trajectory: The loss where the training has been, if that was given.
    """

    shares: np.ndarray
    distances: np.ndarray
    losses: np.ndarray
    trajectory: Trajectory | None = None

    @property
    def barrier(self) -> float:
        """The highest climb on the way: the largest of L_j - L_i for i before j; 0 if the loss never rises."""
        losses = np.where(np.isnan(self.losses), np.inf, self.losses)
        with np.errstate(invalid="ignore"):  # inf - inf is no climb
            return float(np.nanmax(losses - np.minimum.accumulate(losses), initial=0.0))

    @property
    def is_monotone(self) -> bool:
        """Whether the loss never rises on the way, but for rounding, and is finite."""
        return self._is_finite and self.barrier <= ROUNDING * float(np.abs(self.losses).max())

    @property
    def sentence(self) -> str:
        """What kind of line it is. It says nothing of how good its ends are."""
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
        ax.plot(self.distances, self.losses, label="straight line")
        if self.trajectory is not None:
            ax.plot(self.trajectory.distances, self.trajectory.losses, ".-", label="trajectory")
            ax.legend()
        ax.set_xlabel("distance from the start")
        ax.set_ylabel("loss")
        return ax

    def __str__(self) -> str:
        return self.sentence


@section("8.2.7")
def path(
    model: Any,
    x: Any,
    y: Any = None,
    start: Any = None,
    end: Any = None,
    *,
    points: int = 21,
    trajectory: Any = None,
    **options: Any,
) -> Path:
    """Return the loss along the straight line between two sets of weights (section 8.2.7; Goodfellow et al. 2015).

        L(a) <- J((1 - a) start + a end)        for a = 0 .. 1
        barrier <- max of L(b) - L(a) over a < b

    and, of a recorded training, the loss at each point with |theta - start| and cos(theta - start, end - start). An
    easy straight line says that descent could have gone straight there. It does not say that the end is good, nor does
    a hard one say that it is bad (Frankle 2020): Adam, batch normalization and long ways make lines hard (Lucas et al.
    2021). Batch normalization takes the statistics of these examples at each point, since the moving ones belong to one
    point only. Dropout has one mask. All examples go through the model at once, `points` times.

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
        A `Path`; `losses` and `distances` have `points` entries.

    Raises:
        ValueError: If neither `start` nor `trajectory` is given, if weights are not those of this model, or if `points`
            is below 2.

    Example:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile(loss="mse")
        >>> x, y = np.array([[1.0], [2.0]]), np.array([[1.0], [2.0]])
        >>> found = keras_ch8.landscapes.path(model, x, y, start=[np.array([[3.0]]), np.array([0.0])], points=3)
        >>> found.losses
        array([10. ,  2.5,  0. ])
        >>> print(found)
        Easy straight line: the loss goes from 10 to 0 over a distance of 2 and never rises.

    References:
        Goodfellow, Vinyals, Saxe (2015), Qualitatively Characterizing Neural Network Optimization Problems; Frankle
        (2020), Revisiting "Qualitatively Characterizing ..."; Lucas et al. (2021), Analyzing Monotonic Linear
        Interpolation in Neural Network Loss Landscapes.
    """
    points = _checks.count("points", points, 2, meaning="the number of places on the line", mend="Try 21.")
    if start is None and trajectory is None:
        raise ValueError("`path` needs to know where the line begins. Received: neither `start` nor `trajectory`.")
    objective = Objective(model, x, y, **options)
    recorded = np.zeros((0, objective.size)) if trajectory is None else trajectory_of(trajectory, objective)
    present = recorded[-1] if len(recorded) else objective.theta()
    first = recorded[0] if start is None else flat("start", start, objective)
    last = present if end is None else flat("end", end, objective)
    shares = np.linspace(0, 1, points)
    losses = np.array([objective.value((1 - a) * first + a * last) for a in shares])
    distances = shares * np.linalg.norm(last - first)
    return Path(shares, distances, losses, _along(objective, recorded, first, last) if len(recorded) else None)


def _along(objective: Objective, recorded: np.ndarray, first: np.ndarray, last: np.ndarray) -> Trajectory:
    away, line = recorded - first, last - first
    distances = np.linalg.norm(away, axis=1)
    steps = np.linalg.norm(np.diff(recorded, axis=0), axis=1)
    with np.errstate(invalid="ignore"):  # no direction at the start itself
        cosines = away @ line / (distances * np.linalg.norm(line))
    losses = np.array([objective.value(theta) for theta in recorded])
    return Trajectory(losses, distances, np.concatenate([[0.0], np.cumsum(steps)]), cosines)
