"""Batches without end, in an order of their own, and parts of batches."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np

from . import _objects
from ._describe import short
from ._types import Data, Tree
from .integration import backend
from .integration.ahead import examples_of as examples_of

Batch = tuple[Tree, Tree, Tree]
"""x, y and sample_weight."""


class FitData(NamedTuple):
    """What `fit` takes: arrays, or a data set as x alone."""

    x: Data
    y: Data | None = None
    sample_weight: Data | None = None


def replayable(data: FitData, batch_size: int, seed: int, count: int) -> Callable[[], Iterable[Batch]]:
    """Return a function that returns the same batches at each call; those of a data set are kept, if it may shuffle."""
    if isinstance(data.x, keras.utils.PyDataset) or not _is_dataset(data.x, data.y):
        return lambda: batches(*data, batch_size, seed)
    kept = list(itertools.islice(batches(*data, batch_size, seed), count))
    return lambda: kept


def batches(x: Data, y: Data | None, sample_weight: Data | None, batch_size: int, seed: int) -> Iterator[Batch]:
    """Yield (x, y, sample_weight) without end: arrays in a fresh order at every pass, a data set in its own.

    Raises:
        ValueError: If a data set is empty.
        TypeError: If `x` is a generator, which could not be read twice.
    """
    _refuse_generator(x)
    if isinstance(x, keras.utils.PyDataset):
        yield from _of_pydataset(x, seed)
    elif is_source(x):
        yield from itertools.chain.from_iterable(map(x.batches, itertools.count()))
    elif _is_dataset(x, y):
        yield from _of_dataset(x)
    else:
        yield from _of_arrays((x, y, sample_weight), batch_size, seed)


def take(data: tuple[Any, ...], rows: np.ndarray | slice) -> Batch:
    """Return these examples of x, y and sample_weight; None for what is not there."""
    x, y, weight = (picked(part, rows) for part in (*data, None, None)[:3])
    return x, y, weight


def picked(tree: Tree, rows: np.ndarray | slice) -> Tree:
    """Return some rows of each array; None where there is none."""
    return keras.tree.map_structure(lambda a: None if a is None else a[rows], tree)


def weights_by_class(labels: np.ndarray, class_weight: Mapping[int, float]) -> np.ndarray:
    """Return the weight of its class for each label; as Keras does, 1 where there is none."""
    classes, number = np.unique(np.round(labels).astype(np.int64), return_inverse=True)
    weights = np.array([class_weight.get(int(c), 1.0) for c in classes], keras.config.floatx())
    return weights[number.reshape(labels.shape)]


def parts_of(batch: Tree, count: int) -> list[Tree]:
    """Cut a batch into equal parts; what is left over is left out. A batch that is too small is one part."""
    size = examples_of(batch) // count
    if not size:
        count, size = 1, examples_of(batch)
    return [picked(batch, slice(i * size, (i + 1) * size)) for i in range(count)]


def is_data_set(x: Data) -> bool:
    """Whether this holds batches of examples, and can be read again."""
    return (
        isinstance(x, keras.utils.PyDataset) or is_source(x) or (not isinstance(x, Iterator) and _is_dataset(x, None))
    )


def is_pure(x: Data) -> bool:
    """Whether data are known to give the same however often they are read, so that reading them changes nothing."""
    if backend.is_tensorflow() and backend.is_dataset(x):
        return not backend.has_state(x)
    return is_source(x) or not (isinstance(x, keras.utils.PyDataset | Iterator) or _is_dataset(x, None))


def check_targets(x: Data, y: Data | None, model: keras.Model) -> None:
    """Refuse a generator, and arrays without targets where the loss of the model reads them."""
    _refuse_generator(x)
    if not is_data_set(x):
        _objects.targets(y, model)


def _refuse_generator(x: Data) -> None:
    if isinstance(x, Iterator):
        raise TypeError(
            f"`x` is read several times, but a generator can be read only once. Received: x={short(x)}. Pass arrays, a "
            "`tf.data.Dataset` or a `keras.utils.PyDataset`."
        )


def is_source(x: Data) -> bool:
    """Whether this is an `ArraySource`: it gives the batches of any epoch."""
    return callable(getattr(x, "batches", None)) and hasattr(x, "sampler")


def _is_dataset(x: Data, y: Data | None) -> bool:
    is_array = keras.ops.is_tensor(x) or isinstance(x, np.ndarray | list | tuple | dict | str | bytes)
    return y is None and not is_array and hasattr(x, "__iter__")


def _of_arrays(data: Batch, batch_size: int, seed: int) -> Iterator[Batch]:
    _objects.examples(**dict(zip(("x", "y", "sample_weight"), data, strict=True)))
    convert = keras.ops.convert_to_numpy
    x, y, sample_weight = (keras.tree.map_structure(lambda a: None if a is None else convert(a), part) for part in data)
    size = len(keras.tree.flatten(x)[0])
    batch_size = min(batch_size, size)
    rng = np.random.default_rng(seed)
    while True:
        order = rng.permutation(size)
        for start in range(0, size - batch_size + 1, batch_size):
            rows = order[start : start + batch_size]
            yield take((x, y, sample_weight), rows)


def _of_dataset(data: Iterable[Any]) -> Iterator[Batch]:
    while True:
        number = -1
        for number, batch in enumerate(data):  # noqa: B007
            yield keras.utils.unpack_x_y_sample_weight(batch)
        if number < 0:
            raise ValueError(f"`x` has no batches. Received: x={short(data)}.")


def _of_pydataset(data: keras.utils.PyDataset, seed: int) -> Iterator[Batch]:
    rng = np.random.default_rng(seed)
    if not len(data):
        raise ValueError(f"`x` has no batches. Received: x={short(data)}.")
    while True:
        for i in rng.permutation(len(data)):
            yield keras.utils.unpack_x_y_sample_weight(data[int(i)])
