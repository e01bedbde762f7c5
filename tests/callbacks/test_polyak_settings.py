"""PolyakAveraging with any optimizer and in every way to run a model."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ch8 import callbacks, optimizers
from keras_ch8._state import load
from tests.callbacks.runs import BATCH, STEPS, X, Y, network
from tests.callbacks.test_polyak_averaging import Path, assert_same, average_of, train
from tests.oracles import averages

pytestmark = pytest.mark.filterwarnings("ignore:.*so the average mostly covers its start")  # of a few updates


def check(path, average, alpha=0.8, rtol=1e-5):
    assert average.updates == len(path.raw)
    for i, values in enumerate(zip(*path.raw, strict=True)):
        np.testing.assert_allclose(average.weights[i], averages.exponential(values, alpha), rtol=rtol, atol=1e-6)


@pytest.mark.slow
def test_with_an_optimizer_that_is_given_the_loss():
    path, average = Path(), average_of(decay=0.8)
    train(path, average, optimizer=optimizers.SteepestDescent(), epochs=6, batch_size=len(X), validation_data=None)
    check(path, average)


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.parametrize("policy", ["mixed_float16", "bfloat16"])
def test_in_low_precision_the_average_is_float32(policy):
    average, path, model = average_of(uniform=True, final="raw"), Path(), network(optimizers.SGD(0.1), policy)
    train(path, average, model=model, validation_data=None)
    kept = load(average.get_state()["average"]).averages
    assert {a.dtype.name for a in kept} == {"float32"}
    counted = path.raw[-average.updates :]  # the loss of float16 is scaled down at first
    assert average.updates > STEPS
    for i, values in enumerate(zip(*counted, strict=True)):
        expected = averages.uniform([v.astype("float64") for v in values])
        np.testing.assert_allclose(kept[i], expected, rtol=1e-5, atol=1e-6)
        stored = average.weights[i]
        assert stored.dtype == values[0].dtype
        np.testing.assert_array_equal(stored, kept[i].astype(stored.dtype))
    assert_same(model.get_weights(), path.raw[-1])


@pytest.mark.slow
@pytest.mark.broad
@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # Keras's own, false here
@pytest.mark.parametrize("optimizer", [optimizers.SGD, keras.optimizers.SGD], ids=["ours", "Keras"])
def test_data_of_unknown_length_bring_no_ghost_update(optimizer):
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(BATCH).filter(lambda *_: True)
    path, average, model = Path(), average_of(decay=0.8), network(optimizer(0.1))
    model.fit(data, epochs=2, verbose=0, shuffle=False, callbacks=[path, average])
    assert average.updates == 2 * STEPS
    check(path, average)


@pytest.mark.slow
def test_beside_telemetry_and_another_optimizer_in_the_middle(tmp_path):
    average, path = average_of(decay=0.8), Path()
    switch = callbacks.SwitchOptimizer("1ep", to=optimizers.SGD(0.05))
    board = callbacks.TensorBoard(tmp_path)
    model, _ = train(board, path, average, switch, optimizer=optimizers.Adam(), epochs=3)
    check(path, average)
    assert "train_step" not in vars(model)
    updates = average.updates
    train(model=model, epochs=1)
    assert average.updates == updates


@pytest.mark.slow
def test_an_embedding_is_averaged_whole():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Embedding(50, 2), keras.layers.Flatten()])
    model.add(keras.layers.Dense(2))
    model.compile(optimizers.Adagrad(0.1), "mse")
    path, average = Path(), average_of(decay=0.8)
    x = np.random.default_rng(0).integers(0, 9, (48, 3))
    model.fit(x, Y, batch_size=BATCH, verbose=0, callbacks=[path, average])
    check(path, average)


@pytest.mark.slow
def test_the_blocks_of_an_optimizer_are_asked_for_their_skipped_steps_and_averages():
    average = average_of(decay=0.9)
    blocks = optimizers.BlockCoordinateDescent(optimizers.SGD(0.1, skip_nonfinite=True), blocks=[".*"])
    x = X.copy()
    x[0] = np.nan
    model = network(blocks)
    model.fit(x, Y, batch_size=BATCH, shuffle=False, epochs=1, callbacks=[average], verbose=0)
    assert average.updates == STEPS - 1
    with pytest.raises(ValueError, match="use_ema=True"):
        train(average_of(), optimizer=optimizers.BlockCoordinateDescent(optimizers.SGD(use_ema=True), blocks=[".*"]))
