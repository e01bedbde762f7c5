"""A training by two workers, one of which kills itself (`kill -9`) where it is told to."""

import json
import os
import signal
import warnings

import keras
import numpy as np
import tensorflow as tf

from keras_ch8 import callbacks, data, layers, optimizers
from keras_ch8.callbacks import _progress
from tests import compiling
from tests.faults.killing import Kill
from tests.integration import workers

L = keras.layers
RNG = np.random.default_rng(5)
X = RNG.normal(size=(96, 12)).astype("float32")
Y = (X @ RNG.normal(size=(12, 4))).argmax(axis=1)
EPOCHS, STEPS = 4, 5


class Signal(keras.callbacks.Callback):
    """Sends its own process a SIGTERM at the end of the n-th batch."""

    def __init__(self, at):
        super().__init__()
        self.left = at

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGTERM)


def network():
    """Dropout, whose seeds go on; statistics and metrics, which differ between workers."""
    model = keras.Sequential([
        keras.Input((12,)), L.Dense(16), L.BatchNormalization(), L.Activation("relu"),
        L.Dropout(0.3), L.Dense(8), layers.BatchNormalization(synchronized=True), L.Dense(4),
    ])  # fmt: skip
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizers.Adam(2e-2), loss, metrics=["accuracy"])
    return model


def main(index, ports, folder, kill=None, term=None, resumes=True):
    """Train as one of two workers, and write all that it has come to.

    Args:
        index: Which of the two.
        ports: Theirs.
        folder: Where the training keeps its states, and the result is written.
        kill: The number of a batch of this process at which it is killed, and whether to wait for a state that is half
            written; None for no.
        term: The number of a batch at which it is sent a SIGTERM; None for none.
        resumes: Whether the training is given `Resume`.
    """
    warnings.simplefilter("ignore")
    compiling.quickly()
    _progress.READ_SECONDS = float("inf")
    keras.utils.set_random_seed(1)
    tf.config.experimental.enable_op_determinism()
    strategy = workers.strategy(index, ports)
    with strategy.scope():
        model = network()
    listed = [
        callbacks.PolyakAveraging(half_life="1ep"),
        callbacks.EarlyStopping("val_loss", patience=9, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=1.0),
        callbacks.TensorBoard(os.path.join(folder, "board")),
    ]
    resume = [callbacks.Resume(os.path.join(folder, "states"), every="2ba")] if resumes else []
    ends = [Kill(*kill)] if kill else [Signal(term)] if term else []
    examples = data.ArraySource(X[:80], Y[:80], batch_size=16, seed=3)
    given = {"epochs": EPOCHS, "validation_data": (X[80:], Y[80:]), "verbose": 0}
    history = model.fit(examples, callbacks=[*listed, *resume, *ends], **given)
    groups = {"model": model.variables, "optimizer": model.optimizer.variables}
    arrays = {f"{name} {i}": np.array(v) for name, group in groups.items() for i, v in enumerate(group)}
    arrays |= {f"raw {i}": np.asarray(v) for i, v in enumerate(listed[0].raw_weights)}
    plain = {"history": history.history, "epochs": history.epoch, "best": listed[1].best_epoch}
    plain["plateau"] = [listed[2].wait, float(listed[2].best)]
    np.savez(os.path.join(folder, f"result-{index}.npz"), plain=np.array(json.dumps(plain)), **arrays)
