"""Norms, cliffs and the first pass beside NumPy and plain loops."""

import dataclasses

import keras
import numpy as np
import pytest

from keras_ch8 import monitors
from keras_ch8.monitors.base import chosen
from keras_ch8.monitors.outputs import heads_of
from keras_ch8.verdicts.chance import chance_losses
from tests.curvature.models import MODELS
from tests.monitors.reference import eager, flat, weights_of

RNG = np.random.default_rng(5)


@pytest.mark.parametrize("name", ["dense", pytest.param("regularization, add_loss", marks=pytest.mark.slow)])
def test_norms_and_loss(float64, in_graphs, name):
    model, x, y = MODELS[name]()
    loss, g = eager(model, x, y)
    found = monitors.gradient_norm(model, x, y)
    norm, size = np.linalg.norm(g), np.linalg.norm(flat(weights_of(model)))
    assert (found.norm, found.weight_norm, found.loss) == pytest.approx((norm, size, loss), rel=1e-10)
    assert found.elasticity == pytest.approx(norm * size / loss, rel=1e-10)


def test_the_ratio_is_to_the_median_of_the_100_steps_before():
    norms = RNG.lognormal(size=400)
    norms[150], norms[250:252] = 60.0, 80.0
    found = monitors.cliff(norms)
    largest = 0.0
    for i in range(20, 400):
        usual = np.median(norms[max(0, i - 100) : i])
        largest = max(largest, 3 * usual)
        assert found.ratio[i - 20] == pytest.approx(norms[i] / usual)
        assert found.rise[i - 20] == pytest.approx(norms[i] / largest)
    assert found.steps.tolist() == [*range(21, 401)]
    assert found.largest == found.ratio.max()


def test_spikes_of_one_leap_count_once_and_by_the_number_of_the_first_step():
    norms = np.ones(60)
    norms[[30, 31, 49, 50, 58]] = 20.0
    assert monitors.cliff(norms).spikes().tolist() == [31, 51]
    assert monitors.cliff(norms, steps=np.arange(1001, 1061)).spikes().tolist() == [1031, 1051]


def test_a_gradient_that_shrinks_and_varies_is_no_cliff():
    norms = 0.97 ** np.arange(200.0)
    norms[150] *= 50  # far above its time, far below what was usual once
    found = monitors.cliff(norms)
    assert found.largest > 10
    assert found.spikes().tolist() == []


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_norm_that_is_no_number_is_a_spike(value):
    norms = np.ones(50)
    norms[40] = value
    found = monitors.cliff(norms)
    assert found.spikes().tolist() == [41]
    assert found.largest == np.inf
    assert np.isfinite(np.delete(found.ratio, 20)).all()


def test_after_zeros_the_first_gradient_is_a_spike():
    norms = np.zeros(50)
    norms[30] = 1e-3
    assert monitors.cliff(norms).spikes().tolist() == [31]


@pytest.mark.parametrize("checks", ["everything", ["clif"], 3, None, [object]])
def test_checks_that_there_are_not_are_named_with_those_that_there_are(checks):
    with pytest.raises(ValueError, match=r"`checks` is 'cheap', 'standard' or 'full', or a list.*cliff.*Received: "):
        chosen(checks)


@pytest.mark.parametrize(
    "loss", ["mse", "sparse_categorical_crossentropy", "logits", "smoothed", "places", "huber", "masked"]
)
def test_the_losses_of_single_examples_are_those_of_the_loss(loss):
    """Their spread is that of their difference from the constant, and the same by one example after the other."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    labels, x = rng.integers(0, 3, 11), rng.normal(size=(11, 4, 2)).astype("float32")
    layers, given, y = [keras.layers.Flatten(), keras.layers.Dense(3, "softmax", kernel_regularizer="l2")], loss, labels
    match loss:
        case "mse" | "huber":
            layers, y = [*layers[:1], keras.layers.Dense(1)], rng.normal(size=11)
        case "logits":
            layers = [keras.layers.Flatten(), keras.layers.Dense(3)]
            given = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        case "smoothed":
            given, y = keras.losses.CategoricalCrossentropy(label_smoothing=0.2), np.eye(3)[labels]
        case "places" | "masked":
            layers, given = [keras.layers.Dense(3, "softmax")], "sparse_categorical_crossentropy"
            layers = [keras.layers.Masking(x[0, 0, 0])] * (loss == "masked") + layers
            y = rng.integers(0, 3, (11, 4))
            x[:, 0] = x[0, 0, 0]
    model = keras.Sequential([keras.Input((4, 2)), *layers])
    model.compile("sgd", given, loss_weights=[2.0])
    found = monitors.gradient_norm(model, x, y)
    if loss in ("huber", "masked"):
        assert np.isnan(found.spread)
        return
    each = np.array([model.evaluate(x[i : i + 1], y[i : i + 1], verbose=0) for i in range(11)]) - found.penalty
    (head,) = heads_of(model)
    output = dataclasses.replace(head.output, axes=len(model.outputs[0].shape))
    assert found.examples == 11
    assert found.spread == pytest.approx(np.std(each - 2 * chance_losses(output, y)), rel=1e-4)
