"""Measure what `Diagnosis` costs in a short training, where setting up is most of it, against the bare `fit`.

    python benchmarks/diagnosis_cost.py [--rounds 5] [--json diagnosis_cost.json]

An MLP 64-64-64-10 on 1500 digits of scikit-learn, batch 32, 20 epochs: 940 steps. Each `fit` is in a process of its
own, a fork of one that has only imported, so that nothing is traced or compiled before it; a second `fit` of the same
model, with callback objects of its own, tells what is traced again. The contenders have their turns in an order that
rotates. CPU time (all threads) in seconds; beside each the median over the rounds of its difference to the bare `fit`
of the same round, and the ratio, with the smallest and the largest.
"""

import multiprocessing
import statistics

import harness
import keras
import numpy as np
from sklearn.datasets import load_digits

import keras_ch8

EPOCHS, BATCH, TRAIN = 20, 32, 1500
CONTENDERS = {
    "bare": lambda probe: [],
    "bare again": lambda probe: [],
    "Diagnosis": lambda probe: [keras_ch8.callbacks.Diagnosis(verbose=False)],
    "with a probe": lambda probe: [keras_ch8.callbacks.Diagnosis(probe, verbose=False)],
    "cheap": lambda probe: [keras_ch8.callbacks.Diagnosis(probe, "cheap", verbose=False)],
    "listening only": lambda probe: [keras_ch8.callbacks.Diagnosis(probe, ["cliff"], verbose=False, preflight=False)],
    "PolyakAveraging": lambda probe: [keras_ch8.callbacks.PolyakAveraging(decay=0.99)],
}
OPTIMIZERS = {"sgd": lambda: keras_ch8.optimizers.SGD(0.05), "keras_adam": lambda: keras.optimizers.Adam(1e-3)}


def network(optimizer):
    """Return the compiled network."""
    layers = [keras.layers.Dense(64, "relu"), keras.layers.Dense(64, "relu"), keras.layers.Dense(10)]
    return harness.classifier((64,), layers, OPTIMIZERS[optimizer]())


def fits(name, optimizer, pipe):
    """Send CPU and wall seconds of two calls of `fit` of one model, and how often the probe was measured."""
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype("float32")
    train, probe = (x[:TRAIN], y[:TRAIN]), (x[TRAIN:], y[TRAIN:])
    np.asarray(keras.ops.ones(3) + 1)  # the first operation of a process starts TensorFlow
    model, found = network(optimizer), []
    for _ in range(2):
        callbacks = CONTENDERS[name](probe)
        given = {"batch_size": BATCH, "epochs": EPOCHS, "verbose": 0, "callbacks": callbacks}
        _, *seconds = harness.timed(model.fit, *train, **given)
        found.append([*seconds, max((getattr(c, "measurements", 0) for c in callbacks), default=0)])
    pipe.send(found)


def in_a_fork(context, *arguments):
    """Return what `fits` sends."""
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=fits, args=(*arguments, send))
    process.start()
    send.close()
    found = receive.recv()
    process.join()
    return found


def main():
    """Measure, print the table, write JSON."""
    names = ",".join(CONTENDERS)
    options = harness.options(__doc__, "diagnosis_cost.json", rounds=5, contenders=names, optimizers="sgd,keras_adam")
    context, results = multiprocessing.get_context("fork"), {}
    for optimizer in options.optimizers.split(","):
        chosen = options.contenders.split(",")
        runs = {name: [] for name in chosen}
        for number in harness.rounds(options):
            first = number % len(chosen)
            for name in chosen[first:] + chosen[:first]:
                runs[name].append(in_a_fork(context, name, optimizer))
        titles = "".join(f"{fit:>10}{'more':>8}{'ratio':>8}{'':18}" for fit in ("first fit", "second"))
        print(f"{optimizer:18}{titles}{'looks':>7}")
        for name, rounds in runs.items():
            row = {"looks": rounds[0][0][2]}
            for fit, place in (("first", 0), ("second", 1)):
                own, bare = ([each[place][0] for each in some] for some in (rounds, runs["bare"]))
                row[fit] = statistics.median(own)
                row[f"{fit}_more"] = statistics.median(a - b for a, b in zip(own, bare, strict=True))
                row[f"{fit}_ratio"] = harness.ratio(own, bare)
            numbers = "".join(
                f"{row[fit]:10.2f}{row[f'{fit}_more']:+8.2f}{row[f'{fit}_ratio']}" for fit in ("first", "second")
            )
            print(f"{name:18}{numbers}{row['looks']:7d}", flush=True)
            results[f"{optimizer}, {name}"] = row
    harness.save(options.json, results)


if __name__ == "__main__":
    main()
