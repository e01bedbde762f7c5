"""A temperature divides, smoothed labels give a share away; both end exactly where there is neither."""

import keras
import numpy as np
import pytest

from keras_ch8.continuation import LabelSmoothing, Temperature

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(6, 4)).astype("float32")
CLASSES = np.array([0, 1, 2, 3, 1, 0])
ONE_HOT = np.eye(4, dtype="float32")[CLASSES]


def test_a_temperature_divides_in_training_and_the_end_does_in_inference():
    layer = Temperature(5.0, end=0.5)
    np.testing.assert_allclose(layer(LOGITS, training=True), LOGITS / 5, rtol=1e-6)
    np.testing.assert_allclose(layer(LOGITS), LOGITS / 0.5, rtol=1e-6)


def test_at_1_a_temperature_is_the_identity_bit_for_bit():
    layer = Temperature(5.0, value=1.0)
    np.testing.assert_array_equal(layer(LOGITS, training=True), LOGITS)
    np.testing.assert_array_equal(layer(LOGITS), LOGITS)


def entropy(shares, logits):
    """The cross-entropy of each example, in float64."""
    logits = logits.astype("float64")
    log_softmax = logits - np.log(np.sum(np.exp(logits), axis=-1, keepdims=True))
    return -np.sum(shares * log_softmax, axis=-1)


CATEGORICAL = keras.losses.CategoricalCrossentropy(from_logits=True, reduction="none")


@pytest.mark.parametrize("y", [ONE_HOT, CLASSES, CLASSES[:, None]], ids=["one-hot", "numbers", "column"])
def test_the_loss_is_that_of_the_smoothed_labels(y):
    loss = LabelSmoothing(CATEGORICAL, 0.3)
    np.testing.assert_allclose(loss(y, LOGITS), entropy(0.7 * ONE_HOT + 0.3 / 4, LOGITS), rtol=1e-5)


def test_it_is_that_of_keras_where_keras_has_it():
    ours = LabelSmoothing(CATEGORICAL, 0.2)(ONE_HOT, LOGITS)
    keras_own = keras.losses.CategoricalCrossentropy(from_logits=True, reduction="none", label_smoothing=0.2)
    np.testing.assert_allclose(ours, keras_own(ONE_HOT, LOGITS), rtol=1e-5)
    yes_or_no = (LOGITS[:, :1] > 0).astype("float32")
    ours = LabelSmoothing(keras.losses.BinaryCrossentropy(from_logits=True), 0.2)(yes_or_no[:, 0], LOGITS[:, 1:2])
    keras_own = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.2)
    np.testing.assert_allclose(ours, keras_own(yes_or_no, LOGITS[:, 1:2]), rtol=1e-5)


def test_several_labels_of_yes_or_no_take_a_prior():
    yes_or_no = (LOGITS > 0).astype("float32")
    ours = LabelSmoothing(keras.losses.BinaryCrossentropy(from_logits=True), 0.2, prior=0.5)(yes_or_no, LOGITS)
    keras_own = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.2)
    np.testing.assert_allclose(ours, keras_own(yes_or_no, LOGITS), rtol=1e-5)


def test_at_0_it_is_the_loss_bit_for_bit_with_its_reduction():
    for reduction in ("none", "sum", "sum_over_batch_size"):
        inner = keras.losses.CategoricalCrossentropy(from_logits=True, reduction=reduction)
        loss = LabelSmoothing(inner, 0.3, value=0.0)
        np.testing.assert_array_equal(loss(ONE_HOT, LOGITS), inner(ONE_HOT, LOGITS))


def test_sample_weights_count():
    weight = np.arange(6.0)
    loss = LabelSmoothing(CATEGORICAL, 0.3)
    expected = weight * entropy(0.7 * ONE_HOT + 0.3 / 4, LOGITS)
    np.testing.assert_allclose(loss(ONE_HOT, LOGITS, sample_weight=weight), expected, rtol=1e-5)


@pytest.mark.parametrize("loss", ["mse", keras.losses.mean_squared_error, None])
def test_what_is_no_loss_of_keras_is_refused(loss):
    with pytest.raises(TypeError, match=r"`loss` must be a `keras.losses.Loss`.*Received: loss="):
        LabelSmoothing(loss)
