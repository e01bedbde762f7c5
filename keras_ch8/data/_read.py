"""Data sets, read into arrays."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import keras
import numpy as np

from .._describe import short
from .._section import section
from ..integration import backend


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
            "`data` must be a `tf.data.Dataset` or a `keras.utils.PyDataset`. "
            f"Received: {short(data)} of type {type(data).__name__}. Give arrays to `ArraySource` as they are."
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
    return keras.tree.map_structure(lambda *arrays: np.concatenate(_dense(arrays)), *batches, none_is_leaf=False)


def _dense(arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    for array in arrays:
        if not hasattr(array, "__array__") or not np.ndim(array) or np.asarray(array).dtype == object:
            raise TypeError(
                "Batches must be dense arrays with an entry for each example. Received: "
                f"{short(array)} of type {type(array).__name__}. Use `to_tensor()` on ragged tensors, "
                "and `dataset.batch(...)` where there are no batches yet."
            )
    return arrays
