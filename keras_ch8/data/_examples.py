"""The examples of a source: arrays that stay where they are, read of a data set or given; and the batches for Keras."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np

from .. import _batches, _objects
from .._describe import section, short
from .._types import Data, Tensor
from ..integration import backend

TAKEN = "fiub"
"""Kinds of NumPy types that a model can be given: floating, integer, unsigned, boolean."""


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Examples:
    """x, y and sample_weight in the user's structure, as NumPy arrays; those on disk are not read."""

    x: Any
    y: Any
    sample_weight: Any
    count: int

    @classmethod
    def of(cls, x: Data, y: Data, sample_weight: Data) -> "Examples":
        """Return checked examples."""
        parts = {"x": x, "y": y, "sample_weight": sample_weight}
        arrays = {name: None if part is None else _arrays(name, part) for name, part in parts.items()}
        if x is None:
            raise ValueError("`x` must be the inputs. Received: x=None. Pass arrays with an entry per example.")
        if y is None and sample_weight is not None:
            raise ValueError(
                "`sample_weight` weighs the loss between `y` and the prediction. Received: sample_weight without y. "
                "Pass `y` too; it may be `x` itself."
            )
        sizes = {
            f"{name}[{number}]": len(array)
            for name, part in arrays.items()
            if part is not None
            for number, array in enumerate(keras.tree.flatten(part))
        }
        if len(set(sizes.values())) > 1:
            raise ValueError(
                "All arrays of a source must have one entry for each example, along the first axis. Received: "
                f"{', '.join(f'{size} in {name}' for name, size in sizes.items())}."
            )
        count = next(iter(sizes.values()), 0)
        if not count:
            raise ValueError("A source needs at least one example. Received: arrays with none.")
        if keras.tree.is_nested(sample_weight):
            try:
                keras.tree.assert_same_structure(arrays["y"], arrays["sample_weight"])
            except (TypeError, ValueError) as error:
                raise ValueError(
                    "Several arrays of `sample_weight` are one for each of the arrays of `y`, in the same structure. "
                    f"Received: paths {_paths(sample_weight)} for {_paths(y)}. Pass one array for all."
                ) from error
        return cls(arrays["x"], arrays["y"], arrays["sample_weight"], count)

    @property
    def structure(self) -> tuple[Any, Any, Any]:
        """All parts, as one structure."""
        return self.x, self.y, self.sample_weight

    def take(self, indices: Tensor) -> tuple[Any, Any, Any]:
        """Return these examples, in this order."""
        indices = np.asarray(indices)
        taken = keras.tree.map_structure(lambda a: a[indices], self.structure, none_is_leaf=False)
        return taken[0], taken[1], taken[2]

    def weighted_by_class(self, class_weight: Mapping[int, float]) -> "Examples":
        """Return the same examples with the weight of its class on each; as Keras does, 1 where there is none."""
        if self.sample_weight is not None or self.y is None or keras.tree.is_nested(self.y):
            raise ValueError(
                "`class_weight` gives each example the weight of its class, so it needs one `y`, and no "
                f"`sample_weight`. Received: class_weight={short(class_weight)} for {self}. Pass all weights as "
                "`sample_weight` to the source."
            )
        y = np.asarray(self.y)
        if y.ndim > 1:
            y = y.argmax(axis=-1) if y.shape[-1] != 1 else y[..., 0]
        return dataclasses.replace(self, sample_weight=_batches.weights_by_class(y, class_weight))

    def __repr__(self) -> str:
        shapes = keras.tree.map_structure(lambda a: f"{a.dtype}{list(a.shape)}", self.structure, none_is_leaf=False)
        return "x={}, y={}, sample_weight={}".format(*shapes)


def is_on_disk(array: Any) -> bool:
    """Whether an array, or the one that it is a view of, is mapped from a file."""
    while array is not None:
        if isinstance(array, np.memmap):
            return True
        array = getattr(array, "base", None)
    return False


def _arrays(name: str, part: Any) -> Any:
    if not _objects.leaves(part):
        raise ValueError(f"`{name}` must hold at least one array. Received: {name}={short(part)}.")
    return keras.tree.map_structure(lambda leaf: _array(name, leaf), part)


def _array(name: str, leaf: Any) -> np.ndarray:
    array = np.asarray(leaf) if hasattr(leaf, "__array__") else None
    if array is None or array.dtype.kind not in TAKEN or not array.ndim:
        what = f"{short(leaf)} of type {type(leaf).__name__}" if array is None else f"{array.dtype}{list(array.shape)}"
        raise TypeError(
            f"`{name}` must be an array of numbers with an entry for each example, or dicts, tuples or lists of such. "
            f"Received: {what}. Read a `tf.data.Dataset` or a `keras.utils.PyDataset` by "
            "`ArraySource(*keras_ch8.data.read(dataset), ...)`; turn strings into numbers first."
        )
    return array


def _paths(structure: Any) -> list[Any]:
    return [path for path, _ in keras.tree.flatten_with_path(structure)]


# --- of a data set ---------------------------------------------------------------------------------------------------


