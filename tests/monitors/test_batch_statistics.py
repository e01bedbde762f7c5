"""Statistics of a batch beside the moving ones, in NumPy."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_ch8 import monitors
from keras_ch8.monitors._batch_statistics import BatchStatistics
from tests.curvature.models import IMAGES, SIX, Y, sequential
from tests.monitors.logs import level, log_of, losses
from tests.monitors.reference import restored

RNG = np.random.default_rng(8)
CLOSE = {"rtol": 1e-5}  # the gaps are float32


def rms(a):
    return np.sqrt(np.mean(np.square(a)))


def gaps(layer, given):
    """Return mean gap and scale gap of one layer from what it is given, channels last."""
    given = given.reshape(-1, given.shape[-1])
    sigma, moving = (np.sqrt(v + layer.epsilon) for v in (given.var(axis=0), layer.moving_variance.numpy()))
    return (
        rms((given.mean(axis=0) - layer.moving_mean.numpy()) / sigma),
        rms(np.log(moving / sigma)),
    )


def test_dense_and_convolution(float64):
    norms = layers.BatchNormalization(name="first"), layers.BatchNormalization(scale=False, name="second")
    model, x, y = sequential(IMAGES, layers.Conv2D(3, 3), norms[0], layers.Flatten(), layers.Dense(5), norms[1])
    for norm in norms:
        norm.moving_mean.assign(RNG.normal(size=norm.moving_mean.shape))
        norm.moving_variance.assign(RNG.uniform(0.5, 2, norm.moving_variance.shape))
    found = monitors.batch_statistics(model, x, y)
    conv = model.layers[0](x).numpy()
    with restored(model):
        dense = model.layers[3](model.layers[2](norms[0](conv, training=True))).numpy()
    expected = np.array([gaps(norms[0], conv), gaps(norms[1], dense)])
    assert found.names == ("first", "second")
    np.testing.assert_allclose(np.stack([found.mean_gap, found.scale_gap], axis=1), expected, **CLOSE)
    assert found.gap == max(*found.mean_gap, *found.scale_gap)


def test_both_losses(float64, in_graphs):
    model, x, y = sequential(SIX, layers.Dense(4), layers.BatchNormalization(), layers.Activation("tanh"))
    norm = model.layers[1]
    norm.moving_mean.assign(RNG.normal(size=4))
    moving = norm.moving_mean.numpy()
    found = monitors.batch_statistics(model, x, y)
    assert found.inference_loss == pytest.approx(np.mean((model(x, training=False).numpy() - y) ** 2), rel=1e-6)
    assert (norm.moving_mean.numpy() == moving).all()
    given = model.layers[0](x).numpy()
    expected = gaps(norm, given)
    np.testing.assert_allclose([found.mean_gap[0], found.scale_gap[0]], expected, **CLOSE)
    assert found.training_loss == pytest.approx(np.mean((model(x, training=True).numpy() - y) ** 2), rel=1e-6)


@pytest.mark.slow
def test_channels_first(float64):
    model, x, y = sequential(IMAGES, layers.BatchNormalization(axis=1), layers.Flatten())
    norm = model.layers[0]
    norm.moving_mean.assign(RNG.normal(size=6))
    expected = gaps(norm, np.moveaxis(IMAGES, 1, -1))
    found = monitors.batch_statistics(model, x, y)
    np.testing.assert_allclose([found.mean_gap[0], found.scale_gap[0]], expected, **CLOSE)


def test_a_model_without_is_refused():
    model = keras.Sequential([keras.Input((6,)), layers.LayerNormalization(), layers.Dense(2)])
    model.compile(loss="mse")
    with pytest.raises(ValueError, match=r"`batch_statistics` compares .* which has no such layer\. Add one"):
        monitors.batch_statistics(model, SIX, Y)


@pytest.mark.parametrize("is_scale", [False, True])
@pytest.mark.parametrize(
    "gap, training, inference, total, expected",
    [
        (0.299, 2.0, 18.0, 1000, "ok"),
        (0.301, 2.0, 2.51, 1000, "ok"),  # 0.13 of the loss of a constant are 0.52
        (0.301, 2.0, 2.53, 1000, "watch"),
        (0.301, 2.0, 3.01, 1000, "act"),
        (9.0, 0.01, 0.05, 1000, "ok"),  # five times a loss that is next to nothing
        (9.0, -1.0, 9.0, 1000, "act"),
        (9.0, 1.0, 9.0, 1285, "act"),
        (9.0, 1.0, 9.0, 1286, "ok"),  # before the last third they may still catch up
        (9.0, 1.0, 9.0, 0, "act"),  # how long that is may be unknown
    ],
)
def test_moving_statistics_and_what_they_cost(is_scale, gap, training, inference, total, expected):
    pair = np.array([0.0, gap]), np.zeros(2)
    seen = BatchStatistics(("a", "b"), *(pair[::-1] if is_scale else pair), training, inference)
    log = log_of(losses(), batch_statistics=seen)
    log.total, log.chance = total, 4.0
    assert level("batch_statistics", log, "batch_norm_gap") == expected
