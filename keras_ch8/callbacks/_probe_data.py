"""The examples that a training is looked at with: given as arrays, or read from a data set without touching `fit`'s."""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from .. import _batches
from ..integration import backend, fit

EXAMPLES = 256
"""Examples that are kept of the batches that `fit` reads."""
OF_ANOTHER_SCALE = 5.0
"""Ratio of two standard deviations of inputs, from which on they were not prepared alike. Pixels of 0 to 255 have 255
times that of pixels of 0 to 1; standardized ones have 3 times that, and are not told from them."""
OF_ANOTHER_MEAN = 3.0
"""Difference of two means, in the larger standard deviation, from which on inputs were not prepared alike."""


class ProbeData:
    """The examples that a training is looked at with.

    Args:
        probe: `(x, y)`, `(x, y, sample_weight)` or a data set, which is read when the training begins; None for the
            first batches that `fit` reads.

    Raises:
        ValueError: If it is neither.
    """

    def __init__(self, probe: Any) -> None:
        self.batch: Any = None
        """x, y and sample_weight; None until they are known."""
        self._data_set = probe if _batches.is_data_set(probe) else None
        if self._data_set is None and probe is not None:
            self.batch = _first_batch(probe)

    def __repr__(self) -> str:
        if self.batch is None:
            return "the first batches of fit" if self._data_set is None else repr(self._data_set)
        return f"{_batches.length_of(self.batch)} examples"

    def open(self, training: fit.Training, then: Callable[[], None]) -> None:
        """Take the examples before the first step, and compare them with those that `fit` trains on.

        Nothing is read from a data set that `fit` trains on, or whose order hangs together with its: the first batches
        that `fit` itself reads are kept, and `then` is called when they are there.
        """
        if self.batch is None and not self._is_read_by(training):
            self.batch, self._data_set = _first_batch(self._data_set), None
        if not training.can_read_ahead:
            if self.batch is None:
                raise ValueError(
                    "The first batches of the training can be kept aside as `probe` in `fit` on one device, with the "
                    f"train function of Keras. Received: probe={self!r} in another training. Give arrays."
                )
        elif self.batch is None:
            training.read_ahead(EXAMPLES, lambda batches: self._keep(batches, then))
        else:
            training.read_ahead(1, lambda batches: compare(self.batch, batches[0]))

    def _is_read_by(self, training: fit.Training) -> bool:
        """Whether reading the data set would change what `fit` reads; said where it is not the same object."""
        trained_on = training.arguments.get("x")
        if self._data_set is None or trained_on is self._data_set:
            return True
        if not backend.share_a_shuffle(trained_on, self._data_set):
            return False
        warnings.warn(
            "`probe` is a data set that shares a shuffle with the one that `fit` trains on: reading it would change "
            "the order of the training, so the first batches that `fit` reads are looked at in its place. To look at "
            "other examples, give arrays.",
            UserWarning,
            stacklevel=2,
        )
        return True

    def _keep(self, batches: Sequence[Any], then: Callable[[], None]) -> None:
        """Keep the first examples, of the batches that have the shapes of the first."""
        batches = [keras.utils.unpack_x_y_sample_weight(batch) for batch in batches]
        alike = [batch for batch in batches if _shapes(batch) == _shapes(batches[0])]
        parts = zip(*map(keras.tree.flatten, alike), strict=True)
        whole = [None if part[0] is None else backend.end_to_end(part)[:EXAMPLES] for part in parts]
        self.batch, self._data_set = keras.tree.pack_sequence_as(alike[0], whole), None
        then()


