"""What batch normalization remembers: averages without their start, momentum, cumulative statistics."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8.layers import BatchNormalization
from tests import forked

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
    assert layer.variables[-1].numpy() == pytest.approx(sum(0.9**i for i in range(steps)))


def test_before_the_first_step_nothing_is_corrected():
    layer = BatchNormalization()
    x = batches(1)[0]
    np.testing.assert_allclose(layer(x), inference(x, 0, 1), rtol=1e-5)
    assert layer.variables[-1] == 0


def test_a_variance_that_was_always_0_does_not_become_negative():
    layer = BatchNormalization(momentum=0.999, epsilon=1e-30)
    for _ in range(3):
        layer(np.ones((4, 3)), training=True)
    _, variance = layer.inference_statistics()
    assert (variance.numpy() >= 0).all()
    assert np.isfinite(layer(np.ones((4, 3)))).all()


def network(norm):
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), norm, keras.layers.Dense(1)])


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
    assert forked.printed(code).split() == [model(x).numpy().tobytes().hex(), "cumulative"]


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
    assert layer.variables[-1] == 5
    layer.reset_statistics()
    assert [v.numpy().tolist() for v in layer.variables[2:]] == [[0.0] * 4, [1.0] * 4, 0.0]


@pytest.mark.slow
def test_momentum_may_change_after_the_first_fit():
    model, x = network(BatchNormalization(momentum=0.5)), batches(1)[0]
    model.compile("sgd", "mse")
    model.fit(x, x[:, :1], epochs=2, verbose=0)
    norm = model.layers[1]
    assert norm.variables[-1] == 1.5
    norm.momentum = 0.0
    model.fit(x, x[:, :1], verbose=0)
    assert norm.variables[-1] == 1
    assert norm.get_config()["momentum"] == 0.0
    assert len(model.weights) == 4 + 4
    with pytest.raises(ValueError, match="momentum=-1"):
        norm.momentum = -1


def test_a_smaller_momentum_holds_at_once():
    """Averages over 100 batches and momentum 0.9: mean <- 0.9 * mean + 0.1 * mu, as in Keras's layer."""
    layer, x = BatchNormalization(dtype="float64"), batches(1)[0]
    layer.build(x.shape)
    layer.set_statistics(np.ones(4), np.ones(4))
    layer.momentum = 0.9
    layer(x, training=True)
    np.testing.assert_allclose(layer.moving_mean, 0.9 + 0.1 * x.mean(axis=0, dtype="float64"), rtol=1e-12)


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
    assert model.layers[1].variables[-1] == sum(0.5**i for i in range(8))
