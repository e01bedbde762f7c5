"""Every callback of the suite, made for a folder, and small trainings that they watch."""

import keras
import numpy as np

from keras_ch8 import callbacks, clipping, continuation, optimizers, schedules
from tests.callbacks.runs import BATCH, STEPS, X, Y


def same_rate(epoch, rate):
    return rate


CALLBACKS = {
    "TensorBoard": lambda folder: callbacks.TensorBoard(folder),
    "GradientClippingLogger": lambda folder: callbacks.GradientClippingLogger(logs=True),
    "Diagnosis": lambda folder: callbacks.Diagnosis(
        probe=(X, Y), checks="full", measure_every=2, budget=None, logs=True
    ),
    "EarlyStopping": lambda folder: callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True),
    "LearningRateDecay": lambda folder: callbacks.LearningRateDecay(same_rate, logs=True),
    "on_plateau": lambda folder: callbacks.LearningRateDecay(schedules.ReduceOnPlateau("loss"), logs=True),
    "PolyakAveraging": lambda folder: callbacks.PolyakAveraging(uniform=True),
    "SurrogateGap": lambda folder: callbacks.SurrogateGap(true="loss", surrogate="loss", logs=True),
    "ClipGradients": lambda folder: callbacks.ClipGradients(clipping.ByGlobalNorm(1.0)),
    "SwitchOptimizer": lambda folder: callbacks.SwitchOptimizer("1ep", to=optimizers.Momentum(0.01)),
    "Continuation": lambda folder: callbacks.Continuation(until="1ep", logs=True),
}
"""All but `Curriculum`, which needs its data."""

TOGETHER = [name for name in CALLBACKS if name not in ("ClipGradients", "SwitchOptimizer", "Continuation")]
"""Those that any training takes at once."""

OPTIMIZERS = {"Keras's": lambda: keras.optimizers.Adam(0.01), "ours": lambda: optimizers.Adam(0.01)}


def network(optimizer, **options):
    """Return a model that every callback can train: it has weights, statistics and a number that is annealed."""
    keras.utils.set_random_seed(0)
    dense = keras.layers.Dense(5, "tanh", name="hidden"), keras.layers.Dense(2, name="output")
    layers = [*dense, continuation.Temperature(2.0, name="temperature")]
    model = keras.Sequential([keras.Input((6,)), *layers])
    model.compile(optimizer, "mse", **options)
    return model


def train(model, watching=(), *, epochs=2, **options):
    """Train on the six batches in order, and return what `fit` reports."""
    options = {"batch_size": BATCH, "shuffle": False, "verbose": 0, "validation_data": (X, Y)} | options
    return model.fit(X, Y, epochs=epochs, callbacks=list(watching), **options).history


def losses_of(history):
    return np.array(history["loss"])


__all__ = ["BATCH", "CALLBACKS", "OPTIMIZERS", "STEPS", "TOGETHER", "X", "Y", "losses_of", "network", "train"]
