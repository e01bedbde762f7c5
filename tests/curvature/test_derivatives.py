"""Gradients and second derivatives beside finite differences, for every kind of layer; and looking changes nothing."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import curvature, monitors
from keras_ch8.curvature.objective import Objective
from keras_ch8.integration import keras_private
from tests.choosing.models import state_of
from tests.curvature.models import MODELS, SIX, sequential

pytestmark = pytest.mark.usefixtures("op_by_op")
RNG = np.random.default_rng(1)
HARD = ("batch normalization", "layer normalization", "group normalization", "embedding", "two inputs, two outputs")
CASES = [pytest.param(name, marks=() if name in HARD else pytest.mark.slow) for name in MODELS]


def relative(found, expected):
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


def differences(objective, v, h=1e-5):
    """Return H v by finite differences of the gradient."""
    theta = objective.theta()
    return (objective.gradient(theta + h * v) - objective.gradient(theta - h * v)) / (2 * h)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("name", CASES)
def test_the_product_with_the_hessian_is_that_of_finite_differences(float64, in_graphs, name):
    model, x, y = MODELS[name]()
    objective = Objective(model, x, y)
    v = RNG.normal(size=objective.size)
    v /= np.linalg.norm(v)
    found = curvature.hessian_vector_product(model, x, y, v)
    assert relative(found, differences(objective, v)) < 1e-5
    theta = objective.theta()
    slope = (objective.value(theta + 1e-6 * v) - objective.value(theta - 1e-6 * v)) / 2e-6
    assert curvature.gradient(model, x, y) @ v == pytest.approx(slope, rel=1e-5, abs=1e-8)


def test_without_the_fix_the_product_through_normalization_is_wrong(float64, monkeypatch):
    """The fault that this is about; once it passes here, `exact_moments` can go."""
    model, x, y = MODELS["batch normalization"]()
    objective = Objective(model, x, y)
    v = RNG.normal(size=objective.size)
    expected = differences(objective, v, h=1e-6)
    monkeypatch.setattr(keras_private, "_moments", keras_private._nn._compute_moments)
    assert relative(curvature.hessian_vector_product(model, x, y, v), expected) > 0.01


def test_the_product_through_a_product_over_an_axis_is_0_where_a_factor_is(float64):
    inputs = keras.Input((1,))
    factors = keras.layers.Dense(2, use_bias=False, kernel_initializer="zeros")(inputs)
    model = keras.Model(inputs, keras.ops.prod(factors, axis=1, keepdims=True))
    model.compile(loss="mse")
    objective = Objective(model, np.ones((1, 1)), np.ones((1, 1)))  # (a b - 1)^2 with a = b = 0
    np.testing.assert_allclose(differences(objective, np.array([1.0, 0.0])), [0, -2])
    found = objective.product(objective.theta(), np.array([1.0, 0.0]))
    assert not found.any(), "TensorFlow has mended prod: take the warning out of hessian_vector_product"


def test_the_hessian_is_that_of_a_known_function(float64):
    model, x, y = sequential(SIX)
    h = curvature.hessian(model, x, y)
    design = np.hstack([SIX, np.ones((12, 1))])
    block = design.T @ design / 12  # of each output, for mean squares over 2 outputs
    expected = np.zeros((14, 14))
    kernel = np.arange(12).reshape(6, 2)
    for output in range(2):
        places = [*kernel[:, output], 12 + output]
        expected[np.ix_(places, places)] = block
    np.testing.assert_allclose(h, expected, atol=1e-12)


def test_sample_weights_of_0_and_1_choose_examples(float64, in_graphs):
    model, x, y = MODELS["dense"]()
    weights = RNG.uniform(size=12)
    some = np.where(weights > 0.5, 1.0, 0.0)
    chosen = some.astype(bool)
    expected = curvature.hessian(model, x[chosen], y[chosen]) * chosen.mean()
    np.testing.assert_allclose(curvature.hessian(model, x, y, sample_weight=some), expected, atol=1e-12)


def test_the_gradient_is_the_one_that_training_uses():
    model, x, y = MODELS["batch normalization"]()
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((model(x.astype("float32"), training=True) - y) ** 2)
    expected = tape.gradient(loss, [v.value for v in model.trainable_variables])
    found = curvature.gradient(model, x.astype("float32"), y.astype("float32"))
    np.testing.assert_allclose(found, np.concatenate([g.numpy().ravel() for g in expected]), rtol=1e-4, atol=1e-6)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("name", ["batch normalization", "dropout"])
def test_looking_changes_nothing(float64, in_graphs, name):
    model, x, y = MODELS[name]()
    model.compile("sgd", "mse", metrics=["mae"])
    model.fit(x, y, verbose=0)
    before, variables = state_of(model)
    curvature.hessian(model, x, y)
    curvature.lanczos(model, x, y, steps=3)
    curvature.check_gradient(model, x, y)
    assert state_of(model, variables)[0] == before


def test_dropout_has_one_mask():
    model, x, y = MODELS["dropout"]()
    np.testing.assert_array_equal(curvature.gradient(model, x, y), curvature.gradient(model, x, y))


def test_bad_vectors_and_sizes_are_refused():
    model, x, y = MODELS["dense"]()
    with pytest.raises(
        ValueError, match=r"one entry for each of the trainable weights, 38 in all. Received: shape \(3"
    ):
        curvature.hessian_vector_product(model, x, y, np.ones(3))
    large = keras.Sequential([keras.Input((100,)), keras.layers.Dense(100)])
    large.compile(loss="mse")
    with pytest.raises(ValueError, match=r"at most 5000 weights. Received: a model of 10100"):
        curvature.hessian(large, np.ones((1, 100)), np.ones((1, 100)))


@pytest.mark.slow
def test_a_pair_is_inputs_and_targets_and_a_model_without_weights_is_built():
    x, y = np.random.default_rng(0).normal(size=(2, 16, 3)).astype("float32")

    def model(*first):
        keras.utils.set_random_seed(0)
        made = keras.Sequential([*first, keras.layers.Dense(3)])
        made.compile(loss="mse")
        return made

    expected = curvature.gradient(model(keras.Input((3,))), x, y)
    np.testing.assert_array_equal(curvature.gradient(model(), (x, y)), expected)
    weight = np.linspace(0, 2, 16)
    weighted = curvature.gradient(model(), x, y, sample_weight=weight)
    np.testing.assert_array_equal(curvature.gradient(model(), (x, y, weight)), weighted)
    assert not np.array_equal(weighted, expected)
    noise = [monitors.gradient_noise(model(), *data) for data in ((x, y), ((x, y),))]
    assert noise[0] == noise[1]


@pytest.mark.slow
def test_two_inputs_of_a_model_without_targets_are_not_taken_for_a_pair():
    inputs = [keras.Input((3,)), keras.Input((3,))]
    model = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Subtract()(inputs)))
    x = np.random.default_rng(0).normal(size=(2, 16, 3)).astype("float32")
    model.compile(loss=lambda y, y_pred: keras.ops.sum(keras.ops.square(y_pred), axis=-1))
    slope = curvature.gradient(model, tuple(x), np.zeros((16, 1)))
    assert slope.shape == (4,)


@pytest.mark.parametrize("kind", ["class", "function"])
def test_sample_weights_count_with_a_loss_that_is_given(kind, float64):
    loss = keras.losses.MeanSquaredError() if kind == "class" else keras.losses.mean_squared_error
    model, x, y = MODELS["dense"]()
    weights = np.random.default_rng(0).uniform(size=len(x))
    found = curvature.gradient(model, x, y, loss=loss, sample_weight=weights)
    np.testing.assert_allclose(found, curvature.gradient(model, x, y, sample_weight=weights), atol=1e-12)


def test_a_loss_of_ones_own_gets_targets_of_the_type_that_fit_gives_it():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(loss="mse")
    x, y = np.ones((4, 3)), np.ones((4, 2))

    def own(y, y_pred):
        return keras.ops.mean((y - y_pred) ** 2)

    np.testing.assert_allclose(curvature.gradient(model, x, y, loss=own), curvature.gradient(model, x, y), rtol=1e-5)
