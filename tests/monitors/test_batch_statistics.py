"""Statistics of a batch beside the moving ones, in NumPy."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_ch8 import monitors
from keras_ch8.monitors._batch_statistics import BatchStatistics
from keras_ch8.monitors.measurement_log import Rows
from tests.curvature.models import IMAGES, SIX, Y, sequential
from tests.monitors.logs import AT_REST, check, level, log_of, losses, said, statistics
from tests.monitors.reference import restored

RNG = np.random.default_rng(8)
CLOSE = {"rtol": 1e-5}  # the gaps are float32


def rms(a):
    return np.sqrt(np.mean(np.square(a)))


def gaps(layer, given):
    """Return mean gap, scale gap and collapsed share of one layer from what it is given, channels last."""
    given = given.reshape(-1, given.shape[-1])
    sigma, moving = (np.sqrt(v + layer.epsilon) for v in (given.var(axis=0), layer.moving_variance.numpy()))
    gamma = np.abs(layer.gamma.numpy()) if layer.scale else np.ones(given.shape[-1])
    return (
        rms((given.mean(axis=0) - layer.moving_mean.numpy()) / sigma),
        rms(np.log(moving / sigma)),
        np.mean(gamma < 0.01 * gamma.max()),
    )


def test_dense_and_convolution(float64):
    norms = layers.BatchNormalization(name="first"), layers.BatchNormalization(scale=False, name="second")
    model, x, y = sequential(IMAGES, layers.Conv2D(3, 3), norms[0], layers.Flatten(), layers.Dense(5), norms[1])
    for norm in norms:
        norm.moving_mean.assign(RNG.normal(size=norm.moving_mean.shape))
        norm.moving_variance.assign(RNG.uniform(0.5, 2, norm.moving_variance.shape))
    norms[0].gamma.assign([1.0, 1e-3, -2.0])
    found = monitors.batch_statistics(model, x, y)
    conv = model.layers[0](x).numpy()
    with restored(model):
        dense = model.layers[3](model.layers[2](norms[0](conv, training=True))).numpy()
    expected = np.array([gaps(norms[0], conv), gaps(norms[1], dense)])
    assert found.names == ("first", "second")
    assert expected[:, 2].tolist() == pytest.approx([1 / 3, 0])
    np.testing.assert_allclose(np.stack([found.mean_gap, found.scale_gap, found.collapsed], axis=1), expected, **CLOSE)
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
    np.testing.assert_allclose([found.mean_gap[0], found.scale_gap[0], found.collapsed[0]], expected, **CLOSE)
    assert found.training_loss == pytest.approx(np.mean((model(x, training=True).numpy() - y) ** 2), rel=1e-6)


@pytest.mark.slow
def test_channels_first(float64):
    model, x, y = sequential(IMAGES, layers.BatchNormalization(axis=1), layers.Flatten())
    norm = model.layers[0]
    norm.moving_mean.assign(RNG.normal(size=6))
    expected = gaps(norm, np.moveaxis(IMAGES, 1, -1))
    found = monitors.batch_statistics(model, x, y)
    np.testing.assert_allclose([found.mean_gap[0], found.scale_gap[0], found.collapsed[0]], expected, **CLOSE)


def test_a_model_without_is_refused():
    model = keras.Sequential([keras.Input((6,)), layers.LayerNormalization(), layers.Dense(2)])
    model.compile(loss="mse")
    with pytest.raises(ValueError, match=r"`batch_statistics` compares .* which has no such layer\. Add one"):
        monitors.batch_statistics(model, SIX, Y)


def level_of_length(log, total):
    log.total = total
    return level("batch_statistics", log, "batch_norm_gap")


def test_moving_statistics_and_what_they_cost():
    def off(gap, ratio):
        means, scales = np.array([0.0, gap]), np.zeros(2)
        found = [
            level("batch_statistics", log_of(losses(), batch_statistics=BatchStatistics(
                ("a", "b"), *pair, np.zeros(2), training_loss=2.0, inference_loss=2 * ratio)), "batch_norm_gap")
            for pair in ((means, scales), (scales, means))
        ]  # fmt: skip
        assert found[0] == found[1]
        return found[0]

    check([(0.29, 9.0, "ok"), (0.31, 1.09, "ok"), (0.31, 1.11, "watch"), (0.31, 1.14, "watch"), (0.31, 1.16, "act"),
           (0.99, 1.0, "ok"), (1.01, 1.0, "watch"), (1.99, 1.0, "watch"), (2.01, 1.0, "act")], off)  # fmt: skip


@pytest.mark.parametrize("training", [0.0, -1.0])
def test_statistics_where_the_loss_is_not_above_0_count_by_their_gap(training):
    for gap, expected in ((0.5, "ok"), (1.5, "watch")):
        log = log_of(losses(), batch_statistics=statistics(gap, training, 9.0))
        assert level("batch_statistics", log, "batch_norm_gap") == expected


@pytest.mark.parametrize(
    "total, gap, inference, proven", [(900, 1.5, 5.0, True), (1000, 1.5, 5.0, False), (900, 1.5, 1.5, False)]
)
def test_the_statistics_that_a_training_ends_with_are_those_of_inference(total, gap, inference, proven):
    one = np.array([gap])
    seen = BatchStatistics(("norm",), one, one, np.zeros(1), training_loss=1.0, inference_loss=inference)
    log = log_of(AT_REST, batch_statistics=seen)
    log.total = total
    claim = said("batch_statistics", log, "batch_norm_gap")
    assert (claim.level, claim.proven) == ("act", proven)


@pytest.mark.parametrize(
    "batches, gap, of_epoch, expected",
    [
        (0.1, 0.5, 500, "act"),
        (0.25, 0.5, 500, "watch"),
        (0.45, 0.5, 500, "ok"),  # the probe is about as well off as other new examples
        (0.1, 0.1, 500, "ok"),  # the statistics agree
        (0.1, 0.5, 50, "ok"),  # the minibatches have been seen before: they may be known by heart
    ],
)
def test_minibatches_that_are_learned_before_they_were_seen_and_a_probe_that_is_not_differ(
    batches, gap, of_epoch, expected
):
    one = np.array([gap])
    seen = BatchStatistics(("norm",), one, one, np.zeros(1), training_loss=0.7, inference_loss=0.7)
    log = log_of(AT_REST, batch_statistics=seen)
    log.rows, log.total = Rows(), 900
    log.add_rows(Rows(np.arange(1, 901), np.ones(900), np.full(900, batches)))
    log.add_epoch({"loss": batches}, np.full(of_epoch, batches))
    assert said("batch_statistics", log, "batch_norm_gap").level == expected


def test_moving_statistics_are_not_expected_to_have_caught_up_in_the_first_quarter():
    off = BatchStatistics(("a",), np.ones(1), np.zeros(1), np.zeros(1), training_loss=1.0, inference_loss=2.0)
    log = log_of(losses(), batch_statistics=off)
    assert [level_of_length(log, total) for total in (0, 900, 3500, 3700)] == ["act", "act", "act", "ok"]
