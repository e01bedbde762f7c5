"""Time a step of `fit` with an average of the weights, ours and Keras's, in turn, in the same run.

    python benchmarks/averaging.py [--rounds 15] [--json averaging.json]

A small convolutional network on handwritten digits, batches of 32, compilation excluded. "without" has no average,
"ours" `callbacks.PolyakAveraging(evaluate="raw")`, "Keras" an optimizer with `use_ema=True`. Entries are medians over
rounds of one `fit` each, in us a step, its first epoch left out; the costs are medians of ratios to "without" in the
same round. "begin" is what a `fit` with ours takes longer to begin, in ms.
"""

import argparse
import json
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
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
        """Note the time."""
        self.times.append(time.perf_counter())


def network(optimizer, jit_compile):
    """Return the compiled network."""
    keras.utils.set_random_seed(0)
    parts = [keras.layers.Conv2D(32, 3, activation="relu"), keras.layers.Conv2D(64, 3, activation="relu")]
    parts += [keras.layers.Flatten(), keras.layers.Dense(128, "relu"), keras.layers.Dense(10)]
    model = keras.Sequential([keras.Input((8, 8, 1)), *parts])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, jit_compile=jit_compile)
    return model


def main():
    """Measure, print the table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", default="averaging.json")
    options = parser.parse_args()
    x, y = load_digits(return_X_y=True)
    x, y = (x[: STEPS * BATCH] / 16).astype("float32").reshape(-1, 8, 8, 1), y[: STEPS * BATCH]
    results = {}
    print(f"{'':26s}{'without':>12s}{'ours':>12s}{'Keras':>12s}{'ours costs':>13s}{'Keras costs':>13s}{'begin':>10s}")
    for name, make in OPTIMIZERS.items():
        for jit in (False, True):
            average = keras_ch8.callbacks.PolyakAveraging(evaluate="raw", final="raw")
            runs = {
                "without": (network(make(), jit), []),
                "ours": (network(make(), jit), [average]),
                "Keras": (network(make(use_ema=True, ema_momentum=0.999), jit), []),
            }
            times, begins = ({who: [] for who in runs} for _ in range(2))
            for number in range(options.rounds + 1):
                for who in list(runs)[:: 1 if number % 2 else -1]:
                    (model, callbacks), clock = runs[who], Clock()
                    start = time.perf_counter()
                    model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0, callbacks=[*callbacks, clock])
                    if number:
                        times[who].append((clock.times[-1] - clock.times[0]) / STEPS / (EPOCHS - 1) * 1e6)
                        begins[who].append((clock.times[0] - start) * 1e3)
            row = {who: statistics.median(own) for who, own in times.items()}
            for who in ("ours", "Keras"):
                costs = [own / bare - 1 for own, bare in zip(times[who], times["without"], strict=True)]
                row[f"{who} costs"] = statistics.median(costs)
            row["begin"] = statistics.median(a - b for a, b in zip(begins["ours"], begins["without"], strict=True))
            kind = f"Adam, {name}{'  jit' if jit else ''}"
            results[kind] = row
            print(
                f"{kind:26s}" + "".join(f"{row[who]:9.0f} us" for who in runs)
                + "".join(f"{row[f'{who} costs']:12.1%} " for who in ("ours", "Keras")) + f"{row['begin']:7.0f} ms",
                flush=True,
            )  # fmt: skip
    with open(options.json, "w") as file:
        json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
