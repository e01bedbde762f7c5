"""Section 8.1.3: a training that is killed goes on at the very batch, and ends as one that was not.

A network learns handwritten digits, with dropout, batch normalization, a decaying rate, averaged weights and early
stopping: much that a training remembers beside its weights. It is trained once undisturbed, and once in a process
that is killed (`kill -9`) and begun again, several times. Then both are compared bit for bit.

    .venv/bin/python examples/resume.py
    .venv/bin/tensorboard --logdir runs/resume

What to look for under Time Series: the curves of `killed` go on where they were, and are those of `whole`.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from sklearn.datasets import load_digits

import keras_ch8

LOG_DIR = "runs/resume"
STEPS = 22
"""Batches of an epoch."""


class Kill(keras.callbacks.Callback):
    """Ends the process as a power cut does, after some batches."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_train_batch_end(self, batch, logs=None):
        """Count, and end."""
        self.batches -= 1
        if self.batches == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def train(name, epochs, kill_after=0):
    """Train the network as a script would; all that `Resume` needs is one line."""
    keras.utils.set_random_seed(1)
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype("float32")
    model = keras.Sequential([
        keras.Input((64,)), keras.layers.Dense(64), keras_ch8.layers.BatchNormalization(), keras.layers.ReLU(),
        keras.layers.Dropout(0.3), keras.layers.Dense(10),
    ])  # fmt: skip
    rate = keras_ch8.schedules.LinearDecay(1e-2, f"{epochs}ep")
    model.compile(
        keras_ch8.optimizers.Adam(rate),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    source = keras_ch8.data.ArraySource(x[:1400], y[:1400], batch_size=64, seed=0)
    folder = os.path.join(LOG_DIR, name)
    callbacks = [
        keras_ch8.callbacks.PolyakAveraging(half_life="1ep"),
        keras_ch8.callbacks.EarlyStopping("val_loss", patience=5),
        keras_ch8.callbacks.TensorBoard(folder),
        keras_ch8.callbacks.Resume(os.path.join(folder, "states"), every="10ba"),
        *([Kill(kill_after)] if kill_after else []),
    ]
    history = model.fit(
        source, epochs=epochs, validation_data=(x[1400:], y[1400:]), callbacks=callbacks, verbose=0
    ).history
    weights = {f"weight {i}": v.numpy() for i, v in enumerate([*model.variables, *model.optimizer.variables])}
    np.savez(os.path.join(folder, "result.npz"), **weights, **{name: np.array(v) for name, v in history.items()})


def start(name, epochs, kill_after=0):
    """Train in a process of its own, and return whether it has come to the end."""
    call = [sys.executable, os.path.abspath(__file__), "--train", name, str(epochs), str(kill_after)]
    code = subprocess.run(call, check=False).returncode
    if code not in (0, -signal.SIGKILL):
        raise SystemExit(code)
    return code == 0


def main():
    """Train undisturbed and disturbed, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--train", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train:
        name, epochs, kill_after = options.train
        train(name, int(epochs), int(kill_after))
        return
    epochs = 3 if options.quick else 12
    shutil.rmtree(LOG_DIR, ignore_errors=True)
    start("whole", epochs)
    starts = 1
    for kill_after in (STEPS + 5,) if options.quick else (STEPS + 5, 3 * STEPS, STEPS // 2):
        starts += not start("killed", epochs, kill_after)
    start("killed", epochs)
    whole, killed = (dict(np.load(os.path.join(LOG_DIR, name, "result.npz"))) for name in ("whole", "killed"))
    same = sum(np.array_equal(whole[name], killed[name]) for name in whole)
    print(f"Begun {starts} times, killed {starts - 1} times.")
    print(f"Weights, state of the optimizer and history: {same} of {len(whole)} arrays are equal bit for bit.")
    print(f"See it: tensorboard --logdir {LOG_DIR}")


if __name__ == "__main__":
    main()
