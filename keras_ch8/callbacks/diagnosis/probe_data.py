"""The examples that a training is measured on: arrays, or read from a data set without touching `fit`'s."""

import copy
import os
import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from ... import _batches
from ..._describe import short
from ..._state import dump
from ..._types import Data, Tensor
from ...integration import backend, fit, keras_private

EXAMPLES = 256
"""Examples that are kept of the batches that `fit` reads; fewer where these are the batches of one step."""


class ProbeData:
    """The examples that a training is measured on.

    Args:
        probe: `(x, y)`, `(x, y, sample_weight)` or a data set, which is read when the training begins; None for the
            first batches that `fit` reads.

    Raises:
        ValueError: If it is neither.
    """

    def __init__(self, probe: Data) -> None:
        self._data_set = probe if _batches.is_data_set(probe) else None
        self._arrays = None if probe is None or self._data_set is not None else _first_batch(probe)
        """Arrays of the user's, which are there again in each training, and after an interruption."""
        self.batch: Data = None
        """x, y and sample_weight of what this training is measured on; None until that is known."""
        self.first: Data = None
        """The first examples that `fit` reads, once they are known."""
        self.batch_size: int | None = None
        """Examples of the first batch that `fit` reads, once it is known."""
        self._is_of_fit = False
        """Whether `batch` is what this `fit`, or an earlier one, has read."""
        self._given: Data = None
        """What a training that begins is to be measured on, if it is made as what that reads."""

    def __repr__(self) -> str:
        examples = self._arrays if self.batch is None else self.batch
        if examples is None:
            return "the first batches of fit" if self._data_set is None else f"a {type(self._data_set).__name__}"
        return f"{_batches.examples_of(examples)} examples"

    @property
    def is_left_to_fit(self) -> bool:
        """Whether nobody has named any: the first that `fit` reads are kept, where it can be seen what it reads."""
        return self._arrays is None and self.batch is None and self._data_set is None

    @property
    def drawn(self) -> Any:
        """What was drawn, as plain data; None for arrays that were given, and before it."""
        if self._arrays is not None or self.batch is None:
            return None
        try:
            return dump(keras.tree.map_structure(lambda a: a if a is None else np.asarray(a), self.batch))
        except (TypeError, ValueError):  # sparse or ragged: examples are drawn anew
            return None

    def go_on(self, drawn: Any) -> None:
        """Go on with what was drawn."""
        if drawn is not None and self._arrays is None:
            self.batch, self._data_set = drawn, None

    def __reduce__(self) -> Any:
        if self._data_set is not None:
            raise TypeError(
                "A `Doctor` or a `Diagnosis` can be pickled only after it has read its `probe`, when `fit` begins. "
                f"Received: probe={short(self)}. Pass arrays."
            )
        return super().__reduce__()

    def __deepcopy__(self, memo: dict[int, Any]) -> "ProbeData":
        memo[id(self._data_set)] = self._data_set  # which is only read
        copied = object.__new__(ProbeData)
        vars(copied).update(copy.deepcopy(vars(self), memo))
        return copied

    def open(self, is_new: bool) -> None:
        """Begin a training: what it is measured on is still to be chosen.

        Args:
            is_new: Whether the model has made no step: what another was trained on says nothing of it.
        """
        kept = None if is_new and self._is_of_fit else self.batch
        self._given, self.batch, self.first = kept if self._arrays is None else self._arrays, None, None

    def choose(self, training: fit.Training, batches: Sequence[Any], *, needs_targets: bool) -> str:
        """Choose what the training is measured on, before its first step, and return why that is nothing, if it is.

        The first examples that `fit` reads are measured on in the place of a probe that is not made as they are, or
        that must not be read, and no probe at all where they cannot be known before the first step.

        Args:
            training: The training.
            batches: The first batches that `fit` reads, as far as they are known.
            needs_targets: Whether the loss that the model is compiled with is what is measured.
        """
        given, self._given, why = self._given, None, ""
        self.first = first = _first_examples(batches)
        self.batch_size = _batches.examples_of(batches[0]) if batches else None
        if given is None and self._data_set is not None and self._data_set is not training.arguments.get("x"):
            given, why = _read(self._data_set)
        if given is not None:
            why = _why_unfit(training.model, given, first, needs_targets)
        if given is not None and not why:
            self.batch = given
        elif first is not None:
            if why and (self._arrays is not None or not self._is_of_fit):
                count = _batches.examples_of(first)
                warnings.warn(
                    f"`Diagnosis` measures on the first {count} training examples instead of its probe: {why}.",
                    UserWarning,
                    stacklevel=2,
                )
            self.batch, self._is_of_fit = first, True
        if self.batch is not None:
            self._data_set = None
            return ""
        if training.can_read_ahead:
            return why or "the data of `fit` are not inputs, targets and weights, so pass arrays: `probe=(x, y)`"
        return why or "the first examples can be kept only on a single device, so pass arrays"


def _read(data_set: Data) -> tuple[Data, str]:
    """Return the first examples of a data set; None, and why, where reading may change anything, or is an error."""
    if not _batches.is_pure(data_set):
        return None, (
            "reading a data set that shuffles, draws random numbers or calls Python could change the training, so "
            "pass arrays"
        )
    try:
        return _first_batch(data_set), ""
    except Exception as error:  # the data are the user's, so anything may be raised
        said = keras_private.first_sentence(error)[:300].rstrip(".")
        return None, f"reading it fails with {type(error).__name__}: {said}"


