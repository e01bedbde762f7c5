"""The loss around the weights of a training that does not come on: along its step, and along its curvature."""

from typing import Any

import numpy as np

from keras_ch8 import curvature
from keras_ch8._plot import COLORS
from keras_ch8.curvature.objective import Objective

from . import style

EXAMPLES = 512
"""Of the data, for the loss."""
FAR = np.geomspace(1e-2, 1e3, 120)
"""Distances from the weights among which the lowest loss is sought, in weights."""
AWAY = "distance from them [weight]"


def along_the_step(ax: Any, run: Any) -> None:
    """Draw the loss along the step of plain descent, as if it were longer."""
    objective, theta = _at(run)
    step = -float(run.model.optimizer.learning_rate) * objective.gradient(theta)
    times = np.geomspace(1, 1e7, 120)
    losses = _losses(objective, theta, times, step)
    best = int(np.nanargmin(losses))
    is_shown = times <= 4 * times[best]
    ax.plot(times[is_shown], losses[is_shown], **style.look(0))
    ax.plot(times[0], losses[0], "o", color=COLORS[1], markersize=12, label="the step that is taken")
    ax.plot(times[best], losses[best], "k*", markersize=14, label="the best step in this direction")
    ax.set_ylim(0, 1.3 * losses[0])
    style.done(ax, "The loss along one step", "times as long as it is taken", "loss", log="x", legend="lower left")
    ax.set_xticks(10.0 ** np.arange(0, 7, 2))


def along_both_curvatures(ax: Any, run: Any) -> None:
    """Draw the loss along the directions of the strongest negative and the strongest positive curvature."""
    objective, theta = _at(run)
    found = curvature.lanczos(run.model, run.x[:EXAMPLES], run.y[:EXAMPLES], steps=60)
    down, up = found.vectors[:, 0], found.vectors[:, -1]
    _draw_two(ax, objective, theta, {"up on both sides": up, "down on both sides": down})
    style.done(ax, "The loss around the weights: a saddle", AWAY, "loss", legend="lower center")


def across_and_along(ax: Any, run: Any) -> None:
    """Draw the loss across a ravine, where it is steepest, and along its floor, where Newton's method would go."""
    objective, theta = _at(run)
    hessian = curvature.hessian(run.model, run.x[:EXAMPLES], run.y[:EXAMPLES])
    across = np.linalg.eigh(hessian)[1][:, -1]
    newton = -np.linalg.solve(hessian + 1e-8 * np.eye(len(theta)), objective.gradient(theta))
    along = _unit(newton - (newton @ across) * across)
    _draw_two(ax, objective, theta, {"across: walls": across, "along: the floor": along})
    style.done(ax, "The loss around the weights: a ravine", AWAY, "loss", legend="upper right")


DRAWN = {
    "step_too_short": along_the_step,
    "saddle": along_both_curvatures,
    "ill_conditioned": across_and_along,
}
"""What shows a kind of verdict at a glance, of those whose numbers over the steps do not."""


def _at(run: Any) -> tuple[Objective, np.ndarray]:
    """Return the loss of a run on its first examples, and its weights."""
    objective = Objective(run.model, run.x[:EXAMPLES], run.y[:EXAMPLES])
    return objective, objective.theta()


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def _losses(objective: Objective, theta: np.ndarray, distances: np.ndarray, direction: np.ndarray) -> np.ndarray:
    return np.array([objective.value(theta + distance * direction) for distance in distances])


def _draw_two(ax: Any, objective: Objective, theta: np.ndarray, directions: dict[str, np.ndarray]) -> None:
    """Draw the loss along two directions on one scale, as far as the second leads down."""
    *_, last = directions.values()
    far = 1.3 * FAR[np.nanargmin(_losses(objective, theta, FAR, last))]
    distances = np.linspace(-far, far, 121)
    here = objective.value(theta)
    for number, (name, direction) in enumerate(directions.items()):
        ax.plot(distances, _losses(objective, theta, distances, direction), label=name, **style.look(number))
    ax.plot(0, here, "k*", markersize=14, label="here")
    ax.set_ylim(0, 2 * here)
