"""Weights go from Keras's batch normalization to ours and back; what is more in ours goes with a `.keras` file."""

import copy

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_ch8.layers import BatchNormalization

X = np.random.default_rng(0).normal(2, 3, (64, 4)).astype("float32")
Y = X[:, :1] ** 2 / 9
MAKERS = {"ours": BatchNormalization, "Keras's": layers.BatchNormalization}
CLOSE = {"rtol": 1e-5, "atol": 1e-6}


def network(norm, steps=0, **options):
    """Return a compiled model that was trained for so many steps."""
    keras.utils.set_random_seed(0)
    inner = [layers.Dense(3, name="first"), norm(name="norm", **options)]
    model = keras.Sequential([keras.Input((4,)), *inner, layers.Dense(1, name="last")], name="model")
    model.compile(keras.optimizers.SGD(0.05, momentum=0.5), "mse")
    model.optimizer.build(model.trainable_variables)
    return trained(model, steps)


def trained(model, steps):
    for step in range(steps):
        rows = slice(8 * (step % 8), 8 * (step % 8) + 8)
        model.train_on_batch(X[rows], Y[rows])
    return model


def by_set_weights(model, other, folder):
    other.set_weights(model.get_weights())


def by_layer(model, other, folder):
    for layer, its in zip(other.layers, model.layers, strict=True):
        layer.set_weights(its.get_weights())


def by_h5(model, other, folder):
    model.save_weights(folder / "w.weights.h5")
    other.load_weights(folder / "w.weights.h5")


def by_keras_file(model, other, folder):
    model.save(folder / "w.keras")
    other.load_weights(folder / "w.keras")


def by_sharded_files(model, other, folder):
    model.save_weights(folder / "w.weights.json", max_shard_size=1)
    other.load_weights(folder / "w.weights.json")


ROUTES = pytest.mark.parametrize("move", [by_set_weights, by_layer, by_h5, by_keras_file, by_sharded_files])


@pytest.mark.broad
@ROUTES
@pytest.mark.parametrize("steps", [0, 3], ids=["start", "trained"])
@pytest.mark.parametrize("start, end", [("ours", "Keras's"), ("Keras's", "ours")])
def test_weights_move_both_ways_and_predict_the_same(tmp_path, move, start, end, steps):
    model, other = network(MAKERS[start], steps), network(MAKERS[end])
    move(model, other, tmp_path)
    assert [v.name for v in other.weights] == [v.name for v in model.weights]
    for old, new in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    np.testing.assert_allclose(other.predict(X, verbose=0), model.predict(X, verbose=0), **CLOSE)


@pytest.mark.slow
@pytest.mark.broad
@ROUTES
@pytest.mark.parametrize("before", [0, 2], ids=["fresh", "trained"])
def test_weights_of_keras_train_on_as_in_keras(tmp_path, move, before):
    """They count as full averages, also in a model that has seen two batches only: rate 1 - momentum."""
    theirs, ours = network(layers.BatchNormalization, 5), network(BatchNormalization, before)
    move(theirs, ours, tmp_path)
    for model in (ours, theirs):
        model.compile(keras.optimizers.SGD(0.05), "mse")
        trained(model, 3)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.broad
