"""Two replicas, for a process of its own (see `tests.forked`)."""

import warnings

import keras
import numpy as np

from keras_ch8.data import ArraySource
from tests.forked import two_replicas

X = np.random.default_rng(0).normal(size=(22, 3)).astype("float32")
Y = X.sum(axis=1)


def train(last_batch):
    """Return what comes of two fits of one source: weights, position, loss, predictions."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(1)])  # built by its first batch
    model.compile(keras.optimizers.SGD(0.1), "mse")
    source, seen = ArraySource(X, Y, batch_size=8, seed=0, last_batch=last_batch), []
    watch = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(source.step))
    for _ in range(2):
        model.fit(source, epochs=2, verbose=0, validation_data=source, callbacks=[watch])
    loss = model.evaluate(source, verbose=0)
    return [*model.get_weights(), [source.epoch, source.step], seen, loss, model.predict(source, verbose=0)]


def compare():
    warnings.simplefilter("error", UserWarning)
    strategy = two_replicas()
    for last_batch in ("pad", "keep"):
        one = train(last_batch)
        with strategy.scope():
            two = train(last_batch)
        for a, b in zip(one, two, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
        assert one[2] == [4, 0], one[2]
        assert one[3] == [1, 2, 3] * 4, one[3]
