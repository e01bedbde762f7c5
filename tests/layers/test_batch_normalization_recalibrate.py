"""Statistics estimated anew are the mean over the batches, and nothing else changes."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_ch8.layers import BatchNormalization, recalibrate

RNG = np.random.default_rng(0)
X = RNG.normal(2, 3, (32, 5)).astype("float32")
MAKERS = {
    "ours": BatchNormalization,
    "cumulative": lambda: BatchNormalization(statistics="cumulative"),
    "Keras's": layers.BatchNormalization,
}
EACH = pytest.mark.parametrize("norm", MAKERS.values(), ids=MAKERS)
EITHER = pytest.mark.parametrize("norm", [MAKERS["ours"], MAKERS["Keras's"]], ids=["ours", "Keras's"])


def network(norm):
    hidden = [layers.Dense(4), norm(), layers.Activation("tanh"), layers.Dropout(0.3, seed=1), layers.Dense(3), norm()]
    model = keras.Sequential([keras.Input((5,)), *hidden])
    model(X[:8], training=True)
    return model


def data():
    return tf.data.Dataset.from_tensor_slices(X).batch(8)


@EACH
def test_the_statistics_are_the_mean_over_the_batches(norm):
    model = network(norm)
    recalibrate(model, data(), batches=3)
    given = np.array([model.layers[0](X[8 * i : 8 * i + 8]) for i in range(3)], "float64")
    first = model.layers[1]
    np.testing.assert_allclose(first.moving_mean, given.mean(axis=1).mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(first.moving_variance, given.var(axis=1).mean(axis=0), rtol=1e-5)


@EITHER
def test_all_else_is_as_it_was(norm):
    model = network(norm)
    before = {v.path: v.numpy() for v in model.variables}
    recalibrate(model, X, batches=3, batch_size=8)
    moved = {v.path.split("/")[-1] for v in model.variables if (v.numpy() != before[v.path]).any()}
    assert moved >= {"moving_mean", "moving_variance"}
    assert moved <= {"moving_mean", "moving_variance", "batches"}
    assert model.layers[1].momentum == 0.99


@pytest.mark.parametrize("kind", ["moving", "cumulative"])
def test_the_statistics_count_as_those_of_their_batches(kind):
    model = network(lambda: BatchNormalization(statistics=kind))
    recalibrate(model, X, batches=3, batch_size=8)
    assert model.layers[1].variables[-1] == 3


def test_masked_batches_do_not_count():
    rows = np.zeros((4, 6, 2), "float32")
    rows[2:] = RNG.normal(3, 1, (2, 6, 2))
    norm = BatchNormalization()
    model = keras.Sequential([keras.Input((6, 2)), layers.Masking(), norm])
    recalibrate(model, tf.data.Dataset.from_tensor_slices(rows).batch(2), batches=2)
    np.testing.assert_allclose(norm.moving_mean, rows[2:].reshape(-1, 2).mean(axis=0), rtol=1e-6)


@EITHER
def test_frozen_layers_keep_theirs(norm):
    model = network(norm)
    model.layers[1].trainable = False
    before = model.layers[1].get_weights()
    recalibrate(model, X, batches=2)
    for old, new in zip(before, model.layers[1].get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@EITHER
def test_after_an_error_all_is_as_it_was(norm):
    model = network(norm)
    before = [v.numpy() for v in model.variables]
    batches = tf.data.Dataset.from_generator(
        lambda: (np.ones((2, n), "float32") for n in (5, 4)), output_signature=tf.TensorSpec((2, None), "float32")
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="size-incompatible"):
        recalibrate(model, batches, batches=2)
    for old, new in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(old, new)
    assert model.layers[1].momentum == 0.99


def test_models_without_are_refused():
    model = keras.Sequential([keras.Input((5,)), layers.LayerNormalization()])
    with pytest.raises(ValueError, match=r"for models with batch normalization.*Build it"):
        recalibrate(model, X)
    with pytest.raises(ValueError, match="batches=0"):
        recalibrate(network(BatchNormalization), X, batches=0)
