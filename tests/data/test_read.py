"""`read` turns data sets into the arrays that they were made of."""

import threading

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8.data import ArraySource, read

from .recorder import Recorder

X, Y = np.arange(14.0).reshape(7, 2), np.arange(7)


class Batches(keras.utils.PyDataset):
    def __init__(self, *arrays, **kwargs):
        super().__init__(**kwargs)
        self.arrays = arrays

    @property
    def num_batches(self):
        return 3

    def __getitem__(self, index):
        return tuple(array[3 * index : 3 * index + 3] for array in self.arrays)


SOURCES = {
    "arrays": lambda: (X, Y),
    "tf.data": lambda: read(tf.data.Dataset.from_tensor_slices((X, Y)).batch(3)),
    "PyDataset": lambda: read(Batches(X, Y)),
    "PyDataset with workers": lambda: read(Batches(X, Y, workers=3)),
}


@pytest.mark.slow
def test_the_order_is_the_same_for_arrays_tf_data_and_pydataset():
    orders = [Recorder().fit(ArraySource(*make(), batch_size=2, seed=4), epochs=3) for make in SOURCES.values()]
    assert orders[1:] == orders[:1] * 3
    assert len({str(orders[0][3 * epoch : 3 * epoch + 3]) for epoch in range(3)}) == 3


def test_the_structure_and_the_types_are_kept():
    data = ({"a": X.astype("float16"), "b": (Y,)}, Y.astype("uint8"), X[:, 0])
    got = read(tf.data.Dataset.from_tensor_slices(data).batch(2))
    keras.tree.assert_same_structure(got, data)
    for a, b in zip(keras.tree.flatten(got), keras.tree.flatten(data), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    x, y, sample_weight = read(tf.data.Dataset.from_tensor_slices(X).batch(2))
    assert (x.tolist(), y, sample_weight) == (X.tolist(), None, None)


def test_workers_of_a_pydataset_read_side_by_side():
    both = threading.Barrier(2)

    class Meet(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            both.wait(timeout=10)
            return X[index : index + 1]

    np.testing.assert_array_equal(read(Meet(workers=2))[0], X[:2])


@pytest.mark.parametrize(
    ("error", "make", "message"),
    [
        (TypeError, lambda: X, "Received: <ndarray of shape .*Pass arrays to `ArraySource` as they are"),
        (ValueError, lambda: tf.data.Dataset.range(3).batch(1).repeat(), r"which has no end.*`dataset.take\(n\)`"),
        (ValueError, lambda: tf.data.Dataset.range(3).filter(lambda n: n > 0).batch(1),
         r"an unknown length.*assert_cardinality\(n\)"),
        (ValueError, lambda: tf.data.Dataset.range(0).batch(1), "which is empty"),
        (ValueError, lambda: type("Endless", (Batches,), {"num_batches": None})(X), "which has no end"),
        (TypeError, lambda: tf.data.Dataset.range(3), r"of type int64.*`dataset.batch\(...\)`"),
        (TypeError, lambda: tf.data.Dataset.from_tensors(tf.ragged.constant([[1], [2, 3]])), r"Use `to_tensor\(\)`"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_the_fix(error, make, message):
    with pytest.raises(error, match=f"(?s){message}"):
        read(make())
