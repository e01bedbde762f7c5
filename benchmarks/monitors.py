"""Measure what the diagnosis costs in `fit`, against the same `fit` with nothing attached.

    python benchmarks/monitors.py [--json monitors.json]

An MLP 784-256-256-10 and a small CNN, batch 128, SGD, 1000 steps on noisy images of ten kinds, which it
learns; the probe is another batch of 128.
After a `fit` in which everything is traced ("set up" tells what the diagnosis added to that, in seconds), in each round
every contender has one between two bare ones: the machine gets faster and slower. CPU time (all threads) and wall time
are medians over the rounds of the ratio to the mean of these two. Cockpit 1.0.2, from its published data, on its MNIST
MLP at an interval of 64 takes 1.06 (GPU) and 2.06 (CPU) for its economy set.
"""

import statistics

import harness
import keras
import numpy as np

import keras_ch8

STEPS, EPOCHS, BATCH = 1000, 5, 128
CONTENDERS = {
    "cheap": {"checks": "cheap"},
    "standard": {"checks": "standard"},
    "full": {"checks": "full"},
    "standard, interval 64": {"checks": "standard", "measure_every": 64, "budget": None},
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
    return harness.classifier((784,), layers(), keras_ch8.optimizers.SGD(0.01))


def measure(model, start, data, diagnosis):
    """Return CPU and wall seconds of one `fit` from the start: a training that is over asks for closer looks."""
    model.set_weights(start)
    callbacks = [diagnosis] if diagnosis else []
    return harness.timed(model.fit, *data, batch_size=BATCH, epochs=EPOCHS, verbose=0, callbacks=callbacks)[1:]


def main():
    """Measure, print the table, write JSON."""
    options = harness.options(__doc__, "monitors.json", rounds=7, nets="mlp,cnn")
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, BATCH * (STEPS // EPOCHS + 1))
    x = (rng.uniform(size=(10, 784))[y] + rng.normal(size=(len(y), 784))).astype("float32")
    data, probe = (x[BATCH:], y[BATCH:]), (x[:BATCH], y[:BATCH])
    results = {}
    for net in options.nets.split(","):
        bare = network(globals()[net])
        start = bare.get_weights()
        models = {name: network(globals()[net]) for name in CONTENDERS}
        diagnoses = {name: keras_ch8.callbacks.Diagnosis(probe, **asked) for name, asked in CONTENDERS.items()}
        measure(bare, start, data, None)
        setup = {}
        for name, diagnosis in diagnoses.items():
            measure(models[name], start, data, diagnosis)
            setup[name] = diagnosis.setup
        runs, before = {name: [] for name in CONTENDERS}, measure(bare, start, data, None)
        for _ in harness.rounds(options):
            for name, diagnosis in diagnoses.items():
                own, after = measure(models[name], start, data, diagnosis), measure(bare, start, data, None)
                ratios = [2 * a / (b + c) for a, b, c in zip(own, before, after, strict=True)]
                runs[name].append([*ratios, 1000 * after[1] / STEPS, 1 + diagnosis.cost, diagnosis.measurements])
                before = after
        print(f"{net:24}{'CPU':>8}{'wall':>8}{'ms a bare step':>16}{'own count':>11}{'looks':>7}{'set up':>8}")
        for name, rows in runs.items():
            cpu, wall, step, own, looks = (statistics.median(column) for column in zip(*rows, strict=True))
            print(f"{name:24}{cpu:8.3f}{wall:8.3f}{step:16.2f}{own:11.3f}{looks:7.0f}{setup[name]:8.2f}", flush=True)
            results[f"{net}, {name}"] = {"cpu": cpu, "wall": wall, "ms_a_bare_step": step, "own_count": own,
                                         "looks": looks, "setup_seconds": setup[name]}  # fmt: skip
    harness.save(options.json, results)


if __name__ == "__main__":
    main()
