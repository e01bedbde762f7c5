"""Train with two workers on this machine and with one process on the same batches: differences, step time, bytes.

    python benchmarks/workers.py [--steps 30] [--json workers.json]

Differences: for each case the largest of a weight, between the workers and to one process. Time: the median wall time
of a step of the fastest of three epochs, of a network in batches of 256, by one process, by two with 128 examples each,
and by one process with 128: what two workers take longer than that is the price of adding up the gradients. Bytes: what
a worker hands to TCP in a step, as the system counts it, beside the formula of the ring, 2 (N - 1) / N of the gradient.
Both workers share this machine and its cores, so no network is measured. Last, on paper: what N workers with a network
of so many gigabits a second would take to add up gradients of 25.6 million numbers (a ResNet-50).
"""

import json
import os
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

import harness
import keras
import numpy as np
import tensorflow as tf

from keras_ch8 import callbacks, clipping, data, layers, optimizers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(512, 16)).astype("float32")
Y = (X @ RNG.normal(size=(16, 4))).argmax(axis=1)
BAD_X = np.where(np.arange(512)[:, None] == 60, np.nan, X).astype("float32")
CASES = {
    "SGD": (lambda: optimizers.SGD(0.1), X),
    "Momentum": (lambda: optimizers.Momentum(0.1), X),
    "Nesterov": (lambda: optimizers.Nesterov(0.1), X),
    "Adagrad": (lambda: optimizers.Adagrad(0.05), X),
    "RMSprop": (lambda: optimizers.RMSprop(0.01), X),
    "Adam": (lambda: optimizers.Adam(0.01), X),
    "AdamW": (lambda: optimizers.AdamW(0.01, weight_decay=0.01), X),
    "Adam, clipped by the global norm": (lambda: optimizers.Adam(0.01, clip=clipping.ByGlobalNorm(0.1)), X),
    "Adam, two batches accumulated": (
        lambda: optimizers.Adam(0.01, gradient_accumulation_steps=2), X,
    ),
    "Adam, a NaN for one worker skipped": (lambda: optimizers.Adam(0.01, skip_nonfinite=True), BAD_X),
}  # fmt: skip
"""Each with the synchronized batch normalization, averages of weights, and early stopping that a user would have."""
WIDTHS = (128, 1024)
BATCH = 256
NUMBERS, COMPUTING = 25.6e6, 0.2
"""On paper: the numbers of a gradient, and the seconds in which a worker computes it."""
TCP_INFO_SENT = 120
"""Where Linux has the bytes that the other end has acknowledged, in what it tells of a connection."""


