"""Noise of the gradient beside the gradients of single parts and examples, and on Gaussians whose noise is known."""

import keras
import numpy as np
import pytest

from keras_ch8 import monitors
from keras_ch8.monitors._gradient_noise import GradientNoise, GradientNoiseMonitor
from keras_ch8.monitors.probe import ProbeEvaluator
from tests.curvature.models import MODELS, SIX, Y
from tests.monitors.reference import eager, moved, rows

RNG = np.random.default_rng(4)


def gradients(model, x, y, parts, weights=None):
    size = len(keras.tree.flatten(x)[0]) // parts
    some = (slice(i * size, (i + 1) * size) for i in range(parts))
    return np.array([eager(model, rows(x, s), rows(y, s), weights=weights)[1] for s in some])


@pytest.mark.broad(slow=2)
@pytest.mark.parametrize("parts", [2, pytest.param(4, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "name",
    ["batch normalization", *(pytest.param(n, marks=pytest.mark.slow) for n in ("LSTM", "embedding", "dropout"))],
)
def test_the_variance_is_that_between_the_gradients_of_the_parts(float64, in_graphs, name, parts):
    model, x, y = MODELS[name]()
    g = gradients(model, x, y, parts)
    found = monitors.gradient_noise(model, x, y, parts=parts)
    variance = g.var(axis=0, ddof=1).sum()  # of the mean of 12 / parts examples
    assert found.trace == pytest.approx(12 / parts * variance, rel=1e-9)
    assert found.squared_norm == pytest.approx(np.sum(g.mean(axis=0) ** 2) - variance / parts, rel=1e-9)


@pytest.mark.slow
def test_with_one_example_a_part_it_is_the_covariance_of_their_gradients(float64):
    model, x, y = MODELS["dense"]()
    g = gradients(model, x, y, 12)
    found = monitors.gradient_noise(model, x, y, parts=12)
    trace = np.trace(np.cov(g.T))
    assert found.trace == pytest.approx(trace, rel=1e-10)
    assert found.squared_norm == pytest.approx(np.sum(g.mean(axis=0) ** 2) - trace / 12, rel=1e-10)
    assert found.scale == pytest.approx(found.trace / found.squared_norm)
    assert found.standard_error(12) == pytest.approx(np.sqrt(trace / 12 / found.squared_norm))


@pytest.mark.slow
def test_examples_that_cannot_be_shared_out_are_left_out(float64):
    model, x, y = MODELS["dense"]()
    assert monitors.gradient_noise(model, x, y, parts=5) == monitors.gradient_noise(model, x[:10], y[:10], parts=5)


def test_with_a_step_it_is_the_mean_over_both_ends(float64):
    model, x, y = MODELS["dense"]()
    probe = ProbeEvaluator(model, x, y, monitors=[GradientNoiseMonitor()], parts=2)
    before, _ = moved(model, 1.0)
    found = probe.evaluate(probe.objective.tensors(before))["gradient_noise"]
    ends = [gradients(model, x, y, 2, weights).var(axis=0, ddof=1).sum() * 6 for weights in (before, None)]
    assert found.trace == pytest.approx(np.mean(ends), rel=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("parts", [8, pytest.param(2, marks=pytest.mark.slow)])
def test_a_model_on_gaussian_data_has_the_noise_scale_that_is_known(parts):
    """At w = 0 the gradient of mean (w - y)^2 is -2 y / D: with D = 10^4 one look is as good as many."""
    d = 10_000
    y = RNG.normal(0.01, np.sqrt(100 / d), size=(512, d)).astype("float32")
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(d, use_bias=False, kernel_initializer="zeros")])
    model.compile(loss="mse")
    found = monitors.gradient_noise(model, np.ones((512, 1), "float32"), y, parts=parts)
    assert found.trace == pytest.approx(4 / d**2 * 100, rel=4 * np.sqrt(2 / d / (parts - 1)))
    assert found.scale == pytest.approx(100, rel=0.04)


def test_a_gradient_that_is_lost_in_its_noise_is_said_to_be():
    found = GradientNoise(trace=1.0, squared_norm=-0.1)
    assert found.scale == found.standard_error(64) == float("inf")


def test_one_part_is_refused():
    model, x, y = MODELS["dense"]()
    with pytest.raises(ValueError, match=r"`parts` is .* at least 2\. Received: parts=1\."):
        monitors.gradient_noise(model, SIX, Y, parts=1)
    with pytest.raises(ValueError, match=r"Received: a probe with fewer examples \(12\) than parts"):
        monitors.gradient_noise(model, x, y, parts=13)
