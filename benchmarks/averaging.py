"""Time a step of `fit` with an average of the weights, ours and Keras's, in turn, in the same run.

    python benchmarks/averaging.py [--models 4] [--rounds 5] [--json averaging.json]

A small convolutional network on handwritten digits, batches of 32, compilation excluded. "without" has no average,
"ours" `callbacks.PolyakAveraging(0.99)` with the weights validated, "Keras" an optimizer with `use_ema=True`. Entries
are medians over rounds of one `fit` each, in us a step, its first epoch left out; "cost" is the ratio of CPU time to
"without" in the same round: its median, the smallest and the largest. The networks are built anew several times, since
two that are equal differ in speed by some percent. "begin" is what a `fit` with ours takes longer to begin, in ms.
"""

import itertools
import time

import harness
import keras
import numpy as np
from sklearn.datasets import load_digits

import keras_ch8

OPTIMIZERS = {"ours": keras_ch8.optimizers.Adam, "Keras's": keras.optimizers.Adam}
STEPS, BATCH, EPOCHS = 37, 32, 4


class Clock(keras.callbacks.Callback):
    """Notes the time at the end of each epoch."""

    def on_train_begin(self, logs=None):
        """Forget the last training."""
        self.times = []

    def on_epoch_end(self, epoch, logs=None):
        """Note wall and CPU time."""
        self.times.append((time.perf_counter(), time.process_time()))


def network(optimizer, jit_compile):
    """Return the compiled network."""
    layers = [keras.layers.Conv2D(32, 3, activation="relu"), keras.layers.Conv2D(64, 3, activation="relu")]
    layers += [keras.layers.Flatten(), keras.layers.Dense(128, "relu"), keras.layers.Dense(10)]
    return harness.classifier((8, 8, 1), layers, optimizer, jit_compile=jit_compile)


def main():
    """Measure, print the table, write JSON."""
    options = harness.options(__doc__, "averaging.json", models=4, rounds=5)
    x, y = load_digits(return_X_y=True)
    x, y = (x[: STEPS * BATCH] / 16).astype("float32").reshape(-1, 8, 8, 1), y[: STEPS * BATCH]
    results = {}
    print(f"{'':22s}{'without':>10s}{'ours':>10s}{'Keras':>10s}", end="")
    print(f"{'ours cost':>14s}{'':12}{'Keras cost':>14s}{'':12}{'begin':>9s}")
    for name, make in OPTIMIZERS.items():
        for jit in (False, True):
            times, begins = [], []
            for _ in range(options.models):
                average = keras_ch8.callbacks.PolyakAveraging(0.99, evaluate="raw", final="raw")
                runs = [
                    (network(make(), jit), []),
                    (network(make(), jit), [average]),
                    (network(make(use_ema=True, ema_momentum=0.99), jit), []),
                ]
                for number in itertools.chain([-1], harness.rounds(options)):  # once before, to warm up
                    seconds, begin = np.zeros((3, 2)), np.zeros(3)
                    for who in [0, 1, 2][:: 1 if number % 2 else -1]:
                        (model, callbacks), clock = runs[who], Clock()
                        start = time.perf_counter()
                        model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0, callbacks=[*callbacks, clock])
                        seconds[who] = np.subtract(clock.times[-1], clock.times[0])
                        begin[who] = clock.times[0][0] - start
                    if number >= 0:
                        times.append(seconds / STEPS / (EPOCHS - 1) * 1e6)
                        begins.append(begin * 1e3)
            wall, cpu = np.moveaxis(times, 2, 0)
            row = dict(zip(("without", "ours", "Keras"), np.median(wall, axis=0), strict=True))
            for who, column in (("ours", 1), ("Keras", 2)):
                row[f"{who} cost"] = harness.ratio(cpu[:, column], cpu[:, 0])
            row["begin"] = np.median(np.subtract(*np.transpose(begins)[[1, 0]]))
            kind = f"Adam, {name}{'  jit' if jit else ''}"
            results[kind] = row
            print(f"{kind:22s}" + "".join(f"{row[who]:7.0f} us" for who in ("without", "ours", "Keras")), end="")
            print(row["ours cost"], row["Keras cost"], f"{row['begin']:6.0f} ms", sep="", flush=True)
    harness.save(options.json, results)


if __name__ == "__main__":
    main()
