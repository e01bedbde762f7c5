"""Examples in the forms in which people give them to `fit`: functions that return its arguments."""

import keras
import numpy as np
import tensorflow as tf

NAMES = ("x", "y", "sample_weight")


def rows(examples, which):
    """Return some of the examples, which are arrays, or dicts of them."""
    return keras.tree.map_structure(lambda array: array[which], examples)


def count(examples):
    """Return how many examples there are."""
    return len(keras.tree.flatten(examples)[0])


def split(examples, batch):
    """Return what is trained on, and the last fifth of the examples, in whole batches."""
    train = count(examples) - count(examples) // 5 // batch * batch
    return rows(examples, slice(None, train)), rows(examples, slice(train, None))


def arrays(examples, batch):
    """Arrays."""
    train, validation = split(examples, batch)
    return dict(zip(NAMES, train, strict=False)) | {"validation_data": validation, "batch_size": batch}


def shuffled(examples, batch, seed=None):
    """Return a data set that is shuffled anew in each epoch."""
    return tf.data.Dataset.from_tensor_slices(examples).shuffle(count(examples), seed=seed).batch(batch)


def dataset_with_seed(examples, batch):
    """Two data sets, each shuffled with a seed."""
    train, validation = split(examples, batch)
    return {"x": shuffled(train, batch, seed=1), "validation_data": shuffled(validation, batch, seed=2)}


def dataset(examples, batch):
    """Two data sets, each shuffled without a seed."""
    train, validation = split(examples, batch)
    return {"x": shuffled(train, batch), "validation_data": shuffled(validation, batch)}


def shared_shuffle(examples, batch):
    """Two parts of one data set, which is shuffled anew whenever either is read."""
    batches, held_back = shuffled(examples, batch), count(examples) // 5 // batch
    return {"x": batches.skip(held_back), "validation_data": batches.take(held_back)}


def endless(examples, batch):
    """Yield batches without end, in another order in each pass."""
    rng = np.random.default_rng(1)
    while True:
        order = rng.permutation(count(examples))
        for first in range(0, len(order) - batch + 1, batch):
            yield rows(examples, order[first : first + batch])


def generator(examples, batch):
    """A generator without end, and how many batches of it make an epoch.

    It is validated on arrays: how far Keras reads ahead in a generator, and so with which batch the next validation
    begins, is a matter of chance.
    """
    train, validation = split(examples, batch)
    steps = count(train) // batch
    held_back = {"validation_data": validation, "validation_batch_size": batch}
    return {"x": endless(train, batch), "steps_per_epoch": steps, **held_back}


class Batches(keras.utils.PyDataset):
    """Batches, in another order in each epoch."""

    def __init__(self, examples, batch, seed):
        super().__init__()
        self.examples, self.batch, self.rng = examples, batch, np.random.default_rng(seed)
        self.order = np.arange(count(examples))

    def __len__(self):
        return len(self.order) // self.batch

    def __getitem__(self, index):
        return rows(self.examples, self.order[index * self.batch : (index + 1) * self.batch])

    def on_epoch_end(self):
        """Shuffle."""
        self.rng.shuffle(self.order)


def pydataset(examples, batch):
    """Two objects of a `keras.utils.PyDataset`."""
    train, validation = split(examples, batch)
    return {"x": Batches(train, batch, seed=1), "validation_data": Batches(validation, batch, seed=2)}


def validation_split(examples, batch):
    """Arrays, of which Keras holds back the last fifth."""
    held_back = count(split(examples, batch)[1]) / count(examples)
    return dict(zip(NAMES, examples, strict=False)) | {"validation_split": held_back, "batch_size": batch}


def validation_steps(examples, batch):
    """Shuffled data sets, of which a part of the one for validation is read each time: others each time."""
    train, validation = split(examples, batch)
    return {
        "x": shuffled(train, batch, seed=1),
        "validation_data": shuffled(validation, batch, seed=2),
        "validation_steps": max(1, count(validation) // batch // 2),
    }


def validation_freq(examples, batch):
    """Arrays, validated in every second epoch."""
    return arrays(examples, batch) | {"validation_freq": 2}


def replicas(examples, batch):
    """Arrays, for a model of two replicas."""
    return arrays(examples, batch)


FORMS = {
    form.__name__: form
    for form in (
        arrays, dataset_with_seed, dataset, shared_shuffle, generator, pydataset, validation_split, validation_steps,
        validation_freq, replicas,
    )
}  # fmt: skip


def probe(arguments, examples, batch):
    """Return what a user gives as a probe: what `fit` validates on, the same object, or what it holds back itself."""
    return arguments.get("validation_data", split(examples, batch)[1])
