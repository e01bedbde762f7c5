"""On binary problems of 3000 x 20 the suggestion is near the best rate of a sweep, or says which steps would decide."""

import re

import keras
import numpy as np
import pytest
from sklearn.datasets import make_classification

from keras_ch8 import choosing, optimizers

SWEEP = np.geomspace(1e-5, 10, 13)
STEPS, BATCH = 300, 32
LOSS = keras.losses.BinaryCrossentropy(from_logits=True)
OPTIMIZERS = {
    "SGD": optimizers.SGD,
    "Momentum": optimizers.Momentum,
    "Adam": optimizers.Adam,
    "RMSprop": optimizers.RMSprop,
    "Keras's SGD": keras.optimizers.SGD,
    "Keras's Adam": keras.optimizers.Adam,
}


def problem():
    x, y = make_classification(5000, 20, random_state=0)
    x, y = x.astype("float32"), y[:, None].astype("float32")
    return (x[:3000], y[:3000]), (x[3000:], y[3000:])


def perceptron(optimizer, **options):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(64, "relu"), keras.layers.Dense(1)])
    model.compile(optimizer(0.01), LOSS, **options)
    model.optimizer.build(model.trainable_variables)
    return model


def best_of_a_sweep(optimizer, data, held_out):
    """Return the rate with the smallest held-out loss after 300 steps from the same start."""
    order = np.concatenate([np.random.default_rng(seed).permutation(3000) for seed in range(4)])[: STEPS * BATCH]
    x, y = (part[order] for part in data)
    model = perceptron(optimizer, steps_per_execution=STEPS)
    variables = [*model.variables, *model.optimizer.variables]
    start, losses = [v.numpy() for v in variables], []
    for rate in SWEEP:
        for variable, value in zip(variables, start, strict=True):
            variable.assign(value)
        model.optimizer.learning_rate = rate
        model.fit(x, y, batch_size=BATCH, epochs=1, shuffle=False, verbose=0)
        losses.append(float(LOSS(held_out[1], model(held_out[0]))))
    return SWEEP[np.nanargmin(losses)]


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_suggestion_is_within_a_factor_3_of_the_best_of_a_sweep(name):
    data, held_out = problem()
    best = best_of_a_sweep(OPTIMIZERS[name], data, held_out)
    for options in ({}, {"steps": 400}):
        found = choosing.find_learning_rate(perceptron(OPTIMIZERS[name]), *data, **options)
        assert best / 3 < found.suggestion < 3 * best, f"{options}, best {best:.3g}:\n{found}"


def from_the_floor(optimizer="sgd"):
    """Return a network that says one half of everything, which is the best where the labels tell nothing."""
    keras.utils.set_random_seed(0)
    last = keras.layers.Dense(1, kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(8, "relu"), last])
    model.compile(optimizer, LOSS)
    return model


def weak(seed, strength):
    """Return inputs, and as many labels of each class; at strength 0 the inputs do not matter for them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(3000, 20)).astype("float32")
    score = strength * x @ rng.normal(size=(20, 1)) / 20**0.5 + rng.logistic(size=(3000, 1))
    return x, (score > np.median(score)).astype("float32")


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("seed, strength", [(0, 2.0), (1, 1.0), (2, 1.0)])
def test_the_steps_that_the_reason_names_decide(seed, strength):
    model, (x, y) = from_the_floor(optimizers.Adam()), weak(seed, strength)
    reason = choosing.find_learning_rate(model, x, y, steps=50).reason
    steps = int(re.search(r"`steps=(\d+)` would tell a fall of", reason)[1])
    found = choosing.find_learning_rate(model, x, y, steps=steps)
    assert found.reason == ""
    assert 1e-4 < found.suggestion < 0.1


@pytest.mark.broad
@pytest.mark.parametrize("optimizer", [optimizers.SGD, optimizers.Momentum, optimizers.Adam, optimizers.RMSprop])
@pytest.mark.slow
def test_labels_that_tell_nothing_get_no_suggestion(optimizer):
    found = choosing.find_learning_rate(from_the_floor(optimizer()), *weak(0, 0.0))
    assert (found.suggestions, found.reason[:20]) == ({}, "the loss never falls")
