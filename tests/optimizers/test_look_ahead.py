"""Nesterov's look-ahead beside what a model of float8 has, and its flag."""

import keras
import pytest

from keras_ch8 import optimizers as ours

CLASSES = [ours.Nesterov, ours.RMSpropNesterov]


@pytest.mark.parametrize("cls", CLASSES)
def test_scales_of_float8_have_no_look_ahead(cls):
    weight, scale = keras.Variable([1.0]), keras.Variable([1.0])
    scale.overwrite_with_gradient = True
    optimizer = cls(0.1, finish_at_theta=True)
    optimizer.apply([keras.ops.array([1.0]), keras.ops.array([3.0])], [weight, scale])
    assert optimizer.book_variables()[1].tolist() == [3.0]
    optimizer.finalize_variable_values([weight, scale])
    assert scale.numpy().tolist() == [3.0]


@pytest.mark.parametrize("cls", CLASSES)
def test_finish_at_theta_is_a_flag(cls):
    with pytest.raises((TypeError, ValueError), match="`finish_at_theta`"):
        cls(0.1, finish_at_theta="False")
