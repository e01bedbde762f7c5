"""On real data, `fit` with the suggested rate ends near the best of a grid of rates."""

import keras
import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

from keras_ch8 import choosing, optimizers

GRID = 10.0 ** np.arange(-4, 0.5, 0.5)
EPOCHS = 15


def dense(units, activation=None):
    return keras.layers.Dense(units, activation, kernel_regularizer=keras.regularizers.L2(1e-3))


def standard(x):
    return ((x - x.mean(axis=0)) / (x.std(axis=0) + 1e-9)).astype("float32")


def digits():
    x, y = load_digits(return_X_y=True)
    return (x / 16).astype("float32"), y, keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def cancer():
    x, y = load_breast_cancer(return_X_y=True)
    return standard(x), y[:, None].astype("float32"), keras.losses.BinaryCrossentropy(from_logits=True)


def diabetes():
    x, y = load_diabetes(return_X_y=True)
    return standard(x), standard(y)[:, None], "mse"


def perceptron():
    return [dense(64, "relu"), keras.layers.Dropout(0.3), dense(10)]


TASKS = {
    "digits, perceptron, Adam": (digits, perceptron, optimizers.Adam),
    "digits, perceptron, momentum": (digits, perceptron, optimizers.Momentum),
    "breast cancer, logistic, momentum": (cancer, lambda: [dense(1)], optimizers.Momentum),
    "diabetes, linear, SGD": (diabetes, lambda: [dense(1)], optimizers.SGD),
}


@pytest.mark.full
@pytest.mark.parametrize("task", TASKS)
def test_the_suggested_rate_is_within_10_percent_of_the_best_of_a_grid(task):
    data, layers, optimizer = TASKS[task]
    x, y, loss = data()
    order = np.random.default_rng(0).permutation(len(x))
    x, y = x[order], y[order]

    def network(rate, **options):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input(x.shape[1:]), *layers()])
        model.compile(optimizer(rate), loss, **options)
        return model

    again = network(0.01, steps_per_execution=8)  # Keras spends more time between steps than in them
    again.optimizer.build(again.trainable_variables)
    start, state = again.get_weights(), [v.numpy() for v in again.optimizer.variables]

    def final_loss(rate):
        again.set_weights(start)
        for variable, value in zip(again.optimizer.variables, state, strict=True):
            variable.assign(value)
        again.optimizer.learning_rate = rate
        keras.utils.set_random_seed(0)
        return again.fit(x, y, epochs=EPOCHS, verbose=0).history["loss"][-1]

    found = choosing.find_learning_rate(network(0.01), x, y)
    finals = [final_loss(rate) for rate in GRID]
    ratio = final_loss(found.suggestion) / np.nanmin(finals)
    assert ratio < 1.1, f"{found}\nends at {ratio:.3f} times the best, of {GRID[np.nanargmin(finals)]:.2g}"
