"""What all examples together show: rows in training and in validation, and the order of the labels."""

import collections
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .facts import NAN

MOST_OTHERS, MOST_OF_TRAINING, MOST_COLUMNS = 2000, 100_000, 64
"""Validation examples and training examples that are compared, and numbers of each by which equal ones are looked for;
what is equal in these is compared in all."""
MOST_BYTES = 2**30
"""Size of the training data from which on only some of the examples are compared: fewer equal ones are then found."""
MOST_COUNTED = 5000
"""Training examples whose different values are counted."""
FEW = 8
"""Numbers of an example that may be equal by chance."""
MOST_COPIES, UNLIKELY = 16, 5.0
"""Times that one example is there up to which it may be copied, where answers that many give are there more often; and
how unlikely two equal ones are otherwise, over the logarithm of the number of examples."""
ALL_DIFFER = 0.5
"""Different values of a feature over different examples, from which on no two examples share one by chance."""


def equal_rows(
    x: np.ndarray | Sequence[np.ndarray], other: np.ndarray | Sequence[np.ndarray], targets: tuple | None = None
) -> tuple[float, bool]:
    """Return the fraction of other examples that are among some, and whether there are few possible ones at all.

    There are few where all combinations of the values of the features are not many more than there are examples, or
    where examples repeat each other and no feature tells them apart: equal ones are then by nature. An example whose
    numbers are all equal, such as an empty image, is not counted.

    Args:
        x: Inputs that are trained on, or several arrays of them.
        other: Those of the validation data.
        targets: The targets of both; equal examples are then those with equal targets. Defaults to `None`.
    """
    parts, others = ([a] if isinstance(a, np.ndarray) else list(a) for a in (x, other))
    size, held_out = len(parts[0]), len(others[0])
    if not size or not held_out:
        return NAN, False
    parts, others = (
        [*a, *([] if targets is None else [targets[i]])] for i, a in enumerate((parts, others))
    )  # the targets last, which are in every comparison
    step = 1 + max((size - 1) // MOST_OF_TRAINING, sum(a.nbytes for a in parts) // MOST_BYTES)
    rows = [a[::step].reshape(-1, _width(a)) for a in parts]
    tried = [a[:: 1 + (held_out - 1) // MOST_OTHERS].reshape(-1, _width(a)) for a in others]
    one, another = _keys(rows), _keys(tried)
    known = {key: place for place, key in enumerate(one)}
    found = [(known[key], place) for place, key in enumerate(another) if key in known]
    of_inputs = len(rows) - (targets is not None)
    equal = sum(_is_equal(rows, tried, of_inputs, *pair) for pair in found)
    if not equal:
        return 0.0, False
    step = 1 + (len(one) - 1) // MOST_COUNTED
    one = one[::step]
    different = len(set(one))
    columns = [column for a in rows[:of_inputs] for column in a[::step, _spread(a)].T]
    values = [len(np.unique(column)) for column in columns[:: 1 + (len(columns) - 1) // MOST_COLUMNS]]
    possible = sum(map(math.log2, values))
    counts = collections.Counter(one)
    are_copies = max(counts.values()) <= MOST_COPIES and _unlikely(columns) > UNLIKELY * math.log2(len(one))
    repeats = different < 0.98 * len(one) and max(values) < ALL_DIFFER * different and not are_copies
    return equal / len(another), repeats or possible < math.log2(len(one)) + 3


def _unlikely(columns: Sequence[np.ndarray]) -> float:
    """Return how unlikely it is that two examples are equal by chance, in bits, if each column is drawn by itself."""
    shares = [np.unique(column, return_counts=True)[1] / len(column) for column in columns]
    return float(sum(-np.log2(np.sum(share**2)) for share in shares))


def _width(a: np.ndarray) -> int:
    return math.prod(a.shape[1:])


def _spread(a: np.ndarray) -> slice:
    return slice(None, None, 1 + (a.shape[1] - 1) // MOST_COLUMNS)


def _keys(parts: Sequence[np.ndarray]) -> list[Any]:
    """Return some numbers of each example as bytes; 0 and -0 are the same."""
    some = np.concatenate([a[:, _spread(a)].astype("float32") + 0.0 for a in parts], axis=1)
    some = np.ascontiguousarray(some)
    return some.view(np.dtype((np.void, some.itemsize * some.shape[1]))).ravel().tolist()


def _is_equal(rows: Sequence[np.ndarray], tried: Sequence[np.ndarray], of_inputs: int, one: int, other: int) -> bool:
    """Whether two examples are equal throughout, and are no constant ones."""
    inputs = tried[:of_inputs]
    is_constant = sum(map(_width, inputs)) > FEW and all((a[other] == a[other][:1]).all() for a in inputs)
    pairs = zip(rows, tried, strict=True)
    return not is_constant and all(np.array_equal(a[one], b[other].astype(a.dtype)) for a, b in pairs)


def unseen_of(y: np.ndarray, other: np.ndarray) -> float:
    """Return the fraction of other labels that are not among some; NaN where these are no classes."""
    labels, others = (_labels(a) for a in (y, other))
    is_known = labels.ndim == others.ndim == 1 and len(labels) and len(others)
    classes = np.unique(labels) if is_known else labels
    if not is_known or not 2 <= len(classes) <= len(labels) / 4:
        return NAN
    return float(1 - np.isin(others, classes).mean())


def order_of(y: np.ndarray) -> float:
    """Return the runs of equal labels over the number of classes; NaN where these are no classes."""
    labels = _labels(y)
    classes = len(np.unique(labels))
    if labels.ndim != 1 or classes < 2 or classes > len(labels) / 4:
        return NAN
    return _runs(labels) / classes


def order_of_numbers(y: np.ndarray) -> float:
    """Return 1 where each number is at least the one before it, or each at most, and a tenth differ; else NaN."""
    numbers = np.asarray(y).reshape(len(y), -1)
    changes = np.diff(numbers[:, 0])
    is_sorted = bool((changes >= 0).all() or (changes <= 0).all())
    return 1.0 if numbers.shape[1] == 1 and is_sorted and np.count_nonzero(changes) > len(numbers) / 10 else NAN


def runs_of(y: np.ndarray) -> float:
    """Return how many examples in a row have the same label, on average; NaN where labels have several axes."""
    labels = _labels(y)
    return len(labels) / _runs(labels) if labels.ndim == 1 and len(labels) else NAN


def _labels(y: np.ndarray) -> np.ndarray:
    rows = np.asarray(y)
    return rows.argmax(axis=-1) if rows.ndim > 1 and rows.shape[-1] > 1 else rows.reshape(len(rows), -1)[:, 0]


def _runs(labels: np.ndarray) -> float:
    return 1.0 + np.count_nonzero(labels[1:] != labels[:-1])
