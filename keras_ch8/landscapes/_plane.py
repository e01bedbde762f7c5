"""The loss on a plane through the weights."""

import dataclasses
from typing import Any

import numpy as np

from .. import _checks
from .._plot import axes_of
from .._section import section
from ..curvature.objective import Objective
from ._directions import filter_normalized, principal
from ._weights import trajectory_of

MARGIN = 0.15
"""How far a grid goes beyond the trajectory in it, as a share of its width."""


@dataclasses.dataclass(frozen=True)
class Plane:
    """The loss on a grid.

    Args:
        a: Coordinates along the first direction.
        b: Coordinates along the second.
        losses: Loss at each point, shape [len(b), len(a)].
        directions: The two directions, flat, shape [2, weights].
        trajectory: Coordinates of the recorded weights, shape [times, 2], if they were given.
        explained: Share of their squared distances from the present weights that lies in the plane.
    """

    a: np.ndarray
    b: np.ndarray
    losses: np.ndarray
    directions: np.ndarray
    trajectory: np.ndarray | None = None
    explained: float | None = None

    def plot(self, ax: Any = None, levels: int = 20) -> Any:
        """Draw contours of the loss, and the trajectory, with matplotlib; return the axes."""
        ax = axes_of(ax)
        ax.contour(self.a, self.b, np.ma.masked_invalid(self.losses), levels=levels)
        ax.plot(0, 0, "r+")
        if self.trajectory is not None:
            ax.plot(*self.trajectory.T, ".-")
        ax.set_xlabel("first direction")
        ax.set_ylabel("second direction")
        return ax


@section("8.2.7")
def plane(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    trajectory: Any = None,
    radius: float = 1.0,
    points: int = 21,
    seed: int = 0,
    **options: Any,
) -> Plane:
    """Return the loss on a plane through the present weights (section 8.2.7; Li et al. 2018).

        L(a, b) <- J(theta + a d_1 + b d_2)

    Random directions are normalized filter by filter, so that a ReLU network and the same one with rescaled units give
    the same picture; vectors (biases, scales of normalization) stay as they are:

        d_f <- d_f |theta_f| / |d_f|        where theta_f are the weights of one unit

    With a recorded training, d_1 and d_2 are instead the two orthonormal directions of the plane through the present
    weights that keeps most of the distances to the recorded ones: the first right singular vectors of theta_t - theta.
    A random walk, too, looks like a smooth curve in them. Batch normalization takes the statistics of these examples at
    each point. All examples go through the model at once, points^2 times.

    Args:
        model: A compiled model. It stays as it is.
        x: Inputs, as for `fit`.
        y: Targets.
        trajectory: List of the weights recorded during a training, oldest first, each as from `model.get_weights()` or
            a flat vector of the trainable ones. Defaults to none: random directions.
        radius: Number above 0: a and b go from -radius to radius; 1 is as far as the weights are from 0. With a
            trajectory they cover that instead. Defaults to `1.0`.
        points: Integer of at least 2: points along each direction. Defaults to `21`.
        seed: Seed of the random directions. Defaults to `0`.
        **options: As for `curvature.gradient`: `sample_weight`, `loss`, `training`.

    Returns:
        A `Plane`; `losses` has the shape [points, points], its rows along b.

    Raises:
        ValueError: If a number is out of range, if weights are not those of this model, or if fewer than two directions
            lead from the present weights to the trajectory.

    Example:
        >>> model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2, kernel_initializer="ones")])
        >>> model.compile(loss="mse")
        >>> found = keras_ch8.landscapes.plane(model, np.ones((1, 1)), np.ones((1, 2)), points=3)
        >>> found.losses.shape, float(found.losses[1, 1])
        ((3, 3), 0.0)

    References:
        Li, Xu, Taylor, Studer, Goldstein (2018), Visualizing the Loss Landscape of Neural Nets.
    """
    points = _checks.count("points", points, 2, meaning="the number of points along a direction", mend="Try 21.")
    radius = _checks.positive("radius", radius, meaning="how far the grid goes", mend="Try 1.")
    seed = _checks.count("seed", seed, 0, meaning="the seed of the directions", mend="Try 0.")
    objective = Objective(model, x, y, **options)
    theta, projected, explained = objective.theta(), None, None
    a = b = np.linspace(-radius, radius, points)
    if trajectory is None:
        directions = filter_normalized(objective, theta, np.random.default_rng(seed))
    else:
        away = trajectory_of(trajectory, objective) - theta
        directions = principal(away)
        projected = away @ directions.T
        explained = float(np.sum(projected**2) / np.sum(away**2))
        a, b = (_around(coordinates, points) for coordinates in projected.T)
    losses = [[objective.value(theta + [i, j] @ directions) for i in a] for j in b]
    return Plane(a, b, np.array(losses), directions, projected, explained)


def _around(coordinates: np.ndarray, points: int) -> np.ndarray:
    low, high = min(coordinates.min(), 0.0), max(coordinates.max(), 0.0)
    return np.linspace(low - MARGIN * (high - low), high + MARGIN * (high - low), points)
