"""Whether a model that predicts the next step of a sequence is given it."""

import keras
import numpy as np

from .._batches import picked
from .._types import Data
from ..curvature.objective import Objective, tensors_of
from ..integration import backend

FOLLOW = 0.75
"""Targets that are the input of the next step, from which on they are made of it; the rest is padding, or cut off."""
FEWEST, MOST = 4, 8
"""Steps of a sequence, and examples whose later steps are changed."""
ROUNDING = 1e-4
"""Change of predictions, over their largest size, up to which it is rounding."""


def sees_next(model: keras.Model, x: Data, y: np.ndarray) -> bool:
    """Whether targets are the inputs of the next step, and predictions change with what comes after their own step.

    The second half of some sequences is exchanged for that of others; what was predicted for the first half must stay.

    Args:
        model: A model that is built, with one output.
        x: Inputs of some examples: steps of a sequence, alone or as one of several inputs.
        y: Targets, one for each step.
    """
    inputs = keras.tree.flatten(x)
    place = next((i for i, steps in enumerate(inputs) if _follow(np.asarray(y), np.asarray(steps))), None)
    if place is None:
        return False
    steps = np.asarray(inputs[place])
    half, shift = steps.shape[1] // 2, np.roll(np.arange(len(steps)), 1)
    others = np.concatenate([steps[:, :half], steps[shift, half:]], axis=1)
    differ = np.flatnonzero((others != steps).reshape(len(steps), -1).any(axis=1))[:MOST]
    if not differ.size:
        return False
    objective = Objective(model, x, loss=lambda y, y_pred: keras.ops.zeros(()), training=False, watches=True)
    theta = [backend.as_tensor(v.value) for v in objective.variables]

    def predicted(steps: np.ndarray) -> np.ndarray:
        arrays = [steps if i == place else np.asarray(array) for i, array in enumerate(inputs)]
        some = tensors_of(picked(keras.tree.pack_sequence_as(x, arrays), differ))
        return np.asarray(keras.ops.convert_to_numpy(objective.evaluate(theta, (some, None, None)).outputs), "float64")

    before, again, after = (predicted(a)[:, :half] for a in (steps, steps, others))
    largest = ROUNDING * np.abs(before).max(initial=0.0)
    return bool(np.abs(again - before).max() <= largest < np.abs(after - before).max())


def _follow(y: np.ndarray, steps: np.ndarray) -> bool:
    """Whether targets, one for each step, are mostly the inputs of the next step, where these differ from their own."""
    if steps.ndim < 2 or y.ndim < 2 or y.shape[:2] != steps.shape[:2] or not y.size or steps.shape[1] < FEWEST:
        return False
    targets = y.argmax(axis=-1) if y.ndim == 3 > steps.ndim and y.shape[-1] > 1 else y
    features, targets = (a.reshape(*a.shape[:2], -1) for a in (steps, targets))
    if targets.shape[-1] not in (1, features.shape[-1]):
        return False
    after = features[:, 1:]
    differs = after != features[:, :-1]
    return bool((((after == targets[:, :-1]) & differs).sum((0, 1)) >= FOLLOW * differs.sum((0, 1)).clip(min=1)).any())
