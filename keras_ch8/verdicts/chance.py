"""The loss of the best constant prediction: what a model reaches that sees no inputs."""

from typing import Any

import numpy as np

from .facts import NAN, Output, Start

NEAREST, FEWEST, MOST = 8, 64, 512
"""Neighbours of an example, and examples that are looked at: so many at least, and at most."""
FURTHER = 1.25
"""How far further examples may be from the nearest, over how far those are from each other."""
NEARLY, EXACT = 0.2, 1e-9
"""How far the inputs of a layer may be from those of the model, in size; and what is 0 but for rounding."""
SHORT = 1024
"""Numbers of an example up to which NumPy multiplies examples without its library of linear algebra."""


def chance_level(output: Output, y: Any, weights: Any = None) -> float:
    """Return the loss of the best constant prediction for some targets; NaN where the loss is not known.

    It is that of a model that sees no inputs: the mean for squared errors, the median for absolute ones, the
    frequencies of the classes for a cross-entropy. What the layers add to the loss is left out.
    """
    return float(np.mean(chance_losses(output, y, weights)))


def chance_losses(output: Output, y: Any, weights: Any = None) -> np.ndarray:
    """Return the loss of each example by the best constant prediction; a single NaN where it is not known."""
    y, unknown = np.asarray(y), np.array([NAN])
    of_one = output.loss == "sparse_categorical_crossentropy"
    if y.dtype.kind not in "fiub" or not y.size or not y.ndim or not output.is_mean or not np.isfinite(y).all():
        return unknown
    is_one = of_one or y.ndim < max(2, output.axes)
    rows = y.astype("float64").reshape(-1, 1 if is_one else y.shape[-1])
    w = np.ones(len(rows)) if weights is None else np.ravel(np.asarray(weights, "float64"))
    if len(w) != len(rows) or w.min() < 0 or not w.sum() > 0:
        return unknown
    w = w * len(w) / w.sum() if weights is None else w  # Keras divides by the number of examples, not by the weights
    mean = np.average(rows, axis=0, weights=w)
    smoothing = output.label_smoothing
    with np.errstate(divide="ignore", invalid="ignore"):
        match output.loss:
            case "mean_squared_error":
                each = ((rows - mean) ** 2).mean(axis=1)
            case "mean_absolute_error":
                each = np.abs(rows - _medians(rows, w)).mean(axis=1)
            case "binary_crossentropy" if rows.min() >= 0 and rows.max() <= 1:
                p, q = (part * (1 - smoothing) + smoothing / 2 for part in (mean, rows))
                each = -(_times_log(q, p) + _times_log(1 - q, 1 - p)).mean(axis=1)
            case "categorical_crossentropy" if rows.min() >= 0 and rows.shape[1] > 1:
                p, q = (part * (1 - smoothing) + smoothing / rows.shape[1] for part in (mean, rows))
                each = -_times_log(q, p).sum(axis=1)
            case "sparse_categorical_crossentropy" if (rows == np.round(rows)).all():
                _, place = np.unique(rows[:, 0], return_inverse=True)
                p = np.bincount(place, weights=w) / w.sum()
                each = -np.log(p)[place.ravel()]
            case _:
                return unknown
        each = np.where(w > 0, w * each, 0.0)
    return each.reshape(len(y), -1).mean(axis=1)


def neighbours_levels(output: Output, x: Any, y: Any, of: tuple[Any, Any] | None = None) -> tuple[float, float]:
    """Return the loss of what the NEAREST other examples predict, of each other and of further ones.

    It needs no training: a model that comes to rest above the first has left something to learn. NaN where the inputs
    are no numbers, or few.

    Args:
        output: The output and its loss.
        x: Inputs.
        y: Their targets.
        of: Inputs and targets of the further examples; NaN without. Where those are not as near to these as these are
            to each other, such as images that were turned, each other predict them.
    """
    known = _numbers(x, y)
    if known is None or not output.is_mean:
        return NAN, NAN
    x, targets = known
    mean, spread = x.mean(axis=0), x.std(axis=0)
    x = _scaled(x, mean, spread)
    own = _distances_of_each_other(x)
    of_each_other = _loss_by_nearest(output, own, targets, targets)
    asked = None if of is None else _numbers(*of)
    if asked is None or (asked[0].shape[1], asked[1].shape[1]) != (len(mean), targets.shape[1]):
        return of_each_other, NAN
    further, theirs = _scaled(asked[0], mean, spread), asked[1]
    distance = _squared_distances(further, x)
    if np.median(distance.min(axis=1)) > FURTHER**2 * np.median(own.min(axis=1)):
        distance, targets = _distances_of_each_other(further), theirs
    return of_each_other, _loss_by_nearest(output, distance, targets, theirs)


