"""Measure what `Resume` costs: `fit` of a convolutional network on digits, with and without it.

    python benchmarks/resume.py [--rounds 15] [--json resume.json]

Each contender has a model of its own, which goes on training: one bare, one that takes a state each epoch, one each 50
batches. They call `fit` for some epochs in turn, in an order that rotates; CPU time (all threads) and wall time are the
median ratio to the bare one in the same round. "bare again" tells how far equal code differs. CPU time has the writing
of the states, which a thread does, and wall time what the training waits for, the state at its end included. Where a
machine is too noisy for that, the last line says how long a state keeps the training's thread: copying it, and handing
it over to be written.
"""

import statistics
import tempfile
import time

import harness
import keras
import numpy as np
from sklearn.datasets import load_digits

import keras_ch8

BATCH, REPEATS = 32, 4
EVERY = {"bare": None, "bare again": None, "each epoch": "1ep", "each 50 batches": "50ba"}


def network():
    """Return a convolutional network for digits, at their size."""
    layers = [
        keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
        keras.layers.Conv2D(64, 3, padding="same", activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Conv2D(64, 3, padding="same", activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dropout(0.3),
        keras.layers.Dense(10),
    ]
    return harness.classifier((8, 8, 1), layers, keras_ch8.optimizers.Adam(), metrics=["accuracy"])


def trained(every, x, y, epochs):
    """Return a function that trains a model of its own for some epochs more, with states in a folder of its own."""
    model, source = network(), keras_ch8.data.ArraySource(x, y, batch_size=BATCH, seed=0)

    def train():
        with tempfile.TemporaryDirectory() as folder:
            resume = [] if every is None else [keras_ch8.callbacks.Resume(folder, every)]
            model.fit(source, epochs=epochs, callbacks=resume, verbose=0)

    return train


def milliseconds_of_states():
    """Return a list to which each state from now on adds how long the training waits for it, in two parts."""
    waited = []
    copy, write = keras_ch8.callbacks.Resume._copy, keras_ch8.callbacks.Resume._write

    def timed(method, *arguments, **options):
        begin = time.perf_counter()
        result = method(*arguments, **options)
        waited.append(1000 * (time.perf_counter() - begin))
        return result

    keras_ch8.callbacks.Resume._copy = lambda *args, **options: timed(copy, *args, **options)
    keras_ch8.callbacks.Resume._write = lambda *args, **options: timed(write, *args, **options)
    return waited


def main():
    """Measure, print the table, write JSON."""
    options = harness.options(__doc__, "resume.json", rounds=15, epochs=5)
    x, y = load_digits(return_X_y=True)
    x = np.tile((x / 16).astype("float32").reshape(-1, 8, 8, 1), (REPEATS, 1, 1, 1))
    y = np.tile(y, REPEATS)
    calls = {name: trained(every, x, y, options.epochs) for name, every in EVERY.items()}
    steps = options.epochs * -(-len(x) // BATCH)
    cpu, wall = harness.in_turn(calls, options, steps)
    print(f"{'':20}{'CPU':>8}{'':18}{'wall':>8}{'':18}{'us a step':>12}")
    results = {}
    for name in calls:
        ratios = [harness.ratio(times[name], times["bare"]) for times in (cpu, wall)]
        step = statistics.median(wall[name])
        print(f"{name:20}{ratios[0]}{ratios[1]}{step:12.0f}")
        results[name] = {"cpu": ratios[0], "wall": ratios[1], "step_us": step}
    waited = milliseconds_of_states()
    calls["each 50 batches"]()
    state = statistics.median(waited[::2]) + statistics.median(waited[1::2])
    print(f"a state keeps the training for {state:.1f} ms")
    results["state_ms"] = state
    harness.save(options.json, results)


if __name__ == "__main__":
    main()
