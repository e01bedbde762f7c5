"""The examples that a training is measured on: arrays, or read from a data set without touching `fit`'s."""

import copy
import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from .. import _batches
from .._describe import short
from .._types import Data, Tensor
from ..integration import backend, fit, keras_private
from ..verdicts.facts import Inputs, are_of_another_scale
from ._objects_as_data import plain, restored

EXAMPLES = 256
"""Examples that are kept of the batches that `fit` reads."""
FEW = 32
"""Fewer examples than these do not tell a scale."""


class ProbeData:
    """The examples that a training is measured on.

    Args:
        probe: `(x, y)`, `(x, y, sample_weight)` or a data set, which is read when the training begins; None for the
            first batches that `fit` reads.

    Raises:
        ValueError: If it is neither.
    """

    def __init__(self, probe: Data) -> None:
        self.batch: Data = None
        """x, y and sample_weight; None until they are known."""
        self._data_set = probe if _batches.is_data_set(probe) else None
        self._is_given = probe is not None and self._data_set is None
        """Whether these are arrays of the user's, which are there again after an interruption."""
        if self._data_set is None and probe is not None:
            self.batch = _first_batch(probe)

    def __repr__(self) -> str:
        if self.batch is None:
            return "the first batches of fit" if self._data_set is None else f"a {type(self._data_set).__name__}"
        return f"{fit.examples_of(self.batch)} examples"

    def state(self) -> Any:
        """Return what was drawn, which `set_state` goes on from; None for arrays that were given, and before it."""
        if self._is_given or self.batch is None:
            return None
        try:
            return plain(keras.tree.map_structure(lambda a: a if a is None else np.asarray(a), self.batch))
        except (TypeError, ValueError):  # sparse or ragged: examples are drawn anew
            return None

    def set_state(self, state: Any) -> None:
        """Go on from what `state` has returned."""
        if state is not None and not self._is_given:
            self.batch, self._data_set = restored(state), None

    def __reduce__(self) -> Any:
        if self._data_set is not None:
            raise TypeError(
                "A `Diagnosis` can be pickled once it has read its `probe`, which is at the beginning of `fit`. "
                f"Received: probe={short(self)}. Give arrays."
            )
        return super().__reduce__()

    def __deepcopy__(self, memo: dict[int, Any]) -> "ProbeData":
        copied = object.__new__(ProbeData)
        copied._is_given = self._is_given
        copied.batch, copied._data_set = copy.deepcopy(self.batch, memo), self._data_set  # which is only read
        return copied

    def open(
        self,
        training: fit.Training,
        then: Callable[[], None],
        seen: Callable[[Data], None],
        *,
        needs_targets: bool,
    ) -> None:
        """Take the examples before the first step, and compare them with those that `fit` trains on.

        Nothing is read from a data set that `fit` trains on, or that hangs together with it: the first batches that
        `fit` itself reads are kept, and `then` is called when they are there. `seen` is called with the first examples
        that `fit` reads, where these can be known before the first step. `needs_targets` says that the loss that the
        model is compiled with is what is measured.
        """
        if self.batch is None and not self._is_read_by(training):
            self.batch, self._data_set = _first_batch(self._data_set), None
        if self.batch is not None and needs_targets:
            refuse_no_targets(training.model, self.batch)
        if not training.can_read_ahead:
            if self.batch is None:
                raise ValueError(
                    "The first batches of the training can be kept aside as `probe` in `fit` on one device, with the "
                    f"train function of Keras. Received: probe={short(self)} in another training. Give arrays."
                )
        elif self.batch is None:
            training.read_ahead(EXAMPLES, lambda batches: self._keep(batches, then, seen))
        else:
            training.read_ahead(EXAMPLES, lambda batches: self._compare(training.model, batches, seen))

    def _is_read_by(self, training: fit.Training) -> bool:
        """Whether reading the data set would change what `fit` reads; said where it is not the same object."""
        trained_on = training.arguments.get("x")
        if self._data_set is None or trained_on is self._data_set:
            return True
        if not backend.hang_together(trained_on, self._data_set):
            return False
        warnings.warn(
            "`probe` is a data set that shares a shuffle, or a function that draws random numbers, with the one that "
            "`fit` trains on: reading it would change the training, so the first batches that `fit` reads are used "
            "in its place. To measure on other examples, give arrays.",
            UserWarning,
            stacklevel=2,
        )
        return True

    def _keep(self, batches: Sequence[Any], then: Callable[[], None], seen: Callable[[Data], None]) -> None:
        """Keep the first examples, of the batches that have the shapes of the first."""
        first = _first_examples(batches)
        if first is not None:
            self.batch, self._data_set = first, None
            seen(first)
        then()

    def _compare(self, model: keras.Model, batches: Sequence[Any], seen: Callable[[Data], None]) -> None:
        """Compare the examples with those that `fit` reads; what cannot be taken apart is not compared."""
        first = _first_examples(batches)
        if first is not None:
            refuse_other_shapes(model, self.batch, first)
            warn_of_another_scale(self.batch, first)
            seen(first)


