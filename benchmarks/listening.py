"""Measure what listening to every step costs, one training step against another, to about 1 %.

    python benchmarks/listening.py [--nets mlp,cnn] [--json listening.json]

The networks of `benchmarks/harness.py`, batch 128, the MLP also with Keras's Adam. Every contender has a model of its
own, which `fit` compiles with its callbacks; then five of its training steps are timed at a time, in random order with
those of the others, so that what disturbs the machine disturbs all. CPU time (all threads) and wall time are the median
ratio to the bare steps of the same round; "least" is the ratio of the shortest wall times, which tells most on a busy
machine, and "us" by how much a step is longer then. "bare again" tells how far equal code differs.
"""

import random
import statistics
import tempfile

import harness
import keras
import numpy as np
import tensorflow as tf
from harness import BATCH, cnn, mlp, network

import keras_ch8

AT_A_TIME, WARM = 5, 20
CONTENDERS = {
    "bare": list,
    "bare again": list,
    "Diagnosis": lambda: [keras_ch8.callbacks.Diagnosis((X[:BATCH], Y[:BATCH]), ["cliff"])],
    "TensorBoard": lambda: [keras_ch8.callbacks.TensorBoard(tempfile.mkdtemp())],
    "PolyakAveraging": lambda: [keras_ch8.callbacks.PolyakAveraging(0.99)],
}
NETS = {"mlp": (mlp, None), "mlp_keras_adam": (mlp, keras.optimizers.Adam), "cnn": (cnn, None)}
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(WARM * BATCH, 784)).astype("float32"), RNG.integers(0, 10, WARM * BATCH)


class Keep(keras.callbacks.Callback):
    """Keeps the training step that `fit` runs."""

    def on_train_batch_end(self, batch, logs=None):
        """Keep it."""
        self.step = self.model.train_function


def training_step(layers, optimizer, callbacks):
    """Return the compiled step, and the model, which must live on."""
    model, keep = network(layers), Keep()
    if optimizer is not None:
        model.compile(optimizer(), model.loss)
    model.fit(X, Y, batch_size=BATCH, verbose=0, callbacks=[*callbacks, keep])
    return keep.step, model


def some_steps(step, batches):
    """Take a few steps, and wait for them."""
    for _ in range(AT_A_TIME):
        logs = step(batches)
    keras.tree.map_structure(np.asarray, logs)


def main():
    """Measure, print the table, write JSON."""
    options = harness.options(__doc__, "listening.json", rounds=300, nets=",".join(NETS))
    batches = iter(tf.data.Dataset.from_tensors((X[:BATCH], Y[:BATCH])).repeat())
    results = {}
    for net in options.nets.split(","):
        layers, optimizer = NETS[net]
        steps = {name: training_step(layers, optimizer, callbacks()) for name, callbacks in CONTENDERS.items()}
        found = []
        for _ in harness.rounds(options):
            order = random.sample(list(steps), len(steps))
            found.append({name: harness.timed(some_steps, steps[name][0], batches)[1:] for name in order})
        print(f"{net:24}{'CPU':>8}{'wall':>8}{'least':>8}{'us':>6}")
        bare = min(each["bare"][1] for each in found)
        for name in steps:
            cpu, wall = (statistics.median(each[name][k] / each["bare"][k] for each in found) for k in (0, 1))
            least = min(each[name][1] for each in found)
            longer = (least - bare) / AT_A_TIME * 1e6
            print(f"{name:24}{cpu:8.3f}{wall:8.3f}{least / bare:8.3f}{longer:6.0f}", flush=True)
            results[f"{net}, {name}"] = {"cpu": cpu, "wall": wall, "least": least / bare, "longer_us": longer}
    harness.save(options.json, results)


if __name__ == "__main__":
    main()
