"""Time a step of `fit` of a multilayer perceptron with our optimizers and with Keras's, in turn, in the same run.

    python benchmarks/fit_step.py [--batch 32] [--json fit_step.json]

784-1024-1024-10, random data, compilation excluded, jit_compile as given; every entry is the median over rounds of one
`fit` each. The ratio is Keras's time over ours in the same round: its median, the smallest and the largest.
"""

import statistics
from functools import partial

import harness
import keras
import numpy as np

import keras_ch8

PAIRS = {
    "Adam": (keras_ch8.optimizers.Adam, keras.optimizers.Adam),
    "Momentum": (keras_ch8.optimizers.Momentum, lambda: keras.optimizers.SGD(momentum=0.9)),
}
STEPS = 150


def model_with(optimizer, jit_compile):
    """Return the compiled network."""
    layers = [keras.layers.Dense(1024, "relu"), keras.layers.Dense(1024, "relu"), keras.layers.Dense(10)]
    return harness.classifier((784,), layers, optimizer, jit_compile=jit_compile)


def main():
    """Measure, print the table, write JSON."""
    options = harness.options(__doc__, "fit_step.json", batch=32, rounds=7)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(STEPS * options.batch, 784)).astype("float32")
    y = rng.integers(0, 10, len(x))
    results = {}
    for jit_compile in ("auto", True):
        for kind, makers in PAIRS.items():
            fit = {"batch_size": options.batch, "verbose": 0}
            models = (model_with(make(), jit_compile) for make in makers)
            runs = {name: partial(m.fit, x, y, **fit) for name, m in zip(("ours", "Keras"), models, strict=True)}
            _, wall = harness.in_turn(runs, options, STEPS)
            ours, peer = (statistics.median(wall[name]) / 1e3 for name in runs)
            ratio = harness.ratio(wall["Keras"], wall["ours"])
            results[f"{kind} jit_compile={jit_compile}"] = {"ours": ours, "Keras": peer, "ratio": ratio}
            print(
                f"{kind:9s} jit_compile={jit_compile!s:5s} ours {ours:6.2f} ms   Keras {peer:6.2f} ms{ratio}",
                flush=True,
            )
    harness.save(options.json, results)


if __name__ == "__main__":
    main()
