"""Measure what callbacks add to a `fit`, with fresh callback objects in each, against a bare one.

    python benchmarks/fit_callbacks.py [--steps 2000] [--rounds 3] [--json fit_callbacks.json]

The MLP 784-256-256-10 of `benchmarks/monitors.py` at batch 128, and a small convolutional network on images of 8 x 8
at batch 32. In every round each contender has one `fit` of a model of its own, from the same weights, in an order that
turns round; the first round traces and compiles. CPU time (all threads) in seconds: "first" is the difference to the
bare `fit` in the first round, where `fit` itself is traced; "later" the ratio in the rounds after it: its
median, the smallest and the largest.
"two" are TensorBoard and GradientClippingLogger, "five" EarlyStopping, PolyakAveraging and Diagnosis too.
"""

import itertools
import statistics
import tempfile

import harness
import keras
import numpy as np
from monitors import mlp

import keras_ch8
from keras_ch8 import callbacks

EPOCHS = 10


def conv():
    """Return the layers of the convolutional network."""
    maps = [keras.layers.Conv2D(n, 3, activation="relu") for n in (16, 32)]
    return [*maps, keras.layers.Flatten(), keras.layers.Dense(64, "relu"), keras.layers.Dense(10)]


def two():
    """Return the callbacks that listen and write."""
    return [callbacks.TensorBoard(tempfile.mkdtemp()), callbacks.GradientClippingLogger()]


def five():
    """Return all that one would list together."""
    stopping = callbacks.EarlyStopping(monitor="loss", patience=10**6)
    return [*two(), stopping, callbacks.PolyakAveraging(0.99), callbacks.Diagnosis(verbose=False)]


NETS = {"mlp": (mlp, (784,), 128), "conv": (conv, (8, 8, 1), 32)}
OPTIMIZERS = {"ours": keras_ch8.optimizers.Adam, "keras": keras.optimizers.Adam}
CONTENDERS = {"bare": list, "bare again": list, "two": two, "five": five}


def fits(models, x, y, batch, options):
    """Return the CPU seconds of each contender in each round."""
    names, found = list(models), []
    start = models[names[0]].get_weights()
    for number in harness.rounds(options):
        found.append({})
        first = number % len(names)
        for name in names[first:] + names[:first]:
            models[name].set_weights(start)
            fit = {"batch_size": batch, "epochs": EPOCHS, "verbose": 0, "callbacks": CONTENDERS[name]()}
            found[-1][name] = harness.timed(models[name].fit, x, y, **fit)[1]
    return found


def main():
    """Measure, print the table, write JSON."""
    names, defaults = ",".join(CONTENDERS), {"nets": "mlp,conv", "optimizers": "ours,keras", "executions": "1,50"}
    options = harness.options(__doc__, "fit_callbacks.json", steps=2000, rounds=6, contenders=names, **defaults)
    rng, results = np.random.default_rng(0), {}
    np.asarray(keras.ops.ones(3) + 1)  # the first operation of a process starts TensorFlow
    print(f"{'CPU of fit':32}{'bare, s':>7}{'contender':>13}{'first, s':>10}{'later':>8}")
    kinds = itertools.product(*(getattr(options, name).split(",") for name in defaults))
    for net, optimizer, at_once in kinds:
        layers, shape, batch = NETS[net]
        y = rng.integers(0, 10, batch * (options.steps // EPOCHS))
        x = (rng.uniform(size=(10, *shape))[y] + rng.normal(size=(len(y), *shape))).astype("float32")
        made = {
            name: harness.classifier(shape, layers(), OPTIMIZERS[optimizer](), steps_per_execution=int(at_once))
            for name in options.contenders.split(",")
        }
        rounds = fits(made, x, y, batch, options)
        bare = statistics.median(each["bare"] for each in rounds[1:])
        for name in list(made)[1:]:
            later = harness.ratio(*([each[who] for each in rounds[1:]] for who in (name, "bare")))
            row = {"bare": bare, "first": rounds[0][name] - rounds[0]["bare"], "later": later}
            title = f"{net}, {optimizer} Adam, {at_once} an execution"
            results[f"{title}, {name}"] = row
            print(f"{title:32}{bare:7.2f}{name:>13}{row['first']:+10.2f}{later}", flush=True)
    harness.save(options.json, results)


if __name__ == "__main__":
    main()
