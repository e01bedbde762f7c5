"""A temperature divides, and ends exactly where there is none."""

import numpy as np

from keras_ch8.continuation import Temperature

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(6, 4)).astype("float32")


def test_a_temperature_divides_in_training_and_the_end_does_in_inference():
    layer = Temperature(5.0, end=0.5)
    np.testing.assert_allclose(layer(LOGITS, training=True), LOGITS / 5, rtol=1e-6)
    np.testing.assert_allclose(layer(LOGITS), LOGITS / 0.5, rtol=1e-6)


def test_at_1_a_temperature_is_the_identity_bit_for_bit():
    layer = Temperature(5.0, value=1.0)
    np.testing.assert_array_equal(layer(LOGITS, training=True), LOGITS)
    np.testing.assert_array_equal(layer(LOGITS), LOGITS)
