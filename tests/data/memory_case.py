"""Training on 2 GB that are mapped from a file; run in a process of its own, with the file's folder as argument."""

import gc
import sys
from pathlib import Path

import keras
import numpy as np

from keras_ch8.data import ArraySource

COUNT, WIDTH = 500_000, 1000
"""2 GB of float32; most of the file is a hole, which takes no disk."""


def resident():
    """Return MB that this process holds, without what is mapped from files."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def main(folder):
    x = np.memmap(Path(folder) / "x.dat", "float32", "w+", shape=(COUNT, WIDTH))
    y = np.memmap(Path(folder) / "y.dat", "int32", "w+", shape=(COUNT,))
    x[1234], y[1234] = 0.5, 1
    model = keras.Sequential([keras.Input((WIDTH,)), keras.layers.Dense(2)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    source = ArraySource(x.reshape(COUNT, WIDTH), y, batch_size=64, seed=0)
    assert source.take([1234])[0].min() == 0.5
    after = []

    def look(batch, logs):
        if batch in (20, 320):
            gc.collect()
            after.append(resident())
            model.stop_training = batch == 320

    model.fit(source, verbose=0, callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=look)])
    read = 300 * 64 * WIDTH * 4 / 2**20
    assert source.step == 321
    grown = after[1] - after[0]
    print(f"grew by {grown:.1f} MB while {read:.0f} MB were read of {COUNT * WIDTH * 4 / 2**20:.0f}")  # noqa: T201
    assert grown < read / 4
    assert after[1] < 800


if __name__ == "__main__":
    main(sys.argv[1])