def _first_examples(batches: Sequence[Any]) -> Data:
    """Return the first examples of what `fit` reads, of the batches that have the shapes of the first; None if none."""
    unpacked = [batch for batch in map(_unpacked, batches) if batch is not None]
    return _cut([b for b in unpacked if _shapes(b) == _shapes(unpacked[0])]) if unpacked else None


def _why_unfit(model: keras.Model, probe: Data, batch: Data, needs_targets: bool) -> str:
    """Return why a model that is trained on a batch cannot be measured on a probe; "" if nothing is known against it.

    Only what is certain is said: sizes along axes that a batch may have its own of, such as time, need not agree.
    """
    has_own_loss = keras_private.has_own_loss(model)
    if needs_targets and probe[1] is None and keras_private.needs_targets(model) and not has_own_loss:
        return _unfit("y", "no arrays", "some")
    if batch is None or isinstance(batch[0], dict) != isinstance(probe[0], dict):
        return ""
    inputs, targets = ([keras.tree.flatten(part) for part in (probe[i], batch[i])] for i in (0, 1))
    known = [tuple(t.shape[1:]) for t in getattr(model, "inputs", None) or []]
    if isinstance(batch[0], dict):
        known = []  # a model takes what it knows of them
    elif len(inputs[0]) != len(inputs[1]):
        return _unfit("x", f"{len(inputs[0])} arrays", str(len(inputs[1])))
    for i, (a, b) in enumerate(zip(*inputs, strict=False)):
        expected = known[i] if len(known) == len(inputs[1]) else None
        if not _fits(a, b, _free_axes(b) if expected is None else expected):
            return _unfit("x", f"shape {_shown(a)}", _shown(b))
    if has_own_loss:
        return ""
    outputs = [tuple(t.shape[1:]) for t in getattr(model, "outputs", None) or []]
    for a, b in zip(*targets, strict=False):
        is_vector = len(outputs) == 1 and len(outputs[0]) == 1
        if a is not None and b is not None and not _fits(a, b, b.shape[1:] if is_vector else [None] * len(b.shape[1:])):
            return _unfit("y", f"shape {_shown(a)}", _shown(b))
    return ""


def _fits(array: Tensor, other: Tensor, expected: Sequence[int | None]) -> bool:
    """Whether an array has as many axes as another, and the sizes that are expected of an example; None is any.

    An axis of size 1 at the end may be missing, as for Keras.
    """
    shape, others = (list(a.shape[1:]) for a in (array, other))
    while len(shape) > len(others) and shape[-1] == 1:
        shape.pop()
    while len(shape) < len(others) and others[-1] == 1:
        others.pop()
    if len(shape) != len(others):
        return False
    return all(None in (size, wanted) or size == wanted for size, wanted in zip(shape, expected, strict=False))


def _free_axes(array: Tensor) -> list[int | None]:
    """Return the sizes of an example that another must have too: the last, if there is an axis before it."""
    shape = list(array.shape[1:])
    return [None] * (len(shape) - 1) + shape[-1:] if len(shape) > 1 and shape[-1] != 1 else [None] * len(shape)


def _unfit(name: str, received: str, expected: str) -> str:
    return (
        f"{name} of the probe has {received}, where that of `fit` has {expected}, so prepare `probe` as the training "
        "data"
    )


def _shown(array: Tensor) -> str:
    return str(tuple(array.shape[1:])) + " for each example"


def _shapes(batch: Data) -> list[Any]:
    return [None if a is None else tuple(a.shape[1:]) for a in keras.tree.flatten(batch)]


def _unpacked(batch: Data) -> Any:
    """Return x, y and sample_weight of what `fit` reads; None where it is something else."""
    try:
        return keras.utils.unpack_x_y_sample_weight(batch)
    except ValueError:
        return None


def _cut(batches: Sequence[Any]) -> Any:
    """Return the first examples of some batches; of what has no axis of examples, or is sparse, the first batch."""
    parts = list(zip(*map(keras.tree.flatten, batches), strict=True))
    if not all(part[0] is None or backend.can_be_cut(part[0]) for part in parts):
        return batches[0]
    whole = [None if part[0] is None else backend.end_to_end(part)[:EXAMPLES] for part in parts]
    return keras.tree.pack_sequence_as(batches[0], whole)


def _first_batch(probe: Data) -> Any:
    """Return x, y and sample_weight of a probe: of arrays all, in random order, of a data set the first batch.

    Raises:
        ValueError: If it is neither.
    """
    if isinstance(probe, str | os.PathLike):
        path = short(os.fspath(probe))
        raise ValueError(
            f"`probe` is held-out data to measure on, not a folder for logs. Received: the path {path}. Pass "
            f"`callbacks=[keras_ch8.Doctor({path})]` to `fit`, which writes there."
        )
    parts = tuple(probe) if isinstance(probe, tuple | list) else (probe,)
    try:
        if len(parts) > 3:
            raise ValueError(f"it has {len(parts)} parts")
        x, y, sample_weight = (*parts, None, None)[:3]
        batch = next(_batches.batches(x, y, sample_weight, batch_size=10**9, seed=0))
        if not all(len(a.shape) for a in keras.tree.flatten(batch) if a is not None):
            raise ValueError("it contains numbers, not examples")
        return batch
    except (TypeError, ValueError, IndexError, KeyError, AttributeError) as error:
        raise ValueError(
            "`probe` is held-out data to measure on, so it must be (x, y), (x, y, sample_weight), a "
            "`tf.data.Dataset`, a `keras.utils.PyDataset` or a `keras_ch8.data.ArraySource`. Received: an object of "
            f"type {type(probe).__name__}, which fails with {type(error).__name__}: {str(error).rstrip('.')}. Pass 64 "
            "to 512 examples."
        ) from error