def _loss_by_nearest(output: Output, distance: np.ndarray, targets: np.ndarray, rows: np.ndarray) -> float:
    """Return the loss of what those with these targets predict for others, by the distance of each to them."""
    near = np.argsort(distance, axis=1)[:, :NEAREST]
    whole = (targets == np.round(targets)).all() and (rows == np.round(rows)).all() and targets.shape[1] == 1
    if output.loss == "sparse_categorical_crossentropy" and whole and min(targets.min(), rows.min()) >= 0:
        classes = np.eye(int(max(targets.max(), rows.max())) + 1)
        targets, rows = classes[targets[:, 0].astype(int)], classes[rows[:, 0].astype(int)]
    predicted, overall = targets[near].mean(axis=1), rows.mean(axis=0)
    predicted = (NEAREST * predicted + overall) / (NEAREST + 1)  # as one more neighbour, so that none is impossible
    if smoothing := output.label_smoothing:  # no model comes below the entropy of the labels as they are smoothed
        share = smoothing / (2 if output.loss == "binary_crossentropy" else rows.shape[1])
        rows, predicted = (part * (1 - smoothing) + share for part in (rows, predicted))
    with np.errstate(divide="ignore", invalid="ignore"):
        match output.loss:
            case "mean_squared_error":
                return float(((rows - predicted) ** 2).mean())
            case "mean_absolute_error":
                return float(np.abs(rows - predicted).mean())
            case "binary_crossentropy" if rows.min() >= 0 and rows.max() <= 1:
                return float(-(_times_log(rows, predicted) + _times_log(1 - rows, 1 - predicted)).mean())
            case "categorical_crossentropy" | "sparse_categorical_crossentropy" if rows.shape[1] > 1:
                return float(-_times_log(rows, predicted).sum(axis=1).mean())
    return NAN


def _numbers(x: Any, y: Any) -> tuple[np.ndarray, np.ndarray] | None:
    """Return inputs and targets of the first examples as rows; None where they are no finite numbers, or few."""
    x, y = np.asarray(x), np.asarray(y)
    if x.dtype.kind != "f" or y.dtype.kind not in "fiub" or len(x) != len(y) or len(x) < FEWEST:
        return None
    x, rows = (a.reshape(len(a), -1)[:MOST].astype("float64") for a in (x, y))
    return (x, rows) if np.isfinite(x).all() and np.isfinite(rows).all() else None


def _squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    # NumPy's products wait on all cores, by going round in circles: beside other work up to 0.3 s for 256 short rows.
    products = np.einsum("ik,jk->ij", a, b) if a.shape[1] <= SHORT else a @ b.T
    return (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * products


def _distances_of_each_other(x: np.ndarray) -> np.ndarray:
    distance = _squared_distances(x, x)
    np.fill_diagonal(distance, np.inf)
    return distance


def least_squares_level(output: Output, start: Start, x: Any, y: Any) -> tuple[float, float]:
    """Return what a linear model can reach by least squares, and how uneven its inputs are; NaN of other models.

    The first is the mean squared error of each example by the least squares of all others, (r_i / (1 - h_i))^2, without
    a training. The second is the condition number of the covariance of the inputs, each scaled to variance 1: by that
    the curvature of a linear model differs between directions, once its inputs are scaled.
    """
    known = _numbers(x, y) if np.ndim(x) == 2 else None
    if known is None:
        return NAN, NAN
    x, rows = known
    is_linear = output.loss == "mean_squared_error" and output.is_mean and len(start.layers) == 1
    if not (is_linear and 1 < x.shape[1] <= len(x) // 3):
        return NAN, NAN
    (layer,) = start.layers
    is_given = abs(layer.input_rms - np.sqrt(np.mean(x**2))) <= NEARLY * layer.input_rms
    if not (layer.is_trained and layer.is_output and layer.activation == "linear" and is_given):
        return NAN, NAN
    x = _scaled(x, x.mean(axis=0), x.std(axis=0))
    if not x.shape[1]:
        return NAN, NAN
    left, sizes, _ = np.linalg.svd(np.column_stack([np.ones(len(x)), x]), full_matrices=False)
    left = left[:, sizes > EXACT * sizes[0]]
    lever = np.minimum((left**2).sum(axis=1), 1 - EXACT)
    errors = (rows - left @ (left.T @ rows)) / (1 - lever)[:, None]
    variances = np.linalg.svd(x, compute_uv=False) ** 2
    return float((errors**2).mean()), float(variances[0] / max(variances[-1], EXACT * variances[0]))


def _scaled(x: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Return the features that vary, by the mean and the deviation of some examples."""
    return (x - mean)[:, spread > 0] / spread[spread > 0]


def _times_log(q: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Return q log p, which is 0 where q is."""
    return np.where(q > 0, q * np.log(p), 0.0)


def _medians(rows: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Return the weighted median of each column."""
    order = np.argsort(rows, axis=0)
    shares = np.cumsum(w[order], axis=0)
    places = (shares < shares[-1] / 2).sum(axis=0)
    return np.array([column[by[place]] for column, by, place in zip(rows.T, order.T, places, strict=True)])
