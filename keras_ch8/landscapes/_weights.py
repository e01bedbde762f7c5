"""Weights of a model, in whichever form they were kept, as one flat vector."""

from typing import Any

import numpy as np

from ..curvature.objective import Objective


def flat(name: str, weights: Any, objective: Objective) -> np.ndarray:
    """Return the trainable weights as a flat vector in float64.

    `weights` is that already, or a list of arrays: of all variables, as from `model.get_weights()`, or of the trainable
    ones.
    """
    if isinstance(weights, np.ndarray) and weights.shape == (objective.size,):
        return weights.astype("float64")
    if isinstance(weights, (list, tuple)):
        arrays = [np.asarray(w) for w in weights]
        for variables in (objective.model.weights, objective.variables):
            if [a.shape for a in arrays] == [tuple(v.shape) for v in variables]:
                of = {id(v): a for v, a in zip(variables, arrays, strict=True)}
                return objective.join([of[id(v)] for v in objective.variables])
        raise ValueError(
            f"`{name}` must be weights of this model: a list of arrays as from `model.get_weights()`. Received: "
            f"{len(arrays)} arrays of shapes {[a.shape for a in arrays]}; the model's are "
            f"{[tuple(v.shape) for v in objective.model.weights]}."
        )
    raise ValueError(
        f"`{name}` must be weights of this model: a list of arrays as from `model.get_weights()`, or a flat vector of "
        f"the {objective.size} trainable ones. Received: {type(weights).__name__} of shape {np.shape(weights)}."
    )


def trajectory_of(weights: Any, objective: Objective) -> np.ndarray:
    """Return recorded weights [times, size]."""
    if not isinstance(weights, (list, tuple, np.ndarray)) or len(weights) < 2:
        raise ValueError(
            "`trajectory` must be a list of at least two sets of weights, oldest first. Received: "
            f"{type(weights).__name__}{f' of {len(weights)}' if hasattr(weights, '__len__') else ''}. "
            "Record `model.get_weights()` at the beginning and after each epoch."
        )
    return np.stack([flat(f"trajectory[{number}]", w, objective) for number, w in enumerate(weights)])