def compare(probe: Any, batch: Any) -> None:
    """Compare a probe with the first batch that `fit` reads, before the first step.

    Raises:
        ValueError: If the model cannot be given both, or their targets differ in kind.
    """
    batch = keras.utils.unpack_x_y_sample_weight(batch)
    for name, of_probe, of_fit in zip(("x", "y"), probe, batch, strict=False):
        given, expected = (
            [a for a in keras.tree.flatten(part) if a is not None] for part in (of_probe, of_fit)
        )  # fmt: skip
        if expected and len(given) != len(expected):
            raise _unfit(name, f"{len(given)} arrays", f"{len(expected)}")
        for a, b in zip(given, expected, strict=False):
            if _differ(a, b, exactly=name == "y"):
                raise _unfit(name, f"shape {_shown(a)}", f"{_shown(b)}")
    first = [next(iter(keras.tree.flatten(part[0]))) for part in (probe, batch)]
    told, read = map(_mean_and_deviation, first)
    if _is_of_another_scale(told, read):
        warnings.warn(
            f"The inputs of `probe` have mean {told[0]:.3g} and standard deviation {told[1]:.3g}, those that `fit` "
            f"trains on {read[0]:.3g} and {read[1]:.3g}: what is measured on them says little of this training. "
            "Prepare `probe` as the training data, with the same scaling.",
            UserWarning,
            stacklevel=2,
        )


def _unfit(name: str, received: str, expected: str) -> ValueError:
    return ValueError(
        f"`probe` must be made as what `fit` trains on. Received: {name} of the probe with {received}, where that of "
        f"`fit` has {expected}. Prepare `probe` as the training data."
    )


def _differ(a: Any, b: Any, exactly: bool) -> bool:
    """Whether shapes, but for the number of examples and axes of size 1, cannot be those of the same thing.

    Sizes along axes that a batch may have its own of, such as time, need not agree.
    """
    of_a, of_b = (tuple(d for d in array.shape[1:] if d != 1) for array in (a, b))
    if len(of_a) != len(of_b):
        return True
    if not of_a or None in of_a or None in of_b:
        return False
    is_feature = exactly or len(of_a) > 1 or keras.backend.is_float_dtype(keras.backend.standardize_dtype(b.dtype))
    return is_feature and of_a[-1] != of_b[-1]


def _shown(array: Any) -> str:
    return str(tuple(array.shape[1:])) + " for each example"


def _shapes(batch: Any) -> list[Any]:
    return [None if a is None else tuple(a.shape[1:]) for a in keras.tree.flatten(batch)]


def _mean_and_deviation(array: Any) -> tuple[float, float]:
    """Return mean and standard deviation of the entries of some examples; NaN where they are not numbers."""
    try:
        entries = np.asarray(keras.ops.convert_to_numpy(array[:EXAMPLES]), "float64")
    except (TypeError, ValueError, AttributeError):  # ragged, sparse, or strings
        return math.nan, math.nan
    return float(entries.mean()), float(entries.std())


def _is_of_another_scale(a: tuple[float, float], b: tuple[float, float]) -> bool:
    """Whether inputs of these means and deviations were not prepared alike; unknown ones were."""
    (mean_a, deviation_a), (mean_b, deviation_b) = a, b
    largest, smallest = max(deviation_a, deviation_b), min(deviation_a, deviation_b)
    return largest > OF_ANOTHER_SCALE * smallest > 0 or abs(mean_a - mean_b) > OF_ANOTHER_MEAN * largest > 0


def _first_batch(probe: Any) -> Any:
    """Return x, y and sample_weight of a probe: of arrays all, in random order, of a data set the first batch.

    Raises:
        ValueError: If it is neither.
    """
    parts = tuple(probe) if isinstance(probe, tuple | list) else (probe,)
    try:
        if len(parts) > 3:
            raise ValueError(f"it has {len(parts)} parts")
        x, y, sample_weight = (*parts, None, None)[:3]
        batch = next(_batches.batches(x, y, sample_weight, batch_size=10**9, seed=0))
        if not all(len(a.shape) for a in keras.tree.flatten(batch) if a is not None):
            raise ValueError("it has numbers, no examples")
        return batch
    except (TypeError, ValueError, IndexError, KeyError, AttributeError) as error:
        raise ValueError(
            "`probe` is what the training is looked at with, so it must be (x, y), (x, y, sample_weight), a "
            "`tf.data.Dataset`, a `keras.utils.PyDataset` or a `keras_ch8.data.ArraySource`. Received: a "
            f"{type(probe).__name__}, which fails with {type(error).__name__}: {error}. Give some 64 to 512 examples."
        ) from error
