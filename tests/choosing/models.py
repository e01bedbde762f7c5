"""Models with everything that a trial could disturb, and a picture of their state."""

import random

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context

from keras_ch8 import optimizers, schedules

RNG = np.random.default_rng(0)
X = RNG.normal(size=(256, 6)).astype("float32")
Y = (X @ RNG.normal(size=(6, 2)) + 0.1 * RNG.normal(size=(256, 2))).astype("float32")


class UnseededNoise(keras.layers.Layer):
    """Draws from the generator that all unseeded calls of `keras.random` share."""

    def call(self, x, training=False):
        return x + 0.01 * keras.random.normal(keras.ops.shape(x)) if training else x


def network(optimizer, **options):
    keras.utils.set_random_seed(1)
    frozen = keras.layers.Dense(6, trainable=False)
    hidden = [keras.layers.Dense(16, "relu"), keras.layers.BatchNormalization(), keras.layers.Dropout(0.2)]
    model = keras.Sequential([keras.Input((6,)), frozen, *hidden, UnseededNoise(), keras.layers.Dense(2)])
    model.compile(optimizer, "mse", metrics=["mae"], **options)
    return model


OPTIMIZERS = {
    "number": lambda: optimizers.Adam(0.001),
    "schedule": lambda: optimizers.Momentum(schedules.LinearDecay(0.01, 500)),
    "relative schedule": lambda: optimizers.SGD(schedules.CosineDecay(0.01)),
    "callable": lambda: optimizers.SGD(lambda: 0.01),
    "Keras": lambda: keras.optimizers.Adam(0.001),
    "Keras, schedule": lambda: keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)),
    "loss scale": lambda: keras.optimizers.LossScaleOptimizer(optimizers.SGD(0.01)),
    "average": lambda: optimizers.SGD(0.01, use_ema=True, gradient_accumulation_steps=2, clip=None),
}


def state_of(model, variables=None):
    """Return all that a training may change, as bytes, and the variables; written here without the package.

    `variables` are those to look at: a model that was never trained has no variables for its metrics yet.
    """
    generator = keras.src.backend.common.global_state.get_global_attribute("global_seed_generator")
    if variables is None:
        inner = getattr(model.optimizer, "inner_optimizer", model.optimizer)
        variables = [*model.variables, *model.optimizer.variables, *inner.variables, *model.metrics_variables]
        variables += [generator.state] if generator else []
    arrays = [np.asarray(v.numpy()).tobytes() for v in variables]
    of_tensorflow = context.context()._rng.getstate(), tf.random.get_global_generator().state.numpy().tobytes()
    of_python = random.getstate(), np.random.get_state()[1].tobytes()  # noqa: NPY002
    return (arrays, of_python, of_tensorflow, generator is None), variables


def go_on(model):
    """Train on, and return the losses and the weights."""
    history = model.fit(X, Y, batch_size=32, epochs=2, verbose=0).history
    return history["loss"], [w.tobytes() for w in model.get_weights()]