@section("8.1.3")
def read(data: Any) -> tuple[Any, Any, Any]:
    """Read a finite data set into arrays, from which examples can be drawn in any order (section 8.1.3).

        x, y, sample_weight <- all batches of one pass, laid end to end

    `fit` reads neither a `tf.data.Dataset` nor a `keras.utils.PyDataset` example by example, so another order of the
    same examples needs all of them in memory: once, and up to twice for a moment while batches are joined. A data set
    that does not fit there goes into a file that NumPy can map (`np.lib.format.open_memmap`). What is random in it,
    such as augmentation, is drawn once and stays; in layers of the model it is drawn anew each epoch.

    Args:
        data: A `tf.data.Dataset` of batches, as `fit` takes it, finite and of known length, not shuffled; or a
            `keras.utils.PyDataset` of known length, which is read by as many threads as it has `workers`.

    Returns:
        x, y and sample_weight, in the data set's structure; `None` where it has none.

    Raises:
        TypeError: If it is neither, or its tensors are ragged.
        ValueError: If it is empty, without end, or of unknown length.

    Example:
        >>> class Squares(keras.utils.PyDataset):
        ...     def __len__(self):
        ...         return 2
        ...     def __getitem__(self, index):
        ...         return np.arange(3) + 3 * index, (np.arange(3) + 3 * index) ** 2
        >>> x, y, sample_weight = keras_ch8.data.read(Squares())
        >>> x.tolist(), y.tolist(), sample_weight
        ([0, 1, 2, 3, 4, 5], [0, 1, 4, 9, 16, 25], None)
        >>> keras_ch8.data.ArraySource(x, y, batch_size=3, seed=0).steps
        2

    References:
        Goodfellow, Bengio, Courville (2016), Deep Learning, section 8.1.3.
    """
    if backend.is_dataset(data):
        _check_length(int(data.cardinality()), data)
        batches: Iterable[Any] = data.as_numpy_iterator()
    elif isinstance(data, keras.utils.PyDataset):
        _check_length(-1 if data.num_batches is None else data.num_batches, data)
        batches = _of_pydataset(data)
    else:
        raise TypeError(
            f"`data` must be a `tf.data.Dataset` or a `keras.utils.PyDataset`. Received: {short(data)} of type "
            f"{type(data).__name__}. Pass arrays to `ArraySource` as they are."
        )
    x, y, sample_weight = zip(*map(keras.utils.unpack_x_y_sample_weight, batches), strict=True)
    return _join(x), _join(y), _join(sample_weight)


def _check_length(batches: int, dataset: Any) -> None:
    if batches > 0:
        return
    if not batches:
        raise ValueError(f"A source needs at least one batch. Received: {short(dataset)}, which is empty.")
    which = "no end" if batches == -1 else "an unknown length"
    raise ValueError(
        f"A data set is read to its end, so its length must be known. Received: {short(dataset)}, which has {which}. "
        "Take a number of batches, `dataset.take(n)`, or, where it is known but not to TensorFlow, say it: "
        "`dataset.apply(tf.data.experimental.assert_cardinality(n))`. A `PyDataset` says it by `__len__`."
    )


def _of_pydataset(dataset: Any) -> Iterable[Any]:
    indices = range(dataset.num_batches)
    if dataset.workers <= 1:
        return map(dataset.__getitem__, indices)
    with ThreadPoolExecutor(dataset.workers) as threads:
        return list(threads.map(dataset.__getitem__, indices))


def _join(batches: tuple[Any, ...]) -> Any:
    """Return batches end to end, as one."""

    def joined(*arrays: Any) -> np.ndarray:
        for array in arrays:
            if not hasattr(array, "__array__") or not np.ndim(array) or np.asarray(array).dtype == object:
                raise TypeError(
                    "Batches must be dense arrays with an entry for each example. Received: "
                    f"{short(array)} of type {type(array).__name__}. Use `to_tensor()` on ragged tensors, "
                    "and `dataset.batch(...)` where there are no batches yet."
                )
        return np.concatenate(arrays)

    return keras.tree.map_structure(joined, *batches, none_is_leaf=False)


# --- for Keras -------------------------------------------------------------------------------------------------------


def dataset_of(examples: Examples, rows: Any, prefetch: int) -> Any:
    """Return a data set of batches, packed for `fit`; `rows` gives numbers of examples.

    Floats are cast as `fit` casts those of arrays.
    """
    arrays = [array for array in keras.tree.flatten(examples.structure) if array is not None]
    columns = [
        backend.Column(a, keras.config.floatx() if a.dtype.kind == "f" else a.dtype.name, is_on_disk(a)) for a in arrays
    ]

    def assemble(tensors: Sequence[Any]) -> Any:
        left = iter(tensors)
        x, y, sample_weight = (
            keras.tree.map_structure(lambda _: next(left), part, none_is_leaf=False) for part in examples.structure
        )
        if sample_weight is not None and not keras.tree.is_nested(sample_weight):
            sample_weight = keras.tree.map_structure(lambda _: sample_weight, y)
        packed = keras.utils.pack_x_y_sample_weight(x, y, sample_weight)
        return keras.tree.lists_to_tuples(packed)  # a list is one tensor for tf.data

    dataset = backend.gathered(rows, columns, assemble)
    return dataset.prefetch(prefetch) if prefetch else dataset
