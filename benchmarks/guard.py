"""Measure what `callbacks.Guard` costs a training without faults: in the compiled step, and in Python.

    python benchmarks/guard.py [--ways plain,accumulating] [--json guard.json]

A small convolutional network on the digits of scikit-learn, batch 64, Adam: plain, with accumulated gradients, in
mixed_float16, op by op (`run_eagerly`), and on two replicas. As in `benchmarks/listening.py` every contender has models
of its own, which `fit` compiles; then six of their training steps are timed at a time, in random order with those of
the others. It has four, since equal code differs by 1 % from one model to the next: a round is the mean over them. CPU
time (all threads) and wall time are the median ratio to the bare steps of the same round; "bare again" tells how far
equal code still differs. What the callback does in Python is timed in a `fit` of its own, with the states that it
keeps, as CPU time a batch. The last lines add both up, over each of the two steps without it.
"""

import contextlib
import random
import statistics
import time

import harness
import keras
import numpy as np
import tensorflow as tf
from listening import AT_A_TIME, some_steps, training_step, two_replicas
from sklearn import datasets

import keras_ch8
from keras_ch8 import callbacks, optimizers

BATCH, MODELS = 64, 4
CONTENDERS = {
    "bare": (False, list),
    "bare again": (False, list),
    "skip_nonfinite=True": (True, list),
    "Guard": (True, lambda: [callbacks.Guard()]),
}
WAYS = {
    # name: (arguments of the optimizer, arguments of `compile`, policy)
    "plain": ({}, {}, "float32"),
    "accumulating": ({"gradient_accumulation_steps": 2}, {}, "float32"),
    "mixed_float16": ({}, {}, "mixed_float16"),
    "eager": ({}, {"run_eagerly": True}, "float32"),
    "two_replicas": ({}, {}, "float32"),
}
X, Y = datasets.load_digits(return_X_y=True)
X = (X / 16).astype("float32").reshape(-1, 8, 8, 1)


def network(way, skip):
    """Return the compiled network."""
    of_optimizer, of_compile, policy = WAYS[way]
    keras.config.set_dtype_policy(policy)
    layers = [
        keras.layers.Conv2D(16, 3, activation="relu", padding="same"),
        keras.layers.Conv2D(32, 3, activation="relu", padding="same"),
        keras.layers.MaxPooling2D(),
        keras_ch8.layers.BatchNormalization(),
        keras.layers.Conv2D(64, 3, activation="relu", padding="same"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(10),
    ]
    optimizer = optimizers.Adam(skip_nonfinite=skip, **of_optimizer)
    model = harness.classifier((8, 8, 1), layers, optimizer, metrics=["accuracy"], **of_compile)
    keras.config.set_dtype_policy("float32")
    return model


def contender(way, skip, made):
    """Return the compiled step, and what must live on."""
    model = network(way, skip)
    return training_step(model, made, (X, Y), BATCH), (model, made)


def seconds_in_python(way, epochs):
    """Return the CPU seconds of the callback for a batch, with what any callback of the package does there."""
    guard, spent = callbacks.Guard(), []
    theirs = guard.on_train_batch_end

    def timed(batch, logs=None):
        begin = time.thread_time_ns()
        theirs(batch, logs)
        spent.append(time.thread_time_ns() - begin)

    guard.on_train_batch_end = timed
    network(way, True).fit(X, Y, batch_size=BATCH, epochs=epochs, verbose=0, callbacks=[guard])
    return sum(spent[10:]) / len(spent[10:]) * 1e-9


def measured(way, options, strategy):
    """Measure one way to train, print its table, and return the numbers."""
    data = tf.data.Dataset.from_tensors((X[:BATCH], Y[:BATCH])).repeat()
    is_replicated = way == "two_replicas"
    batches = iter(strategy.experimental_distribute_dataset(data) if is_replicated else data)
    with strategy.scope() if is_replicated else contextlib.nullcontext():
        made = {
            (name, i): contender(way, skip, make()) for name, (skip, make) in CONTENDERS.items() for i in range(MODELS)
        }
        in_python = seconds_in_python(way, options.epochs)
    rounds = []
    for _ in harness.rounds(options):
        order = random.sample(list(made), len(made))
        seconds = {each: harness.timed(some_steps, made[each][0], batches)[1:] for each in order}
        of_all = {name: [seconds[name, i] for i in range(MODELS)] for name in CONTENDERS}
        rounds.append({name: np.mean(each, axis=0) for name, each in of_all.items()})
    results = {"bare_us": 1e6 / AT_A_TIME * statistics.median(each["bare"][0] for each in rounds)}
    print(f"{way}: a bare step takes {results['bare_us']:.0f} us of CPU time")
    print(f"{'ratio to it':24}{'CPU':>8}{'wall':>8}")
    for name in CONTENDERS:
        ratios = [np.divide(each[name], each["bare"]) for each in rounds]
        cpu, wall = (statistics.median(ratio[k] for ratio in ratios) for k in (0, 1))
        print(f"{name:24}{cpu:8.3f}{wall:8.3f}", flush=True)
        results[name] = {"cpu": cpu, "wall": wall}
    results["python_us"] = 1e6 * in_python
    print(f"in Python: {results['python_us']:.1f} us of CPU time a batch")
    for of in ("skip_nonfinite=True", "bare"):
        own, theirs = ([each[name][0] for each in rounds] for name in ("Guard", of))
        share = in_python * AT_A_TIME / statistics.median(theirs)
        in_step = harness.ratio(own, theirs).median - 1
        results[f"over {of}"] = in_step + share
        print(f"over {of}: {in_step:.2%} in the step, {share:.2%} in Python, together {in_step + share:.2%}")
    return results


def main():
    """Measure, print the tables, write JSON."""
    options = harness.options(__doc__, "guard.json", rounds=100, epochs=30, ways=",".join(WAYS))
    ways = options.ways.split(",")
    strategy = two_replicas() if "two_replicas" in ways else None
    harness.save(options.json, {way: measured(way, options, strategy) for way in ways})


if __name__ == "__main__":
    main()
