"""A small training whose every number is known, and callbacks that keep what they are told."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import extend
from keras_ch8.callbacks.base import Callback

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(48, 6)).astype("float32"), RNG.normal(size=(48, 2)).astype("float32")
STEPS, BATCH = 6, 8

needs_multi_optimizer = pytest.mark.skipif(
    not hasattr(keras.optimizers, "MultiOptimizer"), reason="Keras 3.13 has no MultiOptimizer"
)


class Frames(Callback):
    """Keeps the telemetry, joined over all frames."""

    def __init__(self, observes_updates=1):
        super().__init__()
        self.observes_updates, self.frames = observes_updates, []

    def on_telemetry(self, frames, logs):
        self.frames += frames.values()

    def __getattr__(self, name):
        if not hasattr(extend.Frame, name) and name not in extend.Frame.__dataclass_fields__:
            raise AttributeError(name)
        return np.concatenate([getattr(frame, name) for frame in self.frames])


def network(optimizer, policy="float32", **options):
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(5, "tanh", dtype=policy), keras.layers.Dense(2, dtype=policy)]
    model = keras.Sequential([keras.Input((6,)), *layers])
    model.compile(optimizer, "mse", **options)
    return model


def fit(model, callbacks, epochs=2, **options):
    options = {"batch_size": BATCH, "shuffle": False, "verbose": 0} | options
    return model.fit(X, Y, epochs=epochs, callbacks=callbacks, **options).history


def by_hand(rate, steps=2 * STEPS, clip=lambda grads: grads):
    """Train the network by gradient descent in a plain loop; return what happened at each step."""
    model = network("sgd")
    rows = []
    for number in range(steps):
        at = slice(number % STEPS * BATCH, (number % STEPS + 1) * BATCH)
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(X[at]) - Y[at]))
        variables = [v.value for v in model.trainable_variables]
        grads = [g.numpy().astype("float64") for g in tape.gradient(loss, variables)]
        clipped = clip(grads)
        for v, g in zip(variables, clipped, strict=True):
            v.assign_sub(rate * g)
        of_layers = [length(grads[:2]), length(grads[2:])]
        rows.append((float(loss), length(grads), length(clipped), rate * length(clipped), of_layers))
    loss, norm, clipped, update, layers = (np.array(column) for column in zip(*rows, strict=True))
    return {"loss": loss, "norm": norm, "clipped": clipped, "update": update, "layers": layers}


def length(tensors):
    return float(np.sqrt(sum(np.sum(np.square(t)) for t in tensors)))
