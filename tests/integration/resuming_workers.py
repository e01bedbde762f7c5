"""A training by two workers, one of which kills itself (`kill -9`) where it is told to."""

import json
import os
import signal
import warnings

import keras
import numpy as np
import tensorflow as tf

from keras_ch8 import callbacks, data, layers, optimizers
from keras_ch8.callbacks.session import progress
from tests import compiling
from tests.callbacks.guard_cases import Falling
from tests.faults.killing import Kill
from tests.integration import workers
from tests.small_callbacks import Signals

L = keras.layers
RNG = np.random.default_rng(5)
X = RNG.normal(size=(96, 12)).astype("float32")
Y = (X @ RNG.normal(size=(12, 4))).argmax(axis=1)
STEPS = 5
BAD = [45, 61]
"""Examples of the guarded training with a NaN."""


def network(optimizer):
    """Dropout, whose seeds go on; statistics and metrics, which differ between workers."""
    model = keras.Sequential([
        keras.Input((12,)), L.Dense(16), L.BatchNormalization(), L.Activation("relu"),
        L.Dropout(0.3), L.Dense(8), layers.BatchNormalization(synchronized=True), L.Dense(4),
    ])  # fmt: skip
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"])
    return model


def averaged():
    """Averages of the weights, and rules that read what an epoch has come to."""
    listed = [
        callbacks.PolyakAveraging(half_life="1ep"),
        callbacks.EarlyStopping("val_loss", patience=9, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=1.0),
    ]
    return network(optimizers.Adam(2e-2)), data.ArraySource(X[:80], Y[:80], batch_size=16, seed=3), listed, 4


def guarded():
    """Corrupt examples, two steps with a rate that is far too large, the easy examples first, and the diagnosis."""
    x = X[:80].copy()
    x[BAD, 3] = np.nan
    source = data.ArraySource(x, Y[:80], batch_size=16, seed=3)
    listed = [
        callbacks.Guard(every="17ba"),
        callbacks.Curriculum(source, difficulty=np.arange(80.0), start=0.5, until="4ep"),
        callbacks.Diagnosis((X[80:], Y[80:]), verbose=0),
    ]
    return network(optimizers.Momentum(Falling(0.05, 100, spike_at=34), skip_nonfinite=True)), source, listed, 9


CASES = {"averaged": averaged, "guarded": guarded}


def told(listed):
    """Return what the callbacks have come to, as plain data and as arrays."""
    plain, arrays = {}, {}
    for callback in listed:
        if isinstance(callback, callbacks.PolyakAveraging):
            arrays |= {f"raw {i}": np.asarray(v) for i, v in enumerate(callback.raw_weights)}
        if isinstance(callback, callbacks.EarlyStopping):
            plain["best"] = callback.best_epoch
        if isinstance(callback, keras.callbacks.ReduceLROnPlateau):
            plain["plateau"] = [callback.wait, float(callback.best)]
        if isinstance(callback, callbacks.Guard):
            plain["guard"] = [callback.left_out, callback.rollbacks, callback.reason]
        if isinstance(callback, callbacks.Diagnosis):
            plain["verdicts"] = [[v.kind, v.level, v.step] for v in callback.verdicts]
    return plain, arrays


def main(index, ports, folder, case="averaged", kill=None, term=None, resumes=True):
    """Train as one of two workers, and write all that it has come to.

    Args:
        index: Which of the two.
        ports: Theirs.
        folder: Where the training keeps its states, and the result is written.
        case: A name among CASES.
        kill: The number of a batch of this process at which it is killed, and whether to wait for a state that is half
            written; None for no.
        term: The number of a batch at which it is sent a SIGTERM; None for none.
        resumes: Whether the training is given `Resume`.
    """
    warnings.simplefilter("ignore")
    compiling.quickly()
    progress.READ_SECONDS = float("inf")
    keras.utils.set_random_seed(1)
    tf.config.experimental.enable_op_determinism()
    strategy = workers.strategy(index, ports)
    with strategy.scope():
        model, examples, listed, epochs = CASES[case]()
    board = callbacks.TensorBoard(os.path.join(folder, "board"))
    resume = [callbacks.Resume(os.path.join(folder, "states"), every="2ba")] if resumes else []
    ends = [Kill(*kill)] if kill else [Signals("on_train_batch_end", term, signal.SIGTERM)] if term else []
    given = {"epochs": epochs, "validation_data": (X[80:], Y[80:]), "verbose": 0}
    history = model.fit(examples, callbacks=[*listed, board, *resume, *ends], **given)
    groups = {"model": model.variables, "weights": model.trainable_variables, "optimizer": model.optimizer.variables}
    arrays = {f"{name} {i}": np.array(v) for name, group in groups.items() for i, v in enumerate(group)}
    plain, more = told(listed)
    plain |= {"history": history.history, "epochs": history.epoch}
    np.savez(os.path.join(folder, f"result-{index}.npz"), plain=np.array(json.dumps(plain)), **arrays, **more)
