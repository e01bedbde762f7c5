"""Measure what the callbacks cost in `fit`, against the same `fit` with nothing attached and Keras's own TensorBoard.

    python benchmarks/telemetry.py [--json telemetry.json]

A 128-128-128-10 network, batch 32, Adam. One `fit` of six epochs for each contender and round, in turn; the first
epoch (tracing, opening files) is the column "start". The rest, 2,000 steps, is CPU time (all threads) and wall time a
step, medians over the rounds; "extra" is the median over rounds of the difference to the bare `fit` of the same round,
and "ratio" the CPU time over that: its median, the smallest and the largest.
"""

import statistics
import tempfile
import time

import harness
import keras
import numpy as np

import keras_ch8

STEPS, BATCH, AT_ONCE = 400, 32, 50


class Stopwatch(keras.callbacks.Callback):
    """Times the epochs after the first, and the first with all that is before it."""

    def on_epoch_end(self, epoch, logs=None):
        """Read the clocks."""
        self.now = time.process_time(), time.perf_counter()
        if epoch == 0:
            self.begin = self.now


def suite():
    """Return the callbacks of the suite at their defaults."""
    return [keras_ch8.callbacks.TensorBoard(tempfile.mkdtemp()), keras_ch8.callbacks.GradientClippingLogger()]


def doctor():
    """Return the Doctor with its page."""
    return [keras_ch8.Doctor(tempfile.mkdtemp())]


def keras_board():
    """Return Keras's callback, which writes one scalar a step."""
    return [keras.callbacks.TensorBoard(tempfile.mkdtemp(), update_freq=1)]


CONTENDERS = {
    # name: (callbacks, steps_per_execution, the contender that it is compared with)
    "bare": (list, 1, "bare"),
    "keras_ch8": (suite, 1, "bare"),
    "Doctor": (doctor, 1, "bare"),
    "Keras TensorBoard(update_freq=1)": (keras_board, 1, "bare"),
    f"bare, {AT_ONCE} steps an execution": (list, AT_ONCE, f"bare, {AT_ONCE} steps an execution"),
    f"keras_ch8, {AT_ONCE} steps an execution": (suite, AT_ONCE, f"bare, {AT_ONCE} steps an execution"),
    f"Doctor, {AT_ONCE} steps an execution": (doctor, AT_ONCE, f"bare, {AT_ONCE} steps an execution"),
}


def network(steps_per_execution, jit_compile):
    """Return the compiled network."""
    layers = [keras.layers.Dense(128, "relu"), keras.layers.Dense(128, "relu"), keras.layers.Dense(10)]
    options = {"steps_per_execution": steps_per_execution, "jit_compile": jit_compile}
    return harness.classifier((128,), layers, keras_ch8.optimizers.Adam(), **options)


def main():
    """Measure, print the table, write JSON."""
    options = harness.options(__doc__, "telemetry.json", rounds=9, epochs=6, jit=False)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(STEPS * BATCH, 128)).astype("float32"), rng.integers(0, 10, STEPS * BATCH)
    times = {name: [] for name in CONTENDERS}
    for _ in harness.rounds(options):
        for name, (callbacks, steps, _) in CONTENDERS.items():
            model, watch = network(steps, options.jit), Stopwatch()
            start = time.process_time()
            model.fit(x, y, batch_size=BATCH, epochs=options.epochs, verbose=0, callbacks=[*callbacks(), watch])
            cpu, wall = (b - a for a, b in zip(watch.begin, watch.now, strict=True))
            each = 1e6 / STEPS / (options.epochs - 1)
            times[name].append((cpu * each, wall * each, watch.begin[0] - start))
    results = {}
    print(f"{'us a step':34s} {'CPU':>7s} {'wall':>7s} {'extra CPU':>10s} {'ratio':>7s} {'':17}{'start, s':>9s}")
    for name, (_, _, base) in CONTENDERS.items():
        cpu, wall, start = (statistics.median(column) for column in zip(*times[name], strict=True))
        extra = statistics.median(a[0] - b[0] for a, b in zip(times[name], times[base], strict=True))
        ratio = harness.ratio(*([row[0] for row in times[who]] for who in (name, base)))
        results[name] = {"cpu_us": cpu, "wall_us": wall, "extra_cpu_us": extra, "ratio": ratio, "start_s": start}
        print(f"{name:34s} {cpu:7.0f} {wall:7.0f} {extra:10.1f} {ratio} {start:9.2f}", flush=True)
    for name in ("bare", "keras_ch8", "Doctor"):
        gain = results[name]["wall_us"] / results[f"{name}, {AT_ONCE} steps an execution"]["wall_us"]
        results[name][f"gain_of_{AT_ONCE}"] = gain
        print(f"{name}: {AT_ONCE} steps an execution are {gain:.2f} times as fast as 1")
    harness.save(options.json, results)


if __name__ == "__main__":
    main()
