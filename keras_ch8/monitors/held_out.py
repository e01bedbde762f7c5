"""What is known before the first step of the validation data that `fit` was given: whether they are trained on."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from .._types import Data
from ..verdicts.rows import equal_rows, unseen_of


def rows_in_both(
    x: Sequence[np.ndarray], other: Sequence[np.ndarray], targets: tuple[np.ndarray, np.ndarray] | None = None
) -> dict[str, Any]:
    """Return the facts about examples and classes that are in the training and in the validation data, or not.

    Of what has no rows it is {}.

    Args:
        x: The arrays of inputs that are trained on.
        other: Those of the validation data.
        targets: The targets of both, where each has one array of them.
    """
    if not x or [a.shape[1:] for a in x] != [a.shape[1:] for a in other]:
        return {}
    labels = targets if targets is not None and targets[0].shape[1:] == targets[1].shape[1:] else None
    for part in (x, other):
        arrays = [*part, *(labels or ())]
        if any(a.dtype.kind not in "fiub" or not a.ndim or not a.size for a in arrays):
            return {}
    if any(len({len(a) for a in part}) > 1 for part in (x, other)):
        return {}
    if labels is not None and (len(labels[0]), len(labels[1])) != (len(x[0]), len(other[0])):
        return {}
    equal, are_few = equal_rows(x, other, labels)
    found = {"equal_rows": equal, "rows_are_few": are_few}
    return found if labels is None else found | {"unseen": unseen_of(*labels)}


def validated_on(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts about what `fit` trains and validates on, where both are arrays; {} of other data.

    Args:
        arguments: What `fit` was given, by name.
    """
    x, y, held_out = arguments.get("x"), arguments.get("y"), arguments.get("validation_data")
    share = arguments.get("validation_split") or 0.0
    if not are_arrays(x) or not are_arrays(y):
        return {}
    inputs, targets = map(_arrays, (x, y))
    if held_out is None and share and inputs:
        at = math.floor(len(inputs[0]) * (1 - share))  # where Keras splits
        others, of_others = ([a[at:] for a in part] for part in (inputs, targets))
        inputs, targets = ([a[:at] for a in part] for part in (inputs, targets))
    elif isinstance(held_out, tuple | list) and len(held_out) in (2, 3) and all(map(are_arrays, held_out[:2])):
        others, of_others = map(_arrays, held_out[:2])
    else:
        return {}
    both = (targets[0], of_others[0]) if len(targets) == len(of_others) == 1 else None
    return rows_in_both(inputs, others, both)


def _arrays(part: Data) -> list[np.ndarray]:
    """Return the arrays of a part of the data; those of NumPy themselves, which may be large."""
    leaves = keras.tree.flatten(part)
    return [a if isinstance(a, np.ndarray) else np.asarray(keras.ops.convert_to_numpy(a)) for a in leaves]


def are_arrays(part: Data) -> bool:
    """Whether some data are arrays, or a nesting of them."""
    leaves = keras.tree.flatten(part)
    return bool(leaves) and all(isinstance(a, np.ndarray) or keras.ops.is_tensor(a) for a in leaves)
