"""Biases of the last layer, of ReLUs and of an LSTM, and identities in time."""

import keras
import numpy as np
import pytest

from keras_ch8 import initializers

RNG = np.random.default_rng(0)
CLASSES = RNG.choice(4, size=200, p=[0.1, 0.2, 0.3, 0.4])
ONE_HOT = np.eye(4)[CLASSES]
LABELS = (RNG.uniform(size=(200, 3)) < [0.1, 0.5, 0.7]).astype("int64")
NUMBERS = RNG.normal(size=(200, 2)) * 3 + 7


def bias(y, units, activation=None):
    return initializers.output_marginal(y, activation)((units,)).numpy()


@pytest.mark.parametrize("y", [CLASSES, CLASSES[:, None], ONE_HOT, ONE_HOT.astype(bool), CLASSES.astype("uint8")])
def test_the_softmax_of_the_bias_is_the_share_of_each_class(y):
    expected = np.bincount(CLASSES) / 200
    found = np.exp(bias(y, 4))
    np.testing.assert_allclose(found / found.sum(), expected, rtol=1e-6)
    assert found.sum() == pytest.approx(1)


@pytest.mark.parametrize("y", [LABELS[:, 0], LABELS[:, :1], LABELS, LABELS.astype("float32")])
def test_the_sigmoid_of_the_bias_is_the_share_of_each_label(y):
    columns = y.reshape(200, -1)
    found = bias(y, columns.shape[1])
    np.testing.assert_allclose(1 / (1 + np.exp(-found)), columns.mean(axis=0), rtol=1e-5)


@pytest.mark.parametrize("y", [NUMBERS, NUMBERS[:, 0], np.round(NUMBERS[:, 0])])
def test_the_bias_of_numbers_is_their_mean(y):
    np.testing.assert_allclose(bias(y, y.reshape(200, -1).shape[1]), y.reshape(200, -1).mean(axis=0), rtol=1e-6)


def test_the_activation_decides_where_targets_may_be_for_several():
    y = LABELS[:, 0]
    c = y.mean()
    np.testing.assert_allclose(bias(y, 2, "softmax"), np.log([1 - c, c]), rtol=1e-5)
    np.testing.assert_allclose(bias(y, 1, "linear"), [c], rtol=1e-6)
    np.testing.assert_allclose(bias(CLASSES, 1, "linear"), [CLASSES.mean()], rtol=1e-6)
    shares = ONE_HOT.mean(axis=0)
    np.testing.assert_allclose(bias(ONE_HOT, 4, "sigmoid"), np.log(shares / (1 - shares)), rtol=1e-5)


def test_a_class_without_examples_counts_as_half_of_one():
    np.testing.assert_allclose(np.exp(bias(np.array([0, 0, 0, 2]), 3)), np.array([3, 0.5, 1]) / 4.5, rtol=1e-6)
    np.testing.assert_allclose(bias(np.zeros(50), 1), [np.log(0.01 / 0.99)], rtol=1e-6)


def test_training_starts_with_the_loss_of_the_best_constant():
    start = initializers.output_marginal(CLASSES)
    last = keras.layers.Dense(4, kernel_initializer="zeros", bias_initializer=start)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(8, "relu"), last])
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    loss = model.evaluate(RNG.normal(size=(200, 5)), CLASSES, verbose=0)
    c = np.bincount(CLASSES) / 200
    assert loss == pytest.approx(-np.sum(c * np.log(c)), rel=1e-5)


def test_the_forget_gate_is_the_second_of_keras():
    start = initializers.forget_gate(3, 2.0)
    layer = keras.layers.LSTM(3, bias_initializer=start, unit_forget_bias=False)
    theirs = keras.layers.LSTM(3)
    for lstm in (layer, theirs):
        lstm.build((None, 4, 2))
    np.testing.assert_array_equal(layer.cell.bias.numpy(), 2 * theirs.cell.bias.numpy())


def test_an_lstm_that_sets_the_forget_bias_itself_is_refused_with_the_fix():
    layer = keras.layers.LSTM(4, bias_initializer=initializers.forget_gate(4))
    with pytest.raises(ValueError, match=r"16 entries. Received: shape=\(4,\). Pass unit_forget_bias=False"):
        layer.build((None, 4, 2))


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: bias(CLASSES, 5), r"4 entries. Received: shape=\(5,\).*one column for each unit"),
        (lambda: bias(NUMBERS, 2, "softmax"), "activation='softmax' for targets that may be for linear"),
        (lambda: bias(np.array(["a", "b"]), 2), "dtype <U1.*Encode"),
        (lambda: bias(np.array([np.nan]), 1), "finite"),
        (lambda: bias(np.zeros((0, 2)), 2), "at least one example"),
    ],
)
def test_what_cannot_be_is_refused_with_the_fix(make, said):
    with pytest.raises(ValueError, match=said):
        make()
