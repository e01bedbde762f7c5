"""A network of steep units, which from the start has hardly a gradient, learns digits by continuation."""

import keras
import numpy as np
import pytest

from examples.s8_7_6_continuation import STEEP, digits, network
from keras_ch8.callbacks import Continuation
from keras_ch8.optimizers import Adam
from keras_ch8.schedules import CosineDecay


def error(temperature, callbacks, seed):
    """Train four layers of tanh(20 z); return the share of the test set that they get wrong."""
    model, ((x, y), (x_test, y_test)) = network(temperature, seed), digits(seed)
    model.compile(Adam(CosineDecay(0.003)), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, batch_size=64, epochs=6, callbacks=callbacks, verbose=0)
    return np.mean(np.argmax(model.predict_on_batch(x_test), axis=-1) != y_test)


@pytest.mark.full
def test_continuation_makes_less_than_half_of_the_errors_of_plain_training():
    plain = [error(STEEP, [], seed) for seed in range(3)]
    continued = [error(1.0, [Continuation("linear", until="80%")], seed) for seed in range(3)]
    assert max(continued) < 0.5 * min(plain)
