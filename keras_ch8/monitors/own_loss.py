"""What a loss of the user's own says of predictions that are made up: whether it reads the labels, and rightly."""

import contextlib
import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import keras
import numpy as np

from ..integration import backend
from ..integration.untouched import untouched
from ..verdicts.facts import NAN, PROBABILITIES, Output, OwnLoss, Targets

Finite: TypeAlias = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

EXAMPLES = 256
MOST = 1_000_000
"""Predicted numbers up to which a loss is tried."""
MOST_CLASSES = 5
"""Classes of which certain predictions are tried."""
SAME = 1e-6
"""Change of a loss, over its size, that is rounding."""
SAME_LOSS = 1e-4
"""Difference of two losses of the same predictions, over their size, that is rounding."""
FARTHER = 100.0
"""How many times as far other wrong predictions are: a loss without a bottom falls in proportion."""
CERTAIN = 1e-6
"""What a certain probability lacks of 1."""
LOGIT = 4.0
"""Size of the logits of predictions that are right, or wrong, without much doubt."""
FAR = 10.0
"""Standard deviations of the targets, from them, at which a prediction is wrong beyond doubt."""
NEAR_THE_ENDS = (0.01, 0.1, 0.9, 0.99)
"""Probabilities for all examples that may be best, as 1 is for the overlap of masks."""
BETWEEN_0_AND_1, BETWEEN_SIDES = (0.05, 0.3, 0.6, 0.95), (-3.0, -0.8, 0.4, 0.9, 3.0)


def is_own(given: Any) -> bool:
    """Whether a loss, as `compile` is given one, is one of the user's own."""
    loss = getattr(given, "fn", given)  # of a function that `LossFunctionWrapper` holds
    of = loss if hasattr(loss, "__name__") else type(loss)
    return callable(given) and not getattr(of, "__module__", "").startswith("keras.")


