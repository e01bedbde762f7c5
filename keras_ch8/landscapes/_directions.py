"""The two directions of a plane."""

import numpy as np

from ..clipping.units import unit_axes
from ..curvature.objective import Objective


def filter_normalized(objective: Objective, theta: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return two random directions [2, weights] in which each unit has the norm of its weights, and vectors rest."""
    units = [unit_axes(v) for v in objective.variables]
    flat = np.split(theta, objective.ends[1:-1])
    weights = [w.reshape(shape) for w, shape in zip(flat, objective.shapes, strict=True)]
    filters = list(zip(weights, units, strict=True))
    return np.array([objective.join([_like(w, axes, rng) for w, axes in filters]) for _ in range(2)])


def _like(w: np.ndarray, axes: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return d |w| / |d|, the norms over the weights of each unit; 0 for a vector or a bias, which is one unit."""
    d = rng.normal(size=w.shape)
    if len(axes) == w.ndim:
        return 0 * d
    return d * np.sqrt(np.sum(w**2, axes, keepdims=True) / np.sum(d**2, axes, keepdims=True))


def principal(away: np.ndarray) -> np.ndarray:
    """Return the two orthonormal directions [2, weights] that keep most of these displacements [times, weights]."""
    _, sizes, directions = np.linalg.svd(away, full_matrices=False)
    if len(sizes) < 2 or sizes[1] <= 1e-6 * sizes[0]:
        raise ValueError(
            "The plane of a trajectory needs two directions from the present weights to the recorded ones. Received: "
            f"{len(away)} sets of weights on one line with the present ones. Record more of the training, or leave "
            "`trajectory` out for random directions."
        )
    return directions[:2]