def trained(case, strategy):
    """Return the weights after three epochs."""
    keras.utils.set_random_seed(0)
    make, x = CASES[case]
    with strategy.scope():
        model = keras.Sequential([keras.Input((16,)), keras.layers.Dense(32, "tanh"),
                                  layers.BatchNormalization(synchronized=True), keras.layers.Dense(4)])  # fmt: skip
        model.compile(make(), keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    source = data.ArraySource(x, Y, batch_size=64, seed=0)
    listed = [callbacks.PolyakAveraging(half_life="1ep"), callbacks.EarlyStopping("loss", patience=5)]
    model.fit(source, epochs=3, verbose=0, callbacks=listed)
    return model.get_weights()


def bytes_sent():
    """Return what all TCP connections of this process have sent so far and the other end has received."""
    total = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            if os.readlink(f"/proc/self/fd/{name}").startswith("socket:"):
                with socket.socket(fileno=os.dup(int(name))) as own:
                    known = own.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
                    total += struct.unpack_from("Q", known, TCP_INFO_SENT)[0]
        except (OSError, struct.error):  # closed meanwhile, or no TCP connection
            continue
    return total


class Clock(keras.callbacks.Callback):
    """Notes when each batch ends, and the bytes that were sent in each epoch."""

    def __init__(self):
        super().__init__()
        self.seconds, self.sent, self.ends = [], [], []

    def on_epoch_begin(self, epoch, logs=None):
        """Begin an epoch."""
        self.ends, self.before = [], bytes_sent()

    def on_train_batch_end(self, batch, logs=None):
        """Note the time."""
        self.ends.append(time.perf_counter())

    def on_epoch_end(self, epoch, logs=None):
        """Keep the median of the epoch."""
        self.seconds.append(statistics.median(np.diff(self.ends)))
        self.sent.append((bytes_sent() - self.before) / len(self.ends))


def timed(width, batch, strategy, steps):
    """Return milliseconds and bytes of a step, and the numbers of a gradient; the first epoch warms up."""
    keras.utils.set_random_seed(0)
    with strategy.scope():
        model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(width, "relu"),
                                  keras.layers.Dense(width, "relu"), keras.layers.Dense(10)])  # fmt: skip
        model.compile(optimizers.Adam(), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = RNG.normal(size=(steps * batch, 784)).astype("float32"), RNG.integers(0, 10, steps * batch)
    clock = Clock()
    model.fit(data.ArraySource(x, y, batch_size=batch), epochs=4, verbose=0, callbacks=[clock])
    return {
        "ms": min(clock.seconds[1:]) * 1e3,
        "sent": statistics.median(clock.sent[1:]),
        "numbers": model.count_params(),
    }


def work(path, steps):
    """Be one of the workers, or alone, and write what came out."""
    together = "TF_CONFIG" in os.environ
    strategy = tf.distribute.MultiWorkerMirroredStrategy() if together else tf.distribute.get_strategy()
    arrays = {f"{case}/{i}": w for case in CASES for i, w in enumerate(trained(case, strategy))}
    times = {f"{width}": timed(width, BATCH, strategy, steps) for width in WIDTHS}
    times |= {} if together else {f"{width} half": timed(width, BATCH // 2, strategy, steps) for width in WIDTHS}
    np.savez(path, times=np.array(json.dumps(times)), **arrays)


def run(folder, names, steps, tasks):
    """Run processes at the same time, and return the arrays and times of each."""
    paths = [os.path.join(folder, f"{name}.npz") for name in names]
    calls = [[sys.executable, os.path.abspath(__file__), "--work", path, "--steps", str(steps)] for path in paths]
    started = [
        subprocess.Popen(call, env={**os.environ, **task, "TF_NUM_INTRAOP_THREADS": "1"})
        for call, task in zip(calls, tasks, strict=True)
    ]
    if any([process.wait() for process in started]):
        raise SystemExit("A process has failed; what it says is above.")
    found = [dict(np.load(path)) for path in paths]
    return [(json.loads(str(each.pop("times"))), each) for each in found]


def free_port():
    """Return a port on which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def on_paper(workers, gigabits):
    """Return the seconds of a ring all-reduce of the gradient, and the share of a step that is then computing."""
    seconds = 2 * (workers - 1) / workers * NUMBERS * 4 / (gigabits * 1e9 / 8)
    return {
        "workers": workers,
        "gigabits": gigabits,
        "ms": seconds * 1e3,
        "efficiency": COMPUTING / (COMPUTING + seconds),
    }


def main():
    """Measure, print and save."""
    options = harness.options(__doc__, "workers.json", steps=30, work="")
    if options.work:
        work(options.work, options.steps)
        return
    cluster = {"worker": [f"127.0.0.1:{free_port()}" for _ in range(2)]}
    tasks = [{"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": i}})} for i in range(2)]
    with tempfile.TemporaryDirectory() as folder:
        [(times, first), (_, second)] = run(folder, ["first", "second"], options.steps, tasks)
        [(times_alone, alone)] = run(folder, ["alone"], options.steps, [{}])
    results = {"differences": {}, "steps": {}, "on paper": [on_paper(n, g) for n in (8, 64) for g in (10, 100)]}
    print("| case | between the workers | to one process |\n| --- | ---: | ---: |")
    for case in CASES:
        names = [name for name in alone if name.startswith(f"{case}/")]
        between = max(float(np.abs(first[name] - second[name]).max()) for name in names)
        to_one = max(float(np.abs(first[name] - alone[name]).max()) for name in names)
        results["differences"][case] = {"between": between, "to_one": to_one}
        print(f"| {case} | {between:.1e} | {to_one:.1e} |")
    print("\n| numbers in the gradient | 1 process | 2 workers | 1 process, half a batch | sent a step | ring |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for width in WIDTHS:
        two, one, half = times[f"{width}"], times_alone[f"{width}"], times_alone[f"{width} half"]
        ring = two["numbers"] * 4
        results["steps"][width] = {"numbers": two["numbers"], "one_ms": one["ms"], "two_ms": two["ms"],
                                   "half_ms": half["ms"], "sent": two["sent"], "ring": ring}  # fmt: skip
        print(f"| {two['numbers']:,} | {one['ms']:.1f} ms | {two['ms']:.1f} ms | {half['ms']:.1f} ms "
              f"| {two['sent'] / 1e6:.2f} MB | {ring / 1e6:.2f} MB |")  # fmt: skip
    print("\n| workers | Gb/s | adding up | computing, of the step |\n| ---: | ---: | ---: | ---: |")
    for row in results["on paper"]:
        print(f"| {row['workers']} | {row['gigabits']} | {row['ms']:.0f} ms | {row['efficiency']:.0%} |")
    harness.save(options.json, results)


if __name__ == "__main__":
    main()