def tried(loss: Callable[..., Any], y: np.ndarray, targets: Targets, output: Output, axes: int) -> OwnLoss:
    """Return what a loss is at predictions that are made up; nothing where it cannot be evaluated so.

    Args:
        loss: A function of (y, y_pred).
        y: The targets of some examples.
        targets: What is known of them.
        output: What is known of the output.
        axes: Axes of what is predicted.
    """
    y = y[:EXAMPLES].astype("float32")
    y = y[..., None] if y.ndim + 1 == axes else y
    units = output.units
    if y.ndim != axes or not units or y.size // y.shape[-1] * units > MOST or not np.isfinite(y).all():
        return OwnLoss()

    def at(y: np.ndarray, predicted: np.ndarray) -> float:
        with untouched(loss), keras.StatelessScope():
            return float(np.mean(keras.ops.convert_to_numpy(loss(*map(keras.ops.convert_to_tensor, (y, predicted))))))

    def finite(y: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return whether the loss is finite, and which entries of its gradient are."""
        of, where = (keras.ops.convert_to_tensor(array, keras.config.floatx()) for array in (y, predicted))
        with untouched(loss), keras.StatelessScope():
            value, (slope,) = backend.value_and_gradients(lambda p, _: (keras.ops.mean(loss(of, *p)), []), [where])
        return np.isfinite(keras.ops.convert_to_numpy(value)), np.isfinite(keras.ops.convert_to_numpy(slope))

    found = OwnLoss()
    for more in (partial(_compared, at), partial(_read, at), partial(_along, at), partial(_at_ends, at, finite)):
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            found = more(y, targets, output, found)
    return found


def chance_of(loss: Any, y: np.ndarray, targets: Targets, output: Output) -> np.ndarray:
    """Return the loss of each example, or of all, by the best of some constant predictions; NaN where none is known.

    Args:
        loss: A loss, as `compile` is given one.
        y: The targets of some examples.
        targets: What is known of them.
        output: What is known of the output.
    """
    y, tried = y.astype("float32"), [np.array([NAN])]
    y = y[..., None] if y.ndim + 1 == output.axes else y
    is_fit = y.ndim == output.axes and output.units and output.is_mean and np.isfinite(y).all()
    with contextlib.suppress(Exception), np.errstate(all="ignore"), untouched(loss), keras.StatelessScope():
        given = keras.losses.get(loss)
        for constant in _constants(y, targets, output) if is_fit and y.size * output.units <= MOST else ():
            predicted = np.broadcast_to(constant, (*y.shape[:-1], output.units)).astype("float32")
            each = getattr(given, "call", given)(*map(keras.ops.convert_to_tensor, (y, predicted)))
            tried.append(np.asarray(keras.ops.convert_to_numpy(each), "float64"))
    best = min(tried, key=lambda each: np.nan_to_num(each.mean(), nan=np.inf))
    return best.reshape(len(best), -1).mean(axis=1) if best.ndim else best[None]


def _constants(y: np.ndarray, targets: Targets, output: Output) -> list[Any]:
    """Return what may be the best prediction for all examples, as the output can give it."""
    units, rows = output.units, y.reshape(-1, y.shape[-1])
    of_classes = _are_classes(y, targets, units) and y.max() >= units / 2  # else it may be an embedding
    rows = _rows(rows, units) if of_classes else rows
    if rows.shape[-1] != units:
        return []
    mean, are_parts = rows.mean(axis=0), rows.min() >= 0 and rows.max() <= 1
    if output.activation in PROBABILITIES or output.are_probabilities:
        parts = np.clip(mean, CERTAIN, 1 - CERTAIN)
        are_apart = units == 1 or output.activation == "sigmoid"  # else they may have to sum to 1
        uniform = 0.5 if are_apart else 1 / units
        between = [part * parts + (1 - part) * uniform for part in (1, 0.75, 0.5, 0.25, 0)]
        ends = [np.full(units, end) for end in NEAR_THE_ENDS] if are_apart else []
        return [*between, *ends] if are_parts else []
    if of_classes:
        return [np.log(np.maximum(mean, CERTAIN)), np.zeros(units)]
    median = np.median(rows, axis=0)
    logits = [np.log(part / (1 - part)) for part in [np.clip(mean, CERTAIN, 1 - CERTAIN)] if are_parts]
    return [mean, median, (mean + median) / 2, *logits] if output.activation == "linear" else []


def compares_all(at: Callable[[np.ndarray], float], y: np.ndarray) -> bool:
    """Whether a loss compares each prediction with the targets of all examples, as of shapes (n, 1) and (n,) it does.

    Such a loss is the same whatever the order of the targets, and another for other targets.

    Args:
        at: The loss as a function of the targets.
        y: Those of some examples.
    """
    loss, other = at(y), at(np.full_like(y, y.max()))
    orders = at(y[::-1]), at(np.roll(y, len(y) // 3))
    size = abs(loss - other)
    return bool(size > SAME_LOSS * abs(loss) and all(abs(one - loss) <= SAME_LOSS * size for one in orders))


def _is_binary(y: np.ndarray) -> bool:
    return set(np.unique(y)) == {0.0, 1.0}


def _are_classes(y: np.ndarray, targets: Targets, units: int) -> bool:
    """Whether there is a unit for each of the classes, which are numbered."""
    return targets.are_whole and y.shape[-1] == 1 < units and y.min() >= 0 and y.max() < units


def _rows(labels: Any, units: int) -> np.ndarray:
    """Return the one-hot rows of numbered classes, which are on an axis of length 1."""
    return (labels == np.arange(units)).astype("float32")


def _compared(at: Callable[..., float], y: np.ndarray, targets: Targets, output: Output, unknown: OwnLoss) -> OwnLoss:
    """Return the loss of the truth, of its opposite, and of the best that sees no inputs."""
    units, width, of_classes = output.units, y.shape[-1], _are_classes(y, targets, output.units)
    is_of_probabilities = output.activation in PROBABILITIES or output.are_probabilities
    if is_of_probabilities and (of_classes or (width == units and _is_binary(y))):
        truth = _rows(y, units) if of_classes else y
        if units > 1 and (truth.sum(axis=-1) == 1).all():
            wrong, doubt = np.roll(truth, 1, axis=-1), 0.1 / units
        else:
            wrong, doubt = 1 - truth, 0.1
        truth, wrong = ((1 - 2 * doubt) * p + doubt for p in (truth, wrong))
        constant = np.broadcast_to(truth.reshape(-1, units).mean(axis=0), truth.shape)
        certain = np.clip((truth - doubt) / (1 - 2 * doubt), CERTAIN, 1 - CERTAIN).astype("float32")
        return OwnLoss(
            at(y, truth), at(y, wrong.astype("float32")), at(y, constant.astype("float32")),
            of_certainty=at(y, certain) if units == 1 or (certain.sum(axis=-1) < 1.5).all() else NAN,
        )  # fmt: skip
    if output.activation == "linear" and of_classes:
        signs = 2 * _rows(y, units) - 1
        wrong = np.roll(signs, 1, axis=-1)
        return OwnLoss(at(y, LOGIT * signs), at(y, LOGIT * wrong), at(y, 0 * signs))
    if output.activation == "linear" and width == units and targets.of == "numbers" and y.std() > 0:
        far = np.float32(FAR * y.std())
        constant = np.broadcast_to(y.reshape(-1, units).mean(axis=0), y.shape)
        of_truth, ways = at(y, y), [(at(y, y + way * far), at(y, y + FARTHER * way * far)) for way in (1, -1)]
        deep = [far for near, far in ways if of_truth - far > FARTHER / 2 * (of_truth - near) > 0]
        return OwnLoss(
            of_truth, max(near for near, _ in ways), at(y, constant), of_far=min(deep, default=NAN),
            falls_without_end=bool(deep),
        )  # fmt: skip
    return unknown


def _read(at: Callable[..., float], y: np.ndarray, targets: Targets, output: Output, known: OwnLoss) -> OwnLoss:
    """Return the same with a label that the loss does not read as it is written, but as others are written."""
    units = output.units
    if y.shape[-1] != 1 or not targets.are_whole:
        return known
    if units == 1 and _is_binary(y):
        tries = BETWEEN_0_AND_1 if output.range == (0.0, 1.0) else BETWEEN_SIDES
        rows, otherwise, written = np.array(tries, "float32")[:, None], 2 * y - 1, "-1 and 1"
    elif _are_classes(y, targets, units) and output.activation == "softmax":
        certain = 0.9 * np.eye(min(units, MOST_CLASSES), units) + 0.1 / units
        rows = np.concatenate([np.full((1, units), 1 / units), certain]).astype("float32")
        otherwise, written = _rows(y, units), "one-hot"
    else:
        return known
    for label in np.unique(y)[:2]:
        read, _ = _influence(at, y, y == label, rows)
        if not read and _influence(at, y, y != label, rows)[0]:
            would, least = _influence(at, otherwise, y == label, rows)
            if would and least >= -SAME:
                return dataclasses.replace(known, unread=float(label), written=written)
    return known


def _along(at: Callable[..., float], y: np.ndarray, targets: Targets, output: Output, known: OwnLoss) -> OwnLoss:
    """Return the same with whether the loss of the probabilities of several classes is linear in them."""
    units, of_classes = output.units, _are_classes(y, targets, output.units)
    if output.activation != "softmax" or units < 3 or not (of_classes or (targets.of == "one-hot")):
        return known
    shape = (3, *y.shape[:-1])
    one, other, third = np.random.default_rng(0).dirichlet(np.ones(units), shape).astype("float32")
    ends, between = at(y, one) + at(y, other), 2 * at(y, (one + other) / 2)
    changes = abs(at(y, one) - at(y, third)) + abs(at(y, other) - at(y, third))
    return dataclasses.replace(known, is_linear=bool(abs(ends - between) <= SAME_LOSS * abs(ends) < changes))


def _influence(at: Callable[..., float], y: np.ndarray, which: np.ndarray, rows: np.ndarray) -> tuple[bool, float]:
    """Return whether the loss changes with what is predicted for some examples, and the least that it has been."""
    changes, least = False, np.inf
    for others in rows[:: max(1, len(rows) // 2)]:
        losses = np.array([at(y, np.where(which, row, others)) for row in rows])
        if not np.isfinite(losses).all():
            raise ValueError("a loss that is not finite tells nothing")
        changes |= bool(np.ptp(losses) > SAME * np.abs(losses).max())
        least = min(least, losses.min())
    return changes, least


def _at_ends(
    at: Callable[..., float], finite: Finite, y: np.ndarray, targets: Targets, output: Output, known: OwnLoss
) -> OwnLoss:
    """Return the same with the ends, 0 or 1, at which one prediction makes the loss or its gradient NaN or infinite.

    Clipping must mend it. A loss that breaks only where all predictions are exact, such as a root of the mean square,
    is left in peace.
    """
    units, of_classes = output.units, _are_classes(y, targets, output.units)
    of_rows = output.activation == "softmax" and units > 1
    if output.range != (0.0, 1.0) or not (y.shape[-1] == units or (of_rows and of_classes)):
        return known
    middle, size = (1 / units, units) if of_rows else (0.5, 1)
    between = np.full((*y.shape[:-1], units), middle, "float32")
    changes: list[tuple[Any, Any]] = [([y.argmin(), y.argmax()], end) for end in (0.0, 1.0)]
    if of_rows:
        label = int(y.flat[0]) if of_classes else int(y.reshape(-1, units)[0].argmax())
        changes = [(0, _rows(one, units)) for one in (label, (label + 1) % units)]
    ends, breaks, epsilon = set(), "", keras.config.epsilon()
    for which, exact in changes:
        predicted = between.copy()
        predicted.reshape(-1, size)[which] = exact
        is_loss, are_slopes = finite(y, predicted)
        if is_loss and are_slopes.all():
            continue
        if not all(part.all() for part in finite(y, np.clip(predicted, epsilon, 1 - epsilon))):
            return known
        is_end = (predicted == 0) | (predicted == 1)
        ends |= set(predicted[is_end & ~are_slopes]) or set(predicted[is_end])
        breaks = "loss" if not is_loss else breaks or "gradient of the loss"
    if not ends:
        return known
    name = "binary_crossentropy"
    if of_rows:
        name = "sparse_categorical_crossentropy" if of_classes else "categorical_crossentropy"
    mixed = np.asarray(np.random.default_rng(0).uniform(0.1, 0.9, between.shape), "float32")
    if of_rows:
        mixed /= mixed.sum(axis=-1, keepdims=True)
    is_same = np.isclose(at(y, mixed), np.mean(keras.losses.get(name)(y, mixed)), rtol=SAME_LOSS)
    return dataclasses.replace(
        known,
        breaks=breaks,
        breaks_at=" or ".join(f"{end:g}" for end in sorted(ends)),
        same_as=name if is_same else "",
    )
