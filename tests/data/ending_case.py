"""An error in the middle of an epoch, while a slow disk is read; run in a process of its own, which has to end."""

import sys
import time
from pathlib import Path

import keras
import numpy as np

from keras_ch8.data import ArraySource
from keras_ch8.integration.backend import datasets

ends_in_time = datasets._ends_in_time


def slowly(read):
    """Return a read that takes its time."""

    def call(*args):
        time.sleep(0.2)
        return read(*args)

    return ends_in_time(call)


def fail(batch, logs):
    """End the training."""
    if batch == 3:
        raise KeyError("an error of the user's")


def main(folder):
    """Train on a slow disk, and fail."""
    datasets._ends_in_time = slowly
    x = np.memmap(Path(folder) / "x.dat", "float32", "w+", shape=(4000, 10))
    model = keras.Sequential([keras.Input((10,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    source = ArraySource(x, np.zeros(4000), batch_size=64, seed=0)
    model.fit(source, verbose=0, callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=fail)])


if __name__ == "__main__":
    main(sys.argv[1])
