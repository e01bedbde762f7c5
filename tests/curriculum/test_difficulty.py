"""Difficulties: the length of a sequence, and losses example by example, beside NumPy."""

import keras
import numpy as np
import pytest

from keras_ch8 import curriculum, losses
from keras_ch8.curriculum.difficulty import (
    BATCH,
    ExampleLoss,
    judged,
    numbers,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 3)).astype("float32")
Y = RNG.normal(size=(20, 2)).astype("float32")
LABELS = RNG.integers(0, 2, 20)


def losses_of(model, x, y, rows=None):
    """Return the loss of each example."""
    parts = [keras.tree.map_structure(np.asarray, part) for part in (x, y)]
    rows = np.arange(len(x)) if rows is None else rows
    return ExampleLoss(model)(lambda i: tuple(keras.tree.map_structure(lambda a: a[i], part) for part in parts), rows)


def linear_model(loss, **options):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dropout(0.5), keras.layers.Dense(2, **options)])
    model.compile("sgd", loss)
    return model


def outputs_of(model, x=X):
    kernel, bias = (w.astype("float64") for w in model.get_weights())
    return x.astype("float64") @ kernel + bias


def log_softmax(z):
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


@pytest.mark.broad(slow="all")
@pytest.mark.parametrize(
    "loss, y, of_outputs",
    [
        ("mse", Y, lambda z: ((z - Y) ** 2).mean(axis=1)),
        (keras.losses.SparseCategoricalCrossentropy(from_logits=True), LABELS,
         lambda z: -log_softmax(z)[np.arange(20), LABELS]),
        (lambda y, z: keras.ops.sum(keras.ops.abs(y - z), axis=-1), Y, lambda z: np.abs(z - Y).sum(axis=1)),
        (losses.NegativeLogLikelihood(losses.likelihoods.CategoricalLikelihood()), LABELS,
         lambda z: -log_softmax(z)[np.arange(20), LABELS]),
    ],
    ids=["mse", "crossentropy", "a function", "ours"],
)  # fmt: skip
def test_the_loss_of_each_example_is_that_of_the_formula(loss, y, of_outputs):
    model = linear_model(loss, kernel_regularizer=keras.regularizers.L2(5.0))
    np.testing.assert_allclose(losses_of(model, X, y), of_outputs(outputs_of(model)), rtol=2e-5)


@pytest.mark.slow
def test_several_outputs_add_up_with_their_weights():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((3,))
    heads = {name: keras.layers.Dense(2, name=name)(inputs) for name in ("one", "other")}
    model = keras.Model(inputs, heads)
    model.compile("sgd", {"one": "mse", "other": "mae"}, loss_weights={"one": 3.0, "other": 0.5})
    z = {k: v.astype("float64") for k, v in model.predict(X, verbose=0).items()}
    expected = 3 * ((z["one"] - Y) ** 2).mean(axis=1) + 0.5 * np.abs(z["other"] - Y).mean(axis=1)
    np.testing.assert_allclose(losses_of(model, X, {"one": Y, "other": Y}), expected, rtol=2e-5)


@pytest.mark.slow
def test_of_a_sequence_it_is_the_mean_over_its_steps():
    x, y = RNG.normal(size=(6, 5, 3)).astype("float32"), RNG.normal(size=(6, 5, 2)).astype("float32")
    model = keras.Sequential([keras.Input((5, 3)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    z = model.predict(x, verbose=0).astype("float64")
    np.testing.assert_allclose(losses_of(model, x, y), ((z - y) ** 2).mean(axis=(1, 2)), rtol=2e-5)


def test_more_examples_than_a_batch_and_a_last_one_that_is_not_full():
    count = BATCH + 7
    x = RNG.normal(size=(count, 3)).astype("float32")
    y = RNG.normal(size=(count, 2)).astype("float32")
    model = linear_model("mse")
    expected = ((outputs_of(model, x) - y) ** 2).mean(axis=1)
    found = losses_of(model, x, y)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    some = np.array([3, 1, 4, 1, 260])
    np.testing.assert_allclose(losses_of(model, x, y, some), expected[some], rtol=1e-4)


def test_it_follows_the_weights_of_the_model_and_changes_nothing_of_it():
    model = linear_model("mse")
    of_examples = ExampleLoss(model)
    before, kernel = [v.numpy().copy() for v in model.variables], model.layers[-1].kernel.numpy().copy()
    for scale in (1.0, 2.0):
        model.layers[-1].kernel.assign(kernel * scale)
        expected = ((outputs_of(model) - Y) ** 2).mean(axis=1)
        np.testing.assert_allclose(of_examples(lambda i: (X[i], Y[i]), np.arange(20)), expected, rtol=2e-5)
    model.layers[-1].kernel.assign(kernel)
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


@pytest.mark.parametrize("reduction", ["mean_with_sample_weight", "sum"])
def test_a_loss_that_is_no_mean_of_the_examples_is_an_error(reduction):
    model = linear_model(keras.losses.MeanSquaredError(reduction=reduction))
    with pytest.raises(ValueError, match=r"divides by the sum of the weights.*reduction=\"sum_over_batch_size\""):
        losses_of(model, X, Y)


def test_masks_which_make_examples_share_their_steps_are_an_error():
    x = np.array([[1, 2, 3], [1, 0, 0], [2, 3, 3]])
    layers = keras.layers.Embedding(4, 3, mask_zero=True), keras.layers.Dense(1)
    model = keras.Sequential([keras.Input((3,)), *layers])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="or has masks"):
        losses_of(model, x, np.arange(9.0).reshape(3, 3, 1))


@pytest.mark.parametrize(
    "x, padding, lengths",
    [
        ([[5, 1, 2], [7, 0, 0], [0, 0, 0]], 0, [3, 1, 0]),
        ([[-1, -1, 0], [4, 2, -1]], -1, [1, 2]),
        ([[[1, 0], [0, 0]], [[0, 2], [3, 0]]], 0, [1, 2]),
    ],
    ids=["at the end", "another padding", "several features"],
)
def test_a_length_counts_the_steps_that_are_no_padding(x, padding, lengths):
    assert curriculum.sequence_length(np.array(x), padding=padding).tolist() == lengths


def test_a_length_needs_an_axis_of_time():
    with pytest.raises(ValueError, match=r"axis of examples and one of time\. Received: an array of shape \(3,\)"):
        curriculum.sequence_length(np.ones(3))


class Source:
    """What of a source the difficulty needs."""

    count = 10_000

    def take(self, indices):
        assert len(indices) <= 4096
        return {"a": indices}, -indices, None


def test_a_function_is_given_x_and_y_a_part_at_a_time():
    np.testing.assert_array_equal(judged(lambda x, y: x["a"] - y, Source()), 2 * np.arange(10_000))


@pytest.mark.parametrize(
    "value, message",
    [
        ([1, 2], r"`difficulty` must be a flat vector with one entry for each of the examples, 3 in all\. .*\(2,\)"),
        (np.ones((3, 1)), r"Received: shape \(3, 1\)"),
        ([1, np.nan, 2], r"Received: NaN for 1 of 3 examples, the first at 1\. Set these to a large number"),
    ],
    ids=["too few", "not flat", "NaN"],
)
def test_numbers_that_order_nothing_are_an_error(value, message):
    with pytest.raises(ValueError, match=message):
        numbers(value, 3)
