"""A training with one NaN among its examples, and the same training without that batch, for any process."""

import contextlib

import keras
import numpy as np

from keras_ch8 import layers, optimizers
from tests.forked import two_replicas

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(64, 6)).astype("float32"), RNG.normal(size=(64, 2)).astype("float32")
BATCH, BAD = 16, 20
"""The second of four batches has the NaN."""
GOOD = np.r_[0:16, 32:64]


def with_nan(example):
    """The examples, one of which has a NaN."""
    x = X.copy()
    x[example, 3] = np.nan
    return x


BAD_X = with_nan(BAD)


class Unbuilt(keras.Model):
    """As `network`, without an input shape."""

    def __init__(self, parts, **kwargs):
        super().__init__(**kwargs)
        self.parts = parts

    def call(self, x, training=None):
        for part in self.parts:
            x = part(x, training=training) if isinstance(part, keras.Model) else part(x)
        return x

    def build(self, shape):
        for part in self.parts:
            part.build(shape)
            shape = part.compute_output_shape(shape)


def network(*, built=True, dropout=0.0, rate=0.1, accumulate=None, skip=True, **options):
    keras.utils.set_random_seed(0)
    parts = [
        keras.layers.Dense(5, "tanh"),
        keras.layers.BatchNormalization(momentum=0.8),
        layers.BatchNormalization(momentum=0.8),
        keras.layers.Dropout(dropout),
        keras.layers.Dense(2),
    ]
    model = keras.Sequential([keras.Input((6,)), *parts]) if built else Unbuilt(parts)
    optimizer = optimizers.Momentum(rate, skip_nonfinite=skip, gradient_accumulation_steps=accumulate)
    model.compile(optimizer, "mse", metrics=["mae"], **{"jit_compile": False} | options)
    return model


def trained(x, y, **options):
    """Return the variables of a model after an epoch, and what was reported."""
    model = network(**options)
    reported = model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0).history
    return model, [np.asarray(v, "float64") for v in model.variables], {k: v[0] for k, v in reported.items()}


def difference(strategy=False, bad=BAD, **options):
    """Return what a training with a bad batch ends up with beside one on the other batches alone.

    Returns:
        The largest difference of a variable, the largest of what is reported, the number of skipped steps, the loss.
    """
    with two_replicas().scope() if strategy else contextlib.nullcontext():
        model, variables, reported = trained(with_nan(bad), Y, **options)
        good = np.arange(len(X)) // BATCH != bad // BATCH
        _, expected, as_expected = trained(X[good], Y[good], **options)
        loss = model.evaluate(X, Y, verbose=0)[0]
    gap = max(np.abs(a - b).max() for a, b in zip(variables, expected, strict=True))
    of_report = max(abs(reported[name] - as_expected[name]) for name in as_expected)
    return float(gap), float(of_report), model.optimizer.skipped_steps, float(loss)
