"""How good a model is by the targets as they were at first: comparable where a cure changes the loss or the labels."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from .._types import Data
from ..monitors.outputs import heads_of
from ..verdicts.arrays import targets_of
from ..verdicts.ending import are_a_quantity
from ..verdicts.facts import Facts, Output

ONE_SIDED = 0.93
"""Fraction of the commonest class from which on all classes count alike, and from which on `imbalance` is found."""
ACCURACY, OF_EACH_CLASS, R2 = "accuracy", "balanced accuracy", "R2"


@dataclasses.dataclass(frozen=True)
class Measure:
    """How one output is scored, decided before any cure: 1 is perfect, and higher is better.

    Args:
        name: `"accuracy"`, `"balanced accuracy"` where one class has nearly all examples, or `"R2"` for numbers.
        labels: The classes as the targets are written at first, in order. Defaults to `()`: they are numbers.
        is_one_hot: Whether each label is a row with a 1 at its place. Defaults to `False`.
        floor: Score of the best constant prediction for the targets of the training: those that are scored may all be
            of one class. Defaults to `0.0`.
    """

    name: str
    labels: tuple[Any, ...] = ()
    is_one_hot: bool = False
    floor: float = 0.0

    def score(self, y: Any, outputs: Any) -> float:
        """Return the score of outputs for examples with these targets; NaN for others than finite ones of this form."""
        y, outputs = np.asarray(y), np.asarray(outputs, "float64")
        true = y.argmax(-1).reshape(-1) if self.is_one_hot else y.reshape(-1)
        if not true.size or not outputs.size or outputs.size % true.size or not np.isfinite(outputs).all():
            return np.nan
        columns = outputs.reshape(true.size, -1)
        if self.name == R2:
            return _r2(true.astype("float64"), columns[:, 0], y.shape) if columns.shape[1] == 1 else np.nan
        places = self._places(true)
        return max((self._right(places, meant) for meant in self._meant(columns)), default=np.nan)

    def _places(self, true: np.ndarray) -> np.ndarray:
        """Return the place of each label among those of the training; -2 of one that is not there."""
        places = np.searchsorted(self.labels, true).clip(max=len(self.labels) - 1)
        return np.where(np.array(self.labels)[places] == true, places, -2)

    def _right(self, places: np.ndarray, meant: np.ndarray) -> float:
        parts = [places == place for place in np.unique(places)] if self.name == OF_EACH_CLASS else [slice(None)]
        return float(np.mean([(places == meant)[part].mean() for part in parts]))

    def _meant(self, columns: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the places among the labels that outputs mean.

        The largest of some units means the label with its number; with its number and 1 where labels go from 1 to that
        of the last; and where labels are others, the label at its place. One unit means the label next to it. Of two
        labels a probability above 1/2 means the second, and a logit above 0, so that both limits are tried.
        """
        units, labels = columns.shape[1], np.array(self.labels)
        are_numbers = labels.dtype.kind in "fiub"
        if units > 1:
            first = int(are_numbers and labels[0] >= 1 and labels[-1] == units)
            places = np.full(units, -1)
            if are_numbers and labels[0] >= 0 and labels[-1] < units + first:
                places[labels.astype(int) - first] = np.arange(len(labels))
            else:
                places[: len(labels)] = np.arange(min(units, len(labels)))
            yield places[columns.argmax(-1)]
        elif len(labels) == 2:
            are_probabilities = columns.min() >= 0 and columns.max() <= 1
            for limit in (0.5,) if are_probabilities or not are_numbers else (0.0, labels.mean()):
                yield (columns[:, 0] > limit).astype(int)
        elif are_numbers:
            yield np.abs(columns - labels).argmin(-1)


def measures_of(model: keras.Model, y: Data, outputs: Data) -> tuple[Measure, ...]:
    """Return how each output with a loss is scored, by what the program does with its targets before any cure.

    Args:
        model: The compiled model.
        y: All targets of the training, as they are at first.
        outputs: What the model gives for some examples.
    """
    return tuple(_measure(*each) for each in _pairs(model, y, outputs))


def score(measures: Sequence[Measure], model: keras.Model, y: Data, outputs: Data) -> float:
    """Return the mean score of the outputs of a model for examples with targets as they were at first.

    Args:
        measures: What `measures_of` has returned for the program before any cure.
        model: The trained model, with or without a cure.
        y: Targets of examples that it was not trained on, as they were at first.
        outputs: What it gives for these examples.

    Returns:
        At most 1; NaN where an output is not finite, or has not the form of the targets.
    """
    pairs = _pairs(model, y, outputs)
    if not measures or len(pairs) != len(measures):
        return np.nan
    return float(np.mean([of.score(true, given) for of, (_, true, given) in zip(measures, pairs, strict=True)]))


def floor(measures: Sequence[Measure]) -> float:
    """Return the mean score of the best constant predictions."""
    return float(np.mean([measure.floor for measure in measures])) if measures else 0.0


def name_of(measures: Sequence[Measure]) -> str:
    """Return what such a score is, in words."""
    return " and ".join(dict.fromkeys(measure.name for measure in measures))


def _pairs(model: keras.Model, y: Data, outputs: Data) -> list[tuple[Output, Any, Any]]:
    """Return the settings, targets and values of each output that has a loss."""
    found = [(head.output, head.part_of(y), head.part_of(outputs)) for head in heads_of(model, outputs)]
    return [each for each in found if each[1] is not None and each[2] is not None]


def _measure(output: Output, y: Any, outputs: Any) -> Measure:
    y, axes = np.asarray(y), np.ndim(outputs)
    targets = targets_of(y, axes)
    output = dataclasses.replace(output, units=np.shape(outputs)[-1] if axes > 1 else 1)
    if targets.of == "several labels":
        return _of_classes((0.0, 1.0), max(targets.zeros, 1 - targets.zeros))
    is_quantity = are_a_quantity(Facts(targets=targets, output=output))
    if is_quantity or targets.of in ("numbers", "probabilities", ""):
        return Measure(R2)
    if targets.width > 1:
        return dataclasses.replace(_of_classes(tuple(range(targets.width)), targets.commonest), is_one_hot=True)
    return _of_classes(tuple(np.unique(y).tolist()), targets.commonest)


def _of_classes(labels: tuple[Any, ...], commonest: float) -> Measure:
    """Return how classes are scored, of which the commonest has this share."""
    if commonest >= ONE_SIDED:
        return Measure(OF_EACH_CLASS, labels, floor=1 / len(labels))
    return Measure(ACCURACY, labels, floor=commonest)


def _r2(true: np.ndarray, given: np.ndarray, shape: tuple[int, ...]) -> float:
    """Return the part of the variance of each column that is predicted, weighted by the variances."""
    rows = true.reshape(shape[0], -1)
    spread = float(((rows - rows.mean(axis=0)) ** 2).sum())
    left = float(((true - given) ** 2).sum())
    return 1 - left / spread if spread else float(left == 0)