def _first_examples(batches: Sequence[Any]) -> Data:
    """Return the first examples of what `fit` reads, of the batches that have the shapes of the first; None if none."""
    unpacked = [batch for batch in map(_unpacked, batches) if batch is not None]
    return _cut([b for b in unpacked if _shapes(b) == _shapes(unpacked[0])]) if unpacked else None


def refuse_no_targets(model: keras.Model, probe: Data) -> None:
    """Raise ValueError where Keras's loss of a model needs targets, and a probe has none."""
    if probe[1] is None and keras_private.needs_targets(model) and not keras_private.has_own_loss(model):
        raise _unfit("y", "no arrays", "some")


def refuse_other_shapes(model: keras.Model, probe: Data, batch: Data) -> None:
    """Raise ValueError where a model that is trained on a batch cannot be measured on a probe.

    Only what is certain is refused: sizes along axes that a batch may have its own of, such as time, need not agree.
    """
    inputs, targets = ([keras.tree.flatten(part) for part in (probe[i], batch[i])] for i in (0, 1))
    known = [tuple(t.shape[1:]) for t in getattr(model, "inputs", None) or []]
    if isinstance(batch[0], dict) != isinstance(probe[0], dict):
        return
    if isinstance(batch[0], dict):
        known = []  # a model takes what it knows of them
    elif len(inputs[0]) != len(inputs[1]):
        raise _unfit("x", f"{len(inputs[0])} arrays", str(len(inputs[1])))
    for i, (a, b) in enumerate(zip(*inputs, strict=False)):
        expected = known[i] if len(known) == len(inputs[1]) else None
        if not _fits(a, b, _free_axes(b) if expected is None else expected):
            raise _unfit("x", f"shape {_shown(a)}", _shown(b))
    if keras_private.has_own_loss(model):
        return
    outputs = [tuple(t.shape[1:]) for t in getattr(model, "outputs", None) or []]
    for a, b in zip(*targets, strict=False):
        is_vector = len(outputs) == 1 and len(outputs[0]) == 1
        if a is not None and b is not None and not _fits(a, b, b.shape[1:] if is_vector else [None] * len(b.shape[1:])):
            raise _unfit("y", f"shape {_shown(a)}", _shown(b))


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


def warn_of_another_scale(probe: Data, batch: Data) -> None:
    """Warn where inputs of a probe were not prepared as those of the batches that `fit` reads."""
    for a, b in zip(*(keras.tree.flatten(part[0]) for part in (probe, batch)), strict=False):
        told, read = _scale_of(a), _scale_of(b)
        if told is not None and read is not None and not _are_integers(a, b) and are_of_another_scale(told, read):
            warnings.warn(
                f"The inputs of `probe` have mean {told.mean:.3g} and standard deviation {told.deviation:.3g}, those "
                f"that `fit` trains on {read.mean:.3g} and {read.deviation:.3g}: what is measured on them says little "
                "of this training. "
                "Prepare `probe` as the training data, with the same scaling.",
                UserWarning,
                stacklevel=2,
            )


def _unfit(name: str, received: str, expected: str) -> ValueError:
    return ValueError(
        f"`probe` must be made as what `fit` trains on. Received: {name} of the probe with {received}, where that of "
        f"`fit` has {expected}. Prepare `probe` as the training data."
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


def _scale_of(array: Tensor) -> Inputs | None:
    """Return mean and standard deviation of the entries of some examples; None where they are too few or no numbers."""
    try:
        entries = np.asarray(keras.ops.convert_to_numpy(array[:EXAMPLES]), "float64")
    except (TypeError, ValueError, AttributeError):  # ragged, sparse, or strings
        return None
    return None if len(entries) < FEW else Inputs(mean=float(entries.mean()), deviation=float(entries.std()))


def _are_integers(*arrays: Tensor) -> bool:
    """Whether these are all integers, such as the numbers of words, which have no scale."""
    return not any(keras.backend.is_float_dtype(keras.backend.standardize_dtype(a.dtype)) for a in arrays)


def _first_batch(probe: Data) -> Any:
    """Return x, y and sample_weight of a probe: of arrays all, in random order, of a data set the first batch.

    Raises:
        ValueError: If it is neither.
    """
    if isinstance(probe, str | os.PathLike):
        path = short(os.fspath(probe))
        raise ValueError(
            f"`probe` is what the training is measured on, not a folder for logs. Received: the path {path}. Give "
            f"`fit` `callbacks=keras_ch8.callbacks.standard({path})`, which write there; the last is a `Diagnosis`."
        )
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
            "`probe` is what the training is measured on, so it must be (x, y), (x, y, sample_weight), a "
            "`tf.data.Dataset`, a `keras.utils.PyDataset` or a `keras_ch8.data.ArraySource`. Received: an "
            f"object of type {type(probe).__name__}, which fails with {type(error).__name__}: "
            f"{str(error).rstrip('.')}. Give some 64 to 512 examples."
        ) from error
