"""Facts about arrays of NumPy: the inputs, the targets, and what all examples together show."""

import collections
import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .facts import NAN, Bar, Inputs, Targets

CONSTANT = 1e-6
"""Standard deviation of a feature, over its largest size, up to which it is constant but for rounding."""
RARELY = 0.02
"""Fraction of the examples up to which those that differ from the others leave a feature nearly constant."""
MOST_NUMBERS, MOST_ROWS = 2_000_000, 4096
"""Numbers and rows that are looked at, spread over all examples."""
OFTEN, AGAIN, FAR_AWAY = 3, 0.002, 10.0
"""How many numbers are the same one, their part of all, and its distance from all others in their standard deviations,
from which on it stands for something else than its size."""
MOST_CLASSES = 1000
"""Whole numbers of more different values count something, and are no classes."""
MOST_BARS, OF_A_BAR = 10, 4
"""Bars of the targets, and how many there are of each value on average, from which on values have bars of their own."""
SIZES = np.array([0, *10.0 ** np.arange(-4, 6), np.inf])
"""Where the bars of the inputs begin: of what is not finite, at infinity."""
PARTS = 8
"""Of the examples as they are read, for each of which the commonest label is counted."""

# --- inputs --------------------------------------------------------------------------------------------------------


def inputs_of(arrays: Mapping[str, Any]) -> tuple[Inputs, ...]:
    """Return the facts about arrays of inputs, by their names."""
    return tuple(_inputs(name, np.asarray(array)) for name, array in arrays.items())


