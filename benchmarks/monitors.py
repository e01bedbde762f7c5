"""Measure what the diagnosis costs in `fit`, against the same `fit` with nothing attached.

    python benchmarks/monitors.py [--json monitors.json]

An MLP 784-256-256-10 and a small CNN, batch 128, SGD, 1000 steps on noisy images of ten kinds, which it
learns; the probe is another batch of 128.
One `fit` for each contender and round, in turn, after one in which everything was traced ("set up" tells what the
diagnosis added to that, in seconds). CPU time (all threads) and wall time are medians over the rounds of the ratio to
the bare `fit` of the same round. Cockpit 1.0.2, from its published data, on its MNIST MLP at an interval of 64 takes
1.06 (GPU) and 2.06 (CPU) for its economy set.
"""

import argparse
import json
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import keras_ch8

STEPS, EPOCHS, BATCH = 1000, 5, 128
CONTENDERS = {
    "bare": None,
    "cheap": {"checks": "cheap"},
    "standard": {"checks": "standard"},
    "full": {"checks": "full"},
    "standard, interval 64": {"checks": "standard", "when": 64, "budget": None},
}


def mlp():
    """Return the layers of the MLP."""
    return [keras.layers.Dense(256, "relu"), keras.layers.Dense(256, "relu"), keras.layers.Dense(10)]


def cnn():
    """Return the layers of the CNN."""
    maps = [keras.layers.Conv2D(16, 3, activation="relu"), keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(32, 3, activation="relu"), keras.layers.MaxPooling2D()]  # fmt: skip
    dense = [keras.layers.Dense(64, "relu"), keras.layers.Dense(10)]
    return [keras.layers.Reshape((28, 28, 1)), *maps, keras.layers.Flatten(), *dense]


def network(layers):
    """Return the compiled network."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((784,)), *layers()])
    model.compile(keras_ch8.optimizers.SGD(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def measure(model, start, data, diagnosis):
    """Return CPU and wall seconds of one `fit` from the start: a training that is over asks for closer looks."""
    model.set_weights(start)
    begin = time.process_time(), time.perf_counter()
    model.fit(*data, batch_size=BATCH, epochs=EPOCHS, verbose=0, callbacks=[diagnosis] if diagnosis else [])
    return time.process_time() - begin[0], time.perf_counter() - begin[1]


def main():
    """Measure, print the table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--nets", nargs="+", default=["mlp", "cnn"], choices=["mlp", "cnn"])
    parser.add_argument("--json", default="monitors.json")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, BATCH * (STEPS // EPOCHS + 1))
    x = (rng.uniform(size=(10, 784))[y] + rng.normal(size=(len(y), 784))).astype("float32")
    data, probe = (x[BATCH:], y[BATCH:]), (x[:BATCH], y[:BATCH])
    results = {}
    for net in options.nets:
        models = {name: network(globals()[net]) for name in CONTENDERS}
        start = models["bare"].get_weights()
        diagnoses = {name: c and keras_ch8.callbacks.Diagnosis(probe, **c) for name, c in CONTENDERS.items()}
        setup = {}
        for name, model in models.items():
            measure(model, start, data, diagnoses[name])
            setup[name] = diagnoses[name].setup if diagnoses[name] else 0.0
        times = {name: [] for name in CONTENDERS}
        for _ in range(options.rounds):
            for name, model in models.items():
                times[name].append(measure(model, start, data, diagnoses[name]))
        print(f"{net:24}{'ms a step':>10}{'CPU':>8}{'wall':>8}{'own count':>11}{'looks':>7}{'set up':>8}")
        for name, runs in times.items():
            ratios = [
                [own / bare for own, bare in zip(a, b, strict=True)] for a, b in zip(runs, times["bare"], strict=True)
            ]
            cpu, wall = (statistics.median(column) for column in zip(*ratios, strict=True))
            step = 1000 * statistics.median(wall for _, wall in runs) / STEPS
            cost, looks = (diagnoses[name].cost, diagnoses[name].looks) if diagnoses[name] else (0.0, 0)
            print(f"{name:24}{step:10.2f}{cpu:8.3f}{wall:8.3f}{1 + cost:11.3f}{looks:7d}{setup[name]:8.2f}", flush=True)
            results[f"{net}, {name}"] = {"ms_a_step": step, "cpu": cpu, "wall": wall, "own_count": 1 + cost,
                                         "looks": looks, "setup_seconds": setup[name]}  # fmt: skip
    with open(options.json, "w") as file:
        json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
