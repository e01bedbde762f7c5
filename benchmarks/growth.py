"""Measure how first call, step and memory grow with the size of a model, the number of callbacks, and the steps.

    python benchmarks/growth.py [--variables 30,300,3000] [--callbacks 1,10,100] [--steps 1000,10000,100000]
        [--at_once 1000000] [--runs 24] [--json growth.json]

Each row is measured in a process of its own, a fork of one that has only imported: CPU seconds of the first `fit` of a
few steps, CPU milliseconds of a step of a second one, and the largest memory of the process. The exponent is the slope
of the logarithms from the first row to the last: 1 is in proportion.

    variables   a chain of Dense layers of 8 units, with Adam, TensorBoard and GradientClippingLogger; beside it bare,
                and up to 300 variables with Keras's Adam
    callbacks   so many callbacks of one kind on a network of two layers
    steps       a network of one layer with TensorBoard, GradientClippingLogger, EarlyStopping, PolyakAveraging
    at once     the same with 100 steps an execution
    runs        report.html of so many runs in one page, against that of one
"""

import functools
import math
import multiprocessing
import pathlib
import resource
import sys
import tempfile

import harness
import keras
import numpy as np

import keras_ch8
from keras_ch8 import callbacks, extend

BATCH, KERAS_LIMIT = 32, 300  # Keras's first step of 3000 variables is minutes of tracing
RNG = np.random.default_rng(0)
sys.setrecursionlimit(100_000)  # Keras goes through a chain of layers by recursion


def board():
    """Return the callbacks that listen and write."""
    return [callbacks.TensorBoard(tempfile.mkdtemp()), callbacks.GradientClippingLogger()]


class Counts(extend.Callback):
    """A callback of the user's own that hears of every step."""

    def on_train_begin(self, logs=None):
        """Begin at 0."""
        super().on_train_begin(logs)
        self.steps = 0

    def on_telemetry(self, frames, logs):
        """Count steps."""
        self.steps += sum(len(frame.steps) for frame in frames.values())


def chain(layers, optimizer, **options):
    """Return a compiled network with so many layers of two variables each."""
    hidden = [keras.layers.Dense(8, "tanh") for _ in range(layers - 1)]
    return harness.classifier((8,), [*hidden, keras.layers.Dense(10)], optimizer, **options)


def data(steps):
    """Return examples for so many steps."""
    return RNG.normal(size=(steps * BATCH, 8)).astype("float32"), RNG.integers(0, 10, steps * BATCH)


def two_fits(make, listed, few, many):
    """Return CPU seconds of a first `fit`, CPU ms of a step of a second, and the largest memory in MB."""
    np.asarray(keras.ops.ones(3) + 1)  # the first operation of a process starts TensorFlow
    model, kept = make(), listed()
    fit = {"batch_size": BATCH, "verbose": 0, "callbacks": kept}
    _, first, _ = harness.timed(model.fit, *data(few), **fit)
    x, y = data(min(many, 1000))
    _, second, _ = harness.timed(model.fit, x, y, epochs=max(1, many // 1000), **fit)
    return {"first": first, "step": second / many * 1e3, "memory": memory()}


def memory():
    """Return the largest memory of the process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def one_page(runs):
    """Return CPU seconds in which one page of so many runs is written, its size in MB, and the largest memory."""
    folder = tempfile.mkdtemp()
    x, y = data(60)
    for number in range(runs):
        model = chain(2, keras_ch8.optimizers.Adam(10.0 ** -(1 + number % 4)))
        model.fit(x, y, batch_size=BATCH, epochs=2, verbose=0, callbacks=[callbacks.TensorBoard(folder)])
    page = pathlib.Path(folder) / "all.html"
    _, cpu, _ = harness.timed(keras_ch8.report, folder, page)
    return {"first": cpu, "step": page.stat().st_size / 1e6, "memory": memory()}


def in_a_fork(function, *args):
    """Return what a function returns in a fork of this process."""
    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=lambda: send.send(function(*args)))
    process.start()
    send.close()
    found = receive.recv()
    process.join()
    return found


def exponent(rows, what):
    """Return the slope of the logarithms from the first row to the last."""
    (small, first), (large, last) = rows[0], rows[-1]
    return math.log(last[what] / first[what]) / math.log(large / small) if large > small else math.nan


def main():
    """Measure, print the tables, write JSON."""
    options = harness.options(
        __doc__, "growth.json", variables="30,300,3000", callbacks="1,10,100", steps="1000,10000,100000",
        at_once="1000000", runs=24,
    )  # fmt: skip
    ours = keras_ch8.optimizers.Adam
    numbers = {
        name: [int(n) for n in getattr(options, name).split(",") if n]
        for name in ("variables", "callbacks", "steps", "at_once")
    }
    stopping = functools.partial(callbacks.EarlyStopping, monitor="loss", patience=10**6)
    all_of_it = lambda: [*board(), stopping(), callbacks.PolyakAveraging(0.9)]  # noqa: E731
    kinds = {
        "variables, bare": (numbers["variables"], lambda n: (lambda: chain(n // 2, ours()), list, 3, 200)),
        "variables, Keras's Adam, bare": (
            [n for n in numbers["variables"] if n <= KERAS_LIMIT],
            lambda n: (lambda: chain(n // 2, keras.optimizers.Adam()), list, 3, 200),
        ),
        "variables, listening": (numbers["variables"], lambda n: (lambda: chain(n // 2, ours()), board, 3, 200)),
        "callbacks of one kind": (
            numbers["callbacks"], lambda n: (lambda: chain(2, ours()), lambda: [Counts() for _ in range(n)], 3, 2000)
        ),
        "steps": (numbers["steps"], lambda n: (lambda: chain(1, ours()), all_of_it, 3, n)),
        "steps, 100 at once": (
            numbers["at_once"], lambda n: (lambda: chain(1, ours(), steps_per_execution=100), all_of_it, 3, n)
        ),
    }  # fmt: skip
    results = {}
    print(f"{'':32}{'number':>9}{'first, s':>10}{'ms a step':>11}{'MB':>8}")
    for name, (sizes, arguments) in kinds.items():
        rows = [(n, in_a_fork(functools.partial(two_fits, *arguments(n)))) for n in sizes]
        show(name, rows, results)
    if options.runs:
        rows = [(n, in_a_fork(one_page, n)) for n in (1, options.runs)]
        show("runs in one page (MB of it)", rows, results)
    harness.save(options.json, results)


def show(name, rows, results):
    """Print the rows of one kind and their exponents, and keep them."""
    for n, row in rows:
        print(f"{name:32}{n:9d}{row['first']:10.2f}{row['step']:11.3f}{row['memory']:8.0f}", flush=True)
        results[f"{name}, {n}"] = row
    if len(rows) > 1:
        found = {what: exponent(rows, what) for what in ("first", "step", "memory")}
        print(f"{'':32}{'exponent':>9}{found['first']:10.2f}{found['step']:11.2f}{found['memory']:8.2f}", flush=True)
        results[f"{name}, exponent"] = found


if __name__ == "__main__":
    main()
