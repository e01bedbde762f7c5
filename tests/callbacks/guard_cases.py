"""A small training with corrupt examples or a rate that is far too large, for any process."""

import keras
import numpy as np
from sklearn import datasets

from keras_ch8 import callbacks, data, layers, optimizers
from tests.forked import two_replicas

RNG = np.random.default_rng(0)
X = RNG.normal(size=(256, 4)).astype("float32")
Y = (X @ RNG.normal(size=(4, 2)) + 0.5 * RNG.normal(size=(256, 2))).astype("float32")
BATCH, STEPS = 16, 16
BAD = [3, 77, 200]


def broken(x=X, examples=BAD):
    x = x.copy()
    x[examples, 1] = np.nan
    return x


def network(optimizer=None, *parts, **options):
    keras.utils.set_random_seed(0)
    hidden = parts or (keras.layers.Dense(6, "relu", name="hidden"), layers.BatchNormalization(name="norm"))
    model = keras.Sequential([keras.Input((4,)), *hidden, keras.layers.Dense(2, name="last")])
    model.compile(optimizer or optimizers.Momentum(0.01), "mse", **options)
    return model


class RateSpike(keras.callbacks.Callback):
    """Takes some steps with a rate that is far too large."""

    def __init__(self, at, rate=1e4, length=2):
        super().__init__()
        self.at, self.rate, self.length = at, rate, length

    def on_train_batch_begin(self, batch, logs=None):
        step = int(self.model.optimizer.iterations.numpy())
        if step == self.at:
            self.usual, self.model.optimizer.learning_rate = float(self.model.optimizer.learning_rate), self.rate
        if step == self.at + self.length and float(self.model.optimizer.learning_rate) == np.float32(self.rate):
            self.model.optimizer.learning_rate = self.usual


def trained(x, *members, epochs=6, model=None, source=True, **options):
    """Train on a source or on arrays, and return the model and what was reported."""
    model = network() if model is None else model
    if source:
        given = {"x": data.ArraySource(x, Y, batch_size=BATCH, seed=0)}
    else:
        given = {"x": x, "y": Y, "batch_size": BATCH, "shuffle": False}
    return model, model.fit(**given, epochs=epochs, callbacks=list(members), verbose=0, **options).history


def loss_of(model, without=()):
    good = np.delete(np.arange(len(X)), list(without))
    return model.evaluate(X[good], Y[good], verbose=0)


def on_two_replicas():
    """Return which examples a guard names on two devices, what it leaves out, and whether all weights are finite."""
    with two_replicas().scope():
        guard, model = callbacks.Guard(), network(optimizers.Momentum(0.01, skip_nonfinite=True))
    trained(broken(), guard, epochs=2, model=model)
    named = sorted({example for record in guard.left_out for example in record["examples"]})
    return named, len(guard.left_out), all(np.isfinite(v).all() for v in model.get_weights())


class Falling(keras.optimizers.schedules.LearningRateSchedule):
    """Falls linearly to 0; two steps may have a rate that is far too large."""

    def __init__(self, rate, steps, spike_at=None, spike=1e4):
        self.rate, self.steps, self.spike_at, self.spike = rate, steps, spike_at, spike

    def __call__(self, step):
        step = keras.ops.cast(step, "float32")
        rate = self.rate * (1 - step / self.steps)
        if self.spike_at is None:
            return rate
        return keras.ops.where((step >= self.spike_at) & (step < self.spike_at + 2), self.spike, rate)

    def get_config(self):
        return {"rate": self.rate, "steps": self.steps, "spike_at": self.spike_at, "spike": self.spike}


DIGITS_BAD = [77, 500, 1201]


def digits(bad=(), spike_at=None, guard=None, epochs=12, batch_size=32):
    """Train a small convolutional network on digits; return its loss on all that is not corrupt."""
    x, y = datasets.load_digits(return_X_y=True)
    x = (x / 16).astype("float32").reshape(-1, 8, 8, 1)
    y = np.eye(10, dtype="float32")[y]
    corrupt = x.copy()
    corrupt[list(bad), 3, 4] = np.nan
    source = data.ArraySource(corrupt, y, batch_size=batch_size, seed=0)
    keras.utils.set_random_seed(0)
    parts = [
        keras.layers.Conv2D(12, 3, activation="relu", name="low"),
        layers.BatchNormalization(name="norm"),
        keras.layers.Conv2D(24, 3, activation="relu", name="high"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(10, name="logits"),
    ]
    model = keras.Sequential([keras.Input((8, 8, 1)), *parts])
    rate = Falling(0.01, epochs * source.steps, spike_at)
    smoothed = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    model.compile(optimizers.Adam(rate), smoothed)
    model.fit(source, epochs=epochs, callbacks=[] if guard is None else [guard], verbose=0)
    good = np.delete(np.arange(len(x)), DIGITS_BAD)
    return model.evaluate(x[good], y[good], verbose=0)