@ROUTES
def test_weights_that_were_never_trained_are_corrected_for_their_start(tmp_path, move):
    """Of Keras's model, and of the start of the same one: after one batch the statistics are those of that batch."""
    fresh, expected = network(layers.BatchNormalization), network(BatchNormalization, 1)
    for model in (network(BatchNormalization), network(BatchNormalization, 4)):
        move(fresh, model, tmp_path)
        model.compile(keras.optimizers.SGD(0.05), "mse")
        trained(model, 1)
        for one, other in zip(model.get_weights(), expected.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_cumulative_statistics_from_outside_count_as_those_of_the_memory():
    layer = BatchNormalization(statistics="cumulative", momentum=0.75, dtype="float64")
    layer.build((None, 4))
    layer.set_weights([np.ones(4), np.zeros(4), np.ones(4), np.ones(4)])
    layer(X, training=True)
    np.testing.assert_allclose(layer.moving_mean, (4 + X.mean(axis=0, dtype="float64")) / 5, rtol=1e-12)


def test_a_part_of_the_statistics_that_is_assigned_counts_too():
    layer = BatchNormalization(momentum=0.5, dtype="float64")
    layer.build((None, 4))
    layer.moving_mean.assign_add(np.full(4, 6.0))
    layer(X, training=True)
    np.testing.assert_allclose(layer.moving_mean, 3 + X.mean(axis=0, dtype="float64") / 2, rtol=1e-12)


def test_weights_that_do_not_fit_are_refused(tmp_path):
    network(lambda name: BatchNormalization(name=name, scale=False)).save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(ValueError, match=r"has 4 weights: gamma, beta.* Received: a file with 3"):
        network(BatchNormalization).load_weights(tmp_path / "w.weights.h5")


# --- trainings that go on ------------------------------------------------------------------------------------------


def by_saved_model(model, folder):
    model.save(folder / "m.keras")
    return keras.models.load_model(folder / "m.keras")


def by_folder(model, folder):
    keras.saving.save_model(model, folder / "m", zipped=False)
    return keras.models.load_model(folder / "m")


def by_copy(model, folder):
    return copy.deepcopy(model)


def with_state_of(model):
    other = network(type(model.get_layer("norm")), statistics=model.get_layer("norm").statistics)
    for variable, value in zip(other.optimizer.variables, model.optimizer.variables, strict=True):
        variable.assign(value.numpy())
    return other


def by_all_variables(model, folder):
    other = with_state_of(model)
    for variable, value in zip(other.variables, model.variables, strict=True):
        variable.assign(value.numpy())
    return other


def by_state_tree(model, folder):
    """The route of `keras.callbacks.OrbaxCheckpoint`."""
    other = with_state_of(model)
    other.set_state_tree({k: v for k, v in model.get_state_tree().items() if k.endswith("trainable_variables")})
    return other


def by_checkpoint_of_tensorflow(model, folder):
    other = with_state_of(model)
    path = tf.train.Checkpoint(model=model).save(folder / "checkpoint")
    tf.train.Checkpoint(model=other).restore(path)
    return other


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("statistics", ["moving", "cumulative"])
@pytest.mark.parametrize(
    "resume", [by_saved_model, by_folder, by_copy, by_all_variables, by_state_tree, by_checkpoint_of_tensorflow]
)
def test_a_training_goes_on_bit_for_bit(tmp_path, resume, statistics):
    model = network(BatchNormalization, 3, statistics=statistics)
    other = resume(model, tmp_path)
    for went_on in (model, other):
        trained(went_on, 3)
    for one, two in zip(model.variables, other.variables, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.slow
def test_a_clone_begins_anew():
    model = network(BatchNormalization, 3)
    clone = keras.models.clone_model(model)
    assert clone.get_layer("norm").variables[-1] == 0
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone(X), model(X))


@pytest.mark.slow
def test_an_exported_model_predicts_the_same(tmp_path):
    model = network(BatchNormalization, 3)
    model.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served")
    np.testing.assert_allclose(served.serve(X), model(X), **CLOSE)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize`")  # Keras's own, up to 3.15
@pytest.mark.filterwarnings("ignore:.*layer.* were skipped because they do not support quantization")  # from 3.16 on
def test_quantization_leaves_the_statistics_alone():
    model = network(BatchNormalization, 3)
    before = [v.numpy() for v in model.get_layer("norm").variables]
    model.quantize("int8")
    for old, new in zip(before, model.get_layer("norm").variables, strict=True):
        np.testing.assert_array_equal(old, new)
    assert np.abs(model.predict(X, verbose=0) - network(BatchNormalization, 3).predict(X, verbose=0)).max() < 0.1
