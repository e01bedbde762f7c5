"""Measure what `callbacks.Guard` costs in a `fit` without faults, against the same `fit` with nothing attached.

    python benchmarks/guard.py [--json guard.json]

A small convolutional network on the digits of scikit-learn, batch 64, Adam. One `fit` of many epochs for each contender
and round, in an order that rotates; the first epoch (tracing) is left out. CPU time (all threads) and wall time a step,
medians over the rounds; "extra" is the median over the rounds of the ratio to the bare `fit` of the same round, less 1.
"""

import statistics
import time

import harness
import keras
import numpy as np
from sklearn import datasets

import keras_ch8
from keras_ch8 import callbacks, optimizers

BATCH = 64
CONTENDERS = {
    "bare": (False, list),
    "skip_nonfinite=True": (True, list),
    "Guard": (True, lambda: [callbacks.Guard()]),
    "Guard, state every 20 batches": (True, lambda: [callbacks.Guard(rollback="20ba")]),
}


class Stopwatch(keras.callbacks.Callback):
    """Times the epochs after the first."""

    def on_epoch_end(self, epoch, logs=None):
        """Read the clocks."""
        self.now = time.process_time(), time.perf_counter()
        if epoch == 0:
            self.begin = self.now


def network(skip):
    """Return the compiled network."""
    layers = [
        keras.layers.Conv2D(16, 3, activation="relu", padding="same"),
        keras.layers.Conv2D(32, 3, activation="relu", padding="same"),
        keras.layers.MaxPooling2D(),
        keras_ch8.layers.BatchNormalization(),
        keras.layers.Conv2D(64, 3, activation="relu", padding="same"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(10),
    ]
    return harness.classifier((8, 8, 1), layers, optimizers.Adam(skip_nonfinite=skip), metrics=["accuracy"])


def main():
    """Measure, print the table, write JSON."""
    options = harness.options(__doc__, "guard.json", rounds=9, epochs=8)
    x, y = datasets.load_digits(return_X_y=True)
    x, steps = (x / 16).astype("float32").reshape(-1, 8, 8, 1), -(-len(x) // BATCH)
    names, times = list(CONTENDERS), {name: [] for name in CONTENDERS}
    for number in range(options.rounds + 1):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            skip, make = CONTENDERS[name]
            watch = Stopwatch()
            network(skip).fit(x, y, batch_size=BATCH, epochs=options.epochs, verbose=0, callbacks=[*make(), watch])
            each = 1e6 / steps / (options.epochs - 1)
            if number:  # the first round warms up
                times[name].append([each * (b - a) for a, b in zip(watch.begin, watch.now, strict=True)])
    results = {}
    print(f"{'us a step':32s} {'CPU':>7s} {'wall':>7s} {'extra CPU':>10s} {'extra wall':>11s}")
    for name, rows in times.items():
        cpu, wall = np.median(rows, axis=0)
        extra = [statistics.median(a[i] / b[i] for a, b in zip(rows, times["bare"], strict=True)) - 1 for i in range(2)]
        results[name] = {"cpu_us": cpu, "wall_us": wall, "extra_cpu": extra[0], "extra_wall": extra[1]}
        print(f"{name:32s} {cpu:7.0f} {wall:7.0f} {extra[0]:10.1%} {extra[1]:11.1%}", flush=True)
    harness.save(options.json, results)


if __name__ == "__main__":
    main()
