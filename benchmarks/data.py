"""Time `fit` on a source of `keras_ch8.data`, and on what Keras has, in turn, in the same run.

    python benchmarks/data.py [--cases mlp,cnn] [--json data.json]

Each model trains on the same examples, shuffled, in batches of one size, from every kind of data: arrays as `fit`
takes them ("arrays"), a source over them ("source"), one that weighs each example ("weighted"), a source over a file
that is mapped ("on disk"), a shuffled `tf.data.Dataset` ("tf.data"), and a `keras.utils.PyDataset` that slices the
arrays ("PyDataset"). Entries are medians over rounds, in us a step, wall and CPU time; one round runs each kind once,
for some epochs, in an order that rotates. The ratio is to "arrays" in the same round, so below 1 we are faster:
its median, the smallest and the largest.
"""

import os
import statistics
import tempfile
from functools import partial

import harness
import keras
import numpy as np
import tensorflow as tf

from keras_ch8.data import ArraySource

CASES = {"linear 64, batch 32": (64, 32), "mlp 784, batch 32": (784, 32), "mlp 784, batch 256": (784, 256),
         "cnn 28x28, batch 64": ((28, 28, 1), 64)}  # fmt: skip
KINDS = ("arrays", "source", "weighted", "on disk", "tf.data", "PyDataset")


class Slices(keras.utils.PyDataset):
    """Shuffles the batches, as Keras has it for this kind; the examples of each stay together."""

    def __init__(self, x, y, batch_size):
        super().__init__()
        self.x, self.y, self.batch_size = x, y, batch_size

    def __len__(self):
        return len(self.x) // self.batch_size

    def __getitem__(self, index):
        part = slice(index * self.batch_size, (index + 1) * self.batch_size)
        return self.x[part], self.y[part]


def model_of(name, shape):
    """Return a compiled model."""
    layers = []
    if name.startswith("cnn"):
        layers += [keras.layers.Conv2D(8, 3, 2, activation="relu"), keras.layers.Flatten()]
    if name.startswith("mlp"):
        layers += [keras.layers.Dense(128, "relu")]
    return harness.classifier(shape if isinstance(shape, tuple) else (shape,), [*layers, keras.layers.Dense(10)], "sgd")


def data_of(kind, x, y, batch_size, folder):
    """Return the arguments of `fit`."""
    if kind == "arrays":
        return {"x": x, "y": y, "batch_size": batch_size}
    if kind == "tf.data":
        return {"x": tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x)).batch(batch_size).prefetch(2)}
    if kind == "PyDataset":
        return {"x": Slices(x, y, batch_size)}
    if kind == "on disk":
        np.save(os.path.join(folder, "x.npy"), x)
        x = np.load(os.path.join(folder, "x.npy"), mmap_mode="r")
    source = ArraySource(x, y, batch_size=batch_size, seed=0)
    source.weighted = kind == "weighted"
    return {"x": source}


def main():
    """Measure, print the table, write JSON."""
    sizes = {"rounds": 31, "steps": 100, "epochs": 2}
    options = harness.options(__doc__, "data.json", cases="linear,mlp,cnn", kinds=",".join(KINDS), **sizes)
    kinds, results = options.kinds.split(","), {}
    for name, (shape, batch_size) in CASES.items():
        if not name.startswith(tuple(options.cases.split(","))):
            continue
        rng, count = np.random.default_rng(0), options.steps * batch_size
        x = rng.normal(size=(count, *(shape if isinstance(shape, tuple) else (shape,)))).astype("float32")
        y = rng.integers(0, 10, size=count)
        with tempfile.TemporaryDirectory() as folder:
            runs = {kind: (model_of(name, shape), data_of(kind, x, y, batch_size, folder)) for kind in kinds}
            fits = {kind: partial(m.fit, **data, epochs=options.epochs, verbose=0) for kind, (m, data) in runs.items()}
            cpu, wall = harness.in_turn(fits, options, options.epochs * options.steps)
        print(f"{name:24s}{'wall':>10s}{'ratio':>10s}{'CPU':>28s}{'ratio':>10s}")
        for kind in kinds:
            row = {}
            for clock, times in (("wall", wall), ("cpu", cpu)):
                row[clock] = statistics.median(times[kind])
                row[clock + " ratio"] = harness.ratio(times[kind], times[kinds[0]])
            results[f"{name}  {kind}"] = row
            print(
                f"  {kind:20s}{row['wall']:9.0f} us{row['wall ratio']}{row['cpu']:10.0f} us{row['cpu ratio']}",
                flush=True,
            )
    harness.save(options.json, results)


if __name__ == "__main__":
    main()
