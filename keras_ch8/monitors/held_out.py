"""What is known before the first step of the data that `fit` was given: the examples, and whether they are held out."""

import contextlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from .. import _batches
from .._types import Data
from ..integration import backend
from ..verdicts.arrays import equal_rows, inputs_of, labels_of, targets_of, unseen_of
from ..verdicts.chance import chance_level
from ..verdicts.facts import NAN, Output

MOST = 10_000_000
"""Numbers in the validation targets up to which the loss of a constant is computed: that copies them in float64."""


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


def validated_on(arguments: Mapping[str, Any], output: Output, first: Data = None) -> dict[str, Any]:
    """Return the facts about what `fit` trains and validates on; {} where nothing is known of either.

    Args:
        arguments: What `fit` was given, by name.
        output: The output and its loss.
        first: x, y and sample_weight of the first examples that `fit` reads, which stand for what is no array.
    """
    x, y, held_out = arguments.get("x"), arguments.get("y"), arguments.get("validation_data")
    share = arguments.get("validation_split") or 0.0
    are_all = are_arrays(x) and are_arrays(y)
    if not are_all and first is not None:
        x, y, _ = first
    if not are_arrays(x) or not are_arrays(y):
        return {}
    inputs, targets = map(_arrays, (x, y))
    others_x, others_y, weights = _validation(held_out)
    if held_out is None and share and inputs:
        at = math.floor(len(inputs[0]) * (1 - share))  # where Keras splits
        others_x, others_y = ([a[at:] for a in part] for part in (inputs, targets))
        inputs, targets = ([a[:at] for a in part] for part in (inputs, targets))
        weights = arguments.get("sample_weight")
    found: dict[str, Any] = _chance_of_training(arguments, targets, output) if are_all else {}
    if not are_arrays(others_x) or not are_arrays(others_y):
        return found
    others, of_others = map(_arrays, (others_x, others_y))
    found["other_inputs"] = inputs_of({str(place): array for place, array in enumerate(others)})
    found["other"] = "the validation data"
    rows, other_rows = _counting(inputs, arguments.get("sample_weight")), _counting(others, weights)
    if not len(targets) == len(of_others) == 1:
        return found | (rows_in_both(rows, other_rows) if are_all else {})
    is_small = of_others[0].size <= MOST
    if is_small and output.axes:
        found["other_targets"] = targets_of(of_others[0], output.axes)
    if not backend.is_dataset(held_out):
        found["chance_of_validation"] = chance_level(output, of_others[0]) if is_small and weights is None else NAN
        found["validated"] = len(of_others[0])
    if not are_all:
        return found | {"unseen": unseen_of(targets[0], of_others[0], are_all=False)}
    (labels,), (other_labels,) = _counting(targets, arguments.get("sample_weight")), _counting(of_others, weights)
    return found | rows_in_both(rows, other_rows, (labels, other_labels))


def _counting(arrays: Sequence[np.ndarray], weights: Data) -> Sequence[np.ndarray]:
    """Return the rows whose weight is not 0, as those of the nodes of a graph that are held out may be."""
    is_for_rows = isinstance(weights, np.ndarray) and {a.shape[:1] for a in arrays} == {weights.shape}
    return [a[weights != 0] for a in arrays] if is_for_rows and not weights.all() else arrays


def _validation(held_out: Data) -> tuple[Data, Data, Data]:
    """Return x, y and sample_weight of arrays, or of the first batch of a data set that reading does not change."""
    if isinstance(held_out, tuple | list) and len(held_out) in (2, 3):
        return (*held_out, None)[:3]
    with contextlib.suppress(Exception):  # the data are the user's; `fit` says what is wrong with them
        if backend.is_dataset(held_out) and _batches.is_pure(held_out):
            return next(_batches.batches(backend.before_cache(held_out), None, None, batch_size=1, seed=0))
    return None, None, None


def _chance_of_training(
    arguments: Mapping[str, Any], targets: Sequence[np.ndarray], output: Output
) -> dict[str, float]:
    """Return the loss of the best constant for all that is trained on; {} where examples or classes have weights."""
    is_weighted = any(arguments.get(name) is not None for name in ("sample_weight", "class_weight"))
    if is_weighted or len(targets) != 1 or targets[0].size > MOST:
        return {}
    return {"chance_of_training": chance_level(output, targets[0])}


def first_given(arguments: Mapping[str, Any], examples: int) -> Data:
    """Return x, y and sample_weight of examples that `fit` trains on, of arrays or a source; None of other data.

    Nothing is read that could move. Of arrays that Keras shuffles they are from all over, of others the first.

    Args:
        arguments: What `fit` was given, by name.
        examples: How many, at most.
    """
    x, y, weight = (arguments.get(name) for name in ("x", "y", "sample_weight"))
    if x is not None and _batches.is_source(x):
        order = x.plan(x.epoch).ravel()
        data = x.take(order[order >= 0][:examples])
    elif are_arrays(x) and all(part is None or are_arrays(part) for part in (y, weight)):
        count = math.floor(_batches.examples_of(x) * (1 - (arguments.get("validation_split") or 0.0)))
        order = np.random.default_rng(0).permutation(count) if arguments.get("shuffle", True) else np.arange(count)
        data = _batches.take(keras.tree.map_structure(_array, (x, y, weight)), order[:examples])
    else:
        return None
    x, y, weight = keras.tree.map_structure(_as_keras_reads, data)
    of_class = arguments.get("class_weight")
    if weight is None and of_class is not None and isinstance(y, np.ndarray):
        weight = _batches.weights_by_class(np.nan_to_num(labels_of(y)).ravel(), of_class)
    return x, y, weight


def _as_keras_reads(array: np.ndarray | None) -> np.ndarray | None:
    """Return examples in the type in which `fit` trains on them; None stays None."""
    if array is None or array.dtype.kind != "f":
        return array
    with np.errstate(over="ignore"):
        return array.astype(keras.config.floatx())


def _arrays(part: Data) -> list[np.ndarray]:
    """Return the arrays of a part of the data; those of NumPy themselves, which may be large."""
    return [array for array in map(_array, keras.tree.flatten(part)) if array is not None]


def _array(leaf: Any) -> np.ndarray | None:
    return leaf if leaf is None or isinstance(leaf, np.ndarray) else np.asarray(keras.ops.convert_to_numpy(leaf))


def are_arrays(part: Data) -> bool:
    """Whether some data are arrays, or a nesting of them."""
    leaves = keras.tree.flatten(part)
    return bool(leaves) and all(isinstance(a, np.ndarray) or keras.ops.is_tensor(a) for a in leaves)
