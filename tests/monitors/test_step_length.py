"""The loss along an update beside plain calls of Keras and the exact Hessian, for every kind of model."""

import keras
import numpy as np
import pytest

from keras_ch8 import curvature, monitors
from keras_ch8.monitors.base import chosen
from keras_ch8.monitors.probe import ProbeEvaluator
from tests.choosing.models import state_of
from tests.curvature.models import MODELS, ROWS, SIX, Y, sequential
from tests.monitors.reference import eager, moved

WHEN = dict.fromkeys(("batch normalization", "dropout"), ()) | dict.fromkeys(("LSTM", "embedding"), pytest.mark.slow)
CASES = [pytest.param(name, marks=WHEN.get(name, pytest.mark.full)) for name in MODELS]


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_losses_slope_and_curvature_are_those_of_two_plain_gradients(float64, in_graphs, name):
    model, x, y = MODELS[name]()
    before, d = moved(model, 0.1)
    (loss_0, g_0), (loss_1, g_1) = eager(model, x, y, weights=before), eager(model, x, y)
    found = monitors.step_length(model, x, y, before)
    expected = (loss_0, loss_1, g_0 @ d, (g_1 - g_0) @ d, 0.1)
    # Two sums of float64 in another order.
    np.testing.assert_allclose(
        [found.loss_before, found.loss_after, found.slope, found.curvature, found.length], expected, rtol=1e-10
    )
    assert found.actual == pytest.approx(loss_1 - loss_0, rel=1e-10)
    assert found.predicted == pytest.approx(g_0 @ d + (g_1 - g_0) @ d / 2, rel=1e-10)
    assert found.ratio == pytest.approx((g_1 - g_0) @ d / 2 / -(g_0 @ d), rel=1e-10)
    assert found.trust == pytest.approx(found.actual / found.predicted)


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_short_step_sees_the_exact_hessian(float64, in_graphs, name):
    model, x, y = MODELS[name]()
    h = curvature.hessian(model, x, y)
    before, d = moved(model, 1e-5)
    found = monitors.step_length(model, x, y, before)
    # The gradients at both ends differ by H d and by terms of |d|^2: 1e-5 of it, times what the third derivative is.
    assert found.curvature == pytest.approx(d @ h @ d, rel=1e-3)
    assert found.trust == pytest.approx(1, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("size", [0.01, 10.0])
def test_where_the_loss_is_quadratic_the_prediction_is_exact_for_a_step_of_any_length(float64, size):
    model, x, y = sequential(SIX)
    h = curvature.hessian(model, x, y)
    before, d = moved(model, size)
    g = eager(model, x, y, weights=before)[1]
    found = monitors.step_length(model, x, y, before)
    assert found.curvature == pytest.approx(d @ h @ d, rel=1e-10)
    assert found.trust == pytest.approx(1, abs=1e-9)
    best = -(g @ d) / (d @ h @ d)  # the factor of d at which the loss is lowest
    assert found.step_over_optimal == pytest.approx(1 / best, rel=1e-9)


@pytest.mark.slow
def test_measuring_changes_nothing(in_graphs):
    hidden = keras.layers.Dense(4), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5, seed=3)
    model, x, y = sequential(SIX.astype("float32"), *hidden, dtype="float32")
    model.compile("sgd", "mse", metrics=["mae"], jit_compile=False)
    model.fit(x, y, verbose=0)
    before, variables = state_of(model)
    probe = ProbeEvaluator(model, x, y, monitors=[m for m in chosen("full") if m.source == "probe"], parts=2)
    found = probe.evaluate(probe.objective.tensors(moved(model, 0.1)[0]))
    monitors.spectrum(model, x, y, steps=2)
    assert len(found) == 5  # all but the one of recurrent layers
    assert state_of(model, variables)[0] == before


def test_sample_weights_are_those_of_the_loss(float64):
    model, x, y = MODELS["dense"]()
    weight = np.random.default_rng(3).uniform(size=12)
    before, d = moved(model, 0.1)
    found = monitors.step_length(model, x, y, before, sample_weight=weight)
    loss, g = eager(model, x, y, weight, weights=before)
    assert (found.loss_before, found.slope) == pytest.approx((loss, g @ d), rel=1e-10)
    by_hand = np.mean(weight * np.mean((model(x).numpy() - y) ** 2, axis=1))
    assert found.loss_after == pytest.approx(by_hand, rel=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize(
    "policy, rounding", [("mixed_float16", 2**-11), pytest.param("mixed_bfloat16", 2**-8, marks=pytest.mark.slow)]
)
def test_mixed_precision_comes_near_float32(policy, rounding):
    """Numbers are rounded on the way, at most some ten times; what is a product with d has errors of |g| |d|."""

    def look(dtype):
        keras.utils.set_random_seed(1)
        hidden = [keras.layers.Dense(8, "tanh", dtype=dtype), keras.layers.BatchNormalization(dtype=dtype)]
        model = keras.Sequential([keras.Input((6,)), *hidden, keras.layers.Dense(2, dtype=dtype)])
        model.compile("sgd", "mse")
        before, _ = moved(model, 0.3)
        return monitors.step_length(model, SIX, Y, before), np.linalg.norm(eager(model, SIX, Y)[1]) * 0.3

    exact, size = look("float32")
    mixed, _ = look(policy)
    assert mixed.length == pytest.approx(exact.length, rel=1e-6)
    assert mixed.loss_before == pytest.approx(exact.loss_before, rel=10 * rounding)
    assert mixed.loss_after == pytest.approx(exact.loss_after, rel=10 * rounding)
    assert mixed.slope == pytest.approx(exact.slope, abs=10 * rounding * size)
    assert mixed.curvature == pytest.approx(exact.curvature, abs=10 * rounding * size)
    assert abs(exact.curvature) > 10 * 2**-11 * size  # so that the last line says something, in float16


def test_small_gradients_survive_float16():
    """A gradient of 1e-6 is below what float16 tells apart; the loss is scaled as training scales it."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model, x, _ = sequential(SIX.astype("float32"), dtype="float32")
        model.compile(loss=lambda y, prediction: 1e-6 * keras.ops.mean(keras.ops.square(y - prediction), axis=-1))
        found = monitors.gradient_norm(model, x, Y)
    finally:
        keras.config.set_dtype_policy("float32")
    residual = model(x).numpy().astype("float64") - Y
    slope = 1e-6 * np.hstack([SIX, np.ones((12, 1))]).T @ residual / 12
    assert found.norm == pytest.approx(np.linalg.norm(slope), rel=0.01)


def test_a_loss_that_is_infinite_is_reported_as_such():
    model, x, y = sequential(ROWS[:, 0].astype("float32"), dtype="float32")
    before, _ = moved(model, 0.1)
    model.set_weights([np.full(w.shape, np.inf, "float32") for w in model.get_weights()])
    assert not np.isfinite(monitors.step_length(model, x, y, before).loss_after)
