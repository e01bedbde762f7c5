"""What batch normalization remembers: the weight of the start values, files, momentum, cumulative statistics."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8.layers import BatchNormalization

RNG = np.random.default_rng(0)
DELTA = 1e-3


def batches(count, size=8):
    return [RNG.normal(2, 3, (size, 4)).astype("float32") for _ in range(count)]


def inference(x, mean, variance):
    return (x - mean) / np.sqrt(variance + DELTA)


# --- bias correction ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [(0.0, 1.0), (0.5, 3.0)], ids=["zeros, ones", "constants"])
@pytest.mark.parametrize("steps", [1, 2, 20])
def test_inference_uses_the_weighted_mean_of_what_was_seen(steps, start):
    """sum_i m^(t - i) (1 - m) mu_i / (1 - m^t): the start values are not in it."""
    mean, variance = (keras.initializers.Constant(value) for value in start)
    layer = BatchNormalization(
        momentum=0.9, moving_mean_initializer=mean, moving_variance_initializer=variance, dtype="float64"
    )
    seen = batches(steps)
    for x in seen:
        layer(x, training=True)
    weights = 0.1 * 0.9 ** np.arange(steps)[::-1]
    weights /= 1 - 0.9**steps
    mean, variance = (
        np.tensordot(weights, [f(x.astype("float64"), axis=0) for x in seen], 1) for f in (np.mean, np.var)
    )
    np.testing.assert_allclose(layer.inference_statistics("float64"), [mean, variance], rtol=1e-11)
    np.testing.assert_allclose(layer(seen[0]), inference(seen[0], mean, variance), rtol=1e-10)
    assert layer.get_weights()[-1] == pytest.approx(0.9**steps)


def test_before_the_first_step_nothing_is_corrected():
    layer = BatchNormalization()
    x = batches(1)[0]
    np.testing.assert_allclose(layer(x), inference(x, 0, 1), rtol=1e-5)
    layer.moving_mean.assign([1.0, 2.0, 3.0, 4.0])
    np.testing.assert_allclose(layer(x), inference(x, [1, 2, 3, 4], 1), rtol=1e-5, atol=1e-6)


def test_without_it_inference_is_that_of_keras():
    ours, theirs = BatchNormalization(bias_correction=False), keras.layers.BatchNormalization()
    for x in batches(3):
        ours(x, training=True), theirs(x, training=True)
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-5)
    assert np.abs(inference(x, x.mean(axis=0), x.var(axis=0)) - theirs(x)).max() > 1


def test_a_variance_that_was_always_0_does_not_become_negative():
    layer = BatchNormalization(momentum=0.999, epsilon=1e-30)
    for _ in range(3):
        layer(np.ones((4, 3)), training=True)
    _, variance = layer.inference_statistics()
    assert (variance.numpy() >= 0).all()
    assert np.isfinite(layer(np.ones((4, 3)))).all()


def test_weights_are_exchanged_with_keras():
    ours, theirs = BatchNormalization(), keras.layers.BatchNormalization()
    for x in batches(3):
        ours(x, training=True), theirs(x, training=True)
    other = BatchNormalization()
    other.build(x.shape)
    other.set_weights(theirs.get_weights())
    assert other.get_weights()[-1] == 0
    np.testing.assert_allclose(other(x), theirs(x), rtol=1e-5)
    back = keras.layers.BatchNormalization()
    back.build(x.shape)
    back.set_weights(ours.get_weights()[:4])
    np.testing.assert_allclose(back(x), theirs(x), rtol=1e-5)
    other.set_weights(ours.get_weights())
    np.testing.assert_array_equal(other(x), ours(x))


def test_small_variances_of_keras_are_taken_as_they_are():
    layer = BatchNormalization(epsilon=1e-12)
    layer.build((None, 1))
    layer.set_weights([np.ones(1), np.zeros(1), np.zeros(1), np.full(1, 1e-8)])
    np.testing.assert_allclose(layer.inference_statistics()[1], 1e-8, rtol=1e-6)


def network(norm):
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), norm, keras.layers.Dense(1)])


def test_a_file_of_weights_of_keras_is_loaded(tmp_path):
    theirs, ours = network(keras.layers.BatchNormalization(name="n")), network(BatchNormalization(name="n"))
    theirs.compile("sgd", "mse")
    x = batches(1)[0]
    theirs.fit(x, x[:, :1], verbose=0)
    theirs.save_weights(tmp_path / "them.weights.h5")
    ours.load_weights(tmp_path / "them.weights.h5")
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-5, atol=1e-6)
    ours.save_weights(tmp_path / "us.weights.h5")
    again = network(BatchNormalization(name="n"))
    again.load_weights(tmp_path / "us.weights.h5")
    np.testing.assert_array_equal(again(x), ours(x))


@pytest.mark.slow
def test_a_saved_model_goes_on_in_a_new_process(tmp_path):
    model, x = network(BatchNormalization(statistics="cumulative", axis=1)), batches(1)[0]
    model.compile("sgd", "mse")
    model.fit(x, x[:, :1], verbose=0)
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "x.npy", x)
    code = (
        "import numpy as np, keras, keras_ch8.layers\n"
        f"model = keras.models.load_model({str(tmp_path / 'model.keras')!r})\n"
        f"print(model(np.load({str(tmp_path / 'x.npy')!r})).numpy().tobytes().hex(), model.layers[1].statistics)"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == [model(x).numpy().tobytes().hex(), "cumulative"]


def test_the_arguments_survive_the_configuration():
    layer = BatchNormalization(
        axis=1, momentum=0.7, epsilon=1e-5, center=False, beta_regularizer="l2", gamma_constraint="non_neg",
        moving_mean_initializer="ones", synchronized=True, statistics="cumulative", bias_correction=False, name="n",
    )  # fmt: skip
    again = BatchNormalization.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert (again.momentum, again.gamma_constraint.__class__) == (0.7, keras.constraints.NonNeg)
    from_theirs = BatchNormalization.from_config(keras.layers.BatchNormalization(momentum=0.5).get_config())
    assert (from_theirs.momentum, from_theirs.statistics) == (0.5, "moving")


# --- cumulative statistics, momentum, frozen layers ----------------------------------------------------------------


def test_cumulative_statistics_are_the_mean_over_all_batches():
    layer, seen = BatchNormalization(statistics="cumulative", dtype="float64"), batches(5)
    for count, x in enumerate(seen, 1):
        layer(x, training=True)
        wide = np.array(seen[:count], "float64")
        np.testing.assert_allclose(layer.moving_mean, wide.mean(axis=1).mean(axis=0), rtol=1e-12)
        np.testing.assert_allclose(layer.moving_variance, wide.var(axis=1).mean(axis=0), rtol=1e-12)
    assert layer.get_weights()[-1] == 5
    assert layer.has_statistics
    layer.reset_statistics()
    assert not layer.has_statistics
    assert [w.tolist() for w in layer.get_weights()[2:]] == [[0.0] * 4, [1.0] * 4, 0.0]


def test_momentum_may_change_after_the_first_fit():
    model, x = network(BatchNormalization(momentum=0.5)), batches(1)[0]
    model.compile("sgd", "mse")
    model.fit(x, x[:, :1], verbose=0)
    assert model.layers[1].get_weights()[-1] == 0.5
    model.layers[1].momentum = 0.0
    model.fit(x, x[:, :1], verbose=0)
    assert model.layers[1].get_weights()[-1] == 0
    assert model.layers[1].get_config()["momentum"] == 0.0
    assert len(model.weights) == 4 + 5
    with pytest.raises(ValueError, match="momentum=-1"):
        model.layers[1].momentum = -1


def test_a_frozen_layer_runs_as_in_inference():
    layer, (x, other) = BatchNormalization(), batches(2)
    layer(x, training=True)
    layer.trainable = False
    before = layer.get_weights()
    np.testing.assert_array_equal(layer(other, training=True), layer(other))
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert not layer.trainable_weights


@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # Keras's own, false here
def test_no_ghost_step_at_the_end_of_data_of_unknown_length():
    model, x = network(BatchNormalization(momentum=0.5)), RNG.normal(size=(16, 4)).astype("float32")
    model.compile("sgd", "mse")
    data = tf.data.Dataset.from_tensor_slices((x, x[:, :1])).batch(4).filter(lambda x, y: True)
    model.fit(data, epochs=2, shuffle=False, verbose=0)
    assert model.layers[1].get_weights()[-1] == 0.5**8
