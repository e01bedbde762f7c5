"""A network of steep units, which from the start has hardly a gradient, learns digits by continuation."""

import keras
import numpy as np
import pytest
from sklearn.datasets import load_digits

from keras_ch8.callbacks import Continuation
from keras_ch8.continuation import Temperature
from keras_ch8.optimizers import Adam
from keras_ch8.schedules import CosineDecay

STEEP = 1 / 20


def error(temperature, callbacks, seed):
    """Train four layers of tanh(20 z); return the share of the test set that they get wrong."""
    keras.utils.set_random_seed(seed)
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(x))
    x, y = (x[order] / 16).astype("float32"), y[order]
    layers = []
    for _ in range(4):
        layers += [keras.layers.Dense(64), Temperature(temperature, end=STEEP), keras.layers.Activation("tanh")]
    model = keras.Sequential([keras.Input((64,)), *layers, keras.layers.Dense(10)])
    model.compile(Adam(CosineDecay(0.003)), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x[:1200], y[:1200], batch_size=64, epochs=6, callbacks=callbacks, verbose=0)
    return np.mean(np.argmax(model.predict_on_batch(x[1200:]), axis=-1) != y[1200:])


@pytest.mark.full
def test_continuation_makes_less_than_half_of_the_errors_of_plain_training():
    plain = [error(STEEP, [], seed) for seed in range(3)]
    continued = [error(1.0, [Continuation("linear", until="80%")], seed) for seed in range(3)]
    assert max(continued) < 0.5 * min(plain)