def _inputs(name: str, x: np.ndarray) -> Inputs:
    examples = len(x) if x.ndim else 0
    if x.dtype.kind in "OUS":
        return Inputs(name, of="words", examples=examples)
    if x.dtype.kind not in "fiub" or not x.size:
        return Inputs(name, examples=examples)
    of = "numbers" if x.dtype.kind == "f" else "whole numbers"
    known = Inputs(name, of, examples, nonfinite=0 if x.dtype.kind != "f" else int((~np.isfinite(x)).sum()))
    values = x[:: 1 + x.size // MOST_NUMBERS].astype("float64")
    values[~np.isfinite(values)] = np.nan
    some = values[~np.isnan(values)]
    if not some.size:
        return known
    columns = values.reshape(-1, x.shape[-1] if x.ndim > 1 else 1)
    columns = columns[:, ~np.isnan(columns).all(axis=0)]
    spread, size = np.nanstd(columns, axis=0), np.nanmax(np.abs(columns), axis=0)
    mean = np.abs(np.nanmean(columns, axis=0))
    few = columns[:: 1 + len(columns) // MOST_ROWS]
    differ = (few != np.nanmedian(few, axis=0)).mean(axis=0)
    varies = (spread > CONSTANT * size) & (differ > RARELY)
    stand_in, stand_ins = stand_in_of(some)
    return dataclasses.replace(
        known,
        low=float(some.min()),
        high=float(some.max()),
        mean=float(some.mean()),
        deviation=float(some.std()),
        rms=float(np.sqrt(np.mean(some**2))),
        constant=int((~varies).sum()),
        features=columns.shape[1],
        spread=float(spread[varies].max() / spread[varies].min()) if varies.any() else NAN,
        offset=float(np.median(mean[varies] / spread[varies])) if varies.any() else NAN,
        stand_in=stand_in,
        stand_ins=stand_ins,
        bars=_bars(np.nan_to_num(np.abs(few), nan=np.inf).ravel(), None, SIZES, np.append(SIZES[1:], np.inf)),
    )


def _bars(numbers: np.ndarray, counts: np.ndarray | None, low: np.ndarray, high: np.ndarray) -> tuple[Bar, ...]:
    """Return how many of some numbers, each there so often, lie between these ends; of none, no bar."""
    found = np.bincount(np.searchsorted(low, numbers, "right") - 1, counts)
    return tuple(
        Bar(float(a), float(b), float(n / found.sum())) for a, b, n in zip(low, high, found, strict=False) if n
    )


def _bars_of(values: np.ndarray, counts: np.ndarray) -> tuple[Bar, ...]:
    """Return the bars of different values, each there so often."""
    if len(values) <= min(MOST_BARS, counts.sum() / OF_A_BAR):
        return _bars(values, counts, values, values)
    along = np.linspace(0, 1, MOST_BARS + 1)
    edges = (1 - along) * values[0] + along * values[-1]  # without their difference, which may be infinite
    return _bars(values, counts, edges[:-1], edges[1:])


def stand_in_of(numbers: np.ndarray) -> tuple[float, float]:
    """Return the lowest or highest number, if it is there again and again and far from all others, and its share."""
    for end in (float(numbers.min()), float(numbers.max())):
        is_it = numbers == end
        share, others = float(is_it.mean()), numbers[~is_it]
        is_far = others.size > 0 and np.abs(others - end).min() > FAR_AWAY * others.std() > 0
        if end and is_it.sum() >= OFTEN and AGAIN < share < 0.5 and is_far:
            return end, share
    return NAN, 0.0


# --- targets -------------------------------------------------------------------------------------------------------


def targets_of(y: Any, predicted_axes: int | None = None) -> Targets:
    """Return the facts about targets; `predicted_axes` are the axes of what is compared with them."""
    y = np.asarray(y)
    if y.dtype.kind in "OUS":
        return Targets("words", len(y) if y.ndim else 0)
    if y.dtype.kind not in "fiub" or not y.size or not y.ndim:
        return Targets()
    has_last_axis = y.ndim > 1 and (predicted_axes is None or y.ndim >= predicted_axes)
    rows = y.astype("float64").reshape(-1, y.shape[-1] if has_last_axis else 1)
    nonfinite = int((~np.isfinite(rows)).sum())
    known = Targets(examples=len(y), width=rows.shape[1], places=len(rows) // len(y), nonfinite=nonfinite)
    if nonfinite:
        return dataclasses.replace(known, bars=(Bar(math.inf, math.inf, nonfinite / rows.size),))
    values, counts = np.unique(rows, return_counts=True)
    sizes = np.abs(rows)
    stand_in, stand_ins = stand_in_of(rows)
    known = dataclasses.replace(
        known,
        stand_in=stand_in,
        stand_ins=stand_ins,
        low=float(values[0]),
        high=float(values[-1]),
        mean=float(rows.mean()),
        deviation=float(rows.std()),
        negative=float((rows < 0).mean()),
        zeros=float((rows == 0).mean()),
        values=len(values),
        bars=_bars_of(values, counts),
        smallest=float(np.quantile(sizes, 0.01) / np.median(sizes[sizes > 0])) if sizes.any() else NAN,
    )
    return _of_one_column(known, values, counts) if rows.shape[1] == 1 else _of_rows(known, rows, values)


def _of_one_column(known: Targets, values: np.ndarray, counts: np.ndarray) -> Targets:
    known = dataclasses.replace(known, are_integers=bool((values == np.round(values)).all()))
    if not known.are_integers or len(values) > MOST_CLASSES:
        return dataclasses.replace(known, of="one class" if len(values) == 1 else "numbers")
    pairs = {(0.0, 1.0): "0 and 1", (-1.0, 1.0): "-1 and 1"}
    of = "one class" if len(values) == 1 else pairs.get(tuple(values), "classes")
    return dataclasses.replace(known, of=of, classes=len(values), commonest=float(counts.max() / counts.sum()))


def _of_rows(known: Targets, rows: np.ndarray, values: np.ndarray) -> Targets:
    sums = rows.sum(axis=1)
    if set(values) <= {0.0, 1.0}:
        at_once, empty = float((sums > 1).mean()), float((sums == 0).mean())
        if (sums == 1).all():
            fractions = rows.mean(axis=0)
            of = "one class" if np.count_nonzero(fractions) == 1 else "one-hot"
            known = dataclasses.replace(known, bars=_bars_of(np.arange(rows.shape[1]), rows.sum(axis=0)))
            commonest = float(fractions.max())
            return dataclasses.replace(known, of=of, classes=rows.shape[1], commonest=commonest, at_once=at_once)
        return dataclasses.replace(known, of="several labels", classes=rows.shape[1], at_once=at_once, empty=empty)
    if values[0] >= 0 and np.allclose(sums, 1, atol=1e-4):
        return dataclasses.replace(known, of="probabilities", classes=rows.shape[1])
    if len(values) == 1:
        return dataclasses.replace(known, of="one class")
    lengths = np.linalg.norm(rows, axis=1)
    return dataclasses.replace(known, of="numbers", lengths=float(lengths.std() / lengths.mean()))


# --- all examples together -----------------------------------------------------------------------------------------

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
BY_CHANCE = 1e-6
"""Probability below which nothing is said to be by chance."""
ALL_STEPS = "all time steps"
"""Where targets are that are the inputs, each at its place."""


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


def copied_from(x: np.ndarray, y: np.ndarray, is_sequence: bool) -> str:
    """Return which part of the inputs the targets of all examples equal, such as "feature 5"; "" for none.

    Of sequences it is the end, since models are also asked for what they have read long ago; or all of it.
    """
    are_numbers = {x.dtype.kind, y.dtype.kind} <= set("fiub")
    if not are_numbers or x.ndim < 2 or not y.ndim or len(x) != len(y) or not y.size or y.min() == y.max():
        return ""
    rows = y.reshape(len(y), -1)
    width = rows.shape[1]
    if not is_sequence:
        equal = (x == rows).all(axis=0) if x.ndim == 2 and width == 1 < x.shape[1] else np.zeros(1)
        return f"feature {np.argmax(equal)}" if np.any(equal) else ""
    last = x.reshape(*x.shape[:2], -1)[:, -width:]
    if last.shape[1] < width or not (last == rows[:, :, None]).all(axis=(0, 1)).any():
        return ""
    return ALL_STEPS if width == x.shape[1] else f"the last {f'{width} time steps' if width > 1 else 'time step'}"


def unseen_of(y: np.ndarray, other: np.ndarray, are_all: bool = True) -> float:
    """Return the fraction of other labels that are not among some; NaN where these are no classes.

    Args:
        y: Some labels.
        other: Other ones.
        are_all: Whether the first are all there are. Of a part of them it is NaN, too, where a random part may lack as
            many classes. Defaults to `True`.
    """
    labels, others = (labels_of(a) for a in (y, other))
    is_known = labels.ndim == others.ndim == 1 and len(labels) and len(others)
    classes = np.unique(labels) if is_known else labels
    if not is_known or not 2 <= len(classes) <= len(labels) / 4:
        return NAN
    every, missing = np.unique(others), np.setdiff1d(others, classes)
    unseen = float(np.isin(others, missing).mean())
    if are_all or unseen in (0, 1):
        return unseen
    ways = math.log(math.comb(len(every), len(missing)))
    return unseen if ways + len(labels) * math.log1p(-unseen) < math.log(BY_CHANCE) else NAN


def order_of(y: np.ndarray) -> float:
    """Return the runs of equal labels over the number of classes; NaN where these are no classes."""
    labels = labels_of(y)
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
    labels = labels_of(y)
    return len(labels) / _runs(labels) if labels.ndim == 1 and len(labels) else NAN


def leading_of(y: np.ndarray) -> int:
    """Return how many of the first examples have the label of the first one; 0 where labels have several axes."""
    labels = labels_of(y)
    if labels.ndim != 1:
        return 0
    others = np.flatnonzero(labels != labels[:1])
    return int(others[0]) if others.size else len(labels)


def parts_of(y: np.ndarray) -> tuple[float, ...]:
    """Return the fraction of the commonest label in each eighth of the examples; nothing of fewer."""
    labels = labels_of(y)
    parts = np.array_split(labels, PARTS) if labels.ndim == 1 and len(labels) >= PARTS else ()
    return tuple(float(np.unique(part, return_counts=True)[1].max() / len(part)) for part in parts)


def heaviest_of(y: np.ndarray | None, weights: np.ndarray | None) -> float:
    """Return the part of the weight of all examples that the label with the most has; 0 where it is not known."""
    labels = np.zeros(0) if y is None or not y.ndim else labels_of(y)
    if weights is None or labels.ndim != 1 or weights.size != len(labels) or not weights.sum() > 0:
        return 0.0
    shares = np.bincount(np.unique(labels, return_inverse=True)[1], weights.ravel().astype("float64"))
    return float(shares.max() / shares.sum())


def labels_of(y: np.ndarray) -> np.ndarray:
    """Return the labels of examples, of one-hot rows their places."""
    rows = np.asarray(y)
    return rows.argmax(axis=-1) if rows.ndim > 1 and rows.shape[-1] > 1 else rows.reshape(len(rows), -1)[:, 0]


def _runs(labels: np.ndarray) -> float:
    return 1.0 + np.count_nonzero(labels[1:] != labels[:-1])
