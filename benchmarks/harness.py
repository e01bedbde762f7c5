"""What the benchmarks share: command line and device, contenders in turn, clocks, a classifier, results as JSON."""

import argparse
import json
import math
import os
import resource
import statistics
import sys
import time
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf

import keras_ch8

LEAST = 5
"""Rounds that are made however long they take."""


def options(doc, results, **defaults):
    """Return what the command line says: `--json`, by default the file `results`, and an option for each default.

    With `--seconds` no part of the table begins a further round after so many, once it has five. With `--device cpu`
    no GPU is seen; with `--device gpu` there has to be one.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in defaults.items():
        kind = {"action": "store_true"} if default is False else {"type": type(default)}
        parser.add_argument(f"--{name}", default=default, **kind)
    parser.add_argument("--seconds", type=float, default=math.inf, help="for the rounds of each part of the table")
    parser.add_argument("--device", choices=("cpu", "gpu", ""), default="", help="by default a GPU if there is one")
    parser.add_argument("--json", default=results)
    found = parser.parse_args()
    if found.device == "cpu":
        tf.config.set_visible_devices([], "GPU")
    elif found.device == "gpu" and not tf.config.list_physical_devices("GPU"):
        sys.exit("There is no GPU that TensorFlow sees. Received: --device gpu. Leave it out.")
    return found


def on_gpu():
    """Whether the benchmark runs on a GPU."""
    return bool(tf.config.list_logical_devices("GPU"))


def peaks():
    """Return the largest memory so far in MB: of the process, and of the GPU if there is one."""
    found = {"process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}
    if on_gpu():
        found["GPU"] = tf.config.experimental.get_memory_info("GPU:0")["peak"] // 2**20
    return found


def save(path, results, page=None):
    """Write the results as JSON, with the largest memory, which is printed; a page of them in Markdown beside it."""
    megabytes = peaks()
    print("largest memory: " + ", ".join(f"{size} MB of the {whose}" for whose, size in megabytes.items()))
    with open(f"{path}.part", "w") as file:
        json.dump(results | {"largest memory, MB": megabytes}, file, indent=1)
    os.replace(f"{path}.part", path)  # whole, or not there, also where the process is stopped
    if page is not None:
        with open(f"{os.path.splitext(path)[0]}.md", "w") as file:
            file.write(page)


def rounds(options):
    """Count the rounds of one part of the table from 0: `options.rounds` of them, or what `options.seconds` allow."""
    end = time.monotonic() + options.seconds
    for number in range(options.rounds):
        if number >= LEAST and time.monotonic() > end:
            return
        yield number


def in_turn(calls, options, steps):
    """Call each of the contenders once to warm up, then in every round, in an order that rotates.

    Returns CPU and wall time of each in us a step: by the name a list of them, one for each round.
    """
    names = list(calls)
    cpu, wall = {name: [] for name in names}, {name: [] for name in names}
    for call in calls.values():
        call()
    for number in rounds(options):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            _, *seconds = timed(calls[name])
            for times, own in zip((cpu, wall), seconds, strict=True):
                times[name].append(own / steps * 1e6)
    return cpu, wall


def timed(call, *args, **options):
    """Return what a call returns, and its CPU and wall seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    end = call(*args, **options)
    return end, time.process_time() - cpu, time.perf_counter() - wall


class Ratio(NamedTuple):
    """Ratios to another contender in the same round: the median over the rounds, the smallest and the largest."""

    median: float
    least: float
    most: float

    def __str__(self):
        return f"{self.median:6.2f} x ({self.least:5.2f} to {self.most:5.2f})"


def ratio(times, of):
    """Return the ratio of the times of one contender to those of another, round by round."""
    ratios = [a / b for a, b in zip(times, of, strict=True)]
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))


def classifier(shape, layers, optimizer, **options):
    """Return a compiled classifier of integer labels; the last of its layers puts out logits."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input(shape), *layers])
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True), **options)
    return model


BATCH = 128
"""Examples in a batch of the networks below."""


def mlp():
    """Return the layers of an MLP 784-256-256-10."""
    return [keras.layers.Dense(256, "relu"), keras.layers.Dense(256, "relu"), keras.layers.Dense(10)]


def cnn():
    """Return the layers of a small CNN for the same inputs."""
    maps = [keras.layers.Conv2D(16, 3, activation="relu"), keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(32, 3, activation="relu"), keras.layers.MaxPooling2D()]  # fmt: skip
    dense = [keras.layers.Dense(64, "relu"), keras.layers.Dense(10)]
    return [keras.layers.Reshape((28, 28, 1)), *maps, keras.layers.Flatten(), *dense]


def network(layers):
    """Return such a network, compiled with SGD."""
    return classifier((784,), layers(), keras_ch8.optimizers.SGD(0.01))
