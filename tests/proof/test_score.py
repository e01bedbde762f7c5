"""A score by the targets as they were at first, whatever a fix has made of loss, labels and last layer."""

import keras
import numpy as np
import pytest

from keras_ch8.proof.score import Measure, floor, measures_of, name_of, score


def compiled(units, loss="mse", metrics=None, activation=None):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, activation)])
    model.compile("sgd", loss, metrics=metrics)
    return model


def measure(y, units=1, loss="mse", metrics=None):
    [found] = measures_of(compiled(units, loss, metrics), np.asarray(y), np.zeros((len(y), units)))
    return found


def test_classes_are_counted_and_numbers_are_compared():
    digits = np.arange(100) % 10
    assert measure(digits, 10, "sparse_categorical_crossentropy").name == "accuracy"
    assert measure(digits, metrics=["accuracy"]).name == "accuracy"  # also where the last layer does not fit
    assert measure(digits, metrics=["mae"]).name == "R2"  # grades, say
    assert measure(np.eye(10)[digits], 10).name == "accuracy"
    assert measure(np.linspace(0, 1, 100)).name == "R2"
    assert measure(np.arange(100) < 3, loss="binary_crossentropy").name == "balanced accuracy"
    assert measure(np.eye(5)[digits % 5] + np.eye(5)[0] > 0, 5).name == "accuracy"  # several labels


def test_a_label_is_the_same_whatever_numbers_its_unit_has():
    of = Measure("accuracy", (1, 2, 3))
    y, rows = np.array([1, 2, 3, 3]), np.eye(3)[[0, 1, 2, 2]]
    assert of.score(y, rows) == 1  # labels minus 1, or numbered anew
    assert of.score(y[:, None], rows) == 1
    assert of.score(y, np.eye(4)[y]) == 1  # as they are, with a unit that none needs
    assert of.score(y, y[:, None] + 0.2) == 1  # one unit that comes near
    assert Measure("accuracy", (-1, 0, 5)).score([-1, 0, 5], np.eye(4)[[0, 1, 2]]) == 1
    assert Measure("accuracy", ("cat", "dog")).score(["dog", "cat"], [[0.9], [0.2]]) == 1
    assert Measure("accuracy", (3, 5)).score([3, 5], np.eye(8)[[4, 5]]) == 0.5  # 4 is no label


def test_two_labels_are_read_from_probabilities_logits_and_hinges():
    of = Measure("accuracy", (-1.0, 1.0))
    y = np.array([-1, 1, 1])
    for outputs in ([0.2, 0.7, 0.9], [-3.0, 2.0, 0.1], [[0.9, 0.1], [0.1, 0.9], [0.2, 0.8]]):
        assert of.score(y, outputs) == 1
    assert Measure("accuracy", (0, 1)).score([0, 1, 1], [-2.0, 0.2, 3.0]) == 1  # logits
    assert Measure("accuracy", (0, 1)).score([0, 1, 1], [0.3, 0.7, 1.2]) == 1  # numbers near the labels


def test_where_one_class_has_nearly_all_each_class_counts_alike():
    y = np.array([0] * 98 + [1] * 2)
    assert Measure("balanced accuracy", (0, 1)).score(y, np.zeros((100, 1))) == 0.5
    [of] = measures_of(compiled(2), y, np.zeros((2, 2)))
    assert (of.name, of.floor) == ("balanced accuracy", 0.5)


def test_the_r2_of_several_columns_counts_all_of_their_variance():
    y = np.array([[0.0, 100.0], [2.0, 104.0]])
    assert Measure("R2").score(y, y) == 1
    assert Measure("R2").score(y, y.mean(axis=0) * np.ones((2, 1))) == 0
    assert Measure("R2").score(y, np.array([[1.0, 100.0], [1.0, 104.0]])) == pytest.approx(0.8)
    assert np.isnan(Measure("R2").score(y, np.zeros((2, 3))))
    assert np.isnan(Measure("R2").score(y, np.full((2, 2), np.nan)))


def test_each_step_of_a_sequence_is_an_example():
    y = np.array([[0, 1, 2], [2, 1, 0]])
    [of] = measures_of(compiled(3), y, np.zeros((2, 3, 3)))
    assert (of.labels, of.score(y, np.eye(3)[y])) == ((0, 1, 2), 1)


def test_several_outputs_have_the_mean_of_their_scores():
    x = keras.Input((4,))
    model = keras.Model(x, {"a": keras.layers.Dense(3, name="a")(x), "b": keras.layers.Dense(1, name="b")(x)})
    model.compile("sgd", {"a": "sparse_categorical_crossentropy", "b": "mse"})
    y = {"a": np.array([0, 1, 2, 0]), "b": np.array([0.1, 0.25, 0.3, 0.77])}
    right = {"a": np.eye(3)[y["a"]], "b": y["b"][:, None]}
    of = measures_of(model, y, right)
    assert name_of(of) == "accuracy and R2"
    assert score(of, model, y, right) == 1
    assert score(of, model, y, right | {"b": np.full((4, 1), y["b"].mean())}) == pytest.approx(0.5)
    assert floor(of) == 0.25


def test_a_constant_is_as_good_as_the_commonest_class_of_the_training_whatever_is_scored():
    y = np.repeat([0, 1, 2, 3], [40, 20, 20, 20])
    assert floor(measures_of(compiled(4), y, np.zeros((2, 4)))) == 0.4  # a sorted split is scored on class 3 alone
