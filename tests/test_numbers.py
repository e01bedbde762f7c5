"""Numbers that tools and documents make of others are what the arithmetic says."""

import keras
import numpy as np

import keras_ch8


def first_step(optimizer, gradient):
    variable = keras.Variable([0.0])
    optimizer.apply([keras.ops.array([gradient])], [variable])
    return -float(variable[0])


def test_the_first_steps_of_the_table_of_swaps_are_as_the_guide_says():
    ours, keras_own = keras_ch8.optimizers, keras.optimizers
    assert round(first_step(ours.Adagrad(), 0.01) / first_step(keras_own.Adagrad(), 0.01)) == 32
    steps = [first_step(adam(1.0, epsilon=1e-8), 1e-8) for adam in (ours.Adam, keras_own.Adam)]
    np.testing.assert_allclose(steps, [0.5, 0.03], rtol=0.03)
