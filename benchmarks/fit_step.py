"""Time a step of `fit` of a multilayer perceptron with our optimizers and with Keras's, in turn, in the same run.

    python benchmarks/fit_step.py [--batch 32] [--json fit_step.json]

784-1024-1024-10, random data, compilation excluded, jit_compile as given; every entry is the median over rounds of one
`fit` of several epochs each. The ratio is Keras's time over ours.
"""

import argparse
import json
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import keras_ch8

PAIRS = {
    "Adam": (keras_ch8.optimizers.Adam, keras.optimizers.Adam),
    "Momentum": (keras_ch8.optimizers.Momentum, lambda: keras.optimizers.SGD(momentum=0.9)),
}
STEPS, EPOCHS = 100, 2


def model_with(optimizer, jit_compile):
    """Return the compiled network."""
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(1024, "relu"), keras.layers.Dense(1024, "relu"), keras.layers.Dense(10)]
    model = keras.Sequential([keras.Input((784,)), *layers])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, jit_compile=jit_compile)
    return model


def main():
    """Measure, print the table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", default="fit_step.json")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    x = rng.normal(size=(STEPS * options.batch, 784)).astype("float32")
    y = rng.integers(0, 10, len(x))
    results = {}
    for jit_compile in ("auto", True):
        for kind, makers in PAIRS.items():
            models = [model_with(make(), jit_compile) for make in makers]
            times = [[] for _ in models]
            for number in range(options.rounds + 1):
                for model, own in zip(models, times, strict=True):
                    start = time.perf_counter()
                    model.fit(x, y, batch_size=options.batch, epochs=EPOCHS, verbose=0)
                    if number:
                        own.append((time.perf_counter() - start) / STEPS / EPOCHS * 1e3)
            ours, theirs = (statistics.median(own) for own in times)
            results[f"{kind} jit_compile={jit_compile}"] = {"ours": ours, "Keras": theirs, "ratio": theirs / ours}
            print(
                f"{kind:9s} jit_compile={jit_compile!s:5s} ours {ours:6.2f} ms   Keras {theirs:6.2f} ms   "
                f"{theirs / ours:5.2f} x",
                flush=True,
            )
    with open(options.json, "w") as file:
        json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
