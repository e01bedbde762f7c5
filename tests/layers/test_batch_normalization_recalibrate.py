"""Statistics estimated anew are those of all entries of the batches as one set, and nothing else changes."""

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
def test_the_statistics_are_those_of_the_batches_as_one_set(norm):
    model = network(norm)
    recalibrate(model, data(), batches=3)
    given = np.array([model.layers[0](X[8 * i : 8 * i + 8]) for i in range(3)], "float64")
    first = model.layers[1]
    np.testing.assert_allclose(first.moving_mean, given.reshape(-1, 4).mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(first.moving_variance, given.reshape(-1, 4).var(axis=0), rtol=1e-5)


@pytest.mark.broad(slow=5)
@EACH
@pytest.mark.parametrize("batch", [1, 7, 8, 32])
def test_over_the_whole_data_they_are_those_of_the_data_whatever_the_batches(norm, batch):
    model = keras.Sequential([keras.Input((5,)), norm()])
    recalibrate(model, tf.data.Dataset.from_tensor_slices(X).batch(batch), batches=-(-len(X) // batch))
    np.testing.assert_allclose(model.layers[0].moving_mean, X.mean(axis=0, dtype="float64"), rtol=1e-6)
    np.testing.assert_allclose(model.layers[0].moving_variance, X.var(axis=0, dtype="float64"), rtol=1e-6)


@EITHER
def test_batches_count_by_their_entries_also_in_sequences_of_several_lengths(norm):
    parts = [RNG.normal(m, 1 + m, (n, steps, 2)).astype("float32") for m, n, steps in ((0, 4, 3), (1, 2, 7), (5, 1, 1))]
    signature = tf.TensorSpec((None, None, 2), "float32")
    model = keras.Sequential([keras.Input((None, 2)), norm()])
    recalibrate(model, tf.data.Dataset.from_generator(lambda: parts, output_signature=signature), batches=3)
    entries = np.concatenate([part.reshape(-1, 2) for part in parts]).astype("float64")
    np.testing.assert_allclose(model.layers[0].moving_mean, entries.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(model.layers[0].moving_variance, entries.var(axis=0), rtol=1e-5)


@EITHER
def test_masked_entries_do_not_count_and_a_large_mean_leaves_nothing_to_cancel(norm):
    rows = RNG.normal(1000, 0.5, (8, 6, 2)).astype("float32")
    rows[:3, 2:] = rows[4, 5:] = 0
    model = keras.Sequential([keras.Input((6, 2)), layers.Masking(), norm()])
    recalibrate(model, tf.data.Dataset.from_tensor_slices(rows).batch(4), batches=2)
    entries = rows[rows.any(axis=-1)].astype("float64")
    np.testing.assert_allclose(model.layers[1].moving_mean, entries.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(model.layers[1].moving_variance, entries.var(axis=0), rtol=1e-3)


def test_a_channel_axis_that_is_not_the_last_is_counted_right():
    x = np.concatenate([RNG.normal(0, 1, (6, 3, 4)), RNG.normal(4, 2, (2, 3, 4))]).astype("float32")
    model = keras.Sequential([keras.Input((3, 4)), BatchNormalization(axis=1)])
    recalibrate(model, tf.data.Dataset.from_tensor_slices(x).batch(6), batches=2)
    np.testing.assert_allclose(model.layers[0].moving_variance, x.var(axis=(0, 2), dtype="float64"), rtol=1e-6)


def test_layers_are_called_as_before_in_the_end():
    model = network(BatchNormalization)
    theirs = model.layers[1].call

    def mine(*args, **kw):
        raise ZeroDivisionError

    model.layers[5].call = mine
    with pytest.raises(ZeroDivisionError):
        recalibrate(model, X, batches=1)
    assert model.layers[5].call is mine
    assert model.layers[1].call == theirs


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


@EITHER
def test_frozen_layers_keep_theirs(norm):
    model = network(norm)
    model.layers[1].trainable = False
    before = model.layers[1].get_weights()
    recalibrate(model, X, batches=2)
    for old, new in zip(before, model.layers[1].get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.slow
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
    with pytest.raises(ValueError, match=r"needs a model with batch normalization.*Build it"):
        recalibrate(model, X)
    with pytest.raises(ValueError, match="batches=0"):
        recalibrate(network(BatchNormalization), X, batches=0)
