"""Surrogates of the 0-1 loss: what section 8.1.2 asks of one, and the values of the table in a docstring."""

import inspect

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import losses

MARGINS = np.linspace(-4, 4, 321)
LOGISTIC = keras.losses.BinaryCrossentropy(from_logits=True, reduction="none")
OURS = {
    "exponential": (losses.ExponentialLoss(reduction="none"), lambda m: np.exp(-m)),
    "modified Huber": (losses.ModifiedHuber(reduction="none"),
                       lambda m: np.where(m >= -1, np.maximum(0, 1 - m) ** 2, -4 * m)),
}  # fmt: skip
FIVE = OURS | {
    "logistic": (LOGISTIC, lambda m: np.log1p(np.exp(-m))),
    "hinge": (keras.losses.Hinge(reduction="none"), lambda m: np.maximum(0, 1 - m)),
    "squared hinge": (keras.losses.SquaredHinge(reduction="none"), lambda m: np.maximum(0, 1 - m) ** 2),
}
ours = pytest.mark.parametrize("name", OURS)
each = pytest.mark.parametrize("name", FIVE)


def of_margin(name, m, label=1):
    """Return the loss at each margin, by scores for one label."""
    sign = 1 if label == 1 else -1
    return np.array(FIVE[name][0](np.full((len(m), 1), label), sign * m[:, None]))


@each
@pytest.mark.parametrize("label", [1, 0])
def test_it_is_the_function_of_the_margin_in_the_table(name, label):
    np.testing.assert_allclose(of_margin(name, MARGINS, label), FIVE[name][1](MARGINS), rtol=2e-6, atol=1e-6)


@each
def test_the_table_in_the_docstring_holds_its_values(name):
    at = "     ".join(f"{value:.2f}"[:4] for value in FIVE[name][1](np.array([-2.0, 0.0, 2.0])))
    text = inspect.getdoc(losses.ExponentialLoss)  # indented alike on every Python
    (row,) = (line for line in text.splitlines() if line.startswith(name + " "))
    assert at.split() == row[60:].split()[:3]


@ours
def test_its_gradient_is_its_slope(name):
    loss, f = FIVE[name]
    scores = np.array([-3.0, -1.5, -1.0, -0.3, 0.0, 0.4, 1.0, 2.5])
    eta = tf.Variable(scores[:, None], dtype="float32")
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(loss(np.ones((8, 1)), eta))
    slopes = (f(scores + 1e-5) - f(scores - 1e-5)) / 2e-5
    np.testing.assert_allclose(tape.gradient(value, eta)[:, 0], slopes, rtol=1e-5, atol=1e-4)


@ours
def test_labels_zero_and_minus_one_are_the_same(name):
    rng = np.random.default_rng(0)
    y, f = rng.integers(0, 2, size=(20, 3)), rng.normal(size=(20, 3))
    loss = FIVE[name][0]
    np.testing.assert_array_equal(loss(y, f), loss(2 * y - 1, f))
    np.testing.assert_array_equal(loss(np.zeros((4, 1)), f[:4, :1]), loss(-np.ones((4, 1)), f[:4, :1]))


@ours
def test_it_averages_over_the_last_axis_as_hinge_does(name):
    rng = np.random.default_rng(0)
    y, f = rng.choice([-1, 1], size=(20, 3)), rng.normal(size=(20, 3))
    np.testing.assert_allclose(FIVE[name][0](y, f), FIVE[name][1](y * f).mean(axis=-1), rtol=1e-5)
    assert FIVE[name][0](y, f).shape == FIVE["hinge"][0](y, f).shape


@ours
def test_flat_labels_and_scores_of_one_output_meet(name):
    y, f = np.array([1, 0, 1]), np.array([0.5, 2.0, -3.0])
    expected = FIVE[name][1](np.where(y == 0, -1, y) * f)
    for scores in (f, f[:, None]):
        np.testing.assert_allclose(FIVE[name][0](y, scores), expected, rtol=1e-6)


def test_far_from_the_border_modified_huber_stays_finite():
    f = tf.Variable([[1e4], [-1e4], [1e30], [-1e30]])
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(losses.ModifiedHuber(reduction="none")(np.ones((4, 1)), f) / 4e30)
    assert float(value) == pytest.approx(1.0)
    np.testing.assert_allclose(tape.gradient(value, f)[:, 0] * 4e30, [0, -4, 0, -4], rtol=1e-5)


@pytest.mark.slow
def test_a_linear_classifier_separates_what_can_be_separated_with_either():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 2)).astype("float32")
    y = (x @ [1.0, -2.0] > 0).astype("int32")
    for loss in (losses.ExponentialLoss(), losses.ModifiedHuber()):
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.Adam(0.3), loss)
        model.fit(x, y, batch_size=50, epochs=20, verbose=0)
        assert np.mean((model.predict(x, verbose=0)[:, 0] > 0) == y) > 0.98
