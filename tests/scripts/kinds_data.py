"""Data that are no arrays: pipelines, generators."""

import tensorflow as tf

from .kinds_supervised import CLASSIFIES, classify, of_blobs, small_network
from .registry import BATCH, blobs, kind

IGNORED = "`shuffle=True` was passed, but will be ignored"
"""What Keras says of its own default."""


def rows_of_blobs(_):
    x, y = blobs()
    return x[:16], y[:16]


def of_datasets(change):
    """Return the arguments of `fit` with datasets in them."""
    arrays = of_blobs()
    train = change(tf.data.Dataset.from_tensor_slices((arrays["x"], arrays["y"]))).batch(BATCH)
    validation = tf.data.Dataset.from_tensor_slices(arrays["validation_data"]).batch(BATCH)
    return {"x": train.prefetch(2), "validation_data": validation, "epochs": arrays["epochs"]}


@kind(**CLASSIFIES, probe=rows_of_blobs, has_arrays=False, keras_warns=IGNORED)
def shuffled_dataset(optimizer):
    model, _ = classify(small_network(), optimizer())
    return model, of_datasets(lambda rows: rows.shuffle(48))


@kind(**CLASSIFIES, probe=rows_of_blobs, has_arrays=False, keras_warns=f"{IGNORED}|Your input ran out of data")
def dataset_of_unknown_length(optimizer):
    model, _ = classify(small_network(), optimizer())
    return model, of_datasets(lambda rows: rows.shuffle(48).filter(lambda x, y: x[0] < 2.0))


@kind(**CLASSIFIES, probe=rows_of_blobs, has_arrays=False, keras_warns=IGNORED)
def dataset_without_end(optimizer):
    model, _ = classify(small_network(), optimizer())
    return model, of_datasets(lambda rows: rows.shuffle(48).repeat()) | {"steps_per_epoch": 4}


def without_end(x, y):
    """Yield batches for ever."""
    while True:
        for start in range(0, len(x), BATCH):
            yield x[start : start + BATCH], y[start : start + BATCH]


@kind(**CLASSIFIES, probe=rows_of_blobs, has_arrays=False, keras_warns=IGNORED)
def generator(optimizer):
    model, arrays = classify(small_network(), optimizer())
    x, y = arrays.pop("x"), arrays.pop("y")
    del arrays["batch_size"]
    return model, arrays | {"x": without_end(x, y), "steps_per_epoch": 3}
