"""Section 8.1.3: one network, trained by two workers together, as one process would train it.

Each worker is a process with a copy of the network and half of every batch; their gradients are added up. Usually each
is on a machine of its own. By default this script starts two workers on this machine, and compares them with one
process that has whole batches. Where the environment variable TF_CONFIG names the workers, this script is one of them:
start it with TF_CONFIG on each machine and, after one worker has failed, on all machines again.

    .venv/bin/python examples/distributed.py
    .venv/bin/tensorboard --logdir runs/distributed

What to look for under Time Series: the curves of `together` and `alone` are the same. The chief alone has written.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits

import keras_ch8

LOG_DIR = "runs/distributed"


def train(name, epochs, strategy):
    """Train the network in the scope of a strategy; `fit` is the same for one worker and for many."""
    keras.utils.set_random_seed(1)  # all workers begin with the same weights, and draw the same order of the data
    x, y = load_digits(return_X_y=True)
    x = (x / 16).astype("float32")
    with strategy.scope():
        model = keras.Sequential([
            keras.Input((64,)), keras.layers.Dense(64, use_bias=False),
            keras_ch8.layers.BatchNormalization(synchronized=True),
            keras.layers.ReLU(), keras.layers.Dense(10),
        ])  # fmt: skip
        model.compile(
            keras_ch8.optimizers.Adam(1e-2, clip=keras_ch8.clipping.ByGlobalNorm(1.0), skip_nonfinite=True),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
    folder = os.path.join(LOG_DIR, name)
    callbacks = [
        keras_ch8.callbacks.EarlyStopping("val_loss", patience=5),
        keras_ch8.callbacks.TensorBoard(folder),
        keras_ch8.callbacks.Resume(os.path.join(folder, "states")),
    ]
    source = keras_ch8.data.ArraySource(x[:1408], y[:1408], batch_size=64, seed=0)  # 64: of all workers together
    validation = x[1408:1792], y[1408:1792]
    history = model.fit(source, epochs=epochs, validation_data=validation, callbacks=callbacks, verbose=0).history
    resolver = getattr(strategy, "cluster_resolver", None)
    number = resolver.task_id if resolver and resolver.task_id else 0
    weights = {f"weight {i}": np.asarray(weight) for i, weight in enumerate(model.get_weights())}
    np.savez(os.path.join(folder, f"result-{number}.npz"), loss=np.array(history["val_loss"]), **weights)


def start(options, name, task=None):
    """Start this script as a process of its own: as one of the workers where `task` has its TF_CONFIG."""
    call = [sys.executable, os.path.abspath(__file__), "--train", name, *(["--quick"] if options.quick else [])]
    return subprocess.Popen(call, env={**os.environ, **({} if task is None else {"TF_CONFIG": json.dumps(task)})})


def free_port():
    """Return a port on which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def main():
    """Be one worker, or start two and compare them with one process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--train", help=argparse.SUPPRESS)
    options = parser.parse_args()
    epochs = 2 if options.quick else 12
    if "TF_CONFIG" in os.environ:
        train("together", epochs, tf.distribute.MultiWorkerMirroredStrategy())
        return
    if options.train:
        train(options.train, epochs, tf.distribute.get_strategy())
        return
    shutil.rmtree(LOG_DIR, ignore_errors=True)
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    tasks = [{"cluster": {"worker": addresses}, "task": {"type": "worker", "index": i}} for i in range(2)]
    processes = [*(start(options, "together", task) for task in tasks), start(options, "alone")]
    if any([process.wait() for process in processes]):
        raise SystemExit("A process has failed; what it says is above.")
    first, second = (dict(np.load(os.path.join(LOG_DIR, "together", f"result-{i}.npz"))) for i in range(2))
    alone = dict(np.load(os.path.join(LOG_DIR, "alone", "result-0.npz")))
    weights = [name for name in alone if name.startswith("weight")]
    same = all(np.array_equal(first[name], second[name]) for name in weights)
    difference = max(np.abs(first[name] - alone[name]).max() for name in weights)
    print(f"The two workers have {'the same weights, bit for bit' if same else 'different weights'}.")
    print(f"One process on the same batches: the largest difference of a weight is {difference:.1e}.")
    print(f"Validation loss: {first['loss'][-1]:.4f} together, {alone['loss'][-1]:.4f} alone.")
    print(f"See it: tensorboard --logdir {LOG_DIR}")


if __name__ == "__main__":
    main()
