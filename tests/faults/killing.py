"""A training in a process of its own, which kills itself (`kill -9`) where it is told to; for test_kills."""

import json
import os
import signal
import warnings

import keras
import numpy as np
import tensorflow as tf

import keras_ch8
from keras_ch8 import _arrays_file, callbacks, data, layers, optimizers, schedules
from keras_ch8.board import tags
from keras_ch8.callbacks.session import batch_counter

L = keras.layers
RNG = np.random.default_rng(5)
X = RNG.normal(size=(203, 12)).astype("float32")
Y = (X @ RNG.normal(size=(12, 4))).argmax(axis=1)
VALIDATION = X[160:], Y[160:]
EPOCHS, BATCH_SIZE = 6, 16
STEPS = -(-160 // BATCH_SIZE)


class Kill(keras.callbacks.Callback):
    """Ends the process at the end of the n-th batch, or while the state that comes next is half written."""

    def __init__(self, at, while_writing):
        super().__init__()
        self.left, self.while_writing = at, while_writing

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0 and self.while_writing:
            _arrays_file.os.replace = lambda *paths: os.kill(os.getpid(), signal.SIGKILL)
        elif self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def everything(folder):
    """Return a model, its source, and callbacks that remember much."""
    examples = data.ArraySource(X[:160], Y[:160], batch_size=BATCH_SIZE, seed=3)
    model = keras.Sequential([
        keras.Input((12,)), L.Dense(16), layers.BatchNormalization(), L.Activation("relu"), L.Dropout(0.3), L.Dense(4),
    ])  # fmt: skip
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizers.Adam(schedules.LinearDecay(2e-2, "4ep")), loss, metrics=["accuracy"])
    listed = [
        callbacks.PolyakAveraging(half_life="1ep"),
        callbacks.EarlyStopping("val_loss", patience=4, restore_best_weights=True),
        callbacks.Curriculum(examples, difficulty="model_loss", until="3ep"),
        callbacks.TensorBoard(os.path.join(folder, "board")),
        callbacks.Diagnosis(),
    ]
    return model, examples, listed


def main(folder, kill=None, resumes=True):
    """Train; kill the process at the end of a batch that it is at, or write all that the training has come to.

    Args:
        folder: Where the training keeps its states, and the result is written.
        kill: The number of a batch of this process, and whether to wait for a state that is half written; None for no.
        resumes: Whether the training is given `Resume`.
    """
    warnings.simplefilter("ignore")
    batch_counter.READ_SECONDS = float("inf")  # on a busy machine an epoch may take longer
    keras.utils.set_random_seed(1)
    tf.config.experimental.enable_op_determinism()
    model, examples, listed = everything(folder)
    resume = [callbacks.Resume(os.path.join(folder, "states"), every="3ba")] if resumes else []
    killing = [] if kill is None else [Kill(*kill)]
    given = {"epochs": EPOCHS, "validation_data": VALIDATION, "verbose": 0}
    history = model.fit(examples, callbacks=[*listed, *resume, *killing], **given)
    groups = {"model": model.variables, "optimizer": model.optimizer.variables}
    arrays = {f"{name} {i}": np.array(v) for name, group in groups.items() for i, v in enumerate(group)}
    plain = {"history": history.history, "epochs": history.epoch} | told(folder, listed)
    np.savez(os.path.join(folder, "result.npz"), plain=np.array(json.dumps(plain)), **arrays)


def told(folder, listed):
    """Return what the callbacks have come to, as plain data, without what a clock has said."""
    found = {}
    for callback in listed:
        if isinstance(callback, callbacks.EarlyStopping):
            found["stopped"] = [str(callback.reason and callback.reason.message), callback.best_epoch]
        if isinstance(callback, callbacks.Diagnosis):
            found["verdicts"] = [[v.kind, v.step, v.value] for v in callback.verdicts]
        if isinstance(callback, callbacks.PolyakAveraging):
            found["raw"] = [np.asarray(w).tolist() for w in callback.raw_weights]
        if isinstance(callback, callbacks.TensorBoard):
            found["points"] = points(os.path.join(folder, "board"))
    return found


def points(log_dir):
    """Return the curves that TensorBoard shows, but those with points where telemetry is read, or of seconds."""
    newest = max(
        os.listdir(log_dir), key=lambda name: (len(name), name)
    )  # one that died before its first state left one
    curves = keras_ch8.read_run(os.path.join(log_dir, newest)).curves
    return {
        name: [curve.steps.tolist(), curve.values.tolist()]
        for name, curve in curves.items()
        if not name.startswith("batch/") and name not in (tags.WEIGHT_NORM.name, "diagnosis/cost")
    }
