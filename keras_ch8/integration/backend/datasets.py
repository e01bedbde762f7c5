"""Batches of arrays as a `tf.data.Dataset`, made of the numbers of the examples in them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf


def is_dataset(value: Any) -> bool:
    """Whether this is a `tf.data.Dataset`."""
    return isinstance(value, tf.data.Dataset)


def share_a_shuffle(one: Any, other: Any) -> bool:
    """Whether two different data sets are made from one whose order changes each time that it is read.

    Every iterator over a shuffle with a seed advances it, also one over a part of it or over a copy.
    """
    if not (is_dataset(one) and is_dataset(other)):
        return False
    known = {id(each) for each in _made_from(one)}
    return any(id(each) in known and any(map(_draws, _made_from(each))) for each in _made_from(other))


def _made_from(dataset: tf.data.Dataset) -> list[tf.data.Dataset]:
    """Return a data set and all that it is made from."""
    return [dataset, *(each for given in dataset._inputs() for each in _made_from(given))]


def _draws(dataset: tf.data.Dataset) -> bool:
    """Whether a step of a data set depends on random numbers or on how often it was read, by its class's name."""
    return any(word in type(dataset).__name__ for word in ("Shuffle", "Random", "Generator", "DirectedInterleave"))


def end_to_end(batches: Sequence[Any]) -> Any:
    """Return the examples of some batches, also ragged ones, as one."""
    return batches[0] if len(batches) == 1 else tf.concat(batches, axis=0)


def planned(
    tables: Callable[[], list[np.ndarray]], types: Sequence[str], size: int, full: bool = True
) -> tf.data.Dataset:
    """Return a data set of the rows of some tables, all of `size` columns, side by side.

    `tables` is called once each time that the data set is run through, when its first row is asked for. Where not all
    rows are full, the columns with a negative number in the first table are left out.
    """

    def ask(_: Any) -> Any:
        given = tf.numpy_function(tables, [], [tf.as_dtype(t) for t in types])
        return tuple(tf.ensure_shape(table, [None, size]) for table in given)

    rows = tf.data.Dataset.range(1).map(ask).flat_map(lambda *given: tf.data.Dataset.from_tensor_slices(given))
    return rows if full else rows.map(lambda *row: tuple(tf.boolean_mask(column, row[0] >= 0) for column in row))


def in_order(count: int, size: int) -> tf.data.Dataset:
    """Return a data set of the numbers 0 to count - 1, `size` at a time; the last batch has what is left."""
    starts = tf.data.Dataset.range(0, count, size)
    return starts.map(lambda start: (tf.range(start, tf.minimum(start + size, count)),))


def gathered(
    rows: tf.data.Dataset,
    arrays: Sequence[np.ndarray],
    dtypes: Sequence[str],
    on_disk: Sequence[bool],
    assemble: Callable[..., Any],
    prefetch: int,
) -> tf.data.Dataset:
    """Return a data set of `assemble(examples, *rest)`, for rows (indices, *rest).

    Arrays in memory are gathered by TensorFlow, those on disk by NumPy, which reads what is asked for and no more.
    """
    disk = [(array, dtype) for array, dtype, there in zip(arrays, dtypes, on_disk, strict=True) if there]
    with tf.device("cpu:0"):
        memory = [
            tf.cast(tf.convert_to_tensor(array), dtype)
            for array, dtype, there in zip(arrays, dtypes, on_disk, strict=True)
            if not there
        ]

    def read(indices: np.ndarray) -> list[np.ndarray]:
        return [np.asarray(array[indices], dtype) for array, dtype in disk]

    def gather(indices: Any, *rest: Any) -> Any:
        from_memory = iter([tf.gather(tensor, indices) for tensor in memory])
        from_disk = iter(tf.numpy_function(read, [indices], [tf.as_dtype(dtype) for _, dtype in disk]) if disk else [])
        examples = [
            tf.ensure_shape(next(from_disk), [*indices.shape, *array.shape[1:]]) if there else next(from_memory)
            for array, there in zip(arrays, on_disk, strict=True)
        ]
        return assemble(examples, *rest)

    options = tf.data.Options()
    options.experimental_optimization.apply_default_optimizations = False  # they cost more than they bring here
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    dataset = rows.map(gather, num_parallel_calls=tf.data.AUTOTUNE).with_options(options)
    return dataset.prefetch(prefetch) if prefetch else dataset
