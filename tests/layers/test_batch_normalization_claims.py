"""What section 8.7.1 says that batch normalization is for, in numbers."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from examples.s8_7_1_batch_norm import digits, network
from keras_ch8 import curvature
from keras_ch8.layers import BatchNormalization


def chain(normalized, length=20):
    """Return y = x w_1 ... w_20, with weights around 1.1."""
    starts = 1.1 + 0.1 * np.random.default_rng(0).normal(size=length)
    model = keras.Sequential([keras.Input((1,))])
    for number, start in enumerate(starts, 1):
        model.add(keras.layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(start)))
        if normalized and number < length:
            model.add(BatchNormalization(center=False, scale=False))
    model.compile(loss="mse")
    return model, starts


def orders(model, x, y):
    """Return g'g and g'Hg / 2: a step of size epsilon changes the loss by -epsilon g'g + epsilon^2 g'Hg / 2."""
    g = curvature.gradient(model, x, y)
    return g @ g, g @ curvature.hessian_vector_product(model, x, y, g) / 2


@pytest.mark.full
def test_with_it_a_step_down_a_chain_is_one_of_first_order(float64):
    """For the plain chain p = w_1 ... w_20 both terms are known: J = m (p - 2)^2, m = mean(x^2)."""
    x = np.random.default_rng(1).normal(size=(256, 1))
    plain, w = chain(False)
    first, second = orders(plain, x, 2 * x)
    m, p = np.mean(x**2), np.prod(w)
    g = 2 * m * (p - 2) * p / w
    hessian = 2 * m * (2 * p * p - 2 * p) * np.outer(1 / w, 1 / w)
    np.fill_diagonal(hessian, 2 * m * p * p / w**2)
    assert first == pytest.approx(g @ g, rel=1e-9)
    assert second == pytest.approx(g @ hessian @ g / 2, rel=1e-9)
    normalized, _ = chain(True)
    first_of_normalized, second_of_normalized = orders(normalized, x, 2 * x)
    assert second / first > 300
    assert second_of_normalized / first_of_normalized < 1.1


def accuracies(normalized, steps):
    """Return the accuracy on the test set after each 100 steps of 3 x 100 sigmoid units, from small normal weights."""
    model, loss = network(normalized), "sparse_categorical_crossentropy"
    model.compile(keras.optimizers.SGD(0.1), loss, metrics=["accuracy"], steps_per_execution=100)
    train, test = digits()
    data = tf.data.Dataset.from_tensor_slices(train).repeat().shuffle(1380, seed=0).batch(60)
    options = {"epochs": steps // 100, "steps_per_epoch": 100, "shuffle": False, "verbose": 0}
    return model.fit(data, validation_data=test, validation_batch_size=500, **options).history["val_accuracy"]


@pytest.mark.full
def test_sigmoid_units_learn_in_600_steps_what_they_do_not_in_3000_without():
    assert max(accuracies(True, 600)) > max(accuracies(False, 3000)) + 0.05
