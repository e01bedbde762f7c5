"""Entries that are masked do not count, and a batch without any that counts changes nothing."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8.layers import BatchNormalization

RNG = np.random.default_rng(0)
DELTA = 1e-3


def inference(x, mean, variance):
    return (x - mean) / np.sqrt(variance + DELTA)


@pytest.mark.parametrize("statistics", ["moving", "cumulative"])
def test_masked_entries_do_not_count(statistics):
    x, mask = RNG.normal(2, 3, (6, 5, 4)).astype("float32"), RNG.uniform(size=(6, 5)) < 0.5
    layer = BatchNormalization(momentum=0.0, statistics=statistics)
    y = layer(x, training=True, mask=mask)
    seen = x[mask].astype("float64")
    np.testing.assert_allclose(layer.moving_mean, seen.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, seen.var(axis=0), rtol=1e-5)
    np.testing.assert_allclose(y, inference(x, seen.mean(axis=0), seen.var(axis=0)), atol=1e-5)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("jit", [False, True], ids=["graph", "xla"])
@pytest.mark.parametrize("statistics", ["moving", "cumulative"])
def test_a_batch_that_is_all_masked_leaves_the_statistics_alone(statistics, jit):
    layer = BatchNormalization(statistics=statistics)
    x = RNG.normal(2, 3, (6, 5, 4)).astype("float32")
    run = tf.function(lambda x, mask: layer(x, training=True, mask=mask), jit_compile=jit)
    run(x, np.ones((6, 5), bool))
    before = [v.numpy() for v in layer.variables]
    y = run(100 * x, np.zeros((6, 5), bool))
    for old, new in zip(before, layer.variables, strict=True):
        np.testing.assert_array_equal(old, new)
    np.testing.assert_allclose(y, layer(100 * x), rtol=1e-5, atol=1e-5)


def test_the_gradient_of_a_batch_that_is_all_masked_is_that_of_inference():
    layer, x = BatchNormalization(), tf.constant(RNG.normal(2, 3, (6, 5, 4)).astype("float32"))
    layer(x, training=True)

    def gradient(**options):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.sin(layer(x, **options)))
        return tape.gradient(loss, x)

    found = gradient(training=True, mask=np.zeros((6, 5), bool))
    np.testing.assert_allclose(found, gradient(), rtol=1e-4, atol=1e-6)


def test_a_mask_of_keras_arrives():
    x = np.array([[[1.0], [2.0], [0.0]], [[3.0], [0.0], [0.0]]], "float32")
    layer = BatchNormalization(momentum=0.0)
    model = keras.Sequential([keras.Input((3, 1)), keras.layers.Masking(), layer])
    model(x, training=True)
    assert float(layer.moving_mean.numpy()[0]) == pytest.approx(2)
    assert float(layer.moving_variance.numpy()[0]) == pytest.approx(2 / 3)
